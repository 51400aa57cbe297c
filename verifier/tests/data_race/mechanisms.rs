//! Locks, events, threads, DPCs, timers, work items: each orders what comes before it and after it.

use super::*;

unsafe fn under_lock(x: X) {
    let mut old = 0;
    KeAcquireSpinLock(&raw mut (*x).lock, &raw mut old);
    add(x);
    KeReleaseSpinLock(&raw mut (*x).lock, old);
}

unsafe fn under_lock_at_dispatch(x: X) {
    let old = KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(&raw mut (*x).lock);
    add(x);
    KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
    KeLowerIrql(old);
}

unsafe fn under_other_lock(x: X) {
    let mut old = 0;
    KeAcquireSpinLock(&raw mut (*x).other, &raw mut old);
    add(x);
    KeReleaseSpinLock(&raw mut (*x).other, old);
}

unsafe fn queued(x: X, n: usize) {
    let handle = &raw mut (*x).handle[n];
    KeAcquireInStackQueuedSpinLock(&raw mut (*x).lock, handle);
    add(x);
    KeReleaseInStackQueuedSpinLock(handle);
}

unsafe fn queued_first(x: X) {
    queued(x, 0);
}

unsafe fn queued_second(x: X) {
    queued(x, 1);
}

/// More of what orders accesses than is kept before it is told.
unsafe fn under_lock_then_long_elsewhere(x: X) {
    under_lock(x);
    for _ in 0..300 {
        let mut old = 0;
        KeAcquireSpinLock(&raw mut (*x).other, &raw mut old);
        KeReleaseSpinLock(&raw mut (*x).other, old);
    }
}

unsafe fn under_lock_later(x: X) {
    (0..2000).for_each(|_| KeStallExecutionProcessor(1));
    under_lock(x);
}

#[test]
fn spin_locks() {
    is_ordered("one lock, long ago", under_lock_then_long_elsewhere, under_lock_later);
    is_ordered("one lock", under_lock, under_lock_at_dispatch);
    is_ordered("one lock, queued", queued_first, queued_second);
    is_ordered("one lock, both ways", queued_first, under_lock);
    is_race("two locks", under_lock, under_other_lock);
    is_race("no lock", add, add);
    is_race("a lock on one side", add, under_lock);
}

unsafe fn set(x: X) {
    add(x);
    KeSetEvent(&raw mut (*x).event, 0, FALSE);
}

unsafe fn set_too_early(x: X) {
    KeSetEvent(&raw mut (*x).event, 0, FALSE);
    add(x);
}

unsafe fn wait_and_add(x: X) {
    wait((&raw mut (*x).event).cast());
    add(x);
}

unsafe fn look_and_add(x: X) {
    if KeReadStateEvent(&raw mut (*x).event) != 0 {
        add(x);
    }
}

unsafe fn wait_for_both(x: X) {
    let mut objects = [(&raw mut (*x).event).cast::<std::ffi::c_void>(), (&raw mut (*x).semaphore).cast()];
    KeWaitForMultipleObjects(
        2,
        objects.as_mut_ptr(),
        WaitAll,
        Executive,
        KernelMode,
        FALSE,
        null_mut(),
        null_mut(),
    );
    add(x);
}

unsafe fn release(x: X) {
    add(x);
    KeReleaseSemaphore(&raw mut (*x).semaphore, 0, 1, FALSE);
}

unsafe fn take(x: X) {
    wait((&raw mut (*x).semaphore).cast());
    add(x);
}

unsafe fn set_and_release(x: X) {
    set(x);
    KeReleaseSemaphore(&raw mut (*x).semaphore, 0, 1, FALSE);
}

#[test]
fn events_and_semaphores() {
    is_ordered("an event", set, wait_and_add);
    is_ordered("an event that is looked at", set, look_and_add);
    is_ordered("a semaphore", release, take);
    is_race("an event that is set too early", set_too_early, wait_and_add);
    is_ordered("two objects", set_and_release, wait_for_both);
}

unsafe fn in_mutex(x: X) {
    wait((&raw mut (*x).mutex).cast());
    add(x);
    KeReleaseMutex(&raw mut (*x).mutex, FALSE);
}

