//! The memory that a device may reach: the map between it and the machine's memory.
//!
//! A device starts unrestricted, as on a computer without an IOMMU: any pool memory will do. The port driver
//! that manages its DMA restricts it once, and from then on only ranges that were admitted, and not yet
//! revoked, are reachable; they are counted, so two users of one range do not disturb each other. The first
//! access that is refused is kept, and ends the run when the device's step is over.
//! The map moves no data and knows no drivers. Invariant: an access is allowed if and only if every
//! byte of it lies in some admitted range.

use std::collections::BTreeMap;

/// A device was told to move data where no driver memory is, or where it was given none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadAddress;

/// A device reached for memory that it was not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DmaFault {
    /// Physical address of the access.
    pub physical: u64,
    /// Its length in bytes.
    pub bytes: usize,
    /// Whether it would have written memory.
    pub is_write: bool,
}

/// The map of one device.
#[derive(Default)]
pub(crate) struct DmaMap {
    restricted: bool,
    /// (start, end) of an admitted range, and how often it was admitted.
    ranges: BTreeMap<(u64, u64), u32>,
    /// Admitted ranges that were hit last, (start, end): a device comes back to its rings and to the request
    /// it is at.
    recent: [(u64, u64); RECENT],
    /// Which of them is forgotten next.
    next_recent: usize,
    fault: Option<DmaFault>,
}

/// Ranges remembered.
const RECENT: usize = 4;

impl DmaMap {
    pub(crate) fn restrict(&mut self) {
        self.restricted = true;
    }

    pub(crate) fn admit(&mut self, physical: u64, bytes: usize) {
        if bytes != 0 {
            *self.ranges.entry((physical, physical + bytes as u64)).or_insert(0) += 1;
        }
    }

    /// Whether a byte of memory is one that the device was given: not merely left to it.
    pub(crate) fn was_given(&self, physical: u64) -> bool {
        self.restricted && self.ranges.range(..=(physical, u64::MAX)).rev().any(|((_, to), _)| *to > physical)
    }

    /// Takes one admission of exactly this range away; a range never admitted changes nothing.
    pub(crate) fn revoke(&mut self, physical: u64, bytes: usize) {
        let key = (physical, physical + bytes as u64);
        if let Some(count) = self.ranges.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.ranges.remove(&key);
                self.recent.iter_mut().filter(|recent| **recent == key).for_each(|recent| *recent = (0, 0));
            }
        }
    }

    /// Checks an access; the first that is refused is noted.
    pub(crate) fn check(&mut self, physical: u64, bytes: usize, is_write: bool) -> Result<(), BadAddress> {
        if !self.restricted || self.covers(physical, bytes) {
            return Ok(());
        }
        Err(self.refuse(physical, bytes, is_write))
    }

    /// Refuses an access; the first is noted.
    pub(crate) fn refuse(&mut self, physical: u64, bytes: usize, is_write: bool) -> BadAddress {
        self.fault.get_or_insert(DmaFault { physical, bytes, is_write });
        BadAddress
    }

    /// Whether every byte lies in an admitted range. Ranges rarely overlap, so the nearest one that
    /// starts at or before a byte is nearly always the one that holds it.
    fn covers(&mut self, physical: u64, bytes: usize) -> bool {
        let Some(end) = physical.checked_add(bytes as u64) else { return false };
        if self.recent.iter().any(|(from, to)| *from <= physical && end <= *to) {
            return true;
        }
        let mut at = physical;
        while at < end {
            let holder = self.ranges.range(..=(at, u64::MAX)).rev().find(|((_, to), _)| *to > at);
            let Some(((from, to), _)) = holder else { return false };
            if at == physical && end <= *to {
                self.recent[self.next_recent] = (*from, *to);
                self.next_recent = (self.next_recent + 1) % RECENT;
            }
            at = *to;
        }
        true
    }

    /// The access that was refused, if any was since the last call.
    pub(crate) fn take_fault(&mut self) -> Option<DmaFault> {
        self.fault.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(map: &mut DmaMap, physical: u64, bytes: usize) -> bool {
        map.check(physical, bytes, false).is_ok()
    }

    #[test]
    fn an_unrestricted_device_reaches_everything() {
        assert!(reaches(&mut DmaMap::default(), 0, usize::MAX));
    }

    #[test]
    fn only_what_was_admitted_is_reached() {
        let mut map = DmaMap::default();
        map.restrict();
        map.admit(0x1000, 0x100);
        map.admit(0x1100, 0x100);
        assert!(reaches(&mut map, 0x1000, 0x200), "two neighbours make one range");
        assert!(!reaches(&mut map, 0xFFF, 2));
        assert!(!reaches(&mut map, 0x11FF, 2));
        assert!(!reaches(&mut map, u64::MAX, 2));
        map.revoke(0x1000, 0x100);
        assert!(!reaches(&mut map, 0x1080, 1));
        assert!(reaches(&mut map, 0x1180, 1));
        assert_eq!(map.take_fault().map(|fault| fault.physical), Some(0xFFF), "the first");
        assert_eq!(map.take_fault(), None);
    }

    #[test]
    fn a_range_admitted_twice_is_revoked_twice() {
        let mut map = DmaMap::default();
        map.restrict();
        map.admit(0x1000, 0x1000);
        map.admit(0x1000, 0x1000);
        map.admit(0x1800, 8);
        map.revoke(0x1000, 0x1000);
        assert!(reaches(&mut map, 0x1900, 8), "a short range inside does not hide the long one");
        map.revoke(0x1000, 0x1000);
        assert!(!reaches(&mut map, 0x1900, 8));
        map.revoke(0x5000, 1);
        assert!(reaches(&mut map, 0x1800, 8));
    }
}
