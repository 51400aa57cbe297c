//! The rows of the ways in which the machine stops by itself: bug checks, as Windows would, and standstills.
//!
//! Their pages are the texts of `kernel_sim::bugcheck`; here stands what a report says besides: why a person
//! should care. Nothing here judges: the machine found it. Invariant: every stop code of the kernel has a
//! row.

use super::exhibits::exhibits;
use super::row::{Origin, Row, Scope, Set, WindowsStop, rule};
use kernel_sim::bugcheck::{self, StopCode};

macro_rules! stops {
    ($($name:ident, why $why:literal, exhibits $exhibits:literal $(with $flags:literal)?;)*) => {
        $(pub static $name: Row = Row {
            name: stringify!($name),
            set: Set::Stops,
            origin: Origin::Stop,
            default: true,
            scope: Scope::All,
            text: bugcheck::$name.text,
            why: $why,
            url: None,
            stop: Some(WindowsStop { code: bugcheck::$name, parameter: None }),
            exhibits: exhibits!($exhibits $(with $flags)?),
            make: None,
        };)*

        /// The rows of bug checks.
        static BUG_CHECKS: &[&Row] = &[$(&$name),*];
    };
}

stops! {
    OBJECT_MISUSED, why "Windows does not look: lists of the kernel are corrupted, or a processor waits for ever, later and elsewhere",
        exhibits "object-misused";
    REQUEST_TOUCHED_AFTER_COMPLETION, why "the memory belongs to the sender again, and is soon another request's: its data are damaged, or a result is read that is none",
        exhibits "request-touched-after-completion" with "--memory guarded";
    UNBALANCED_RELEASE, why "the count goes wrong unnoticed on Windows: a later wait or rundown ends too early, or never",
        exhibits "unbalanced-release";
    MAXIMUM_WAIT_OBJECTS_EXCEEDED, why "the wait block array on the thread has room for three objects: the rest would be written past its end",
        exhibits "maximum-wait-objects-exceeded";
    SPIN_LOCK_ALREADY_OWNED, why "spin locks are not recursive: on hardware this processor spins for ever at raised IRQL",
        exhibits "spin-lock-already-owned";
    REFERENCE_BY_POINTER, why "the object is freed while another driver still uses it, or never",
        exhibits "reference-by-pointer";
    KMODE_EXCEPTION_NOT_HANDLED, why "an exception that no handler takes stops the whole system",
        exhibits "kmode-exception-not-handled";
    KERNEL_APC_PENDING_DURING_EXIT, why "the count of a thread's critical regions says that a lock was not given back, or a region not left",
        exhibits "kernel-apc-pending-during-exit";
    THREAD_TERMINATE_HELD_MUTEX, why "no thread can have the mutex any more: all that wait for it wait for ever",
        exhibits "thread-terminate-held-mutex";
    NO_MORE_IRP_STACK_LOCATIONS, why "the next driver would use a stack location behind the end of the IRP",
        exhibits "no-more-irp-stack-locations";
    MULTIPLE_IRP_COMPLETE_REQUESTS, why "the IRP may be another request by now: the second completion ends a request that is not done",
        exhibits "multiple-irp-complete-requests";
    BUG_CHECK_BY_DRIVER, why "the driver itself found that it cannot go on: Windows stops with the code that it names",
        exhibits "bug-check-by-driver";
    PAGE_FAULT_IN_NONPAGED_AREA, why "on Windows this access reads or writes memory of another driver, or stops the system",
        exhibits "page-fault-in-nonpaged-area";
    UNEXPECTED_KERNEL_MODE_TRAP, why "a kernel stack has a few pages: what runs past them stops the whole system",
        exhibits "unexpected-kernel-mode-trap";
    ATTEMPTED_SWITCH_FROM_DPC, why "a DPC runs on top of any thread and cannot wait: the processor would never come back to it",
        exhibits "attempted-switch-from-dpc";
    ATTEMPTED_WRITE_TO_READONLY_MEMORY, why "constants and code of an image are on pages that cannot be written: Windows stops",
        exhibits "attempted-write-to-readonly-memory";
    BAD_POOL_CALLER, why "the pool headers are damaged: some later allocation of any driver fails or overlaps",
        exhibits "bad-pool-caller";
    DRIVER_VERIFIER_DETECTED_VIOLATION, why "Windows goes on without Driver Verifier, with locks, IRQL or pool in a state that fails later and elsewhere",
        exhibits "driver-verifier-detected-violation";
    TIMER_OR_DPC_INVALID, why "the clock or a processor would run a routine out of memory that is something else by now",
        exhibits "timer-or-dpc-invalid";
    IRQL_UNEXPECTED_VALUE, why "the interrupted code goes on at the wrong IRQL: it is switched away from under a lock, or never again",
        exhibits "irql-unexpected-value";
    DRIVER_VERIFIER_IOMANAGER_VIOLATION, why "Windows goes on without Driver Verifier; the request is cancelled, completed or freed under its new owner later",
        exhibits "driver-verifier-iomanager-violation";
    DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS, why "the routine runs on in memory where the driver was, which is something else by now",
        exhibits "driver-unloaded-without-cancelling-pending-operations";
    DRIVER_IRQL_NOT_LESS_OR_EQUAL, why "a page fault at this IRQL cannot be served: Windows stops",
        exhibits "driver-irql-not-less-or-equal";
    DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, why "the memory is another owner's by now: what is read makes no sense, what is written destroys it",
        exhibits "driver-page-fault-in-freed-special-pool";
    DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, why "what lies there belongs to another owner: what is read makes no sense, what is written destroys it",
        exhibits "driver-page-fault-beyond-end-of-allocation" with "--memory guarded-ends";
    WORKER_THREAD_RETURNED_AT_BAD_IRQL, why "the system worker thread that ran the routine runs all other work items next, at this IRQL",
        exhibits "worker-thread-returned-at-bad-irql";
    RESOURCE_NOT_OWNED, why "the resource loses count of its owners: two threads get in together",
        exhibits "resource-not-owned";
    WORKER_INVALID, why "the worker thread would call a routine out of freed memory",
        exhibits "worker-invalid";
    DRIVER_VERIFIER_DMA_VIOLATION, why "the memory is used for something else by now: on a computer without DMA protection the device damages it unnoticed",
        exhibits "driver-verifier-dma-violation";
    SCSI_VERIFIER_DETECTED_VIOLATION, why "the port driver and the miniport disagree about who has a request: it is lost, or completed for another driver",
        exhibits "scsi-verifier-detected-violation";
    DRIVER_RETURNED_HOLDING_CANCEL_LOCK, why "every cancellation in the system waits for this lock from now on",
        exhibits "driver-returned-holding-cancel-lock";
}

