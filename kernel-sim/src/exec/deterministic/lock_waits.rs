//! Waiting for spin locks in the deterministic executor: blocked, not looping.
//!
//! A processor about to take a lock that another holds is not enabled until the lock is free, so a
//! contended lock costs no step and a cycle of waits is a fact, found in the step that closes it. It
//! knows lock words, not which DDI takes them.
//!
//! A processor waits in one of two ways. *Before the call* it has raised nothing yet: what it runs
//! may still be interrupted by a DPC or another thread. Where such work is there, the processor may
//! also go on into the call although the lock is held: it raises its IRQL, and the work has to wait.
//! *Inside the call* it is committed.

#![expect(unsafe_code, reason = "fibers and host threads share the machine by pointers")]

use super::{Deterministic, bits, set};
use crate::bugcheck::{Deadlock, Ending, Waiter};
use crate::choose::OtherTransitions;
use crate::ddi::Call;
use crate::lives;
use crate::machine::Machine;
use crate::processor::Processor;
use crate::routine::Arg;
use crate::sync::lock::check_owner;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The lock that a processor waits for.
#[derive(Clone, Copy)]
pub(super) struct LockWait {
    pub(super) word: usize,
    /// Arrival number, for first-come first-served locks.
    pub(super) arrival: u64,
    pub(super) queued: bool,
}

impl LockWait {
    pub(super) const NONE: LockWait = LockWait { word: 0, arrival: 0, queued: false };
}

impl Machine {
    /// The scheduling point before a call, with these arguments, that takes the lock at `address`. Unwinds if
    /// the machine stopped.
    #[inline(always)]
    pub(crate) fn point_before_lock(&self, cpu: &Processor, address: usize, args: &[Arg]) {
        if cpu.is_aligned_word(address) {
            self.deterministic().point_before_lock(self, cpu, address, args);
            if self.is_quiet() {
                crate::sync::thread::unwind(cpu);
            }
        } else {
            // No lock: the body says so.
            self.point(cpu);
        }
    }
}

impl Deterministic {
    #[inline(always)]
    fn point_before_lock(&self, machine: &Machine, cpu: &Processor, address: usize, args: &[Arg]) {
        let n = usize::from(cpu.index());
        let bit = 1 << n;
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { (&mut *self.waits.get())[n].word = address };
        self.waiting.set(self.waiting.get() | bit);
        // SAFETY: the caller found an aligned word of mapped memory; all accesses to lock words are atomic.
        let word = unsafe { &*(address as *const AtomicUsize) };
        let owner = word.load(Relaxed);
        // Its own lock is no reason to wait: the call stops the machine.
        if owner != 0 && owner != cpu.lock_word() {
            self.wait_before_call(machine, cpu, word, args);
        } else {
            self.point(machine, cpu);
        }
        self.waiting.set(self.waiting.get() & !bit);
        self.run.set(self.run.get() | bit);
    }

    /// The lock is held: lets others run first.
    #[cold]
    fn wait_before_call(&self, machine: &Machine, cpu: &Processor, word: &AtomicUsize, args: &[Arg]) {
        if let Some((ddi, site)) = cpu.call.get() {
            let call = &Call::new(ddi, site);
            check_owner(call, word);
            // On hardware a queued lock's handle is written before the wait, and waiting is what it is for.
            if let Some(Arg::Pointer(handle)) = args.get(1) {
                lives::check_handle(call, lives::field_of(*handle));
            }
        }
        set(&self.run, 1 << cpu.index(), false);
        if self.stop_if_closed(machine, usize::from(cpu.index())) {
            return;
        }
        self.point(machine, cpu);
        // If it goes into the call all the same, the wait is counted there.
        if word.load(Relaxed) == 0 {
            cpu.count(|s| s.lock_waits += 1);
        }
    }

    /// Blocks `cpu` inside its call until the lock word is free for it.
    pub(crate) fn wait_for_lock(&self, machine: &Machine, cpu: &Processor, word: &AtomicUsize, queued: bool) {
        let n = usize::from(cpu.index());
        let bit = 1 << n;
        let address = std::ptr::from_ref(word) as usize;
        let arrival = self.arrivals.get();
        self.arrivals.set(arrival + 1);
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { (&mut *self.waits.get())[n] = LockWait { word: address, arrival, queued } };
        set(&self.waiting, bit, true);
        set(&self.committed, bit, true);
        while !(word.load(Relaxed) == 0 && (!queued || self.is_first(n))) {
            set(&self.run, bit, false);
            if !self.stop_if_closed(machine, n) {
                self.point(machine, cpu);
            }
            if machine.is_quiet() {
                crate::sync::thread::unwind(cpu);
            }
        }
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { (&mut *self.waits.get())[n] = LockWait::NONE };
        set(&self.waiting, bit, false);
        set(&self.committed, bit, false);
        set(&self.run, bit, true);
    }

