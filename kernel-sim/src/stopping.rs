//! How a machine comes to its end: the work is done, a watcher or a bug check ends it, or the simulator
//! fails.
//!
//! Invariant: the first reason wins, and from that moment every DDI is a no-op.

use crate::bugcheck::{BugCheck, Ending, Limit, StopCode};
use crate::exec::Executor;
use crate::frame::Frame;
use crate::hook::Halt;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::{Processor, pend};
use crate::stack::StackFrame;
use std::any::Any;
use std::sync::atomic::Ordering::SeqCst;

impl Machine {
    /// The work is done, but for what is pended: the run ends when nothing more can happen at once.
    /// The parallel executor, in which that is hard to tell, ends it now.
    pub(crate) fn complete_when_still(&self) {
        match &self.executor {
            Executor::Deterministic(d) => d.end_when_still(),
            Executor::Parallel(_) => self.complete(),
        }
    }

    /// The work is done.
    pub(crate) fn complete(&self) {
        self.stop(Ending::Completed);
    }

    /// Stops the machine; the first reason wins.
    pub(crate) fn stop(&self, ending: Ending) {
        {
            let mut slot = self.ending.lock();
            if slot.is_some() {
                return;
            }
            *slot = Some(ending);
        }
        self.stopped.store(true, SeqCst);
        for cpu in &self.processors {
            cpu.silence();
            cpu.pending().fetch_or(pend::STOP, SeqCst);
        }
        self.wake_everybody();
    }

    /// Ends the run because a watcher said so.
    pub(crate) fn halt(&self, halt: Halt) {
        self.stop(Ending::Halted(halt.0));
    }

    /// A panic reached the top of a thread without having been seen by the hook.
    pub(crate) fn note_panic(&self, payload: Box<dyn Any + Send>) {
        if !self.is_quiet() {
            *self.own_panic.lock() = Some(payload);
            self.stop(Ending::Completed);
        }
    }

    /// The simulator itself failed: take the machine down and let the caller see the panic.
    pub(crate) fn own_failure(&self, message: String) {
        *self.own_panic.lock() = Some(Box::new(message));
        self.stop(Ending::Completed);
    }

    /// The same where the simulator has not panicked but faulted, in that function.
    pub(crate) fn own_fault(&self, signal: i32, at: Option<&StackFrame>) {
        let place =
            at.map_or_else(String::new, |at| format!(" in {} ({}:{})", at.function, at.file, at.line));
        let message = format!(
            "the simulator itself received signal {signal}{place}: a defect of its own, or a driver has written \
             over what it relies on"
        );
        // No hook tells of it.
        eprintln!("{message}");
        self.own_failure(message);
    }
}

impl Processor {
    /// Stops the machine with a bug check of the driver that runs here, and leaves its code.
    ///
    /// `parameters` hold machine addresses where they hold addresses.
    pub fn bug_check(&self, stop: StopCode, parameters: [u64; 4], what: impl Into<String>) -> ! {
        self.bug_check_after(stop, parameters, what, Vec::new())
    }

    /// The same, with the moments that made it so, oldest first.
    pub fn bug_check_after(
        &self,
        stop: StopCode,
        parameters: [u64; 4],
        what: impl Into<String>,
        earlier: Vec<Moment>,
    ) -> ! {
        self.bug_check_at(self.place_with_stack(), stop, parameters, what.into(), earlier)
    }

    /// The same of driver code that has returned: where it was is the last line seen in its frame.
    pub(crate) fn bug_check_behind(
        &self,
        frame: &Frame<'_>,
        stop: StopCode,
        parameters: [u64; 4],
        what: String,
        earlier: Vec<Moment>,
    ) -> ! {
        let now = Moment { call: None, site: frame.last_site(), ..self.place_with_stack() };
        self.bug_check_at(now, stop, parameters, what, earlier)
    }

    fn bug_check_at(
        &self,
        now: Moment,
        stop: StopCode,
        parameters: [u64; 4],
        what: String,
        earlier: Vec<Moment>,
    ) -> ! {
        let check = BugCheck { stop, parameters, what, now, earlier, raised_at: None };
        self.machine().stop(Ending::BugCheck(Box::new(check)));
        crate::sync::thread::unwind(self)
    }

    /// Ends the run at a limit of the simulator, and leaves the driver's code.
    pub(crate) fn not_modelled(&self, what: impl Into<String>) -> ! {
        let limit = Limit { what: what.into(), now: self.place_with_stack() };
        self.machine().stop(Ending::Limit(Box::new(limit)));
        crate::sync::thread::unwind(self)
    }

    /// The driver gave a pointer that is no memory of the machine.
    pub(crate) fn bad_pointer(&self, address: usize, what: &str) -> ! {
        let irql = self.irql();
        if let Some(closed) = self.machine().closed_memory(address) {
            let parameters = closed.parameters(self.machine().machine_address(address), false);
            let what = format!("{what} is {}", closed.what);
            self.bug_check_after(closed.stop, parameters, what, closed.earlier);
        }
        if crate::program::is_constant(address, 1) {
            let what = format!("{what} is a constant of the driver's image, which cannot be written");
            self.bug_check(crate::bugcheck::ATTEMPTED_WRITE_TO_READONLY_MEMORY, [u64::MAX, 0, 0, 0], what);
        }
        let shown =
            if self.is_memory(address, 1) { self.machine().machine_address(address) } else { address as u64 };
        // A host address differs from run to run: only null and small numbers are shown as they are.
        let shown = if shown < 1 << 16 || self.is_memory(address, 1) { shown } else { u64::MAX };
        let what = format!("{what} is not a live object of this machine");
        if irql >= Irql::DISPATCH {
            self.bug_check(
                crate::bugcheck::DRIVER_IRQL_NOT_LESS_OR_EQUAL,
                [shown, u64::from(irql.0), 0, 0],
                what,
            )
        } else {
            self.bug_check(crate::bugcheck::PAGE_FAULT_IN_NONPAGED_AREA, [shown, 0, 0, 0], what)
        }
    }
}
