//! The two executors, and what the rest of the kernel asks of them.
//!
//! Mechanisms never know which executor runs: they ask for a scheduling point, announce that
//! something became ready or pended, or wait for a lock word. Everything that differs between the
//! two lies behind the functions of this file.

#![expect(unsafe_code, reason = "fibers and host threads share the machine by pointers")]

pub(crate) mod deterministic;
pub(crate) mod parallel;
mod standstill;

use crate::choose::Access;
use crate::machine::Machine;
use crate::processor::{Processor, pend};
use crate::sync::thread::unwind;
use deterministic::Deterministic;
use parallel::Parallel;
use std::sync::atomic::Ordering::SeqCst;

/// The executor of one machine.
#[expect(clippy::large_enum_variant, reason = "a machine has one, and the machine is boxed")]
pub(crate) enum Executor {
    Deterministic(Deterministic),
    Parallel(Parallel),
}

impl Machine {
    /// A scheduling point of the driver code running on `cpu`. Unwinds if the machine stopped.
    #[inline(always)]
    pub(crate) fn point(&self, cpu: &Processor) {
        match &self.executor {
            Executor::Deterministic(d) => {
                d.point(self, cpu);
                if self.is_quiet() {
                    unwind(cpu);
                }
            }
            Executor::Parallel(_) => {}
        }
    }

    /// Notes that the present step changes the object at host address `address`.
    pub(crate) fn touch(&self, address: usize) {
        if let Executor::Deterministic(d) = &self.executor {
            d.touch(|| self.machine_address(address), Access::Change);
        }
    }

    /// Which of `n` goes first, where order is open: a choice in the deterministic executor, the oldest in
    /// the parallel one.
    pub(crate) fn pick(&self, n: u32) -> u32 {
        match &self.executor {
            Executor::Deterministic(d) => d.pick(self, n),
            Executor::Parallel(_) => 0,
        }
    }

    /// `cpu`'s ready queue became non-empty (or empty).
    pub(crate) fn note_ready(&self, cpu: u8, any: bool) {
        if let Executor::Deterministic(d) = &self.executor {
            d.set_ready(&self.processors[usize::from(cpu)], any);
        }
    }

    /// `cpu` has another thread now.
    pub(crate) fn note_thread(&self, cpu: &Processor) {
        if let Executor::Deterministic(d) = &self.executor {
            d.set_thread(cpu);
        }
    }

    /// Tells a processor that a thread became ready for it.
    pub(crate) fn ring_ready(&self, cpu: u8) {
        if let Executor::Parallel(p) = &self.executor {
            p.ring(&self.processors[usize::from(cpu)], pend::RESCHEDULE);
        }
    }

    /// Tells a processor that its DPC queue wants draining. `immediately`: drained as soon as the processor's
    /// IRQL permits; otherwise when the schedule chooses.
    pub(crate) fn request_dpcs(&self, cpu: u8, immediately: bool) {
        let target = &self.processors[usize::from(cpu)];
        match &self.executor {
            Executor::Deterministic(d) => {
                d.set_dpc(cpu, true);
                if immediately {
                    target.pending().fetch_or(pend::DPC, SeqCst);
                }
            }
            Executor::Parallel(p) => p.ring(target, pend::DPC),
        }
    }

    /// `cpu`'s DPC queue is empty.
    pub(crate) fn note_dpcs_drained(&self, cpu: u8) {
        if let Executor::Deterministic(d) = &self.executor {
            d.set_dpc(cpu, false);
        }
        self.processors[usize::from(cpu)].pending().fetch_and(!pend::DPC, SeqCst);
    }

    /// The set of interrupts pended has changed. `ring` is the processor to tell.
    pub(crate) fn note_interrupts(&self, pended: &[u8; 64], ring: Option<u8>) {
        match &self.executor {
            Executor::Deterministic(d) => d.set_pended(pended),
            Executor::Parallel(p) => {
                if let Some(cpu) = ring {
                    p.ring(&self.processors[usize::from(cpu)], pend::INTERRUPT);
                }
            }
        }
    }

