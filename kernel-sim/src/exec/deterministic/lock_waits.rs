//! Waiting for spin locks in the deterministic executor: blocked, not looping.
//!
//! A processor that waits is not enabled until somebody releases the word it waits for, so a cycle of
//! waits is a fact, found in the step that closes it. It knows lock words, not which DDI took them.

use super::{Deterministic, bits, set};
use crate::bugcheck::{Deadlock, Ending, Waiter};
use crate::machine::Machine;
use crate::processor::Processor;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A processor blocked on a spin lock.
#[derive(Clone, Copy)]
pub(super) struct LockWait {
    pub(super) word: usize,
    /// Arrival number, for first-come first-served locks.
    pub(super) arrival: u64,
    pub(super) queued: bool,
}

impl Deterministic {
    /// Blocks `cpu` until the lock word is free for it.
    pub(crate) fn wait_for_lock(&self, machine: &Machine, cpu: &Processor, word: &AtomicUsize, queued: bool) {
        let n = usize::from(cpu.index());
        let bit = 1 << n;
        let address = std::ptr::from_ref(word) as usize;
        let arrival = self.arrivals.get();
        self.arrivals.set(arrival + 1);
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { (&mut *self.waits.get())[n] = LockWait { word: address, arrival, queued } };
        set(&self.blocked, bit, true);
        while !(word.load(Relaxed) == 0 && (!queued || self.is_first(n))) {
            set(&self.run, bit, false);
            if self.closes_cycle(machine, n) {
                machine.stop(Ending::Deadlock(Box::new(self.lock_cycle(machine, n))));
            } else {
                self.point(machine, cpu);
            }
            if machine.is_quiet() {
                crate::sync::thread::unwind(cpu);
            }
        }
        set(&self.blocked, bit, false);
        set(&self.run, bit, true);
    }

    pub(super) fn wait_of(&self, n: usize) -> LockWait {
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { (&*self.waits.get())[n] }
    }

    /// Whether blocked processor `n` came before all others that wait for the same lock in order.
    fn is_first(&self, n: usize) -> bool {
        let mine = self.wait_of(n);
        !bits(self.blocked.get()).any(|m| {
            let other = self.wait_of(m);
            other.word == mine.word && other.queued && other.arrival < mine.arrival
        })
    }

    /// Whether somebody waits for the lock in the order of arrival.
    pub(crate) fn has_queue(&self, word: usize) -> bool {
        bits(self.blocked.get()).any(|m| self.wait_of(m).word == word && self.wait_of(m).queued)
    }

    /// A lock was released: its waiters may try.
    #[inline]
    pub(crate) fn lock_released(&self, word: usize) {
        for n in bits(self.blocked.get()) {
            if self.wait_of(n).word == word {
                set(&self.run, 1 << n, true);
            }
        }
    }

    /// Whether blocked processor `start` waits, through others, for itself.
    fn closes_cycle(&self, machine: &Machine, start: usize) -> bool {
        let mut at = start;
        for _ in 0..machine.processors.len() {
            if self.blocked.get() & (1 << at) == 0 {
                return false;
            }
            match machine.lock_holder(self.wait_of(at).word) {
                Some(holder) if usize::from(holder) == start => return true,
                Some(holder) => at = usize::from(holder),
                None => return false,
            }
        }
        false
    }

    /// The evidence of the cycle that `start` closed.
    fn lock_cycle(&self, machine: &Machine, start: usize) -> Deadlock {
        let mut members = vec![start];
        while let Some(holder) = machine.lock_holder(self.wait_of(members[members.len() - 1]).word)
            && usize::from(holder) != start
        {
            members.push(usize::from(holder));
        }
        let names: Vec<_> = members.iter().map(|n| format!("CPU {n}")).collect();
        let waiters = members.iter().map(|n| self.waiter(machine, *n)).collect();
        Deadlock { what: format!("{} wait for each other's spin locks", names.join(", ")), waiters }
    }

    fn waiter(&self, machine: &Machine, n: usize) -> Waiter {
        let word = self.wait_of(n).word;
        Waiter {
            place: machine.processors[n].place(),
            waits_for: format!("spin lock {}", crate::report_address(machine.machine_address(word))),
            holder: machine.lock_holder(word),
        }
    }

    /// Who is blocked on a spin lock.
    pub(crate) fn lock_waiters(&self, machine: &Machine) -> Vec<Waiter> {
        bits(self.blocked.get()).map(|n| self.waiter(machine, n)).collect()
    }
}
