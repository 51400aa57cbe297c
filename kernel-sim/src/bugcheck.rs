//! How a run ends, and the bug checks that end it early.
//!
//! A bug check is the machine stopping as Windows would: code, four parameters, and where it
//! happened. Codes and parameters are Microsoft's where documented; a stop of our own has a name
//! and no code. Our own broken invariants are panics and never come through here.

use crate::choose::Parted;
use crate::moment::Moment;
use crate::site::Site;
use std::any::Any;

/// A documented stop code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StopCode {
    /// The number on the blue screen.
    pub code: u32,
    /// Its name in `bugcodes.h`.
    pub name: &'static str,
    /// What it means, and its parameters as far as documented.
    pub text: &'static str,
}

macro_rules! stop_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:expr;)*) => {
        $($(#[doc = $doc])+ pub const $name: StopCode =
            StopCode { code: $code, name: stringify!($name), text: concat!($($doc, "\n"),+) };)*
        /// Every stop code the simulator can raise.
        pub static STOP_CODES: &[StopCode] = &[$($name),*];
    };
}

stop_codes! {
    /// Something was released that was not held. Not a stop of Windows, where the count goes wrong unnoticed.
    /// Parameter 2: the object.
    UNBALANCED_RELEASE = 0;
    /// A kernel object was used in a way that its life does not allow: initialised again or freed while it is
    /// in use, used before it was initialised, or used by two who may not share it. Not a stop of Windows,
    /// where memory is corrupted unnoticed or a processor spins for ever. Parameter 2: the object.
    OBJECT_MISUSED = 0;
    /// A request's memory was used by a driver that had completed the request: an SRB, its extension, its
    /// sense buffer or its data. Not a stop of Windows, where the memory is another request's by then.
    /// Parameters: 0; the address; 0 for a read, 1 for a write.
    REQUEST_TOUCHED_AFTER_COMPLETION = 0;
    /// A thread waits for too many objects at once: more than 64, or more than 3 without a wait block
    /// array.
    MAXIMUM_WAIT_OBJECTS_EXCEEDED = 0x0C;
    /// The same spin lock was requested twice on one processor, or a thread lowered its IRQL with
    /// the lock held and another on that processor asked for it. On hardware the processor spins
    /// for ever.
    SPIN_LOCK_ALREADY_OWNED = 0x0F;
    /// The reference count of an object makes no sense. Parameters: object type (0: not an object of the
    /// object manager), the object.
    REFERENCE_BY_POINTER = 0x18;
    /// A thread ended inside a critical or guarded region. Parameters: 0; how many it is inside of.
    KERNEL_APC_PENDING_DURING_EXIT = 0x20;
    /// A thread ended that owns a mutex. Parameter 2: the mutex.
    THREAD_TERMINATE_HELD_MUTEX = 0x4000_008A;
    /// An unhandled exception in kernel mode: a panic of the driver, an illegal instruction, a division by
    /// zero, an address that cannot exist. Parameters: exception code, address, exception parameters 0 and 1
    /// (the simulator knows no addresses of code).
    KMODE_EXCEPTION_NOT_HANDLED = 0x1E;
    /// IoCallDriver with no stack location left. Parameter 1: the IRP.
    NO_MORE_IRP_STACK_LOCATIONS = 0x35;
    /// IoCompleteRequest for a request that is already complete: often two drivers that both
    /// believe they own it. Parameter 1: the IRP.
    MULTIPLE_IRP_COMPLETE_REQUESTS = 0x44;
    /// The driver stopped the system itself: it called KeBugCheck or KeBugCheckEx. Windows shows the code
    /// that it names. Parameters: that code, and its own first three.
    BUG_CHECK_BY_DRIVER = 0;
    /// Memory that is no memory of the machine was referenced below DISPATCH_LEVEL. Parameters: the
    /// address; 0 for a read, 2 for a write, 0x10 for execution; the address of the code.
    PAGE_FAULT_IN_NONPAGED_AREA = 0x50;
    /// A trap that the kernel cannot go on from. Parameter 1 says which: 8, a double fault, is a kernel stack
    /// that overflowed into its guard page.
    UNEXPECTED_KERNEL_MODE_TRAP = 0x7F;
    /// A wait, attach or yield inside a DPC routine. Parameters: original thread, new thread, stack.
    ATTEMPTED_SWITCH_FROM_DPC = 0xB8;
    /// Read-only memory was written: a constant, or code. Parameter 1: the address. On Windows parameter 2 is
    /// the page table entry.
    ATTEMPTED_WRITE_TO_READONLY_MEMORY = 0xBE;
    /// A bad pool request. Parameter 1 says which: 0x0A is a free with another tag than the block
    /// was allocated with.
    BAD_POOL_CALLER = 0xC2;
    /// A check of Driver Verifier, which this machine always runs under. Parameter 1 says which:
    /// 0x00 to 0x02 bad allocations; 0x10 to 0x12 bad frees; 0x15 freed memory holds an active
    /// timer; 0x30, 0x31 bad IRQL changes; 0x37, 0x38 a resource taken or given back
    /// while APCs are enabled; 0x3E a critical region left that was not entered; 0x32, 0x40 to 0x42 spin lock
    /// routines at a wrong IRQL; 0x3B a wait at DISPATCH_LEVEL or above; 0x51 a block written past its end;
    /// 0x62 memory left behind at unload; 0x80 KeSetEvent above DISPATCH_LEVEL; 0xE5 a call at a wrong IRQL;
    /// 0xFA a completion routine that changed the IRQL; 0xCA, 0xCB a look-aside list initialized twice, or
    /// deleted without; 0xD0, 0xD1 the same of a resource, 0xD2 one freed with its memory; 0x111 a
    /// service routine that did; 0x1004, 0x1007 a lock released by a processor or thread that does not hold
    /// it.
    DRIVER_VERIFIER_DETECTED_VIOLATION = 0xC4;
    /// A timer or DPC object where none may be. Parameter 1: 0 timer object, 1 DPC object, 3 wrong
    /// processor number. Parameter 2: the object; 3 and 4: bounds of the freed memory that holds it,
    /// if that is what is wrong.
    TIMER_OR_DPC_INVALID = 0xC7;
    /// The IRQL was changed and not restored. Parameter 1: current IRQL, expected IRQL and a value
    /// for the caller, a byte each.
    IRQL_UNEXPECTED_VALUE = 0xC8;
    /// An I/O check of Driver Verifier. Parameter 1 says which: 0x01, 0x03, 0x04 not an IRP or device; 0x05 a
    /// dispatch routine that changed the IRQL; 0x06 completion with a pending status; 0x07 completion with
    /// the cancel routine still set; 0x0E, 0x10 calls above DISPATCH_LEVEL; 0x203 IoCallDriver with the
    /// cancel routine still set. Of requests for plug and play and power, as drivers pass them on: 0x213,
    /// 0x214 status or information of an unknown one changed; 0x215, 0x219 a failed one passed down; 0x216,
    /// 0x21A its status turned into STATUS_NOT_SUPPORTED; 0x217 one that is to be handled passed down as it
    /// came; 0x22D, 0x230 an unknown one completed; 0x22E, 0x231 completed with success and not passed down;
    /// 0x22F, 0x232 completed with STATUS_NOT_SUPPORTED; 0x224 another status returned than it ended with;
    /// 0x226 neither completed nor passed down. 0x21D, 0x21E a device object still attached, or there, after
    /// its removal; 0x241, 0x242 detached, or deleted, at a surprise removal.
    DRIVER_VERIFIER_IOMANAGER_VIOLATION = 0xC9;
    /// A driver was unloaded while something of its is pending: a thread that has not ended, a timer that is
    /// armed. Windows stops when the routine runs, in memory where the driver was; here at the unload.
    DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS = 0xCE;
    /// Memory that is no memory of the machine was referenced at DISPATCH_LEVEL or above.
    /// Parameters: the address; the IRQL; 0 for a read, 1 for a write, 8 for execution; the address of the
    /// code.
    DRIVER_IRQL_NOT_LESS_OR_EQUAL = 0xD1;
    /// A driver used memory that it had freed. Parameters: the address; 0 for a read, 1 for a write; the
    /// address of the code. Windows stops so where Driver Verifier's special pool is on.
    DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL = 0xD5;
    /// A driver used memory past the end of what it was given, or before its beginning. Parameters as of
    /// 0xD5. Windows stops so where Driver Verifier's special pool is on.
    DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION = 0xD6;
    /// A worker routine returned at DISPATCH_LEVEL or above. Parameters: the routine, the IRQL, its
    /// parameter, the work item.
    WORKER_THREAD_RETURNED_AT_BAD_IRQL = 0xE1;
    /// A thread released a resource that it does not have. Parameters: the resource, the thread, the owner
    /// table.
    RESOURCE_NOT_OWNED = 0xE3;
    /// A work item where none may be. Parameter 1: 2 a queued item was freed. Parameter 2: the item.
    WORKER_INVALID = 0xE4;
    /// A check of DMA verification. Parameter 1 says which: 0x26 a device reached for memory that it was not
    /// given, or that was taken back. Parameters 2 to 4 then: the device (its number here), the physical
    /// address, 1 for a write.
    DRIVER_VERIFIER_DMA_VIOLATION = 0xE6;
    /// A check of Storport verification; parameter 1 says which.
    SCSI_VERIFIER_DETECTED_VIOLATION = 0xF1;
    /// A cancel routine returned with the cancel spin lock held. Parameters: the IRP, the routine.
    DRIVER_RETURNED_HOLDING_CANCEL_LOCK = 0x11B;
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
    /// Where it broke.
    pub now: Moment,
    /// Moments that led to it, oldest first: where the object was last in the driver's hands, earlier calls.
    pub earlier: Vec<Moment>,
    /// Of a panic or a fault of the driver, where in its source.
    pub raised_at: Option<Site>,
}