unsafe fn in_fast_mutex(x: X) {
    ExAcquireFastMutex(&raw mut (*x).fast);
    add(x);
    ExReleaseFastMutex(&raw mut (*x).fast);
}

unsafe fn exclusively(x: X) {
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(&raw mut (*x).resource, TRUE);
    add(x);
    ExReleaseResourceLite(&raw mut (*x).resource);
    KeLeaveCriticalRegion();
}

unsafe fn shared(x: X) {
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(&raw mut (*x).resource, TRUE);
    (*x).number.get();
    ExReleaseResourceLite(&raw mut (*x).resource);
    KeLeaveCriticalRegion();
}

#[test]
fn mutexes_and_resources() {
    is_ordered("a mutex", in_mutex, in_mutex);
    is_ordered("a fast mutex", in_fast_mutex, in_fast_mutex);
    is_ordered("a resource", exclusively, exclusively);
    is_ordered("a resource, shared", exclusively, shared);
    is_ordered("readers", shared, shared);
    is_race("a mutex and a fast mutex", in_mutex, in_fast_mutex);
}

unsafe extern "C-unwind" fn add_in_dpc(_: PKDPC, x: PVOID, _: PVOID, _: PVOID) {
    let x: X = x.cast();
    add(x);
    KeSetEvent(&raw mut (*x).done, 0, FALSE);
}

unsafe fn queue_dpc(x: X) {
    KeInitializeDpc(&raw mut (*x).dpc, Some(add_in_dpc), x.cast());
    KeSetTargetProcessorDpc(&raw mut (*x).dpc, 1);
    add(x);
    KeInsertQueueDpc(&raw mut (*x).dpc, null_mut(), null_mut());
}

unsafe fn queue_dpc_and_add(x: X) {
    queue_dpc(x);
    add(x);
}

unsafe fn queue_dpc_and_flush(x: X) {
    queue_dpc(x);
    KeFlushQueuedDpcs();
    add(x);
}

unsafe fn arm(x: X) {
    KeInitializeDpc(&raw mut (*x).dpc, Some(add_in_dpc), x.cast());
    KeSetTargetProcessorDpc(&raw mut (*x).dpc, 1);
    add(x);
    KeSetTimer(&raw mut (*x).timer, LARGE_INTEGER::new(-10), &raw mut (*x).dpc);
}

unsafe fn wait_for_dpc(x: X) {
    wait((&raw mut (*x).done).cast());
    add(x);
}

unsafe fn wait_for_timer(x: X) {
    add(x);
    KeSetTimer(&raw mut (*x).timer, LARGE_INTEGER::new(-10), null_mut());
    wait((&raw mut (*x).timer).cast());
    add(x);
}

unsafe fn nothing(_: X) {}

#[test]
fn dpcs_and_timers() {
    is_ordered("a DPC", queue_dpc, wait_for_dpc);
    is_ordered("DPCs are flushed", queue_dpc_and_flush, nothing);
    is_ordered("a timer", arm, wait_for_dpc);
    is_ordered("a timer that is waited for", wait_for_timer, nothing);
    is_race("a DPC on another processor", queue_dpc_and_add, nothing);
}

unsafe fn hold(x: X) {
    if ExAcquireRundownProtection(&raw mut (*x).rundown) != FALSE {
        add(x);
        ExReleaseRundownProtection(&raw mut (*x).rundown);
    }
}

unsafe fn run_down(x: X) {
    ExWaitForRundownProtectionRelease(&raw mut (*x).rundown);
    add(x);
}

unsafe fn push(x: X) {
    add(x);
    ExInterlockedPushEntrySList(&raw mut (*x).list, &raw mut (*x).entry, &raw mut (*x).lock);
}

unsafe fn pop(x: X) {
    if !ExInterlockedPopEntrySList(&raw mut (*x).list, &raw mut (*x).lock).is_null() {
        add(x);
    }
}

#[test]
fn rundown_and_lists() {
    is_ordered("rundown protection", hold, run_down);
    is_ordered("a sequenced list", push, pop);
}
