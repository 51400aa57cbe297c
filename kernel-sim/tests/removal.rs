//! Rundown protection and remove locks: who may still come in, and who waits for the last to leave.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;

unsafe fn reference(x: *mut Desk) -> PEX_RUNDOWN_REF {
    (*x).pointers[0].cast()
}

#[test]
fn rundown_waits_for_every_holder_and_lets_no_other_in_afterwards() {
    unsafe fn user(x: *mut Desk) {
        while ExAcquireRundownProtection(reference(x)) == TRUE {
            assert_eq!(number(x, 1).get(), 0, "inside although it ran down");
            count(x, 0);
            ExReleaseRundownProtection(reference(x));
            sleep_ms(1);
        }
    }
    unsafe fn driver(x: *mut Desk) {
        (*x).pointers[0] = block::<EX_RUNDOWN_REF>().cast();
        ExInitializeRundownProtection(reference(x));
        for cpu in 0..2 {
            spawn(x, cpu, user);
        }
        sleep_ms(2);
        ExWaitForRundownProtectionRelease(reference(x));
        number(x, 1).set(1);
        join(x, 2);
        assert_eq!(ExAcquireRundownProtection(reference(x)), FALSE);
        ExRundownCompleted(reference(x));
        assert_eq!(ExAcquireRundownProtection(reference(x)), FALSE);
        ExReInitializeRundownProtection(reference(x));
        assert_eq!(ExAcquireRundownProtection(reference(x)), TRUE);
    }
    everywhere(3, driver);
}

#[test]
fn rundown_protection_released_too_often_stops() {
    unsafe fn driver(x: *mut Desk) {
        (*x).pointers[0] = block::<EX_RUNDOWN_REF>().cast();
        ExInitializeRundownProtection(reference(x));
        assert_eq!(ExAcquireRundownProtection(reference(x)), TRUE);
        ExReleaseRundownProtection(reference(x));
        ExReleaseRundownProtection(reference(x));
    }
    stops(1, driver, 0x18, 0);
}

unsafe fn remove_lock(x: *mut Desk) -> PIO_REMOVE_LOCK {
    (*x).pointers[0].cast()
}

#[test]
fn a_removal_waits_for_the_last_request() {
    unsafe fn user(x: *mut Desk) {
        let lock = remove_lock(x);
        loop {
            let status = IoAcquireRemoveLock(lock, x.cast());
            if status != STATUS_SUCCESS {
                assert_eq!(status, STATUS_DELETE_PENDING);
                return;
            }
            assert_eq!(number(x, 1).get(), 0, "inside although the device is gone");
            sleep_ms(1);
            IoReleaseRemoveLock(lock, x.cast());
        }
    }
    unsafe fn driver(x: *mut Desk) {
        (*x).pointers[0] = block::<IO_REMOVE_LOCK>().cast();
        let lock = remove_lock(x);
        IoInitializeRemoveLock(lock, 0, 0, 0);
        for cpu in 0..2 {
            spawn(x, cpu, user);
        }
        sleep_ms(2);
        assert_eq!(IoAcquireRemoveLock(lock, x.cast()), STATUS_SUCCESS);
        IoReleaseRemoveLockAndWait(lock, x.cast());
        number(x, 1).set(1);
        join(x, 2);
    }
    everywhere(3, driver);
}

#[test]
fn a_remove_lock_released_too_often_stops() {
    unsafe fn driver(x: *mut Desk) {
        (*x).pointers[0] = block::<IO_REMOVE_LOCK>().cast();
        IoInitializeRemoveLock(remove_lock(x), 0, 0, 0);
        IoReleaseRemoveLock(remove_lock(x), x.cast());
    }
    assert_eq!(stops(1, driver, 0, 0).stop.name, "UNBALANCED_RELEASE");
}
