//! Rundown protection: it is acquired until the rundown begins, the rundown waits for every holder, and
//! misuse stops the machine.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::REFERENCE_BY_POINTER;
use kernel_sim::ddi::*;

unsafe fn rundown(x: *mut Desk) -> PEX_RUNDOWN_REF {
    (&raw mut (*x).pointers[0]).cast()
}

#[test]
fn protection_is_not_acquired_once_the_rundown_has_begun() {
    unsafe fn driver(x: *mut Desk) {
        let r = rundown(x);
        ExInitializeRundownProtection(r);
        assert_eq!(ExAcquireRundownProtection(r), TRUE);
        assert_eq!(ExAcquireRundownProtection(r), TRUE);
        ExReleaseRundownProtection(r);
        ExReleaseRundownProtection(r);
        ExWaitForRundownProtectionRelease(r);
        assert_eq!(ExAcquireRundownProtection(r), FALSE);
        // A second wait has nothing to wait for.
        ExWaitForRundownProtectionRelease(r);
        ExReInitializeRundownProtection(r);
        assert_eq!(ExAcquireRundownProtection(r), TRUE);
        ExReleaseRundownProtection(r);
    }
    everywhere(1, driver);
}

#[test]
fn the_wait_ends_with_the_last_user() {
    // Counters of the desk: 0 acquisitions, 1 a cell to work on, 2 users that were refused, 3 ended waits.
    unsafe fn uses(x: *mut Desk) {
        while ExAcquireRundownProtection(rundown(x)) == TRUE {
            count(x, 0);
            let using = number(x, 1);
            using.set(using.get() | 1);
            ExReleaseRundownProtection(rundown(x));
        }
        count(x, 2);
    }
    unsafe fn driver(x: *mut Desk) {
        ExInitializeRundownProtection(rundown(x));
        assert_eq!(ExAcquireRundownProtection(rundown(x)), TRUE);
        for cpu in 0..3 {
            spawn(x, cpu, uses);
        }
        spawn(x, 0, waits);
        wait_ms(event(x, 1), 1);
        ExReleaseRundownProtection(rundown(x));
        join(x, 4);
        assert_eq!(number(x, 2).get(), 3, "every user was told to stop");
        assert_eq!(number(x, 3).get(), 1);
    }
    unsafe fn waits(x: *mut Desk) {
        ExWaitForRundownProtectionRelease(rundown(x));
        assert_eq!(ExAcquireRundownProtection(rundown(x)), FALSE);
        count(x, 3);
    }
    everywhere(3, driver);
}

#[test]
fn what_is_not_held_cannot_be_released() {
    unsafe fn driver(x: *mut Desk) {
        ExInitializeRundownProtection(rundown(x));
        ExReleaseRundownProtection(rundown(x));
    }
    stops(1, driver, REFERENCE_BY_POINTER.code, 0);
}

#[test]
fn protection_that_has_not_run_down_cannot_be_made_available_again() {
    unsafe fn driver(x: *mut Desk) {
        ExInitializeRundownProtection(rundown(x));
        ExReInitializeRundownProtection(rundown(x));
    }
    stops(1, driver, REFERENCE_BY_POINTER.code, 0);
}
