//! The spin locks that driver code holds on a processor: they are noted here, and looked up.
//!
//! How much is kept is for the hooks to say: nothing, a count, or each lock with its site. What the table
//! of them looks like is `held.rs`; which nestings of them were told, `nesting.rs`; whether holding them is
//! right is for watchers. Invariant: a processor's table and count are touched by the host thread that runs
//! it, or by one that knows it at rest.

#![expect(unsafe_code, reason = "the table is in a cell")]

use super::{LOCK_TAKEN, Processor, flag};
use crate::ddi::Call;
use crate::held::HeldLock;
use crate::irql::Irql;
use crate::nesting;
use crate::routine::{DdiInfo, KERNEL};
use crate::site::Site;
use crate::stack::StackId;
use smallvec::SmallVec;

impl Processor {
    /// Notes that the driver took a spin lock.
    #[inline(always)]
    pub(crate) fn lock_taken(
        &self,
        hooks: u8,
        address: usize,
        routine: &'static DdiInfo,
        site: Site,
        before: Irql,
    ) {
        if hooks & flag::COUNT != 0 {
            self.locks.set(self.locks.get() + LOCK_TAKEN + 1);
            if hooks & flag::SITES != 0 {
                self.remember(hooks, address, routine, site, before);
            }
        }
    }

    #[inline]
    fn remember(&self, hooks: u8, address: usize, routine: &'static DdiInfo, site: Site, irql_before: Irql) {
        let step = if hooks & flag::DETERMINISTIC != 0 { self.machine().step() } else { 0 };
        let callback = self.frame().kind;
        let stack = StackId::NONE;
        let (address, stalled_us) = (address as u64, self.stalled_us.get());
        let lock = HeldLock { address, routine, site, callback, irql_before, step, stack, stalled_us };
        // SAFETY: only the processor's own host thread touches the table; no reference to it is alive
        // across calls.
        unsafe { &mut *self.held.get() }.push(lock);
    }

    /// Keeps the call stack with the lock that was taken last, if it was taken in this call and has none yet.
    pub(crate) fn keep_stack_of_lock(&self, call: &Call) {
        // SAFETY: only the processor's own host thread touches the table; no reference to it is alive
        // across calls.
        let newest = unsafe { &mut *self.held.get() }.newest();
        if let Some(lock) = newest.filter(|lock| lock.routine == call.ddi && lock.site == call.site) {
            lock.stack = lock.stack.or_else(|| self.machine().stacks.keep());
        }
    }

    /// Notes that the driver gave a spin lock back.
    #[inline(always)]
    pub(crate) fn lock_given(&self, hooks: u8, address: usize) {
        if hooks & flag::COUNT != 0 {
            if self.held_count() != 0 {
                self.locks.set(self.locks.get() - 1);
            }
            if hooks & flag::SITES != 0 {
                // SAFETY: only the processor's own host thread touches the table; no reference to it is
                // alive across calls.
                unsafe { &mut *self.held.get() }.remove(address as u64);
            }
        }
    }

    /// How many spin locks the driver holds here; 0 unless somebody asked for the count.
    #[inline]
    #[must_use]
    pub fn held_count(&self) -> u32 {
        self.locks.get() as u32 & (LOCK_TAKEN as u32 - 1)
    }

    /// Whether watchers were not told yet that the driver takes the lock at a host address inside those it
    /// holds.
    #[inline]
    pub(crate) fn nests_anew(&self, lock: usize) -> bool {
        !self.nesting(lock).is_some_and(|nesting| self.known_nestings.has(nesting))
    }

    /// Notes that watchers were told that the driver takes the lock at a host address inside those it holds.
    pub(crate) fn nesting_told(&self, lock: usize) {
        let is_drivers = !self.frame().kind.is_system || self.frame().kind.id == KERNEL.id;
        if let Some(nesting) = self.nesting(lock).filter(|_| is_drivers) {
            self.known_nestings.add(nesting);
        }
    }

    /// A lock becomes another one: every nesting of this processor is told again.
    pub(crate) fn forget_nestings(&self) {
        self.known_nestings.forget_all();
    }

    #[inline]
    fn nesting(&self, inner: usize) -> Option<u64> {
        let base = self.machine().memory.base();
        // SAFETY: as for `held_locks`.
        nesting::number(unsafe { &*self.held.get() }, self.held_count(), inner, base)
    }

    /// A spin lock that the driver holds here and that lies in a range of memory, by host address.
    pub(crate) fn held_in(&self, start: usize, bytes: usize) -> Option<usize> {
        // SAFETY: as for `held_locks`.
        let held = unsafe { &*self.held.get() };
        held.iter().map(|lock| lock.address as usize).find(|address| address.wrapping_sub(start) < bytes)
    }

    /// Whether the routine `ddi` gives back, to that level, what its counterpart took here last.
    #[inline]
    pub(crate) fn gives_back_newest(&self, lock: usize, ddi: &DdiInfo, level: Option<Irql>) -> bool {
        // SAFETY: as for `held_locks`.
        let newest = unsafe { &*self.held.get() }.last();
        newest.is_some_and(|newest| {
            newest.address == lock as u64
                && level.is_none_or(|level| level == newest.irql_before)
                && crate::sync::lock::is_counterpart(newest.routine, ddi)
        })
    }

    /// The newest entry of the lock at a host address, if the driver holds it here and sites are kept.
    #[must_use]
    pub fn held_lock(&self, address: usize) -> Option<HeldLock> {
        // SAFETY: as for `held_locks`.
        let held = unsafe { &*self.held.get() };
        held.iter().rfind(|lock| lock.address == address as u64).copied()
    }

    /// The spin locks the driver holds here, oldest first, as far as sites are kept.
    #[must_use]
    pub fn held_locks(&self) -> Vec<HeldLock> {
        // SAFETY: only the processor's own host thread touches the table, or one that knows it at rest.
        let held = unsafe { &*self.held.get() };
        held.iter()
            .map(|h| HeldLock { address: self.machine().machine_address(h.address as usize), ..*h })
            .collect()
    }

    /// The one of those locks that was taken last.
    pub(crate) fn held_last(&self) -> Option<HeldLock> {
        // SAFETY: as for `held_locks`.
        let last = unsafe { &*self.held.get() }.iter().next_back()?;
        Some(HeldLock { address: self.machine().machine_address(last.address as usize), ..*last })
    }

    /// The machine addresses of those locks.
    pub(crate) fn held_addresses(&self) -> SmallVec<[u64; 4]> {
        // SAFETY: as for `held_locks`.
        let held = unsafe { &*self.held.get() };
        held.iter().map(|lock| self.machine().machine_address(lock.address as usize)).collect()
    }

    /// The lock at a host address as it was last held here, if it was given back since and is still known.
    pub(crate) fn past_lock(&self, address: usize) -> Option<HeldLock> {
        // SAFETY: only the processor's own host thread touches the table.
        let lock = unsafe { &*self.held.get() }.past(address as u64)?;
        Some(HeldLock { address: self.machine().machine_address(address), ..*lock })
    }
}
