//! A panic on a machine: whose is it?
//!
//! A panic raised by driver code is a bug check of that driver, with its message and place; it must
//! quiet the machine before the first destructor runs, so it is caught in the process's panic hook.
//! A panic of the simulator's own crates goes to the hook that was there before, and then to the
//! caller of `run`.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

use crate::bugcheck::{BugCheck, Ending, KMODE_EXCEPTION_NOT_HANDLED};
use crate::processor::Processor;
use crate::site::Site;
use parking_lot::RwLock;
use std::panic::PanicHookInfo;
use std::sync::Once;

/// STATUS_ASSERTION_FAILURE: the nearest documented exception to a failed `assert!`.
const STATUS_ASSERTION_FAILURE: u64 = 0xC000_0420;

/// Directories of sources whose panics are the simulator's own, as the compiler names them.
static OWN_SOURCES: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// Registers the directory of a crate's root file as the simulator's own: a panic raised there is a failure
/// of the simulator, not of a driver. A crate does it for itself, before any of its code runs on a machine:
/// `register_own_sources(file!())` in its `lib.rs`. Doing it again changes nothing.
pub fn register_own_sources(root_file: &'static str) {
    let end = root_file.rfind(['/', '\\']).map_or(0, |at| at + 1);
    let directory = &root_file[..end];
    if !OWN_SOURCES.read().contains(&directory) {
        OWN_SOURCES.write().push(directory);
    }
}

/// Whether a source file is of a crate that registered itself.
pub(crate) fn is_own_source(file: &str) -> bool {
    OWN_SOURCES.read().iter().any(|own| !own.is_empty() && file.contains(own))
}

/// Installs the hook, once per process.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        register_own_sources(crate::ROOT);
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
    if at.is_some_and(|at| is_own_source(at.file())) {
        machine.own_failure(format!("{message} ({shown})"));
        return false;
    }
    let check = BugCheck {
        stop: KMODE_EXCEPTION_NOT_HANDLED,
        parameters: [STATUS_ASSERTION_FAILURE, 0, 0, 0],
        what: format!("the driver panicked at {shown}: {message}"),
        now: cpu.place_with_stack(),
        earlier: Vec::new(),
        panicked_at: at,
    };
    // SAFETY: a processor that runs driver code runs a thread.
    unsafe { (*cpu.thread.get()).unwinding.set(true) };
    machine.stop(Ending::BugCheck(Box::new(check)));
    true
}
