//! How a run ends, and the bug checks that end it early.
//!
//! A bug check is the machine stopping as Windows would: code, four parameters, and where it
//! happened. Codes and parameters are Microsoft's where documented; a stop of our own has a name
//! and no code. Our own broken invariants are panics and never come through here.

use crate::choose::Parted;
use crate::hook::{Callback, Site};
use crate::irql::Irql;
use crate::processor::HeldLock;
use std::any::Any;

/// A documented stop code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StopCode {
    /// The number on the blue screen.
    pub code: u32,
    /// Its name in `bugcodes.h`.
    pub name: &'static str,
}

macro_rules! stop_codes {
    ($($(#[$doc:meta])* $name:ident = $code:expr;)*) => {
        $($(#[$doc])* pub const $name: StopCode = StopCode { code: $code, name: stringify!($name) };)*
        /// Every stop code the simulator can raise.
        pub static STOP_CODES: &[StopCode] = &[$($name),*];
    };
}

stop_codes! {
    /// Invalid memory touched at raised IRQL, or a call not allowed at the current level.
    IRQL_NOT_LESS_OR_EQUAL = 0x0A;
    /// The same spin lock requested twice on one processor.
    SPIN_LOCK_ALREADY_OWNED = 0x0F;
    /// An unhandled exception in kernel mode; here: a panic of the driver.
    KMODE_EXCEPTION_NOT_HANDLED = 0x1E;
    /// `IoCallDriver` with no stack location left.
    NO_MORE_IRP_STACK_LOCATIONS = 0x35;
    /// `IoCompleteRequest` for a request that is already complete.
    MULTIPLE_IRP_COMPLETE_REQUESTS = 0x44;
    /// Memory that is no memory of the machine was referenced below DISPATCH_LEVEL.
    PAGE_FAULT_IN_NONPAGED_AREA = 0x50;
    /// A wait, attach or yield inside a DPC routine.
    ATTEMPTED_SWITCH_FROM_DPC = 0xB8;
    /// A bad pool request.
    BAD_POOL_CALLER = 0xC2;
    /// A check of Driver Verifier; parameter 1 says which.
    DRIVER_VERIFIER_DETECTED_VIOLATION = 0xC4;
    /// A timer or DPC object where none may be.
    TIMER_OR_DPC_INVALID = 0xC7;
    /// The IRQL was changed and not restored.
    IRQL_UNEXPECTED_VALUE = 0xC8;
    /// An I/O check of Driver Verifier; parameter 1 says which.
    DRIVER_VERIFIER_IOMANAGER_VIOLATION = 0xC9;
    /// Invalid memory referenced at DISPATCH_LEVEL or above.
    DRIVER_IRQL_NOT_LESS_OR_EQUAL = 0xD1;
    /// A worker routine returned at DISPATCH_LEVEL or above.
    WORKER_THREAD_RETURNED_AT_BAD_IRQL = 0xE1;
    /// A cancel routine returned with the cancel spin lock held.
    DRIVER_RETURNED_HOLDING_CANCEL_LOCK = 0x11B;
}

/// Where a processor was.
#[derive(Clone, Debug)]
pub struct Place {
    /// Processor index.
    pub cpu: u8,
    /// Its IRQL.
    pub irql: Irql,
    /// Number of the step (deterministic executor only).
    pub step: Option<u64>,
    /// Machine time in nanoseconds.
    pub time_ns: u64,
    /// The DDI it was in, if any.
    pub call: Option<&'static str>,
    /// The driver's source line.
    pub site: Option<Site>,
    /// Driver callbacks active, innermost last.
    pub callbacks: Vec<&'static Callback>,
    /// Spin locks the driver held there, oldest first.
    pub held: Vec<HeldLock>,
}

/// The machine stopped.
#[derive(Clone, Debug)]
pub struct BugCheck {
    /// The documented code.
    pub stop: StopCode,
    /// The four parameters; addresses are machine addresses.
    pub parameters: [u64; 4],
    /// One sentence: what the driver did.
    pub what: String,
    /// Where.
    pub place: Place,
}

/// A processor or thread that cannot go on, and why.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// Where it waits.
    pub place: Place,
    /// What it waits for, as a sentence part: "spin lock ffffc000`00001240".
    pub waits_for: String,
    /// Index of the processor that holds it, if a lock.
    pub holder: Option<u8>,
}

/// Nobody can go on.
#[derive(Clone, Debug)]
pub struct Deadlock {
    /// One sentence: what kind of standstill it is.
    pub what: String,
    /// Everybody who waits; processors of the cycle first.
    pub waiters: Vec<Waiter>,
}

/// Processors run, but only poll, and nothing they could be polling for will come.
#[derive(Clone, Debug)]
pub struct Livelock {
    /// Where the processor that was noticed polls.
    pub place: Place,
    /// How many polling steps were made since anything else happened.
    pub polls: u64,
}

/// How a run ended.
pub enum Ending {
    /// The boot thread returned.
    Completed,
    /// A bug check.
    BugCheck(Box<BugCheck>),
    /// A deadlock.
    Deadlock(Box<Deadlock>),
    /// A livelock.
    Livelock(Box<Livelock>),
    /// A watcher ended the run; this is what it had to say.
    Halted(Box<dyn Any + Send>),
    /// A recorded schedule no longer fits.
    Parted(Parted),
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Completed => f.write_str("Completed"),
            Ending::BugCheck(b) => b.fmt(f),
            Ending::Deadlock(d) => d.fmt(f),
            Ending::Livelock(l) => l.fmt(f),
            Ending::Halted(_) => f.write_str("Halted"),
            Ending::Parted(p) => p.fmt(f),
        }
    }
}
