//! Exhibits: for each row of what can be found, the smallest program that it finds, and a near miss.
//!
//! The near miss looks guilty and is not: no row may find anything in it. Nothing here is a driver that a
//! user would copy from. The row names the two (`verifier::rules::Exhibits`); most are a program for the boot
//! thread of one processor, those that need SRBs a virtual miniport. Invariant: **a breaker is found by its
//! row in every run**, if the flags that the row names with it are given.

mod counts;
mod dma;
mod dpcs;
mod irps;
mod locks;
mod memory;
pub(crate) mod miniport;
mod objects;
mod pool;
mod registers;
mod unload;
mod waits;
mod work_items;

use crate::models::bell::Bell;
use dma::Writer;
use kernel_sim::machine::{Config, Outcome};
use verifier::driver::{Driver, Expects, Kind, Source};

pub(crate) const SOURCES: &[Source] = verifier::sources![
    "mod.rs",
    "counts.rs",
    "dma.rs",
    "dpcs.rs",
    "irps.rs",
    "locks.rs",
    "memory.rs",
    "miniport/base.rs",
    "miniport/mod.rs",
    "objects.rs",
    "pool.rs",
    "registers.rs",
    "unload.rs",
    "waits.rs",
    "work_items.rs",
];

/// The pairs. The row
///
/// ```text
/// "bad-pool-caller" = Stops("BAD_POOL_CALLER"), program
///     pool::other_tag, "frees a block under another tag";
///     pool::two_tags, "frees two blocks, each under its own tag";
/// ```
///
/// becomes two programs, `bad-pool-caller` and `bad-pool-caller-near-miss`. After the name comes what is
/// expected of the breaker without flags. `device` instead of `program` is a program on a machine with a
/// bell, `writer` one on a machine with a device that writes memory; `miniport` takes entry points.
macro_rules! pairs {
    ($($name:literal = $expects:expr, $kind:ident
        $bad:path, $bad_summary:literal; $good:path, $good_summary:literal;)+) => {
        /// Each breaker with its near miss, in the order of the table of rows.
        static PAIRS: [[Driver; 2]; [$($name),+].len()] = {
            use Expects::*;
            [$([
                exhibit($name, $bad_summary, $expects, pairs!(@$kind $bad)),
                exhibit(concat!($name, "-near-miss"), $good_summary, Clean, pairs!(@$kind $good)),
            ]),+]
        };
    };
    (@program $body:path) => {
        Kind::Model { cpus: 1, run: &|config: Config| run(config, $body) }
    };
    (@device $body:path) => {
        Kind::Model { cpus: 1, run: &|config: Config| run(config.hardware(Box::new(Bell::default())), $body) }
    };
    (@writer $body:path) => {
        Kind::Model { cpus: 1, run: &|config: Config| run(config.hardware(Box::new(Writer::default())), $body) }
    };
    (@miniport $entry:path) => {
        Kind::VirtualMiniport { entry: Some($entry) }
    };
}

/// Runs a program as the boot thread.
#[expect(unsafe_code, reason = "programs of exhibits are as unsafe as the drivers they stand for")]
fn run(config: Config, program: unsafe fn()) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the program's objects are its own.
    config.run(move || unsafe { program() })
}

const fn exhibit(name: &'static str, summary: &'static str, expects: Expects, kind: Kind) -> Driver {
    Driver { name, aliases: &[], summary, expects, kind, cancels: false, sources: SOURCES }
}

