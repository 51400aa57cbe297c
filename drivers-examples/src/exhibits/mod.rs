//! Exhibits: for each row of what can be found, the smallest program that it finds, and a near miss.
//!
//! The near miss looks guilty and is not: no row may find anything in it. Nothing here is a driver that a
//! user would copy from. The row names the two (`verifier::rules::Exhibits`); most are a program for the boot
//! thread of one processor, those that need SRBs a virtual miniport. Invariant: **a breaker is found by its
//! row in every run**, if the flags that the row names with it are given.

mod counts;
mod dma;
mod dpcs;
mod interrupts;
mod irps;
mod irql;
mod locks;
mod memory;
pub(crate) mod miniport;
mod mutexes;
mod objects;
mod passes_on;
mod pool;
mod port;
mod races;
mod registers;
mod unload;
mod waits;
mod work_items;

use crate::models::bell::Bell;
use dma::Writer;
use kernel_sim::machine::{Config, Outcome};
use storport_sim::PciSlot;
use verifier::driver::{Driver, Expects, Kind, Protocol, Source};

pub(crate) const SOURCES: &[Source] = verifier::sources![
    "mod.rs",
    "counts.rs",
    "dma.rs",
    "dpcs.rs",
    "interrupts.rs",
    "irps.rs",
    "irql.rs",
    "locks.rs",
    "memory.rs",
    "miniport/base.rs",
    "miniport/calls.rs",
    "miniport/entry.rs",
    "miniport/finds.rs",
    "miniport/kernel.rs",
    "miniport/mod.rs",
    "miniport/registry.rs",
    "miniport/storport_locks.rs",
    "mutexes.rs",
    "objects.rs",
    "passes_on.rs",
    "pool.rs",
    "port.rs",
    "races.rs",
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
/// bell, `writer` one on a machine with a device that writes memory; `filter` takes entry points of
/// drivers above a disk, `miniport` those of virtual miniports, and `hardware` those of miniports with
/// hardware, which is a bell that never rings.
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
    (@filter $entry:path) => {
        Kind::Wdm { entry: Some($entry), device: None }
    };
    (@miniport $entry:path) => {
        Kind::VirtualMiniport { entry: Some($entry) }
    };
    (@hardware $entry:path) => {
        Kind::Miniport {
            protocol: Protocol::Scsi,
            entry: Some($entry),
            device: |_, _| Box::new(Bell::default()),
            slot: || PciSlot::new(0),
        }
    };
}

/// Runs a program as the boot thread.
#[expect(unsafe_code, reason = "programs of exhibits are as unsafe as the drivers they stand for")]
fn run(config: Config, program: unsafe fn()) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the program's objects are its own.
    config.run(move || unsafe { program() })
}

const fn exhibit(name: &'static str, summary: &'static str, expects: Expects, kind: Kind) -> Driver {
    Driver {
        name,
        aliases: &[],
        summary,
        expects,
        kind,
        cancels: false,
        reads_registry: false,
        image: None,
        sources: SOURCES,
    }
}