mod deadlock {
    use super::*;
    rule! {
        /// Nothing can go on: each waits for what another has.
        ///
        /// ## What is checked
        /// The machine knows who holds each spin lock and what each thread waits for. A cycle of processors
        /// that wait for each other's spin locks ends the run in the step that closes it; so do threads that
        /// all sleep when no interrupt, DPC, timer or device step is left that could wake one.
        ///
        /// ## Why it matters
        /// On hardware these processors spin, or these threads sleep, for ever: bug check 0x101 or 0x133
        /// minutes later, or a hang without any.
        ///
        /// ## Source
        /// Our own check.
        deadlock: Stops, Stop, on,
        why "on hardware these processors spin, or these threads sleep, for ever",
        exhibits "wait-deadlock"
    }
}

mod livelock {
    use super::*;
    rule! {
        /// A processor polls for what will never come.
        ///
        /// ## What is checked
        /// Calls that only look (a register, a cell, the clock) are counted while nothing else happens. When
        /// nothing that could change the answer is left to happen, the run ends.
        ///
        /// ## Why it matters
        /// On hardware the loop never ends; at raised IRQL it takes the processor with it.
        ///
        /// ## Source
        /// Our own check.
        livelock: Stops, Stop, on,
        why "nothing else can happen any more: no interrupt, DPC, timer or device step is pending",
        exhibits "poll-livelock"
    }
}

