//! What is given back more often than it was taken: a remove lock, rundown protection, a resource, a count.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new};
use kernel_sim::ddi::*;
use std::ptr::null_mut;

unsafe fn acquire_and_release(acquired: u32, released: u32) {
    let remove_lock: PIO_REMOVE_LOCK = new();
    IoInitializeRemoveLock(remove_lock, 0, 0, 0);
    for _ in 0..acquired {
        let _ = IoAcquireRemoveLock(remove_lock, null_mut());
    }
    for _ in 0..released {
        IoReleaseRemoveLock(remove_lock, null_mut());
    }
    free(remove_lock);
}

/// Releases a remove lock once more than it acquired it.
pub(super) unsafe fn remove_lock_once_too_often() {
    acquire_and_release(1, 2);
}

/// Releases a remove lock twice, as often as it acquired it under the same tag.
pub(super) unsafe fn remove_lock_as_often() {
    acquire_and_release(2, 2);
}

/// Something that has been run down.
unsafe fn run_down() -> PEX_RUNDOWN_REF {
    let rundown: PEX_RUNDOWN_REF = new();
    ExInitializeRundownProtection(rundown);
    ExWaitForRundownProtectionRelease(rundown);
    rundown
}

/// Releases protection that it did not get: the rundown was over.
pub(super) unsafe fn rundown_not_acquired() {
    let rundown = run_down();
    let _ = ExAcquireRundownProtection(rundown);
    ExReleaseRundownProtection(rundown);
    free(rundown);
}

/// Releases protection only if it got it.
pub(super) unsafe fn rundown_if_acquired() {
    let rundown = run_down();
    if ExAcquireRundownProtection(rundown) != FALSE {
        ExReleaseRundownProtection(rundown);
    }
    free(rundown);
}

unsafe fn share_and_release(acquired: u32) {
    let resource: PERESOURCE = new();
    ExInitializeResourceLite(resource);
    KeEnterCriticalRegion();
    for _ in 0..acquired {
        ExAcquireResourceSharedLite(resource, TRUE);
    }
    for _ in 0..2 {
        ExReleaseResourceLite(resource);
    }
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(resource);
    free(resource);
}

/// Releases a resource twice that it acquired once.
pub(super) unsafe fn resource_once_too_often() {
    share_and_release(1);
}

/// Releases a resource twice that it acquired twice.
pub(super) unsafe fn resource_as_often() {
    share_and_release(2);
}

/// A code of the driver's own.
const COUNT_IS_WRONG: ULONG = 0xD157;

unsafe fn stop_if_wrong(taken: i32, given_back: i32) {
    let count: *mut LONG = new();
    for _ in 0..taken {
        InterlockedIncrement(count);
    }
    for _ in 0..given_back {
        InterlockedDecrement(count);
    }
    if *count < 0 {
        KeBugCheckEx(COUNT_IS_WRONG, *count as u32 as ULONG_PTR, 0, 0, 0);
    }
    free(count);
}

/// Gives back more than it took, and stops the system because of that.
pub(super) unsafe fn count_wrong_stops() {
    stop_if_wrong(1, 2);
}

/// Would stop the system, but gives back as much as it took.
pub(super) unsafe fn count_right_goes_on() {
    stop_if_wrong(2, 2);
}
