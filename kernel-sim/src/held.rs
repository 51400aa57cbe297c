//! The spin locks that driver code holds on one processor.
//!
//! A fixed table in the processor, filled at every acquire that a watcher asked to have remembered. It knows
//! addresses and where they came from; whether holding them is right is for others to say. Invariant: entries
//! are in the order in which the locks were taken, and `top` counts what did not fit, too.

use crate::irql::Irql;
use crate::routine::{Callback, Coverage, DdiInfo, KERNEL, Kind, reserved};
use crate::site::Site;
use crate::stack::StackId;

/// Spin locks one processor can hold at once with their sites known; further ones are counted only.
pub const HELD_MAX: usize = 32;

/// A spin lock a driver holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeldLock {
    /// Machine address of the lock (a host address inside the table of a processor).
    pub address: u64,
    /// The DDI (or callback entry) that took it.
    pub routine: &'static DdiInfo,
    /// Where it was taken.
    pub site: Site,
    /// The callback in which it was taken.
    pub callback: &'static Callback,
    /// IRQL before it was taken.
    pub irql_before: Irql,
    /// Number of the step; 0 in the parallel executor.
    pub step: u64,
    /// The driver's call stack there, where stacks are kept.
    pub stack: StackId,
    /// Microseconds for which driver code had kept the processor busy by then.
    pub stalled_us: u64,
}

/// The table of one processor. An entry that is taken away stays readable behind the others until another
/// takes its place.
pub(crate) struct HeldTable {
    entries: [HeldLock; HELD_MAX],
    top: usize,
}

/// An entry that was never used: no lock lies at address 0.
const UNUSED: HeldLock = HeldLock {
    address: 0,
    routine: &NO_ROUTINE,
    site: Site::caller(),
    callback: &KERNEL,
    irql_before: Irql::PASSIVE,
    step: 0,
    stack: StackId::NONE,
    stalled_us: 0,
};

static NO_ROUTINE: DdiInfo = DdiInfo {
    id: reserved::GENERAL,
    name: "",
    header: "",
    irql: None,
    coverage: Coverage::NotHereYet,
    params: &[],
    returns: "()",
    summary: "",
    kind: Kind::Plain,
    must_inspect: false,
};

impl HeldTable {
    pub(crate) const fn new() -> HeldTable {
        HeldTable { entries: [UNUSED; HELD_MAX], top: 0 }
    }

    pub(crate) fn clear(&mut self) {
        // Used entries lie before unused ones.
        self.entries.iter_mut().take_while(|lock| lock.address != 0).for_each(|lock| *lock = UNUSED);
        self.top = 0;
    }

    /// Adds a lock that was just taken.
    #[inline]
    pub(crate) fn push(&mut self, lock: HeldLock) {
        let top = self.top;
        if let Some(entry) = self.entries.get_mut(top) {
            *entry = lock;
        }
        self.top = top + 1;
    }

    /// Takes away the newest entry of the lock at `address`.
    #[inline]
    pub(crate) fn remove(&mut self, address: u64) {
        // Past the end where the table is empty, too.
        let newest = self.top.wrapping_sub(1);
        if self.entries.get(newest).is_some_and(|lock| lock.address == address) {
            self.top = newest;
        } else {
            self.remove_older(address);
        }
    }

    #[cold]
    fn remove_older(&mut self, address: u64) {
        let top = self.top;
        if top > HELD_MAX {
            self.top = top - 1;
        } else if let Some(at) = self.entries[..top].iter().rposition(|lock| lock.address == address) {
            self.entries.copy_within(at + 1..top, at);
            self.top = top - 1;
        }
    }

    /// As `newest`, to look at.
    #[inline]
    pub(crate) fn last(&self) -> Option<&HeldLock> {
        self.entries.get(self.top.wrapping_sub(1))
    }

    /// The lock that was taken last, if it is known.
    pub(crate) fn newest(&mut self) -> Option<&mut HeldLock> {
        self.entries.get_mut(self.top.wrapping_sub(1))
    }

    /// The newest entry of the lock at `address` among those that were taken away and not written over yet.
    pub(crate) fn past(&self, address: u64) -> Option<&HeldLock> {
        let past = self.entries[self.top.min(HELD_MAX)..].iter();
        past.filter(|lock| lock.address == address).max_by_key(|lock| lock.step)
    }

    /// The locks, oldest first, as far as they are known.
    #[inline]
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &HeldLock> + ExactSizeIterator {
        self.entries[..self.top.min(HELD_MAX)].iter()
    }
}
