//! Carrying out what was chosen: which processor goes on, and what it does first.
//!
//! A transition of another processor is an order for it: it is resumed, and carries the order out on its own
//! stack. Steps of devices and timers are carried out by the processor that was running. Invariant: a
//! processor comes back from here when it is its turn to go on, or when the machine has stopped.

#![expect(unsafe_code, reason = "resumes fibers of threads that the machine points at")]

use super::{Deterministic, set};
use crate::choose::Transition;
use crate::machine::Machine;
use crate::processor::Processor;

impl Deterministic {
    /// Lets processor `to` do `order`; returns what this one is to do when it is its turn, or `None`
    /// when the machine has stopped.
    #[inline(always)]
    pub(super) fn hand_over(
        &self,
        machine: &Machine,
        cpu: &Processor,
        to: u8,
        order: Transition,
    ) -> Option<Transition> {
        self.current.set(to);
        self.order.set(order);
        // SAFETY: we run on the fiber of this processor's thread.
        unsafe { (*cpu.thread.get()).parker.park() };
        (!machine.is_quiet()).then(|| self.order.get())
    }

    /// The order that woke a processor for the very first time: its idle thread has no scheduling
    /// point behind it that could carry the order out.
    pub(crate) fn first_order(&self, machine: &Machine, cpu: &Processor) {
        match self.order.get() {
            Transition::Run(_) => {}
            other => self.follow(machine, cpu, other),
        }
    }

    /// Carries out transitions until it is `cpu`'s turn to go on.
    #[inline(never)]
    pub(super) fn follow(&self, machine: &Machine, cpu: &Processor, mut t: Transition) {
        let me = cpu.index();
        loop {
            match t {
                Transition::Run(n) if n == me => return,
                Transition::Interrupt(n) if n == me => self.on_top(machine, cpu, || {
                    machine.accept_interrupts(cpu);
                }),
                Transition::Dpc(n) if n == me => self.on_top(machine, cpu, || machine.drain_dpcs(cpu)),
                Transition::Switch(n) if n == me => {
                    self.switches.set(self.switches.get() + 1);
                    let wait = self.suspend_wait(cpu);
                    machine.preempt(cpu);
                    match wait {
                        Some(wait) if !machine.is_quiet() => {
                            if self.resume_wait(machine, cpu, wait) {
                                return;
                            }
                        }
                        _ => return,
                    }
                }
                Transition::Run(n)
                | Transition::Interrupt(n)
                | Transition::Dpc(n)
                | Transition::Switch(n) => {
                    match self.hand_over(machine, cpu, n, t) {
                        Some(order) => t = order,
                        None => return,
                    }
                    continue;
                }
                Transition::Device(n) => {
                    self.note_progress();
                    machine.unattended(|| machine.step_device(usize::from(n)));
                }
                Transition::Timer => {
                    self.note_progress();
                    machine.unattended(|| machine.expire_timer());
                }
            }
            if machine.is_quiet() {
                return;
            }
            match self.next(machine) {
                Some(next) => t = next,
                None => return,
            }
        }
    }

    /// Runs an interrupt or DPCs on top of whatever `cpu` was doing. While that lasts the processor
    /// can go on, and may wait for locks of its own, even if it was idle or blocked on a lock.
    ///
    /// A processor that is interrupted while it waits in order keeps its arrival number, but others
    /// may take the lock meanwhile; on hardware the lock would be handed to it inside its interrupt.
    fn on_top(&self, machine: &Machine, cpu: &Processor, body: impl FnOnce()) {
        let bit = 1 << cpu.index();
        let wait = self.suspend_wait(cpu);
        let was_running = self.run.get() & bit != 0;
        set(&self.run, bit, true);
        body();
        if let Some(wait) = wait {
            self.resume_wait(machine, cpu, wait);
        } else if !was_running {
            // It was idle; a thread may be ready for it now.
            self.set_thread(cpu);
        }
    }
}
