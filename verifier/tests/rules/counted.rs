//! Rules that need no more than how many locks are held.

use super::*;
use kernel_sim::frame::Frame;
use kernel_sim::processor::Processor;
use kernel_sim::routine::SYNCH_CRITSECTION;

unsafe fn keep(x: X) {
    // SAFETY: the desk is what it was called with.
    in_dpc(x, |x| unsafe { KeAcquireSpinLockAtDpcLevel(lock(x, 0)) });
}

/// The routine is entered with a lock of its caller's, and returns with it.
unsafe fn keep_around(x: X) {
    let irql = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
    let frame = Frame::new(&SYNCH_CRITSECTION, &[]);
    // SAFETY: the desk is what it was called with.
    callback(Processor::current(), &frame, || unsafe {
        KeAcquireSpinLockAtDpcLevel(lock(x, 1));
        KeReleaseSpinLockFromDpcLevel(lock(x, 1));
    });
    KeReleaseSpinLock(lock(x, 0), irql);
}

unsafe extern "C-unwind" fn keeps(_device: PDEVICE_OBJECT, irp: PIRP) {
    let mut irql: KIRQL = 0;
    IoReleaseCancelSpinLock((*irp).CancelIrql);
    KeAcquireSpinLock((*irp).UserBuffer.cast(), &raw mut irql);
}

unsafe fn keep_in_cancel_routine(x: X) {
    let irp = IoAllocateIrp(1, FALSE);
    (*irp).UserBuffer = lock(x, 0).cast();
    IoSetCancelRoutine(irp, Some(keeps));
    IoCancelIrp(irp);
}

unsafe fn complete(x: X) {
    let mut irql: KIRQL = 0;
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    IoCompleteRequest(null_mut(), IO_NO_INCREMENT);
}

unsafe fn cancel(x: X) {
    let mut irql: KIRQL = 0;
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    IoCancelIrp(null_mut());
}

#[test]
fn they_tell_without_the_places_where_locks_were_taken() {
    for (row, program) in
        [("LockLeftHeld", keep as Program), ("SpinLockSafe", complete), ("CallUnderLock", cancel)]
    {
        let row = rules::find(row).expect("a row of the table");
        let Ending::Halted(found) = watched([&row], Sites::Counted, program) else {
            panic!("{} has nothing to say", row.name);
        };
        let found = found.downcast::<Finding>().expect("a finding");
        assert!(found.earlier.is_empty() && found.what.contains("a spin lock"), "{found:?}");
    }
    let row = rules::find("LockLeftHeld").expect("a row of the table");
    assert_fine(watched([&row], Sites::Counted, keep_around));
}

#[test]
fn of_a_cancel_routine_the_number_says_nothing() {
    let row = rules::find("LockLeftHeld").expect("a row of the table");
    assert!(!matches!(watched([&row], Sites::Counted, keep_in_cancel_routine), Ending::Halted(_)));
}
