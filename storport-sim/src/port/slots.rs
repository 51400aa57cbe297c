//! The slots of a unit: two that every unit has, and the others of one that is there.
//!
//! A bus scan asks hundreds of units that are not there, one request at a time. So a unit has one slot for
//! requests and one for recovery at first, and gets the rest when a disk has answered. Invariant: a slot
//! keeps its number and its place in memory as long as its unit is known.

use super::unit::Slot;
use std::ops::Index;
use std::sync::OnceLock;

/// The number of the slot that is kept back for recovery.
pub(super) const SPARE: u16 = 1;
/// How many every unit has.
pub(super) const FIRST: usize = 2;

/// The slots that a unit has so far.
#[derive(Default)]
pub(super) struct Slots {
    first: [Slot; FIRST],
    others: OnceLock<Box<[Slot]>>,
}

impl Slots {
    /// Adds so many; once.
    pub(super) fn add(&self, n: usize) {
        let added = self.others.set((0..n).map(|_| Slot::default()).collect());
        assert!(added.is_ok(), "a unit gets the rest of its slots once");
    }

    pub(super) fn len(&self) -> usize {
        FIRST + self.others().len()
    }

    #[inline]
    fn others(&self) -> &[Slot] {
        self.others.get().map_or(&[], |others| others)
    }

    #[inline]
    pub(super) fn get(&self, n: usize) -> Option<&Slot> {
        self.first.get(n).or_else(|| self.others().get(n - FIRST))
    }

    /// All of them, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.first.iter().chain(self.others())
    }
}

impl Index<usize> for Slots {
    type Output = Slot;

    #[inline]
    fn index(&self, n: usize) -> &Slot {
        self.get(n).expect("no slot of the unit has that number")
    }
}
