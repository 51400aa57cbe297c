//! What the port driver and the class driver do is not the driver's doing.

use super::*;
use kernel_sim::frame::Frame;
use kernel_sim::processor::Processor;
use kernel_sim::routine::{INTERRUPT_SERVICE, SYNCH_CRITSECTION};
use storport_sim::callbacks::STORPORT;

/// Runs it as the port driver's code.
unsafe fn as_storport(x: X, body: Program) {
    // SAFETY: the desk is what it was called with.
    as_system(Processor::current(), &STORPORT, || unsafe { body(x) });
}

unsafe fn release_cancel_lock(_: X) {
    IoReleaseCancelSpinLock(DISPATCH_LEVEL);
}

unsafe fn cancel_lock(x: X) {
    let mut irql: KIRQL = 0;
    IoAcquireCancelSpinLock(&raw mut irql);
    as_storport(x, release_cancel_lock);
}

unsafe fn set_twice(x: X) {
    KeSetEvent(&raw mut (*x).event, 0, FALSE);
    KeSetEvent(&raw mut (*x).event, 0, FALSE);
}

unsafe fn event(x: X) {
    as_storport(x, set_twice);
}

unsafe fn flush_no_key(_: X) {
    ZwFlushKey(0x7777_0000_usize as HANDLE);
}

unsafe fn key(x: X) {
    as_storport(x, flush_no_key);
}

unsafe fn take(x: X) {
    KeAcquireInStackQueuedSpinLockAtDpcLevel(lock(x, 0), handle(x, 0));
    KeReleaseInStackQueuedSpinLockFromDpcLevel(handle(x, 0));
}

/// The lock is taken in an interrupt, and below its level.
unsafe fn lock_below(x: X, below: unsafe fn(X)) {
    let mut irql: KIRQL = 0;
    KeRaiseIrql(5, &raw mut irql);
    let frame = Frame::new(&INTERRUPT_SERVICE, &[]);
    // SAFETY: the desk is what it was called with.
    callback(Processor::current(), &frame, || unsafe { take(x) });
    KeLowerIrql(4);
    below(x);
    KeLowerIrql(irql);
}

unsafe fn taken_by_storport(x: X) {
    lock_below(x, |x| {
        // SAFETY: the desk is what it was called with.
        unsafe { as_storport(x, take) }
    });
}

unsafe fn taken_by_driver(x: X) {
    lock_below(x, take);
}

#[test]
fn it_is_not_told() {
    assert!(says("ReleaseMismatch", cancel_lock).is_none());
    assert!(says("DoubleKeSetEvent", event).is_none());
    assert!(says("ZwRegistryOpen", key).is_none());
    is_told("LockIrql", taken_by_driver);
    assert!(says("LockIrql", taken_by_storport).is_none());
}

unsafe fn stall(_: X) {
    KeStallExecutionProcessor(40);
}

/// Another callback that the port driver runs inside the DPC.
unsafe fn another_callback(x: X) {
    let frame = Frame::new(&SYNCH_CRITSECTION, &[]);
    // SAFETY: the desk is what it was called with.
    callback(Processor::current(), &frame, || unsafe {
        stall(x);
        stall(x);
    });
}

unsafe fn dpc_around_another_callback(x: X) {
    // SAFETY: the desk is what it was called with.
    in_dpc(x, |x| unsafe {
        stall(x);
        as_storport(x, another_callback);
    });
}

#[test]
fn what_it_runs_takes_none_of_the_time_of_the_callback_around() {
    assert!(says("TimeAtRaisedIrql", dpc_around_another_callback).is_none());
}
