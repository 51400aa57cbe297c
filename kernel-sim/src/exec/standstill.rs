//! Why no processor can go on: the evidence of a deadlock that is more than a cycle of spin locks.

#![expect(unsafe_code, reason = "fibers and host threads share the machine by pointers")]

use crate::bugcheck::{Deadlock, Waiter};
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::sync::thread::Thread;

impl Machine {
    /// Describes a machine on which no processor can go on and no timer is armed: the processors that wait
    /// for spin locks, and the threads that wait for objects which nothing will signal.
    pub(crate) fn standstill(&self, what: &str) -> Deadlock {
        let mut waiters = self.deterministic().lock_waiters(self);
        waiters.extend(self.thread_waiters(&self.kernel.lock()));
        Deadlock { what: what.into(), waiters }
    }

    /// The threads that wait for objects. No processor runs now.
    pub(crate) fn thread_waiters(&self, kernel: &Kernel) -> Vec<Waiter> {
        let mut waiters = Vec::new();
        for (key, list) in &kernel.waits {
            for thread in list {
                // SAFETY: threads live as long as the machine.
                let thread = unsafe { &**thread };
                // A thread that waits for several objects is shown once, at the first.
                if thread.waits_for.get() != *key {
                    continue;
                }
                // The machine's own workers have nothing to wait for but work.
                if let Some(waiter) = self.thread_waiter(thread, *key) {
                    waiters.push(waiter);
                }
            }
        }
        waiters
    }

    fn thread_waiter(&self, thread: &Thread, key: usize) -> Option<Waiter> {
        let (ddi, site) = thread.parked_at()?;
        let place = Moment {
            thread: thread.number,
            step: self.step_of_moment(),
            time_ns: self.time_ns(),
            call: Some(ddi),
            site: Some(site),
            callbacks: thread.callbacks(),
            ..Moment::on(thread.home)
        };
        let waits_for = match self.machine_address(key) {
            0 => "work of the machine".to_owned(),
            address => format!("the object at {}", crate::report_address(address)),
        };
        Some(Waiter { place, waits_for, holder: None })
    }
}
