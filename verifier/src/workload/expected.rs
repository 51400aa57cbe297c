//! The contents that the blocks of a job must have.
//!
//! A unit is the smallest request of the job, so requests of all sizes begin and end between units. Most
//! units hold exactly the last generation written; what a trim or a failed request has touched may hold one
//! of several things, each sector of it for itself, until it is written again. Invariant: a unit has one
//! request outstanding at most, so what it holds cannot change under a request.

use super::operations::{Extent, Part};
use super::pattern::{self, Content, Mismatch};
use std::collections::BTreeMap;

/// See the module page.
pub(super) struct Expected {
    first: u64,
    unit_bytes: u32,
    /// Whether what was never written is zeros; otherwise it is anything.
    zeroed: bool,
    /// The last generation sent to each unit; 0: none.
    generations: Vec<u32>,
    busy: Vec<bool>,
    /// Units that do not simply hold their last generation.
    otherwise: BTreeMap<u64, Vec<Content>>,
}

impl Expected {
    pub(super) fn new(part: Part, unit_bytes: u32, zeroed: bool) -> Expected {
        let units = usize::try_from(part.units).unwrap_or(usize::MAX);
        Expected {
            first: part.first,
            unit_bytes,
            zeroed,
            generations: vec![0; units],
            busy: vec![false; units],
            otherwise: BTreeMap::new(),
        }
    }

    fn range(&self, at: Extent) -> std::ops::Range<usize> {
        let from = (at.first - self.first) as usize;
        from..from + at.units as usize
    }

    /// Whether a request is outstanding for any of these units.
    pub(super) fn is_busy(&self, at: Extent) -> bool {
        self.busy[self.range(at)].contains(&true)
    }

    pub(super) fn set_busy(&mut self, at: Extent, busy: bool) {
        let range = self.range(at);
        self.busy[range].fill(busy);
    }

    /// Fills a write's buffer with the next generation of each unit.
    pub(super) fn stamp(&mut self, at: Extent, buffer: &mut [u8]) {
        let range = self.range(at);
        let unit_bytes = self.unit_bytes as usize;
        let units = buffer.chunks_exact_mut(unit_bytes).zip(&mut self.generations[range]);
        for ((unit, generation), number) in units.zip(at.first..) {
            *generation += 1;
            pattern::stamp(unit, number * unit_bytes as u64, *generation);
        }
    }

    /// A write has succeeded.
    pub(super) fn written(&mut self, at: Extent) {
        if !self.otherwise.is_empty() {
            for unit in at.first..at.first + u64::from(at.units) {
                self.otherwise.remove(&unit);
            }
        }
    }

    /// A write has failed: each sector holds what it held, or the new generation.
    pub(super) fn maybe_written(&mut self, at: Extent) {
        for unit in at.first..at.first + u64::from(at.units) {
            let generation = self.generations[(unit - self.first) as usize];
            let before = Content::of_generation(generation - 1);
            let held = self.otherwise.entry(unit).or_insert_with(|| vec![before]);
            held.push(Content::Generation(generation));
        }
    }

    /// The last write, which may have been made or not, is about to be sent once more: the next stamp is of
    /// its generation.
    pub(super) fn take_back(&mut self, at: Extent) {
        let range = self.range(at);
        self.generations[range].iter_mut().for_each(|generation| *generation -= 1);
    }

    /// A trim has ended: what it named reads as zeros if the disk promises that and it succeeded, else each
    /// sector as zeros or as before.
    pub(super) fn trimmed(&mut self, at: Extent, is_certain: bool) {
        for unit in at.first..at.first + u64::from(at.units) {
            let before = Content::of_generation(self.generations[(unit - self.first) as usize]);
            let held = self.otherwise.entry(unit).or_insert_with(|| vec![before]);
            if is_certain {
                held.clear();
            }
            if !held.contains(&Content::Zeros) {
                held.push(Content::Zeros);
            }
        }
    }

    /// Compares what a read returned; how many sectors could be compared.
    pub(super) fn check(&self, at: Extent, data: &[u8]) -> Result<u64, Mismatch> {
        let mut sectors = 0;
        for (unit, number) in data.chunks_exact(self.unit_bytes as usize).zip(at.first..) {
            let generation = self.generations[(number - self.first) as usize];
            let simple = [Content::of_generation(generation)];
            let held = self.otherwise.get(&number).map_or(&simple[..], Vec::as_slice);
            if !self.zeroed && held.contains(&Content::Original) {
                continue;
            }
            pattern::check(unit, number * u64::from(self.unit_bytes), held)?;
            sectors += (unit.len() / pattern::SECTOR) as u64;
        }
        Ok(sectors)
    }

    /// The units to look at when all is done, ascending: those a write or a trim was sent to.
    pub(super) fn touched(&self) -> Vec<u64> {
        let written = (self.first..).zip(&self.generations).filter(|(_, g)| **g != 0).map(|(unit, _)| unit);
        let mut all: Vec<u64> = written.chain(self.otherwise.keys().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Extent = Extent { first: 4, units: 2 };

    fn expected() -> (Expected, Vec<u8>) {
        (Expected::new(Part { first: 4, units: 4, disk: 8 }, 512, true), vec![0; 1024])
    }

    #[test]
    fn a_failed_write_leaves_each_sector_old_or_new() {
        let (mut expected, mut data) = expected();
        let mut new = data.clone();
        expected.stamp(AT, &mut data);
        expected.written(AT);
        expected.stamp(AT, &mut new);
        expected.maybe_written(AT);
        assert_eq!(expected.check(AT, &data), Ok(2));
        assert_eq!(expected.check(AT, &new), Ok(2));
        let torn = [&data[..512], &new[512..]].concat();
        assert_eq!(expected.check(AT, &torn), Ok(2));
        let wrong = expected.check(AT, &[0; 1024]).unwrap_err();
        assert_eq!(wrong.should_hold, "generation 1 or generation 2");
        expected.stamp(AT, &mut new);
        expected.written(AT);
        assert!(expected.check(AT, &data).is_err());
    }

    #[test]
    fn a_write_that_is_sent_once_more_has_the_data_it_had() {
        let (mut expected, mut data) = expected();
        let mut again = data.clone();
        expected.stamp(AT, &mut data);
        expected.maybe_written(AT);
        expected.take_back(AT);
        expected.stamp(AT, &mut again);
        expected.written(AT);
        assert_eq!(again, data);
        assert_eq!(expected.check(AT, &data), Ok(2));
        assert!(expected.check(AT, &[0; 1024]).is_err());
    }

    #[test]
    fn what_is_trimmed_is_zeros_or_what_it_was_as_the_disk_promises() {
        let (mut expected, mut data) = expected();
        expected.stamp(AT, &mut data);
        expected.trimmed(AT, false);
        assert_eq!(expected.check(AT, &data), Ok(2));
        assert_eq!(expected.check(AT, &[0; 1024]), Ok(2));
        expected.trimmed(AT, true);
        assert!(expected.check(AT, &data).is_err());
        assert_eq!(expected.touched(), [4, 5]);
    }

    #[test]
    fn what_an_image_held_before_is_not_ours_to_know() {
        let mut expected = Expected::new(Part { first: 0, units: 2, disk: 2 }, 512, false);
        let at = Extent { first: 0, units: 2 };
        let mut data = vec![0; 512];
        expected.stamp(Extent { first: 0, units: 1 }, &mut data);
        data.extend([7; 512]);
        assert_eq!(expected.check(at, &data), Ok(1));
    }
}
