//! Routines for the parts of the system that live in other crates, such as the port driver.
//!
//! They are the system's own doing inside a call of a driver, so no hook fires and nothing is counted as the
//! driver's, except where it says so. This is not a second DDI layer: drivers do not call it. Invariant: each
//! routine leads to the very code behind the DDI of that kind, so a lock taken here and one taken by
//! `KeAcquireSpinLock` exclude each other.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::types::{
    PIO_WORKITEM, PIO_WORKITEM_ROUTINE, PIRP, PKDEFERRED_ROUTINE, PKDPC, PKSPIN_LOCK, PKTIMER, PLIST_ENTRY,
    PSLIST_ENTRY, PSLIST_HEADER, PVOID, USHORT,
};
use crate::irql::Irql;
use crate::processor::Processor;
use crate::sync::{lists, lock, sequenced_list, timer, work_item};
use crate::{allocation_failure, io, pool};
use std::ptr::null_mut;

/// Raises the IRQL; returns the level before. A level at or below the present one changes nothing.
#[inline]
pub fn raise_irql(cpu: &Processor, to: Irql) -> Irql {
    let before = cpu.irql();
    if to > before {
        cpu.set_irql(to);
    }
    before
}

/// Restores the IRQL that a raise returned, and serves what was pended meanwhile.
#[inline]
pub fn restore_irql(cpu: &Processor, to: Irql) {
    cpu.set_irql(to);
    cpu.machine().after_call(cpu);
}

/// Takes a spin lock for the driver that makes this call, at `at` or above: it counts as one that the driver
/// holds. Returns the IRQL before.
///
/// A lock that this processor holds already is bug check 0x0F; a pointer outside the machine's memory is a
/// bug check too.
#[inline]
pub fn acquire_for_driver(call: &Call, spin_lock: PKSPIN_LOCK, at: Irql) -> Irql {
    let before = raise_irql(call.cpu, at);
    lock::take(call, spin_lock, before, false);
    before
}

/// Gives back what [`acquire_for_driver`] took, and restores the IRQL. A lock that this processor
/// does not hold is bug check 0xC4.
#[inline]
pub fn release_for_driver(call: &Call, spin_lock: PKSPIN_LOCK, to: Irql) {
    lock::give(call, spin_lock);
    call.cpu.set_irql(to);
}

/// Takes a spin lock that the system holds around a callback: not counted as the driver's. The
/// caller is at DISPATCH_LEVEL or above.
pub fn acquire(call: &Call, spin_lock: PKSPIN_LOCK) {
    lock::take_word(call, lock::word(call, spin_lock), false);
}

/// Gives back what [`acquire`] took.
pub fn release(call: &Call, spin_lock: PKSPIN_LOCK) {
    lock::give_word(call, lock::word(call, spin_lock));
}

/// Queues an initialized DPC object; returns whether it was not queued already.
pub fn queue_dpc(call: &Call, dpc: PKDPC) -> bool {
    let object = std::ptr::from_mut(crate::sync::dpc::object(call, dpc));
    // SAFETY: `object` found it in mapped memory, aligned; a number beyond the last processor's panics there.
    unsafe { crate::sync::dpc::queue_here(call, object, null_mut(), null_mut()) }
}

/// As [`queue_dpc`], with the two arguments its routine will be given.
///
/// # Safety
/// As for `KeInsertQueueDpc`: the object stays where it is while it is queued.
pub unsafe fn queue_dpc_with(call: &Call, dpc: PKDPC, argument1: PVOID, argument2: PVOID) -> bool {
    // SAFETY: the caller keeps the contract above, which is that of `insert`.
    unsafe { crate::sync::dpc::insert(call, dpc, argument1, argument2) != 0 }
}

/// Takes a DPC out of its queue; returns whether it was in one.
///
/// # Safety
/// The object is initialized.
pub unsafe fn remove_dpc(call: &Call, dpc: PKDPC) -> bool {
    // SAFETY: the caller promises an initialized object; `remove` checks that it is memory.
    unsafe { crate::sync::dpc::remove(call, dpc) != 0 }
}

