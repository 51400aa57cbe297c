//! What is given back more often than it was taken: a remove lock, rundown protection, a resource.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use std::mem::zeroed;
use std::ptr::null_mut;

unsafe fn acquire_and_release(acquired: u32, released: u32) {
    let mut lock: IO_REMOVE_LOCK = zeroed();
    IoInitializeRemoveLock(&raw mut lock, 0, 0, 0);
    for _ in 0..acquired {
        IoAcquireRemoveLock(&raw mut lock, null_mut());
    }
    for _ in 0..released {
        IoReleaseRemoveLock(&raw mut lock, null_mut());
    }
}

/// Releases a remove lock once more than it acquired it.
pub(super) unsafe fn remove_lock_once_too_often() {
    acquire_and_release(1, 2);
}

/// Releases a remove lock twice, as often as it acquired it under the same tag.
pub(super) unsafe fn remove_lock_as_often() {
    acquire_and_release(2, 2);
}

/// Takes protection of what has been run down, which fails.
unsafe fn too_late(rundown: PEX_RUNDOWN_REF) -> BOOLEAN {
    ExInitializeRundownProtection(rundown);
    ExWaitForRundownProtectionRelease(rundown);
    ExAcquireRundownProtection(rundown)
}

/// Releases protection that it did not get.
pub(super) unsafe fn rundown_not_acquired() {
    let mut rundown: EX_RUNDOWN_REF = zeroed();
    too_late(&raw mut rundown);
    ExReleaseRundownProtection(&raw mut rundown);
}

/// Releases protection only if it got it.
pub(super) unsafe fn rundown_if_acquired() {
    let mut rundown: EX_RUNDOWN_REF = zeroed();
    if too_late(&raw mut rundown) != FALSE {
        ExReleaseRundownProtection(&raw mut rundown);
    }
}

unsafe fn share_and_release(acquired: u32) {
    let mut resource: ERESOURCE = zeroed();
    ExInitializeResourceLite(&raw mut resource);
    KeEnterCriticalRegion();
    for _ in 0..acquired {
        ExAcquireResourceSharedLite(&raw mut resource, TRUE);
    }
    for _ in 0..2 {
        ExReleaseResourceLite(&raw mut resource);
    }
    KeLeaveCriticalRegion();
    ExDeleteResourceLite(&raw mut resource);
}

/// Releases a resource twice that it acquired once.
pub(super) unsafe fn resource_once_too_often() {
    share_and_release(1);
}

/// Releases a resource twice that it acquired twice.
pub(super) unsafe fn resource_as_often() {
    share_and_release(2);
}
