//! The clock's host thread: timers, quanta, and the watchdog that notices when nobody can go on.
//!
//! It looks from outside at processors that run, so it calls a deadlock only what stays as it is for some
//! ticks. Invariant: it touches no cell of a processor; what it reads is atomic, or under a lock.

use super::polling;
use super::{DEADLOCK_TICKS, Standstill, TICK};
use crate::bugcheck::{Deadlock, Ending};
use crate::machine::Machine;
use crate::processor::pend;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// What the watchdog sees of each processor: the number of its wait, and the lock word it waits for.
type Waits = Vec<Option<(usize, usize)>>;

impl Machine {
    /// The clock's host thread.
    pub(super) fn run_clock(&self) {
        let p = self.parallel();
        let (mut before, mut unchanged, mut still) = (Waits::new(), 0, 0);
        let (mut polls_before, mut stuck) = (Vec::new(), 0);
        while !self.is_quiet() {
            let now = self.time_ns();
            while self.next_timer_due().is_some_and(|due| due <= now) {
                self.expire_timer();
            }
            self.end_quanta();
            let waits = self.lock_waits();
            unchanged = if waits == before && waits.iter().any(Option::is_some) { unchanged + 1 } else { 0 };
            still = if waits == before && self.nobody_can_go_on(&waits, 0) { still + 1 } else { 0 };
            let polls = self.register_reads();
            let pollers = polling::pollers(&polls_before, &polls);
            stuck = if pollers != 0 && waits == before && self.nobody_can_go_on(&waits, pollers) {
                stuck + 1
            } else {
                0
            };
            if unchanged >= DEADLOCK_TICKS
                && let Some(locks) = self.cycle_of(&waits)
            {
                let names: Vec<_> = locks.iter().map(|(n, _)| format!("CPU {n}")).collect();
                let what = format!("{} wait for each other's spin locks", names.join(", "));
                return self.pronounce(what, Standstill { locks, threads: false });
            }
            if still >= DEADLOCK_TICKS {
                let locks = waits.iter().enumerate().filter_map(|(n, w)| w.map(|(_, word)| (n, word)));
                let standstill = Standstill { locks: locks.collect(), threads: true };
                return self.pronounce("no processor and no thread can go on".into(), standstill);
            }
            if stuck >= DEADLOCK_TICKS {
                self.give_up_on(pollers);
            }
            before = waits;
            polls_before = polls;
            // Asked before `world` is locked: others lock it with the kernel's tables in hand.
            let now = self.time_ns();
            let due = self.next_timer_due().unwrap_or(u64::MAX).saturating_sub(now);
            let sleep = Duration::from_nanos(due).min(TICK);
            let mut world = p.world.lock();
            if !world.timers_changed && !self.is_quiet() {
                p.clock_wakes_ns.store(now + sleep.as_nanos() as u64, SeqCst);
                p.clock_bell.wait_for(&mut world, sleep);
            }
            world.timers_changed = false;
        }
    }

    /// Lets threads that wait for a busy processor have their turn.
    fn end_quanta(&self) {
        let waiting: Vec<usize> = {
            let kernel = self.kernel.lock();
            kernel.ready.iter().enumerate().filter(|(_, q)| !q.is_empty()).map(|(n, _)| n).collect()
        };
        for n in waiting {
            self.parallel().ring(&self.processors[n], pend::RESCHEDULE);
        }
    }

    fn lock_waits(&self) -> Waits {
        let p = self.parallel();
        self.processors
            .iter()
            .map(|cpu| {
                let word = cpu.waiting_on.load(SeqCst);
                (word != 0).then(|| (p.wait_numbers[usize::from(cpu.index())].load(SeqCst), word))
            })
            .collect()
    }

    /// Stops the machine for a deadlock. The evidence is read off the processors when they are at
    /// rest: until then a parked one may still wake and serve an interrupt.
    fn pronounce(&self, what: String, standstill: Standstill) {
        *self.parallel().standstill.lock() = Some(standstill);
        self.stop(Ending::Deadlock(Box::new(Deadlock { what, waiters: Vec::new() })));
    }

    /// Whether every processor sleeps or waits for a lock that a sleeping or waiting one holds, or is
    /// one of `pollers`, and nothing is under way that could change that: a glance under the locks by
    /// which anything would.
    fn nobody_can_go_on(&self, waits: &Waits, pollers: u64) -> bool {
        let p = self.parallel();
        let kernel = self.kernel.lock();
        let world = p.world.lock();
        if !world.devices_resting
            || p.devices_busy.load(SeqCst)
            || !kernel.timers.is_empty()
            || kernel.has_acceptable_interrupt(&self.processors)
        {
            return false;
        }
        self.processors.iter().enumerate().all(|(n, cpu)| match waits[n] {
            // A free word is about to be taken by a processor that waits for it.
            Some((_, word)) => self.is_lock_taken(word),
            None if pollers & (1 << n) != 0 => true,
            None => {
                let asleep = *p.doorbells[n].asleep.lock();
                asleep
                    && cpu.pending().load(SeqCst) & !pend::WATCHED == 0
                    && kernel.ready[n].is_empty()
                    && self.dpcs.of(n).queue.is_empty()
            }
        })
    }

    /// The processors of `waits` that cannot ever go on, with the lock words they wait for: those on
    /// one cycle.
    fn cycle_of(&self, waits: &Waits) -> Option<Vec<(usize, usize)>> {
        for start in 0..waits.len() {
            let (mut at, mut members) = (start, Vec::new());
            while let Some((_, word)) = waits[at] {
                members.push((at, word));
                let Some(holder) = self.lock_holder(word) else { break };
                at = usize::from(holder);
                if at == start {
                    return Some(members);
                }
                if members.iter().any(|(n, _)| *n == at) {
                    break;
                }
            }
        }
        None
    }
}