/// Makes a DPC object of a routine that belongs to the system or is called by it.
///
/// # Safety
/// As for `KeInitializeDpc`: the memory is the caller's, and no DPC in it is queued.
pub unsafe fn initialize_dpc(call: &Call, dpc: PKDPC, routine: PKDEFERRED_ROUTINE, context: PVOID) {
    // SAFETY: the caller promises memory of its own with no queued DPC in it.
    unsafe { crate::sync::dpc::initialize(call, dpc, routine, context) };
}

/// Makes a notification timer.
///
/// # Safety
/// As for `KeInitializeTimer`: the memory is the caller's, and no timer in it is armed.
pub unsafe fn initialize_timer(call: &Call, object: PKTIMER) {
    // SAFETY: the caller promises memory of its own with no armed timer in it.
    unsafe { timer::initialize(call, object) };
}

/// Queues a work item, zeroed before its first use. One that is queued already stays as it is.
///
/// # Safety
/// The item stays where it is until its routine is called; the routine may be called with the context.
pub unsafe fn queue_work_item(
    call: &Call,
    item: PIO_WORKITEM,
    routine: PIO_WORKITEM_ROUTINE,
    context: PVOID,
) {
    // SAFETY: the caller keeps the item in place, and its routine takes this context.
    unsafe { work_item::queue(call, item, routine, 0, context) };
}

/// Arms an initialized timer to queue `dpc` once, `after_us` microseconds from now; returns whether it was
/// armed already.
///
/// # Safety
/// Both objects stay where they are until the timer has expired or was cancelled.
pub unsafe fn set_timer(call: &Call, object: PKTIMER, after_us: u64, dpc: PKDPC) -> bool {
    let due = crate::safe::relative_us(after_us);
    // SAFETY: the caller keeps both objects in place while the timer is armed.
    unsafe { timer::set(call, object, due, dpc) != 0 }
}

/// Disarms a timer; returns whether it was armed. Its DPC may be queued already.
///
/// # Safety
/// The timer is initialized.
pub unsafe fn cancel_timer(call: &Call, object: PKTIMER) -> bool {
    // SAFETY: the caller promises an initialized timer; `cancel` checks that it is memory.
    unsafe { timer::cancel(call, object) != 0 }
}

/// Completes an IRP for the driver whose call `call` is: as `IoCompleteRequest`, with the same checks, but
/// rules do not see a call of `IoCompleteRequest`.
///
/// # Safety
/// As for `IoCompleteRequest`: the caller owns the IRP and gives it up.
pub unsafe fn complete_irp(call: &Call, irp: PIRP) {
    // SAFETY: the caller owns the IRP and gives it up.
    unsafe { io::irp::complete(call, irp, 0) };
}

/// Nonpaged pool for the driver whose call `call` is, not zeroed; the driver has to free it. Null when the
/// pool is exhausted. Zero bytes, and a level above DISPATCH_LEVEL, are bug check 0xC4.
#[must_use]
pub fn allocate_for_driver(call: &Call, bytes: usize, tag: u32) -> PVOID {
    pool::allocate(call, bytes, tag, false, false)
}

/// System memory for an object that the driver whose call `call` is asks for, zeroed: freed with
/// [`Machine::free_system`](crate::machine::Machine::free_system), and never counted as the driver's leak.
/// Null when the pool is exhausted, or when the allocation is made to fail.
#[must_use]
pub fn allocate_for_call(call: &Call, bytes: usize) -> PVOID {
    if allocation_failure::fails(call, bytes) { null_mut() } else { call.machine().allocate_system(bytes) }
}

/// Frees a driver's pool block; every way to do it wrong is a bug check.
pub fn free_for_driver(call: &Call, address: PVOID) {
    call.cpu.machine().pool_free(call, address, None);
}

