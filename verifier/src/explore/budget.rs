//! How much to explore: which seeds, and how many of them.
//!
//! A budget does not know who explores or how fast; a limit in host time is kept where the host's clock is
//! read. Invariant: the seeds of a budget are one range, never empty.

use super::shard::Shard;
use std::ops::Range;

/// Schedules explored where nothing says how many.
pub const SCHEDULES_DEFAULT: u64 = 1000;

/// The first seed, unless a range is given.
pub const SEED_FIRST: u64 = 1;

/// What was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// `--seeds`: half open.
    pub seeds: Option<Range<u64>>,
    /// `--schedules`: over all shards.
    pub schedules: Option<u64>,
    /// Whether there is a limit in host time.
    pub timed: bool,
    /// `--shard`.
    pub shard: Option<Shard>,
}

/// The seeds to explore.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Budget {
    /// Where they begin and end.
    pub seeds: Range<u64>,
    /// Whether the range is what was asked for; otherwise there is no end but the time.
    pub bounded: bool,
    /// Of a shard, what was asked for over all shards.
    pub whole: Option<Range<u64>>,
}

impl Asked {
    /// The seeds that this means: a thousand from 1 unless told otherwise.
    ///
    /// # Errors
    /// When that leaves nothing to explore, or there is nothing to cut into shards.
    pub fn budget(&self) -> Result<Budget, String> {
        let bounded = self.seeds.is_some() || self.schedules.is_some() || !self.timed;
        if !bounded {
            return match self.shard {
                Some(_) => Err("--shard: a part of what? give --seeds or --schedules besides --time".into()),
                None => Ok(Budget { seeds: SEED_FIRST..u64::MAX, bounded, whole: None }),
            };
        }
        let whole = self.seeds.clone().unwrap_or_else(|| {
            SEED_FIRST..SEED_FIRST.saturating_add(self.schedules.unwrap_or(SCHEDULES_DEFAULT))
        });
        let seeds = self.shard.map_or(whole.clone(), |shard| shard.part(&whole));
        if seeds.is_empty() {
            let part = self.shard.map(|s| format!("shard {s} of ")).unwrap_or_default();
            return Err(format!("nothing to explore: {part}seeds {}..{} are none", whole.start, whole.end));
        }
        Ok(Budget { seeds, bounded, whole: self.shard.map(|_| whole) })
    }
}

/// Reads a half-open range of seeds: `0..100000`.
///
/// # Errors
/// When it is none, or empty.
pub fn seeds(text: &str) -> Result<Range<u64>, String> {
    let ends = text.split_once("..").and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    match ends {
        Some(range) if range.is_empty() => Err(format!("{text} holds no seed: the end is not part of it")),
        Some(range) => Ok(range),
        None => Err(format!("'{text}' is no range such as 0..1000")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: Asked) -> Result<(Range<u64>, bool), String> {
        asked.budget().map(|b| (b.seeds, b.bounded))
    }

    #[test]
    fn what_is_left_out_is_a_thousand_schedules_from_seed_1() {
        assert_eq!(of(Asked::default()), Ok((1..1001, true)));
        assert_eq!(of(Asked { schedules: Some(5), ..Asked::default() }), Ok((1..6, true)));
        assert_eq!(of(Asked { seeds: Some(3..9), timed: true, ..Asked::default() }), Ok((3..9, true)));
        assert_eq!(of(Asked { timed: true, ..Asked::default() }), Ok((1..u64::MAX, false)));
    }

    #[test]
    fn a_shard_is_a_part_of_what_was_asked_for() {
        let shard = Some(Shard::new(2, 3).unwrap());
        assert_eq!(of(Asked { seeds: Some(0..10), shard, ..Asked::default() }), Ok((3..6, true)));
        assert!(of(Asked { timed: true, shard, ..Asked::default() }).is_err());
        let first = Some(Shard::new(1, 3).unwrap());
        assert!(of(Asked { seeds: Some(0..1), shard: first, ..Asked::default() }).is_err());
    }

    #[test]
    fn a_range_is_half_open_and_never_empty() {
        assert_eq!(seeds("0..18446744073709551615"), Ok(0..u64::MAX));
        for text in
            ["", "5", "5..5", "6..5", "..5", "5..", "a..b", "1..=5", "-1..5", "0..18446744073709551616"]
        {
            assert!(seeds(text).is_err(), "{text}");
        }
    }
}
