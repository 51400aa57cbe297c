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

unsafe fn take_other(x: X) {
    KeAcquireInStackQueuedSpinLockAtDpcLevel(lock(x, 1), handle(x, 0));
    KeReleaseInStackQueuedSpinLockFromDpcLevel(handle(x, 0));
}

/// The driver's lock is held below the level of the interrupt that takes it, which is seen once the driver
/// takes another lock; not by the locks of the port driver.
unsafe fn other_lock(x: X) {
    let mut irql: KIRQL = 0;
    KeRaiseIrql(5, &raw mut irql);
    let frame = Frame::new(&INTERRUPT_SERVICE, &[]);
    // SAFETY: the desk is what it was called with.
    callback(Processor::current(), &frame, || unsafe {
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
        KeReleaseSpinLockFromDpcLevel(lock(x, 0));
    });
    KeAcquireSpinLockAtDpcLevel(lock(x, 0));
    KeLowerIrql(4);
    as_storport(x, take_other);
}

#[test]
fn it_is_not_told() {
    assert!(says("ReleaseMismatch", cancel_lock).is_none());
    assert!(says("DoubleKeSetEvent", event).is_none());
    assert!(says("ZwRegistryOpen", key).is_none());
    assert!(says("LockIrql", other_lock).is_none());
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