/// A processor or thread that cannot go on, and why.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// Where it waits.
    pub place: Moment,
    /// What it waits for, as a sentence part: "spin lock ffffc000`00001240".
    pub waits_for: String,
    /// Index of the processor that holds it, if a lock.
    pub holder: Option<u8>,
}

/// No processor and no thread can go on.
#[derive(Clone, Debug)]
pub struct Deadlock {
    /// One sentence: what kind of standstill it is.
    pub what: String,
    /// All that wait; processors of the cycle first.
    pub waiters: Vec<Waiter>,
}

/// Processors run, but only poll, and nothing they could be polling for will come.
#[derive(Clone, Debug)]
pub struct Livelock {
    /// Where the processor that was noticed polls.
    pub place: Moment,
    /// How many polling steps were made since anything else happened.
    pub polls: u64,
}

/// A run that made as many steps as it may: its strategy lets the wrong ones go on, or it never ends.
#[derive(Clone, Debug)]
pub struct Endless {
    /// Where the processor that ran last is.
    pub place: Moment,
    /// How many steps were made.
    pub steps: u64,
    /// Whether one callback of the driver's made the last million of them with nothing else possible.
    pub is_alone: bool,
}

/// Driver code that makes no call and does not come back.
#[derive(Clone, Debug)]
pub struct Runaway {
    /// One sentence: what it does instead.
    pub what: String,
    /// It took memory of the host meanwhile, which it will never give back.
    pub takes_memory: bool,
    /// Where the processor is.
    pub place: Moment,
    /// Where in the driver's source it was when it was given up.
    pub raised_at: Option<Site>,
}

