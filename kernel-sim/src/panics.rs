//! A panic on a machine: whose is it?
//!
//! A panic raised by driver code is a bug check of that driver, with its message and place; it must
//! quiet the machine before the first destructor runs, so it is caught in the process's panic hook.
//! A panic of the simulator's own crates ([`own_sources`]) is the driver's as well if the pool shows that it
//! wrote where it should not; else it goes to the hook that was there before, and then to the caller of
//! `run`.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

use crate::bugcheck::{BugCheck, Ending, KMODE_EXCEPTION_NOT_HANDLED};
use crate::own_sources;
use crate::processor::Processor;
use crate::site::Site;
use std::panic::PanicHookInfo;
use std::sync::Once;

/// STATUS_ASSERTION_FAILURE: the nearest documented exception to a failed `assert!`.
const STATUS_ASSERTION_FAILURE: u64 = 0xC000_0420;

/// Installs the hook, once per process.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !on_machine(info) {
                before(info);
            }
        }));
    });
}

/// Handles the panic if it is a driver's; returns whether it was.
fn on_machine(info: &PanicHookInfo<'_>) -> bool {
    let cpu = Processor::current();
    if !cpu.is_real() || cpu.thread.get().is_null() {
        return false;
    }
    let message = info.payload_as_str().map_or_else(|| "a panic without a message".to_owned(), str::to_owned);
    let at = info.location().map(|l| Site::intern(l.file(), l.line(), l.column()));
    let machine = cpu.machine();
    if machine.is_quiet() {
        return true;
    }
    let shown = at.map(|at| at.to_string()).unwrap_or_default();
    if at.is_some_and(|at| own_sources::is_own(at.file())) {
        // What it relies on may be what a driver has written over.
        if let Some(check) = machine.misused_memory(cpu.place_with_stack()) {
            // SAFETY: a processor that runs a thread.
            unsafe { (*cpu.thread.get()).unwinding.set(true) };
            machine.stop(Ending::BugCheck(Box::new(check)));
            return true;
        }
        machine.own_failure(format!("{message} ({shown})"));
        return false;
    }
    let check = BugCheck {
        stop: KMODE_EXCEPTION_NOT_HANDLED,
        parameters: [STATUS_ASSERTION_FAILURE, 0, 0, 0],
        what: format!("the driver panicked at {shown}: {message}"),
        now: cpu.place_with_stack(),
        earlier: Vec::new(),
        raised_at: at,
    };
    // SAFETY: a processor that runs driver code runs a thread.
    unsafe { (*cpu.thread.get()).unwinding.set(true) };
    machine.stop(Ending::BugCheck(Box::new(check)));
    true
}