    /// A device has (or no longer has) steps to take.
    pub(crate) fn note_device(&self, device: usize, busy: bool) {
        match &self.executor {
            Executor::Deterministic(d) => d.set_device(device, busy),
            Executor::Parallel(p) => {
                if busy {
                    p.ring_devices();
                }
            }
        }
    }

    /// The earliest timer may have changed.
    pub(crate) fn note_timers(&self, next_due_ns: Option<u64>) {
        match &self.executor {
            Executor::Deterministic(d) => d.set_next_due(next_due_ns),
            Executor::Parallel(p) => p.ring_clock(next_due_ns.unwrap_or(u64::MAX)),
        }
    }

    /// Looks at what is pended for `cpu` as it leaves a DDI: interrupts, DPCs, other threads.
    #[inline]
    pub(crate) fn after_call(&self, cpu: &Processor) {
        if cpu.pending().load(SeqCst) != 0 {
            self.serve_pending(cpu);
        }
    }

    #[cold]
    pub(crate) fn serve_pending(&self, cpu: &Processor) {
        cpu.show_life();
        let pending = cpu.pending().load(SeqCst);
        if pending & pend::STOP != 0 {
            return;
        }
        if pending & pend::INTERRUPT != 0 {
            self.accept_interrupts(cpu);
        }
        if cpu.may_dispatch() {
            if cpu.pending().load(SeqCst) & pend::DPC != 0 {
                self.drain_dpcs(cpu);
            }
            if cpu.pending().load(SeqCst) & pend::RESCHEDULE != 0 {
                cpu.pending().fetch_and(!pend::RESCHEDULE, SeqCst);
                if !std::ptr::eq(cpu.thread.get(), cpu.idle.get()) {
                    self.preempt(cpu);
                }
            }
        }
    }

    /// The idle thread of `cpu`.
    pub(crate) fn idle(&self, cpu: &Processor) {
        if let Executor::Deterministic(d) = &self.executor {
            d.first_order(self, cpu);
        }
        while !self.is_quiet() {
            if let Some(next) = self.pop_ready(cpu) {
                self.switch_to(cpu, next);
                continue;
            }
            match &self.executor {
                Executor::Deterministic(d) => d.point(self, cpu),
                Executor::Parallel(p) => p.wait_for_work(self, cpu),
            }
        }
    }

    /// Whether the processor has nothing to do, or waits for a lock: the watchdog expects no call of it.
    pub(crate) fn is_asleep(&self, cpu: &Processor) -> bool {
        match &self.executor {
            Executor::Deterministic(_) => false,
            Executor::Parallel(p) => p.is_asleep(cpu),
        }
    }

    /// Wakes every host thread that waits: the machine has stopped.
    pub(crate) fn wake_everybody(&self) {
        if let Executor::Parallel(p) = &self.executor {
            p.wake_everybody(self);
        }
    }

    /// Passes `us` microseconds on the calling processor without giving it up.
    pub(crate) fn stall(&self, us: u64) {
        let cpu = Processor::current();
        cpu.stalled_us.set(cpu.stalled_us.get().saturating_add(us));
        match &self.executor {
            Executor::Deterministic(d) => d.pass_time(us.saturating_mul(1000)),
            Executor::Parallel(p) => p.spin_for(self, us),
        }
    }

    /// A fiber of a stopped machine is about to be unwound. In the parallel executor it first waits
    /// until every processor has come to rest: its locals may be in use by code that still runs on
    /// another processor and has not yet met a DDI.
    pub(crate) fn rest_before_unwinding(&self, cpu: &Processor) {
        if let Executor::Parallel(p) = &self.executor
            && self.is_quiet()
            && !p.is_at_rest()
        {
            // SAFETY: driver code runs on the fiber of its processor's thread, whose parker this is.
            unsafe { (*cpu.thread.get()).parker.park() };
        }
    }
}