/// The driver called something that the simulator has not got: our limit, and no mistake of the driver's.
#[derive(Clone, Debug)]
pub struct Limit {
    /// What is missing, to complete "not modelled: ".
    pub what: String,
    /// Where it was called.
    pub now: Moment,
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
    /// It was to end soon: see [`fault::hurry`](crate::fault::hurry).
    Interrupted,
    /// More steps than the run may make.
    Endless(Box<Endless>),
    /// Driver code did not come back.
    Runaway(Box<Runaway>),
    /// A watcher ended the run; this is what it had to say.
    Halted(Box<dyn Any + Send>),
    /// A recorded schedule no longer fits.
    Parted(Parted),
    /// The simulator has not got what was called.
    Limit(Box<Limit>),
}

impl std::fmt::Debug for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ending::Completed => f.write_str("Completed"),
            Ending::BugCheck(b) => b.fmt(f),
            Ending::Deadlock(d) => d.fmt(f),
            Ending::Livelock(l) => l.fmt(f),
            Ending::Interrupted => f.write_str("Interrupted"),
            Ending::Endless(e) => e.fmt(f),
            Ending::Runaway(r) => r.fmt(f),
            Ending::Halted(_) => f.write_str("Halted"),
            Ending::Parted(p) => p.fmt(f),
            Ending::Limit(l) => l.fmt(f),
        }
    }
}
