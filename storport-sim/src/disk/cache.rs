//! The volatile write cache: which blocks the medium does not have yet, and what it has instead.
//!
//! The store always holds the newest data, so that reads need not look here; what is kept is the opposite,
//! the *old* contents of every block that was written since it was last flushed. Losing power puts old
//! contents back. That a block may have gone through several versions in between is not modelled: after a
//! loss of power it holds either what was durable or what was written last.
//!
//! A real cache is finite and moves its oldest blocks to the medium by itself; so does this one. What is
//! larger than the whole cache bypasses it. Both are our choice: the standard leaves destaging to the device.
//!
//! The invariant: a block has an entry if and only if losing power may change what it reads as.

use std::collections::BTreeMap;
use std::io;

use super::BackingStore;

/// The old contents of blocks, by logical block address.
#[derive(Debug)]
pub(super) struct VolatileCache {
    /// Bytes per block, as a power of two.
    shift: u32,
    /// Entries there may be.
    capacity: u64,
    entries: BTreeMap<u64, Entry>,
    /// The entries in the order they were made: who goes first when there is no room.
    by_age: BTreeMap<u64, u64>,
    /// How many entries were ever made.
    made: u64,
}

#[derive(Debug)]
struct Entry {
    age: u64,
    durable: Box<[u8]>,
}

impl VolatileCache {
    /// A cache of `capacity` blocks of `1 << shift` bytes; at least one.
    pub(super) fn new(capacity: u64, shift: u32) -> Self {
        let (entries, by_age) = (BTreeMap::new(), BTreeMap::new());
        Self { shift, capacity: capacity.max(1), entries, by_age, made: 0 }
    }

    /// Blocks that are not on the medium.
    pub(super) fn blocks(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Some of `count` blocks from `lba` are not on the medium.
    pub(super) fn holds_any(&self, lba: u64, count: u64) -> bool {
        count > 0 && self.entries.range(lba..=last(lba, count)).next().is_some()
    }

    /// About to write `count` blocks from `lba`: what the store holds now is what the medium will have.
    pub(super) fn before_write(
        &mut self,
        store: &mut dyn BackingStore,
        lba: u64,
        count: u64,
    ) -> io::Result<()> {
        if count > self.capacity {
            self.settle(lba, count);
            return Ok(());
        }
        for lba in lba..lba + count {
            if self.entries.contains_key(&lba) {
                continue;
            }
            let mut durable = self.room();
            store.read_at(lba << self.shift, &mut durable)?;
            let age = self.made;
            self.made += 1;
            self.by_age.insert(age, lba);
            self.entries.insert(lba, Entry { age, durable });
        }
        Ok(())
    }

    /// The medium has `count` blocks from `lba` now.
    pub(super) fn settle(&mut self, lba: u64, count: u64) {
        if count == 0 {
            return;
        }
        while let Some((&held, _)) = self.entries.range(lba..=last(lba, count)).next() {
            self.remove(held);
        }
    }

    /// Puts the old contents of every block back that does not survive; returns how many were lost.
    ///
    /// Blocks are asked about in ascending order. The cache is empty afterwards, whatever the store says.
    pub(super) fn lose(
        &mut self,
        store: &mut dyn BackingStore,
        mut survives: impl FnMut(u64) -> bool,
    ) -> io::Result<u64> {
        self.by_age.clear();
        let mut lost = 0;
        for (lba, entry) in std::mem::take(&mut self.entries) {
            if !survives(lba) {
                store.write_at(lba << self.shift, &entry.durable)?;
                lost += 1;
            }
        }
        Ok(lost)
    }

    /// Room for one block; the oldest gives up its own where there is none.
    fn room(&mut self) -> Box<[u8]> {
        if self.blocks() < self.capacity {
            return vec![0; 1 << self.shift].into_boxed_slice();
        }
        let oldest = self.by_age.first_key_value().map(|(_, &lba)| lba);
        oldest
            .and_then(|lba| self.remove(lba))
            .expect("a full cache has an oldest block, and every age names an entry")
    }

    fn remove(&mut self, lba: u64) -> Option<Box<[u8]>> {
        let entry = self.entries.remove(&lba)?;
        self.by_age.remove(&entry.age);
        Some(entry.durable)
    }
}

/// The last of `count` blocks from `lba`; `count` is not zero, and the disk has checked that the blocks
/// exist.
fn last(lba: u64, count: u64) -> u64 {
    lba + (count - 1)
}