/// The system time in 100 ns units since 1601.
#[must_use]
pub fn system_time(cpu: &Processor) -> i64 {
    timer::SYSTEM_TIME_AT_POWER_ON + (cpu.machine().time_ns() / 100) as i64
}

/// Passes `us` microseconds on this processor without giving it up.
pub fn stall(cpu: &Processor, us: u32) {
    cpu.machine().stall(u64::from(us));
}

/// A driver's call begins to use a lock handle for a lock of the system's. The handle is known by the host
/// address of the field that names the lock, which lies in mapped, aligned memory. Stops the machine if the
/// handle is in use, on any processor.
pub fn begin_lock_handle(call: &Call, handle: usize, lock: usize) {
    crate::lives::begin_handle(call, handle, lock);
}

/// A driver's call gives back what [`begin_lock_handle`] noted.
pub fn end_lock_handle(call: &Call, handle: usize, lock: usize) {
    crate::lives::end_handle(call, handle, lock);
}

/// Declares routines that are those of the kernel under another name.
macro_rules! same_as {
    ($($(#[doc = $doc:literal])+ $name:ident($($argument:ident: $type:ty),*) -> $returns:ty = $body:path;)+) => {$(
        $(#[doc = $doc])+
        ///
        /// # Safety
        /// As for the kernel's routine of that name: what the pointers name is the driver's own, and they are
        /// checked to be memory of the machine.
        pub unsafe fn $name(call: &Call, $($argument: $type),*) -> $returns {
            // SAFETY: the caller keeps the contract above, which is that of the routine.
            unsafe { $body(call, $($argument),*) }
        }
    )+};
}

same_as! {
    /// As `KeInitializeSpinLock`.
    initialize_lock(spin_lock: PKSPIN_LOCK) -> () = lock::initialize;
    /// As `ExInterlockedInsertHeadList`.
    insert_head(head: PLIST_ENTRY, entry: PLIST_ENTRY, spin_lock: PKSPIN_LOCK) -> PLIST_ENTRY = lists::insert_head;
    /// As `ExInterlockedInsertTailList`.
    insert_tail(head: PLIST_ENTRY, entry: PLIST_ENTRY, spin_lock: PKSPIN_LOCK) -> PLIST_ENTRY = lists::insert_tail;
    /// As `ExInterlockedRemoveHeadList`.
    remove_head(head: PLIST_ENTRY, spin_lock: PKSPIN_LOCK) -> PLIST_ENTRY = lists::remove_head;
    /// As `ExInitializeSListHead`.
    initialize_sequenced_list(list: PSLIST_HEADER) -> () = sequenced_list::initialize;
    /// As `ExInterlockedFlushSList`.
    flush_sequenced_list(list: PSLIST_HEADER) -> PSLIST_ENTRY = sequenced_list::flush;
    /// As `ExQueryDepthSList`.
    depth_of_sequenced_list(list: PSLIST_HEADER) -> USHORT = sequenced_list::depth;
}

/// As `ExInterlockedPushEntrySList`, which has no use for a lock.
///
/// # Safety
/// The list and the entry are the driver's own; they are checked to be memory of the machine.
pub unsafe fn push_sequenced_list(call: &Call, list: PSLIST_HEADER, entry: PSLIST_ENTRY) -> PSLIST_ENTRY {
    // SAFETY: the caller keeps the contract above.
    unsafe { sequenced_list::push(call, list, entry, null_mut()) }
}

/// As `ExInterlockedPopEntrySList`, which has no use for a lock.
///
/// # Safety
/// The list is the driver's own; it is checked to be memory of the machine.
pub unsafe fn pop_sequenced_list(call: &Call, list: PSLIST_HEADER) -> PSLIST_ENTRY {
    // SAFETY: the caller keeps the contract above.
    unsafe { sequenced_list::pop(call, list, null_mut()) }
}
