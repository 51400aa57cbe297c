//! The contents of blocks: sectors stamped with their address, their generation and a pattern made of both.

use kernel_sim::split_mix::mix;

/// Bytes of a stamped sector.
pub(super) const SECTOR: usize = 512;

/// "storsim!" in little-endian.
const MAGIC: u64 = u64::from_le_bytes(*b"storsim!");

/// 64-bit words of a sector.
const WORDS: usize = SECTOR / 8;

/// Words of a sector that say what it is; the pattern follows them.
const HEADER: usize = 4;

/// What is added to a sector's seed for each of its words. A table, so that a loop over it is one of vector
/// additions: contents are made and compared for every block that is moved.
const STEPS: [u64; WORDS] = {
    let mut steps = [0; WORDS];
    let mut n = 0;
    while n < WORDS {
        steps[n] = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        n += 1;
    }
    steps
};

/// The first words of the sector at byte `at` of the disk, as generation `generation`; the last is its seed.
fn header(at: u64, generation: u32) -> [u64; HEADER] {
    [MAGIC, at, u64::from(generation), mix(at ^ u64::from(generation) << 40)]
}

/// Stamps a block at byte `offset` of the disk as generation `generation`.
pub(super) fn stamp(buffer: &mut [u8], offset: u64, generation: u32) {
    let (sectors, _) = buffer.as_chunks_mut::<SECTOR>();
    for (sector, at) in sectors.iter_mut().zip((offset..).step_by(SECTOR)) {
        let (words, _) = sector.as_chunks_mut::<8>();
        let header = header(at, generation);
        let seed = header[HEADER - 1];
        for (word, step) in words.iter_mut().zip(&STEPS) {
            *word = seed.wrapping_add(*step).to_le_bytes();
        }
        for (word, value) in words.iter_mut().zip(header) {
            *word = value.to_le_bytes();
        }
    }
}

/// The contents that a sector may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    /// The contents before the run: zeros, if they are known.
    Original,
    /// Zeros, since a trim.
    Zeros,
    /// A generation that was written.
    Generation(u32),
}

impl Content {
    /// The contents of a sector to which so many generations were written.
    pub(super) fn of_generation(generation: u32) -> Content {
        if generation == 0 { Content::Original } else { Content::Generation(generation) }
    }

    fn is_in(self, sector: &[u8], at: u64) -> bool {
        match self {
            Content::Original | Content::Zeros => is_stamped(sector, at, 0),
            Content::Generation(generation) => is_stamped(sector, at, generation),
        }
    }
}

impl std::fmt::Display for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Content::Original | Content::Zeros => f.write_str("zeros"),
            Content::Generation(generation) => write!(f, "generation {generation}"),
        }
    }
}

/// How a block differs from what it should hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mismatch {
    /// Byte offset on the disk of the first wrong sector.
    pub offset: u64,
    /// The contents that the sector should have, in words.
    pub should_hold: String,
    /// The contents that it has instead, in words.
    pub holds: String,
}

/// Compares a block at byte `offset`, each sector of which must hold one of `held`.
pub(super) fn check(buffer: &[u8], offset: u64, held: &[Content]) -> Result<(), Mismatch> {
    for (n, sector) in buffer.chunks_exact(SECTOR).enumerate() {
        let at = offset + (n * SECTOR) as u64;
        if !held.iter().any(|content| content.is_in(sector, at)) {
            let should_hold: Vec<_> = held.iter().map(ToString::to_string).collect();
            let should_hold = should_hold.join(" or ");
            return Err(Mismatch { offset: at, should_hold, holds: describe(sector) });
        }
    }
    Ok(())
}

fn is_stamped(sector: &[u8], at: u64, generation: u32) -> bool {
    let words = sector.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
    // No end at the first difference: there is none, nearly always.
    if generation == 0 {
        return words.fold(0, |all, word| all | word) == 0;
    }
    let header = header(at, generation);
    let seed = header[HEADER - 1];
    let pattern = words.clone().zip(&STEPS).skip(HEADER);
    let differences = pattern.fold(0, |all, (word, step)| all | word ^ seed.wrapping_add(*step));
    differences == 0 && words.take(HEADER).eq(header)
}

/// Describes the contents of a sector.
fn describe(sector: &[u8]) -> String {
    let words = sector.as_chunks::<8>().0;
    let header: Vec<u64> = words.iter().take(3).map(|w| u64::from_le_bytes(*w)).collect();
    match header[..] {
        [MAGIC, at, generation] if u32::try_from(generation).is_ok_and(|g| is_stamped(sector, at, g)) => {
            format!("generation {generation} of offset {at}")
        }
        [MAGIC, at, generation] => {
            format!("a torn sector, stamped as generation {generation} of offset {at}")
        }
        _ if sector.iter().all(|b| *b == 0) => "zeros".into(),
        _ => "something else".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_block_is_recognised_and_any_other_is_described() {
        let generation = |g| [Content::of_generation(g)];
        let mut block = vec![0; 2048];
        check(&block, 4096, &generation(0)).unwrap();
        stamp(&mut block, 4096, 3);
        check(&block, 4096, &generation(3)).unwrap();
        let stale = check(&block, 4096, &generation(4)).unwrap_err();
        assert_eq!((stale.offset, &*stale.should_hold), (4096, "generation 4"));
        assert_eq!(stale.holds, "generation 3 of offset 4096");
        let moved = check(&block, 8192, &generation(3)).unwrap_err();
        assert_eq!(moved.holds, "generation 3 of offset 4096");
        block[1024 + 100] ^= 1;
        let torn = check(&block, 4096, &generation(3)).unwrap_err();
        assert_eq!(torn.offset, 4096 + 1024);
        assert!(torn.holds.starts_with("a torn sector"));
    }
}