pairs! {
    "spin-lock-safe" = Breaks("SpinLockSafe"), program
        irps::complete_under_lock, "completes a read while it holds a spin lock";
        irps::complete_after_lock, "completes a read at DISPATCH_LEVEL, after it released the spin lock";
    "stor-port-spin-lock" = Breaks("StorPortSpinLock"), miniport
        miniport::start_io_lock_twice, "takes StartIoLock while it holds it";
        miniport::start_io_lock_again, "takes StartIoLock again, after it gave it back";
    "stor-port-status-pending" = Stops("SCSI_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::status_pending, "completes requests that still say SRB_STATUS_PENDING";
        miniport::status_frozen, "completes requests with a flag bit beside their final status";
    "data-integrity" = Breaks("DataIntegrity"), miniport
        miniport::writes_nothing, "completes writes with success and writes nothing";
        miniport::writes_twice, "writes the data of each write twice";
    "request-status" = Breaks("RequestStatus"), miniport
        miniport::refuses, "says that requests are invalid which are not";
        miniport::is_busy, "is busy now and then, so that requests are sent again";
    "fewer-bytes" = Breaks("FewerBytes"), miniport
        miniport::says_half, "completes reads with success and says that half of their bytes were moved";
        miniport::says_all, "says how many bytes were moved, which is all of them";
    "lost-request" = Breaks("LostRequest"), miniport
        miniport::keeps, "never completes a read or write";
        miniport::completes_later, "completes requests in a DPC, after HwStorStartIo has returned";
    "adapter-restart" = MayBreak("AdapterRestart"), miniport
        miniport::initializes_once, "refuses HwStorInitialize after its adapter was stopped";
        miniport::initializes_again, "initializes its adapter again after it was stopped";
    "stall-at-raised-irql" = Breaks("StallAtRaisedIrql"), program
        dpcs::stall_too_long, "keeps the processor busy for 51 µs in a DPC, at once";
        dpcs::stall_briefly, "keeps the processor busy for 50 µs in a DPC";
    "time-at-raised-irql" = MayBreak("TimeAtRaisedIrql"), program
        dpcs::stall_thrice, "keeps the processor busy for 150 µs in a DPC, 50 at a time";
        dpcs::stall_twice, "keeps the processor busy for 100 µs in a DPC, 50 at a time";
    "wait-deadlock" = Stops("deadlock"), program
        waits::synchronization_event_twice, "waits twice for a synchronization event that is set once";
        waits::notification_event_twice, "waits twice for a notification event that is set once";
    "poll-livelock" = Stops("livelock"), device
        registers::poll_for_ever, "polls its device until that is ready, without a limit";
        registers::poll_for_a_time, "polls its device until that is ready, for a millisecond at most";
    "object-misused" = Stops("OBJECT_MISUSED"), program
        locks::never_initialised, "takes a spin lock that it never initialised";
        locks::initialised, "initialises a spin lock in memory that holds something else";
    "request-touched-after-completion" = MayStop("REQUEST_TOUCHED_AFTER_COMPLETION"), miniport
        miniport::writes_completed, "writes the status of an SRB after it has completed it";
        miniport::writes_uncompleted, "writes the status of an SRB twice, and completes it then";
    "unbalanced-release" = Stops("UNBALANCED_RELEASE"), program
        counts::remove_lock_once_too_often, "releases a remove lock once more than it acquired it";
        counts::remove_lock_as_often, "acquires a remove lock twice under one tag, and releases it twice";
    "maximum-wait-objects-exceeded" = Stops("MAXIMUM_WAIT_OBJECTS_EXCEEDED"), program
        waits::four_without_blocks, "waits for four objects without wait blocks";
        waits::four_with_blocks, "waits for four objects with wait blocks of its own";
    "spin-lock-already-owned" = Stops("SPIN_LOCK_ALREADY_OWNED"), program
        locks::twice, "takes a spin lock that it holds";
        locks::again, "takes a spin lock again, after it gave it back";
    "reference-by-pointer" = Stops("REFERENCE_BY_POINTER"), program
        counts::rundown_not_acquired, "releases rundown protection that it did not get";
        counts::rundown_if_acquired, "releases rundown protection only if it got it";
    "kmode-exception-not-handled" = Stops("KMODE_EXCEPTION_NOT_HANDLED"), program
        memory::index_past_end, "indexes a table with a number that came from elsewhere";
        memory::index_checked, "looks whether its table goes as far as a number that came from elsewhere";
    "no-more-irp-stack-locations" = Stops("NO_MORE_IRP_STACK_LOCATIONS"), program
        irps::pass_on_without_location, "passes an IRP on that has no stack location left";
        irps::pass_on_in_own_location, "passes an IRP on in its own stack location";
    "multiple-irp-complete-requests" = Stops("MULTIPLE_IRP_COMPLETE_REQUESTS"), program
        irps::complete_twice, "completes an IRP twice";
        irps::complete_as_often_as_sent, "completes an IRP twice that was sent twice";
    "page-fault-in-nonpaged-area" = Stops("PAGE_FAULT_IN_NONPAGED_AREA"), program
        memory::event_of_nothing, "sets an event in memory that was refused";
        memory::event_if_any, "sets an event in memory that was refused, if there is any";
    "unexpected-kernel-mode-trap" = Stops("UNEXPECTED_KERNEL_MODE_TRAP"), program
        memory::recurse_as_told, "recurses as often as a number says that came from elsewhere";
        memory::recurse_a_little, "recurses as often as its stack has room for, whatever the number says";
    "attempted-switch-from-dpc" = Stops("ATTEMPTED_SWITCH_FROM_DPC"), program
        dpcs::wait_in_dpc, "waits for an event in a DPC";
        dpcs::look_in_dpc, "waits for an event in a DPC with a time-out of zero, which only looks";
    "bad-pool-caller" = Stops("BAD_POOL_CALLER"), program
        pool::other_tag, "frees a block under another tag than it was allocated with";
        pool::two_tags, "frees two blocks of different tags, each under its own";
    "driver-verifier-detected-violation" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), program
        pool::past_end, "writes one byte past the end of a block, and frees it";
        pool::to_end, "writes the last byte of a block, and frees it";
    "timer-or-dpc-invalid" = Stops("TIMER_OR_DPC_INVALID"), program
        dpcs::free_queued, "frees a DPC that is queued";
        dpcs::free_removed, "frees a DPC that it has removed from its queue";
    "irql-unexpected-value" = Stops("IRQL_UNEXPECTED_VALUE"), program
        dpcs::lower_in_dpc, "returns from a DPC at PASSIVE_LEVEL";
        dpcs::restore_in_dpc, "takes a spin lock in a DPC by the routine that raises the IRQL";
    "driver-verifier-iomanager-violation" = Stops("DRIVER_VERIFIER_IOMANAGER_VIOLATION"), program
        irps::complete_pending, "completes an IRP with STATUS_PENDING";
        irps::complete_and_return_pending, "returns STATUS_PENDING for an IRP that it has completed";
    "driver-unloaded-without-cancelling-pending-operations" =
        Stops("DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS"), program
        unload::with_thread, "is unloaded while its thread sleeps";
        unload::after_thread, "is unloaded when its thread has ended";
    "driver-irql-not-less-or-equal" = Stops("DRIVER_IRQL_NOT_LESS_OR_EQUAL"), program
        memory::event_of_nothing_at_dispatch_level, "sets an event in memory that was refused, at DISPATCH_LEVEL";
        memory::event_if_any_at_dispatch_level, "looks at DISPATCH_LEVEL whether memory was refused, and sets an event if not";
    "driver-page-fault-in-freed-special-pool" = Stops("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), program
        pool::write_after_free, "writes a block that it has freed";
        pool::write_before_free, "writes a block, and frees it then";
    "driver-page-fault-beyond-end-of-allocation" = MayStop("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), program
        pool::read_past_end, "reads the byte behind a block";
        pool::read_to_end, "reads the last byte of a block";
    "worker-thread-returned-at-bad-irql" = Stops("WORKER_THREAD_RETURNED_AT_BAD_IRQL"), program
        work_items::return_raised, "returns from a work item at DISPATCH_LEVEL";
        work_items::return_restored, "raises the IRQL in a work item, and lowers it again";
    "resource-not-owned" = Stops("RESOURCE_NOT_OWNED"), program
        counts::resource_once_too_often, "releases a resource twice that it acquired once";
        counts::resource_as_often, "releases a resource twice that it acquired twice";
    "worker-invalid" = Stops("WORKER_INVALID"), program
        work_items::free_queued, "frees a work item that is queued";
        work_items::free_in_routine, "frees a work item in its own routine";
    "driver-verifier-dma-violation" = Stops("DRIVER_VERIFIER_DMA_VIOLATION"), writer
        dma::take_back_first, "takes memory back from a device that still writes to it";
        dma::take_back_last, "takes memory back from a device that has written to it";
    "scsi-verifier-detected-violation" = Stops("SCSI_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::completes_twice, "completes requests twice";
        miniport::asks_for_next, "asks for the next request after it has completed one";
    "driver-returned-holding-cancel-lock" = Stops("DRIVER_RETURNED_HOLDING_CANCEL_LOCK"), program
        irps::keep_cancel_lock, "returns from its cancel routine without releasing the cancel spin lock";
        irps::release_cancel_lock, "releases the cancel spin lock in its cancel routine";
}

/// Every exhibit, each breaker followed by its near miss.
pub static ALL: [&Driver; 2 * PAIRS.len()] = {
    let mut all = [&PAIRS[0][0]; 2 * PAIRS.len()];
    let mut n = 0;
    while n < all.len() {
        all[n] = &PAIRS[n / 2][n % 2];
        n += 1;
    }
    all
};