mod runaway {
    use super::*;
    rule! {
        /// Driver code does not come back.
        ///
        /// ## What is checked
        /// Code of the driver that makes no call for seconds of the host's time (`--runaway`, 5 unless told
        /// otherwise), or that takes hundreds of megabytes of the host's memory between two calls. The
        /// machine sees a driver by its calls: a loop that makes none can be told by the clock only, so this
        /// is the one finding that depends on it. It is not told of code that the host gave no processor to.
        ///
        /// ## Why it matters
        /// On hardware the processor is lost to everything at or below its IRQL: bug check 0x133 at raised
        /// IRQL, a hang below. A lock of the standard library has no place in a driver: nothing raises the
        /// IRQL for it.
        ///
        /// ## Source
        /// Our own check.
        runaway: Stops, Stop, on,
        why "on hardware this processor does nothing else any more",
        exhibits "vandal-spin"
    }
}

pub use deadlock::ROW as DEADLOCK;
pub use livelock::ROW as LIVELOCK;
pub use runaway::ROW as RUNAWAY;

/// The row of a stop code.
///
/// # Panics
/// When the code has none: a test visits them all.
#[must_use]
pub fn row_of_stop(stop: &StopCode) -> &'static Row {
    let found = BUG_CHECKS.iter().find(|row| row.name == stop.name);
    found.unwrap_or_else(|| panic!("{} has no row", stop.name))
}

/// Why a stop matters, where its first parameter says more than the code.
#[must_use]
pub fn why_of_stop(stop: &StopCode, parameters: [u64; 4]) -> &'static str {
    match (stop.code, parameters[0]) {
        (0xF1, 0x1004) => "Storport takes the status as it is: the request never ends for its sender",
        (0xF1, 0x1007) => "the request is lost: its sender waits for ever, and so does a shutdown",
        (0xF1, 0x2004) => {
            "the SRB is another request by now: its sender gets data that never came, and its memory is \
             freed under the device"
        }
        (0xC9, 0x22D..=0x232) => {
            "the drivers below never see the request: the device is not stopped, removed or put to sleep as the \
             system believes, and a new request of Windows finds no driver that knows it"
        }
        (0xC9, 0x213..=0x21A) => {
            "the PnP manager cannot tell a request that was handled from one that no driver knows"
        }
        (0xC9, 0x21D | 0x21E) => {
            "requests still reach a driver whose device is gone, and it can never be unloaded"
        }
        (0xC9, 0x241 | 0x242) => {
            "handles are still open: a request through one of them finds a device object that is not there"
        }
        (0xC4, 0x62) => "the memory is gone until the next restart; each load of the driver takes more",
        (0xC4, 0x51) => "what lies behind the block belongs to another driver",
        (0xC4, 0x10) => "the block may be another driver's by now: freeing it again frees that",
        _ => row_of_stop(stop).why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_stop_matters_is_said_by_its_first_parameter_where_that_says_more() {
        let more = [
            (&bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION, [0x1004, 0x1007, 0x2004].as_slice()),
            (&bugcheck::DRIVER_VERIFIER_IOMANAGER_VIOLATION, &[0x22D, 0x213, 0x21D, 0x241]),
            (&bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION, &[0x62, 0x51, 0x10]),
        ];
        for (stop, parameters) in more {
            let mut said = vec![why_of_stop(stop, [0; 4])];
            assert_eq!(said[0], row_of_stop(stop).why);
            for parameter in parameters {
                let why = why_of_stop(stop, [*parameter, 0, 0, 0]);
                assert!(!said.contains(&why), "{} {parameter:#x}", stop.name);
                said.push(why);
            }
        }
    }
}