pairs! {
    "spin-lock-safe" = Breaks("SpinLockSafe"), program
        irps::complete_under_lock, "completes a read while it holds a spin lock";
        irps::complete_after_lock, "completes a read at DISPATCH_LEVEL, after it released the spin lock";
    "stor-port-spin-lock" = Breaks("StorPortSpinLock"), miniport
        miniport::start_io_lock_twice, "takes StartIoLock while it holds it";
        miniport::start_io_lock_again, "takes StartIoLock again, after it gave it back";
    "stor-port-spin-lock3" = Breaks("StorPortSpinLock3"), miniport
        miniport::storport_locks::wrong_order, "takes StartIoLock while it holds InterruptLock";
        miniport::storport_locks::right_order, "takes InterruptLock while it holds StartIoLock";
    "stor-port-spin-lock4" = Clean, miniport
        miniport::storport_locks::other_handle, "releases a Storport lock with a copy of its handle";
        miniport::storport_locks::own_handles, "releases two Storport locks, each with its own handle";
    "stor-port-msi-lock" = Breaks("StorPortMSILock"), hardware
        miniport::storport_locks::message_lock, "takes the lock of a message although messages have none";
        miniport::storport_locks::interrupt_lock, "takes InterruptLock in HwStorStartIo";
    "spin-lock" = Stops("SPIN_LOCK_ALREADY_OWNED"), program
        locks::one_inside_itself, "takes a spin lock that it holds by KeAcquireSpinLock";
        locks::one_inside_another, "takes a spin lock while it holds another";
    "spin-lock-dpc" = Stops("SPIN_LOCK_ALREADY_OWNED"), program
        locks::raising_inside_itself, "takes a spin lock that it holds by KeAcquireSpinLockRaiseToDpc";
        locks::raising_inside_another, "takes a spin lock by that routine while it holds another";
    "spin-lock-release" = Breaks("ReleaseMismatch"), program
        locks::release_what_did_not_raise, "releases a lock by KeReleaseSpinLock that was taken at DISPATCH_LEVEL";
        locks::release_what_was_tried, "releases a lock by KeReleaseSpinLock that it tried to take";
    "queued-spin-lock" = Stops("SPIN_LOCK_ALREADY_OWNED"), program
        locks::queued_inside_itself, "takes a queued spin lock that it holds";
        locks::queued_inside_another, "takes a queued spin lock while it holds another";
    "queued-spin-lock-release" = Breaks("ReleaseMismatch"), program
        locks::release_queued_that_did_not_raise, "releases a queued lock as if its acquire had raised the IRQL";
        locks::release_queued_that_raised, "takes a queued lock at DISPATCH_LEVEL by the routine that raises";
    "cancel-spin-lock" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), program
        locks::release_cancel_lock_not_taken, "releases the cancel spin lock that it did not take";
        locks::release_cancel_lock_taken, "takes the cancel spin lock at DISPATCH_LEVEL, and releases it";
    "irql-dispatch" = Breaks("IrqlDispatch"), program
        irql::queue_below, "inserts into a device queue at PASSIVE_LEVEL";
        irql::queue_at_dispatch_level, "inserts into a device queue at DISPATCH_LEVEL";
    "irql-ke-release-spin-lock" = Breaks("IrqlKeReleaseSpinLock"), program
        locks::lower_under_inner, "lowers the IRQL with the outer of two locks, which it releases first";
        locks::lower_with_last, "releases the outer of two locks first, and lowers the IRQL with the last";
    "sp-change-irql" = Stops("IRQL_UNEXPECTED_VALUE"), miniport
        miniport::calls::returns_raised, "returns from HwStorStartIo at a raised IRQL";
        miniport::calls::returns_lowered, "raises the IRQL in HwStorStartIo, and lowers it again";
    "sp-irql" = Breaks("SpIrql"), program
        irql::network_raised, "asks to be told of network addresses at DISPATCH_LEVEL";
        irql::network_first, "asks to be told of network addresses before it raises the IRQL";
    "stor-port-irql" = Breaks("StorPortIrql"), miniport
        miniport::calls::address_raised, "asks for the address of its data above DISPATCH_LEVEL";
        miniport::calls::address_at_level, "asks for the address of its data at DISPATCH_LEVEL";
    "irql-ke-set-event" = Breaks("IrqlKeSetEvent"), program
        irql::event_for_wait_raised, "sets an event with Wait TRUE at DISPATCH_LEVEL";
        irql::event_for_wait_first, "sets an event with Wait TRUE before it raises the IRQL";
    "irql-ex-allocate-pool" = Breaks("IrqlExAllocatePool"), program
        irql::pool_raised, "allocates pool above DISPATCH_LEVEL";
        irql::pool_first, "allocates pool before it raises the IRQL";
    "irql-ex-apc-lte1" = Breaks("IrqlExApcLte1"), program
        irql::fast_mutex_raised, "acquires a free fast mutex at DISPATCH_LEVEL";
        irql::fast_mutex_first, "acquires a fast mutex before it raises the IRQL";
    "irql-ex-apc-lte2" = Breaks("IrqlExApcLte2"), program
        irql::paged_list_raised, "initializes a paged look-aside list at DISPATCH_LEVEL";
        irql::paged_list_first, "initializes a paged look-aside list before it raises the IRQL";
    "irql-ex-apc-lte3" = Breaks("IrqlExApcLte3"), program
        irql::resource_raised, "acquires a free resource at DISPATCH_LEVEL";
        irql::resource_first, "acquires a resource before it raises the IRQL";
    "irql-io-apc-lte" = Breaks("IrqlIoApcLte"), program
        irql::delete_device_raised, "deletes a device at DISPATCH_LEVEL";
        irql::delete_device_first, "deletes a device before it raises the IRQL";
    "irql-io-passive1" = Breaks("IrqlIoPassive1"), program
        irql::create_device_raised, "creates a device at DISPATCH_LEVEL";
        irql::create_device_first, "creates a device before it raises the IRQL";
    "irql-io-passive2" = Breaks("IrqlIoPassive2"), device
        irql::connect_raised, "connects an interrupt at DISPATCH_LEVEL";
        irql::connect_first, "connects an interrupt before it raises the IRQL";
    "irql-io-passive3" = Breaks("IrqlIoPassive3"), program
        irql::detach_device_raised, "detaches a device at DISPATCH_LEVEL";
        irql::detach_device_first, "detaches a device before it raises the IRQL";
    "irql-io-passive4" = Breaks("IrqlIoPassive4"), device
        irql::disconnect_raised, "disconnects an interrupt at DISPATCH_LEVEL";
        irql::disconnect_first, "disconnects an interrupt before it raises the IRQL";
    "irql-ke-apc-lte1" = Breaks("IrqlKeApcLte1"), program
        irql::sleep_raised, "sleeps at DISPATCH_LEVEL";
        irql::sleep_first, "sleeps before it raises the IRQL";
    "irql-ke-apc-lte2" = Breaks("IrqlKeApcLte2"), program
        irql::region_raised, "enters a critical region at DISPATCH_LEVEL";
        irql::region_first, "enters and leaves a critical region before it raises the IRQL";
    "irql-ke-dispatch-lte" = Breaks("IrqlKeDispatchLte"), program
        irql::timer_raised, "arms a timer above DISPATCH_LEVEL";
        irql::timer_first, "arms a timer before it raises the IRQL";
    "irql-ob-passive" = Breaks("IrqlObPassive"), program
        irql::reference_handle_raised, "looks a handle up at DISPATCH_LEVEL";
        irql::reference_handle_first, "looks a handle up before it raises the IRQL";
    "irql-ps-passive" = Breaks("IrqlPsPassive"), program
        irql::create_thread_raised, "creates a thread at DISPATCH_LEVEL";
        irql::create_thread_first, "creates a thread before it raises the IRQL";
    "irql-zw-passive" = Breaks("IrqlZwPassive"), program
        irql::close_handle_raised, "closes a handle at DISPATCH_LEVEL";
        irql::close_handle_first, "closes a handle before it raises the IRQL";
    "hw-stor-port-prohibited-ddis" = Breaks("HwStorPortProhibitedDDIs"), hardware
        miniport::calls::calls_kernel, "initialises a spin lock of its own in a miniport with hardware";
        miniport::calls::calls_interlocked, "counts by an interlocked operation in a miniport with hardware";
    "stor-port-deprecated" = Clean, miniport
        miniport::calls::logs_error, "calls StorPortLogError";
        miniport::calls::logs_event, "calls StorPortLogSystemEvent";
    "null-check" = Stops("PAGE_FAULT_IN_NONPAGED_AREA"), program
        pool::unchecked, "initializes an event in memory that it did not get";
        pool::checked, "looks whether it got the memory for an event";
    "stor-port-build-io" = Breaks("StorPortBuildIo"), program
        port::starts_refused, "passes an SRB to HwStorStartIo although HwStorBuildIo returned FALSE";
        port::starts_passed, "passes an SRB on at the address of one for which HwStorBuildIo returned FALSE";
    "stor-port-complete-request" = Breaks("StorPortCompleteRequest"), miniport
        miniport::calls::completes_unit, "completes all requests of a unit at once";
        miniport::calls::completes_one, "completes each request with its own status";
    "stor-port-ddis-port-only" = Breaks("StorPortCompleteRequest"), miniport
        miniport::calls::completes_unit, "calls StorPortCompleteRequest, which is the port driver's";
        miniport::calls::completes_one, "calls StorPortNotification to complete a request";
    "sp-duplex" = Clean, miniport
        miniport::finds::half_duplex, "leaves SynchronizationModel at half duplex";
        miniport::finds::full_duplex, "sets SynchronizationModel to full duplex after all";
    "sp-return-value" = Breaks("SpReturnValue"), miniport
        miniport::finds::returns_status, "returns an NTSTATUS from HwStorFindAdapter";
        miniport::finds::returns_count, "returns how many adapters it found, which is SP_RETURN_FOUND";
    "stor-port-find-adapter" = Clean, miniport
        miniport::finds::leaves_breaks, "leaves NumberOfPhysicalBreaks as it found it";
        miniport::finds::takes_one_break, "sets NumberOfPhysicalBreaks to 1";
    "stor-port-passive-from-hw-init" = Breaks("StorPortPassiveFromHwInit"), miniport
        miniport::calls::passive_in_control, "asks for the passive routine while HwStorAdapterControl initializes";
        miniport::calls::no_passive_in_control, "initializes in HwStorAdapterControl without the passive routine";
    "stor-port-enable-passive" = Breaks("StorPortEnablePassive"), miniport
        miniport::calls::passive_in_start_io, "asks for the passive routine in HwStorStartIo";
        miniport::calls::passive_in_initialize, "asks for the passive routine in HwStorInitialize";
    "stor-port-perf-opts" = Breaks("StorPortPerfOpts"), miniport
        miniport::calls::no_options, "asks for performance options with a NULL structure";
        miniport::calls::empty_options, "asks for performance options with a structure that names none";
    "stor-port-notification2" = Breaks("StorPortNotification2"), miniport
        miniport::calls::asks_for_next, "asks for the next request, as under the SCSI port driver";
        miniport::calls::reports_link, "reports that its link is up, which it was";
    "stor-port-timer" = Breaks("StorPortTimer"), miniport
        miniport::calls::timer_without_routine, "asks for a timer call without a routine";
        miniport::calls::timer_stopped, "stops the timer without a routine";
    "stor-port-start-io" = Breaks("StorPortStartIo"), miniport
        miniport::calls::stalls, "stalls in HwStorStartIo";
        miniport::calls::allocates, "allocates by StorPortAllocatePool in HwStorStartIo";
    "sp-no-wait" = Clean, miniport
        miniport::kernel::waits, "waits in HwStorStartIo, with a time-out of zero";
        miniport::kernel::looks, "looks at an event in HwStorStartIo";
    "stor-port-allocate-pool" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::calls::frees_twice, "frees a block of StorPortAllocatePool twice";
        miniport::calls::frees_each, "allocates and frees twice";
    "stor-port-allocate-pool2" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::calls::overwrites, "overwrites the pointer to a block with the next one";
        miniport::calls::overwrites_freed, "overwrites the pointer to a block that it has freed";
    "stor-port-virtual-device" = Breaks("StorPortVirtualDevice"), hardware
        miniport::finds::says_virtual, "says that its adapter is virtual, which has hardware";
        miniport::finds::says_physical, "says that its adapter is not virtual";
    "stor-port-virtual-device2" = Breaks("StorPortVirtualDevice2"), miniport
        miniport::finds::virtual_says_physical, "says that its virtual adapter is not virtual";
        miniport::finds::virtual_says_virtual, "says that its adapter is virtual after all";
    "double-ex-free-pool" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::kernel::frees_twice, "frees a block of pool twice";
        miniport::kernel::frees_each, "frees two blocks of pool, one after the other";
    "double-ke-set-event" = Clean, miniport
        miniport::kernel::sets_twice, "sets an event twice";
        miniport::kernel::sets_again, "sets an event again, after it has cleared it";
    "io-free-irp" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::kernel::keeps_irp, "never frees an IRP that it allocated";
        miniport::kernel::frees_irp, "frees an IRP that it never sent";
    "within-critical-region" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::kernel::outside_region, "acquires a resource outside a critical region";
        miniport::kernel::inside_region, "acquires a resource inside a critical region";
    "zw-registry-create" = Breaks("ZwRegistryCreate"), miniport
        miniport::registry::reads_closed, "reads a value with a handle that it has closed";
        miniport::registry::reads_again, "opens a key again that it has closed, and reads a value";
    "zw-registry-open" = Breaks("ZwRegistryOpen"), miniport
        miniport::registry::keeps_open, "leaves a handle of a registry key open";
        miniport::registry::deletes, "closes one handle, and deletes the key that another is of";
    "stor-port-status-pending" = Stops("SCSI_VERIFIER_DETECTED_VIOLATION"), miniport
        miniport::status_pending, "completes requests that still say SRB_STATUS_PENDING";
        miniport::status_frozen, "completes requests with a flag bit beside their final status";
    "paged-code" = Clean, program
        irql::paged_routine_raised, "executes pageable code at DISPATCH_LEVEL";
        irql::paged_routine_first, "executes pageable code before it raises the IRQL";
    "call-irql" = Breaks("CallIrql"), program
        irql::rundown_raised, "initializes rundown protection at DISPATCH_LEVEL";
        irql::rundown_first, "initializes rundown protection before it raises the IRQL";
    "lock-left-held" = Breaks("LockLeftHeld"), program
        dpcs::keep_lock_in_dpc, "returns from a DPC with a spin lock held";
        dpcs::give_lock_back_in_dpc, "gives a spin lock back before its DPC returns";
    "release-mismatch" = Breaks("ReleaseMismatch"), program
        locks::release_without_level, "releases a spin lock without lowering the IRQL that its acquire raised";
        locks::release_at_level, "takes and releases a spin lock at DISPATCH_LEVEL";
    "for-dpc-outside-dpc" = Breaks("ForDpcOutsideDpc"), program
        dpcs::for_dpc_in_thread, "takes a spin lock by KeAcquireSpinLockForDpc in a thread";
        dpcs::for_dpc_in_dpc, "takes a spin lock by KeAcquireSpinLockForDpc in a DPC";
    "call-under-lock" = Breaks("CallUnderLock"), program
        irps::pass_on_under_lock, "passes a read on while it holds a spin lock";
        irps::pass_on_after_lock, "passes a read on after it released the spin lock";
    "complete-under-own-lock" = Clean, miniport
        miniport::kernel::completes_under_lock, "completes requests while it holds a spin lock of its own";
        miniport::kernel::completes_after_lock, "completes requests after it released its spin lock";
    "ignored-failure" = Clean, filter
        passes_on::unlooked, "passes reads on although their completion routine may not have been set";
        passes_on::looked, "sets the completion routine of a read in another way if it could not be set";
    "lock-order-inverted" = Clean, program
        locks::both_orders, "nests two spin locks in both orders, one after the other";
        locks::both_orders_guarded, "nests two spin locks in both orders, inside a third";
    "lock-in-interrupt" = Clean, device
        interrupts::lock_below, "holds a spin lock at DISPATCH_LEVEL that its interrupt service routine takes";
        interrupts::lock_at_level, "holds a spin lock at its interrupt's level that the service routine takes";
    "data-race" = Breaks("DataRace"), program
        races::add_plainly, "adds to a counter in two threads, plainly";
        races::add_in_one, "adds to a counter in two threads, by InterlockedIncrement";
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
    "adapter-stop" = MayBreak("AdapterStop"), hardware
        miniport::refuses_stop, "refuses to stop its adapter for plug and play: --event rebalance";
        miniport::stops, "stops its adapter for plug and play";
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
        locks::twice, "takes a spin lock at DISPATCH_LEVEL that it holds";
        locks::again, "takes a spin lock again, after it gave it back";
    "reference-by-pointer" = Stops("REFERENCE_BY_POINTER"), program
        counts::rundown_not_acquired, "releases rundown protection that it did not get";
        counts::rundown_if_acquired, "releases rundown protection only if it got it";
    "kmode-exception-not-handled" = Stops("KMODE_EXCEPTION_NOT_HANDLED"), program
        memory::index_past_end, "indexes a table with a number that came from elsewhere";
        memory::index_checked, "looks whether its table goes as far as a number that came from elsewhere";
    "kernel-apc-pending-during-exit" = Stops("KERNEL_APC_PENDING_DURING_EXIT"), program
        mutexes::return_in_region, "returns inside a critical region";
        mutexes::return_outside, "leaves its critical region, and returns";
    "thread-terminate-held-mutex" = Stops("THREAD_TERMINATE_HELD_MUTEX"), program
        mutexes::return_with, "returns from a thread with a mutex";
        mutexes::return_without, "gives its mutex back before its thread returns";
    "no-more-irp-stack-locations" = Stops("NO_MORE_IRP_STACK_LOCATIONS"), program
        irps::pass_on_without_location, "passes an IRP on that has no stack location left";
        irps::pass_on_in_own_location, "passes an IRP on in its own stack location";
    "multiple-irp-complete-requests" = Stops("MULTIPLE_IRP_COMPLETE_REQUESTS"), program
        irps::complete_twice, "completes an IRP twice";
        irps::complete_as_often_as_sent, "completes an IRP twice that was sent twice";
    "bug-check-by-driver" = Stops("BUG_CHECK_BY_DRIVER"), program
        counts::count_wrong_stops, "stops the system when it finds its own count wrong, which it is";
        counts::count_right_goes_on, "stops the system when it finds its own count wrong, which it is not";
    "page-fault-in-nonpaged-area" = Stops("PAGE_FAULT_IN_NONPAGED_AREA"), program
        memory::event_of_nothing, "sets an event in memory that was refused";
        memory::event_if_any, "sets an event in memory that was refused, if there is any";
    "unexpected-kernel-mode-trap" = Stops("UNEXPECTED_KERNEL_MODE_TRAP"), program
        memory::recurse_as_told, "recurses as often as a number says that came from elsewhere";
        memory::recurse_a_little, "recurses as often as its stack has room for, whatever the number says";
    "attempted-write-to-readonly-memory" = Stops("ATTEMPTED_WRITE_TO_READONLY_MEMORY"), program
        memory::time_into_constant, "has the time written into a constant";
        memory::time_from_constant, "waits as long as a constant says";
    "attempted-switch-from-dpc" = Stops("ATTEMPTED_SWITCH_FROM_DPC"), program
        dpcs::wait_in_dpc, "waits for an event in a DPC";
        dpcs::look_in_dpc, "waits for an event in a DPC with a time-out of zero, which only looks";
    "bad-pool-caller" = Stops("BAD_POOL_CALLER"), program
        pool::other_tag, "frees a block under another tag than it was allocated with";
        pool::two_tags, "frees two blocks of different tags, each under its own";
    "driver-verifier-detected-violation" = Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), program
        pool::of_no_bytes, "asks for a block of pool of no bytes";
        pool::of_one_byte, "asks for a block of pool of one byte";
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
        miniport::asks_for_time, "asks for the time after it has completed a request";
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
