//! The nestings of spin locks that watchers were told of on one processor.
//!
//! A nesting is the locks that a driver holds, oldest first, and the lock that it takes inside them.
//! Drivers go through the same few all the time, and a watcher who was told of one learns nothing from the
//! next; so a nesting that is known here costs a look at this table. Only a lock that is initialised
//! becomes another lock: then all is forgotten, on every processor. Invariant: what is known was told since
//! the last initialisation, and no watcher objected. A nesting may be told again: each has one place in the
//! table and gives way to others.

use crate::held::HeldTable;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The table of one processor.
pub(crate) struct KnownNestings {
    /// Numbers of nestings, each in the place that its last bits give; 0 where none is. Other processors only
    /// ever write 0.
    places: [AtomicU64; KnownNestings::PLACES],
}

impl KnownNestings {
    const PLACES: usize = 16;

    pub(crate) const fn new() -> KnownNestings {
        KnownNestings { places: [const { AtomicU64::new(0) }; KnownNestings::PLACES] }
    }

    /// Whether watchers were told of this nesting.
    #[inline]
    pub(crate) fn has(&self, nesting: u64) -> bool {
        self.place(nesting).load(Relaxed) == nesting
    }

    pub(crate) fn add(&self, nesting: u64) {
        self.place(nesting).store(nesting, Relaxed);
    }

    pub(crate) fn forget_all(&self) {
        self.places.iter().for_each(|place| place.store(0, Relaxed));
    }

    #[inline]
    fn place(&self, nesting: u64) -> &AtomicU64 {
        &self.places[(nesting >> 32) as usize % KnownNestings::PLACES]
    }
}

/// The number of the nesting of the lock at a host address in those held; two have the same number by a
/// chance of one in 2^64. It depends on how far locks are from `base`, where the machine's memory begins, so
/// that a run does not depend on where the host puts it. `None`: nothing is held, or not all that is held is
/// in the table.
#[inline]
pub(crate) fn number(held: &HeldTable, count: u32, inner: usize, base: usize) -> Option<u64> {
    let mut locks = held.iter();
    if count == 0 || locks.len() != count as usize {
        return None;
    }
    let mix = |mixed: u64, address: u64| {
        let at = address.wrapping_sub(base as u64);
        (mixed.rotate_left(29) ^ at).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    };
    let outer = locks.by_ref().fold(0, |mixed, lock| mix(mixed, lock.address));
    Some(mix(outer, inner as u64) | 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nesting_is_known_until_another_takes_its_place_or_all_is_forgotten() {
        let known = KnownNestings::new();
        let number = |n: u64| n << 32 | 1;
        assert!(!known.has(number(3)));
        known.add(number(3));
        known.add(number(4));
        assert!(known.has(number(3)) && known.has(number(4)));
        known.add(number(3 + KnownNestings::PLACES as u64));
        assert!(!known.has(number(3)) && known.has(number(4)));
        known.forget_all();
        assert!(!known.has(number(4)));
    }
}
