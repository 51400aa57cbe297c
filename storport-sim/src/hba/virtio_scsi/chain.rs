//! A descriptor chain as memory: what the driver lent the device to read, and what to write.
//!
//! Framing is the driver's (2.7.4.3): headers, data and answers may be cut into descriptors anywhere, so all
//! here is addressed by bytes from the start. It does not know what the bytes mean. Neighbouring descriptors
//! over neighbouring memory are one segment. Invariant: nothing outside of the segments is touched.

use kernel_sim::hardware::{BadAddress, Bus};

/// A range of driver memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Segment {
    pub address: u64,
    pub bytes: usize,
}

/// Segments, one behind the other.
#[derive(Default)]
pub(super) struct Region {
    segments: Vec<Segment>,
    bytes: usize,
}

impl Region {
    pub fn clear(&mut self) {
        self.segments.clear();
        self.bytes = 0;
    }

    /// Adds a range at the end.
    pub fn push(&mut self, segment: Segment) {
        self.bytes = self.bytes.saturating_add(segment.bytes);
        if let Some(last) = self.segments.last_mut()
            && last.address.checked_add(last.bytes as u64) == Some(segment.address)
        {
            last.bytes += segment.bytes;
            return;
        }
        self.segments.push(segment);
    }

    /// All bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The parts of the segments from byte `from` on, `bytes` of them or as far as there are.
    fn pieces(&self, from: usize, bytes: usize) -> impl Iterator<Item = Segment> {
        let (mut skip, mut left) = (from, bytes);
        self.segments.iter().filter_map(move |segment| {
            let skipped = skip.min(segment.bytes);
            skip -= skipped;
            let taken = (segment.bytes - skipped).min(left);
            left -= taken;
            (taken != 0)
                .then(|| Segment { address: segment.address.wrapping_add(skipped as u64), bytes: taken })
        })
    }

    /// All from byte `from` on, if it lies in one piece.
    pub fn in_one_piece(&self, from: usize) -> Option<Segment> {
        let mut pieces = self.pieces(from, usize::MAX);
        let first = pieces.next()?;
        pieces.next().is_none().then_some(first)
    }

    /// Reads from byte `from` on; what there is too little of stays as it was.
    pub fn read(&self, bus: &Bus<'_>, from: usize, to: &mut [u8]) -> Result<(), BadAddress> {
        let mut at = 0;
        for piece in self.pieces(from, to.len()) {
            bus.read(piece.address, &mut to[at..at + piece.bytes])?;
            at += piece.bytes;
        }
        Ok(())
    }

    /// Writes from byte `from` on, as far as there is room.
    pub fn write(&self, bus: &Bus<'_>, from: usize, data: &[u8]) -> Result<(), BadAddress> {
        let mut at = 0;
        for piece in self.pieces(from, data.len()) {
            bus.write(piece.address, &data[at..at + piece.bytes])?;
            at += piece.bytes;
        }
        Ok(())
    }
}

/// A chain: its first descriptor, by which it is given back, and its memory.
#[derive(Default)]
pub(super) struct Chain {
    pub head: u16,
    /// The part that the device reads.
    pub readable: Region,
    /// The part that the device writes.
    pub writable: Region,
}

impl Chain {
    pub fn clear(&mut self) {
        self.readable.clear();
        self.writable.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(segments: &[(u64, usize)]) -> Region {
        let mut region = Region::default();
        for (address, bytes) in segments {
            region.push(Segment { address: *address, bytes: *bytes });
        }
        region
    }

    #[test]
    fn neighbours_are_one_segment() {
        let region = region(&[(0x1000, 0x100), (0x1100, 0x80), (0x5000, 8)]);
        assert_eq!(region.segments.len(), 2);
        assert_eq!(region.bytes(), 0x188);
        assert_eq!(region.in_one_piece(0x180), Some(Segment { address: 0x5000, bytes: 8 }));
        assert_eq!(region.in_one_piece(0x17F), None);
        assert_eq!(region.in_one_piece(0x188), None, "nothing is left");
    }

    #[test]
    fn pieces_are_cut_where_they_are_asked_for() {
        let region = region(&[(0x1000, 4), (0x2000, 4), (0x3000, 4)]);
        let cut: Vec<_> = region.pieces(3, 6).map(|s| (s.address, s.bytes)).collect();
        assert_eq!(cut, [(0x1003, 1), (0x2000, 4), (0x3000, 1)]);
        assert_eq!(region.pieces(12, 1).count(), 0);
    }
}