    pub(super) fn wait_of(&self, n: usize) -> LockWait {
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { (&*self.waits.get())[n] }
    }

    /// Whether waiting processor `n` came before all others that wait for the same lock in order.
    fn is_first(&self, n: usize) -> bool {
        let mine = self.wait_of(n);
        !bits(self.committed.get()).any(|m| {
            let other = self.wait_of(m);
            other.word == mine.word && other.queued && other.arrival < mine.arrival
        })
    }

    /// Whether a processor waits for the lock in the order of arrival.
    pub(crate) fn has_queue(&self, word: usize) -> bool {
        bits(self.committed.get()).any(|m| self.wait_of(m).word == word && self.wait_of(m).queued)
    }

    /// A lock was released: its waiters may try.
    #[inline]
    pub(crate) fn lock_released(&self, word: usize) {
        let waiting = self.waiting.get();
        if waiting != 0 {
            self.let_waiters_run(waiting, word, true);
        }
    }

    /// A lock was taken: no other processor can take it.
    #[inline]
    pub(crate) fn lock_taken(&self, word: usize) {
        let waiting = self.waiting.get() & !(1 << self.current.get());
        if waiting != 0 {
            self.let_waiters_run(waiting, word, false);
        }
    }

    fn let_waiters_run(&self, mut waiting: u64, word: usize, may: bool) {
        while waiting != 0 {
            let n = waiting.trailing_zeros() as usize;
            waiting &= waiting - 1;
            if self.wait_of(n).word == word {
                set(&self.run, 1 << n, may);
            }
        }
    }

    /// Unblocks `cpu` while it runs something else; returns the wait to put back with `resume_wait`.
    pub(super) fn suspend_wait(&self, cpu: &Processor) -> Option<(LockWait, bool)> {
        let n = usize::from(cpu.index());
        let bit = 1 << n;
        if self.waiting.get() & bit == 0 {
            return None;
        }
        let was = (self.wait_of(n), self.committed.get() & bit != 0);
        set(&self.waiting, bit, false);
        set(&self.committed, bit, false);
        set(&self.run, bit, true);
        Some(was)
    }

    /// Puts a wait back. Returns whether the processor can go on at once.
    pub(super) fn resume_wait(
        &self,
        machine: &Machine,
        cpu: &Processor,
        (wait, committed): (LockWait, bool),
    ) -> bool {
        let n = usize::from(cpu.index());
        let bit = 1 << n;
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { (&mut *self.waits.get())[n] = wait };
        set(&self.waiting, bit, true);
        set(&self.committed, bit, committed);
        let may = machine.lock_holder(wait.word).is_none_or(|holder| holder == cpu.index());
        set(&self.run, bit, may);
        may
    }

    /// Processors that may go on into a call although its lock is held: the call raises their IRQL
    /// above what is pended there.
    pub(super) fn may_commit(&self, others: &OtherTransitions) -> u64 {
        self.waiting.get() & !self.committed.get() & !self.run.get() & (others.dpc | others.switch)
    }

    /// Stops the machine if waiting processor `n` waits, through others, for itself. Under a strategy that
    /// lets others finish, the other processors go on first.
    #[cold]
    #[inline(never)]
    fn stop_if_closed(&self, machine: &Machine, n: usize) -> bool {
        !self.others_finish.get() && self.stop_if_in_cycle(machine, n)
    }

    /// Stops the machine if any processors wait for each other.
    pub(super) fn stop_if_any_cycle(&self, machine: &Machine) -> bool {
        bits(self.waiting.get()).any(|n| self.stop_if_in_cycle(machine, n))
    }

    fn stop_if_in_cycle(&self, machine: &Machine, n: usize) -> bool {
        let closed = self.closes_cycle(machine, n);
        if closed {
            machine.stop(Ending::Deadlock(Box::new(self.lock_cycle(machine, n))));
        }
        closed
    }

    fn closes_cycle(&self, machine: &Machine, start: usize) -> bool {
        let mut at = start;
        for _ in 0..machine.processors.len() {
            if self.waiting.get() & (1 << at) == 0 {
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

    /// The processors that wait for a spin lock that is held.
    pub(crate) fn lock_waiters(&self, machine: &Machine) -> Vec<Waiter> {
        let taken = |n: &usize| machine.is_lock_taken(self.wait_of(*n).word);
        bits(self.waiting.get()).filter(taken).map(|n| self.waiter(machine, n)).collect()
    }
}
