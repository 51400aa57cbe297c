//! DPCs: that wait, that stall, that are freed while they are queued, that return at another IRQL.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{TAG, free, new, new_event, new_lock};
use kernel_sim::ddi::*;
use std::ptr::null_mut;

/// Runs a DPC routine on this processor, now.
unsafe fn run_dpc(routine: PKDEFERRED_ROUTINE, context: PVOID) {
    let dpc: PKDPC = new();
    KeInitializeDpc(dpc, routine, context);
    KeInsertQueueDpc(dpc, null_mut(), null_mut());
    free(dpc);
}

unsafe extern "C-unwind" fn waits(_dpc: PKDPC, event: PVOID, _: PVOID, _: PVOID) {
    KeWaitForSingleObject(event, Executive, KernelMode, FALSE, null_mut());
}

unsafe extern "C-unwind" fn waits_no_time(_dpc: PKDPC, event: PVOID, _: PVOID, _: PVOID) {
    let mut now = LARGE_INTEGER::new(0);
    KeWaitForSingleObject(event, Executive, KernelMode, FALSE, &raw mut now);
}

unsafe fn run_with_event(routine: PKDEFERRED_ROUTINE) {
    let event = new_event(NotificationEvent);
    run_dpc(routine, event.cast());
    free(event);
}

/// Waits in a DPC, as long as it takes.
pub(super) unsafe fn wait_in_dpc() {
    run_with_event(Some(waits));
}

/// Waits in a DPC with a time-out of zero, which only looks.
pub(super) unsafe fn look_in_dpc() {
    run_with_event(Some(waits_no_time));
}

/// Keeps the processor busy: the context is how often, the first argument for how long.
unsafe extern "C-unwind" fn stalls(_dpc: PKDPC, times: PVOID, us: PVOID, _: PVOID) {
    for _ in 0..times as usize {
        KeStallExecutionProcessor(us as ULONG);
    }
}

/// Stalls in a DPC.
unsafe fn stall_in_dpc(times: usize, us: ULONG) {
    let dpc: PKDPC = new();
    KeInitializeDpc(dpc, Some(stalls), times as PVOID);
    KeInsertQueueDpc(dpc, us as usize as PVOID, null_mut());
    free(dpc);
}

/// One microsecond more than the page allows.
pub(super) unsafe fn stall_too_long() {
    stall_in_dpc(1, 51);
}

/// As long as the page allows.
pub(super) unsafe fn stall_briefly() {
    stall_in_dpc(1, 50);
}

/// Each call is short enough, and together they are more than the guidance for a DPC.
pub(super) unsafe fn stall_thrice() {
    stall_in_dpc(3, 50);
}

/// As much as the guidance for a DPC.
pub(super) unsafe fn stall_twice() {
    stall_in_dpc(2, 50);
}

unsafe extern "C-unwind" fn does_nothing(_dpc: PKDPC, _: PVOID, _: PVOID, _: PVOID) {}

/// Frees the block of a DPC that was queued, after the DPC was removed from the queue if `removes`.
unsafe fn queue_and_free(removes: bool) {
    let dpc: PKDPC = new();
    KeInitializeDpc(dpc, Some(does_nothing), null_mut());
    let irql = KeRaiseIrqlToDpcLevel();
    KeInsertQueueDpc(dpc, null_mut(), null_mut());
    if removes {
        KeRemoveQueueDpc(dpc);
    }
    ExFreePoolWithTag(dpc.cast(), TAG);
    KeLowerIrql(irql);
}

/// Frees a DPC that is queued.
pub(super) unsafe fn free_queued() {
    queue_and_free(false);
}

/// Removes a DPC from the queue, and frees it.
pub(super) unsafe fn free_removed() {
    queue_and_free(true);
}

/// Gives a queued spin lock back with another level in its handle than the acquire saved: the IRQL falls.
unsafe extern "C-unwind" fn lowers(_dpc: PKDPC, lock: PVOID, _: PVOID, _: PVOID) {
    let handle: PKLOCK_QUEUE_HANDLE = new();
    KeAcquireInStackQueuedSpinLock(lock.cast(), handle);
    (*handle).OldIrql = PASSIVE_LEVEL;
    KeReleaseInStackQueuedSpinLock(handle);
    free(handle);
}

/// Raises to the level that it has, and restores that.
unsafe extern "C-unwind" fn restores(_dpc: PKDPC, lock: PVOID, _: PVOID, _: PVOID) {
    let irql = KeAcquireSpinLockRaiseToDpc(lock.cast());
    KeReleaseSpinLock(lock.cast(), irql);
}

unsafe fn run_with_lock(routine: PKDEFERRED_ROUTINE) {
    let lock = new_lock();
    run_dpc(routine, lock.cast());
    free(lock);
}

/// Returns from a DPC at PASSIVE_LEVEL.
pub(super) unsafe fn lower_in_dpc() {
    run_with_lock(Some(lowers));
}

/// Takes a spin lock in a DPC as if it were below DISPATCH_LEVEL, and gives it back alike.
pub(super) unsafe fn restore_in_dpc() {
    run_with_lock(Some(restores));
}

/// Returns with the lock that it took.
unsafe extern "C-unwind" fn keeps(_dpc: PKDPC, lock: PVOID, _: PVOID, _: PVOID) {
    KeAcquireSpinLockAtDpcLevel(lock.cast());
}

unsafe extern "C-unwind" fn gives_back(_dpc: PKDPC, lock: PVOID, _: PVOID, _: PVOID) {
    KeAcquireSpinLockAtDpcLevel(lock.cast());
    KeReleaseSpinLockFromDpcLevel(lock.cast());
}

/// Returns from a DPC with a spin lock held.
pub(super) unsafe fn keep_lock_in_dpc() {
    run_with_lock(Some(keeps));
}

/// Gives the spin lock back before the DPC returns.
pub(super) unsafe fn give_lock_back_in_dpc() {
    run_with_lock(Some(gives_back));
}

unsafe fn take_and_give_for_dpc(lock: PKSPIN_LOCK) {
    let irql = KeAcquireSpinLockForDpc(lock);
    KeReleaseSpinLockForDpc(lock, irql);
}

unsafe extern "C-unwind" fn takes_for_dpc(_dpc: PKDPC, lock: PVOID, _: PVOID, _: PVOID) {
    take_and_give_for_dpc(lock.cast());
}

/// Takes a spin lock in a thread by the routine that is for DPCs.
pub(super) unsafe fn for_dpc_in_thread() {
    let lock = new_lock();
    take_and_give_for_dpc(lock);
    free(lock);
}

/// Takes a spin lock in a DPC by the routine that is for DPCs.
pub(super) unsafe fn for_dpc_in_dpc() {
    run_with_lock(Some(takes_for_dpc));
}
