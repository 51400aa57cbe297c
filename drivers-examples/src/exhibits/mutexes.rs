//! What a thread keeps when it ends: a mutex, a critical region.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new};
use kernel_sim::ddi::*;
use std::ptr::null_mut;

/// Returns inside a critical region.
pub(super) unsafe fn return_in_region() {
    KeEnterCriticalRegion();
}

/// Leaves its critical region, and returns.
pub(super) unsafe fn return_outside() {
    KeEnterCriticalRegion();
    KeLeaveCriticalRegion();
}

unsafe extern "C-unwind" fn take(mutex: PVOID) {
    KeWaitForSingleObject(mutex, Executive, KernelMode, FALSE, null_mut());
}

unsafe extern "C-unwind" fn take_and_release(mutex: PVOID) {
    take(mutex);
    KeReleaseMutex(mutex.cast(), FALSE);
}

/// Runs a routine on a thread of its own, to its end.
unsafe fn on_a_thread(routine: PKSTART_ROUTINE) {
    let mutex: PKMUTEX = new();
    KeInitializeMutex(mutex, 0);
    let mut handle = null_mut();
    let _ =
        PsCreateSystemThread(&raw mut handle, 0, null_mut(), null_mut(), null_mut(), routine, mutex.cast());
    let mut thread = null_mut();
    ObReferenceObjectByHandle(handle, 0, null_mut(), KernelMode, &raw mut thread, null_mut());
    ZwClose(handle);
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null_mut());
    ObDereferenceObject(thread);
    free(mutex);
}

/// Returns from a thread with a mutex.
pub(super) unsafe fn return_with() {
    on_a_thread(Some(take));
}

/// Gives its mutex back before its thread returns.
pub(super) unsafe fn return_without() {
    on_a_thread(Some(take_and_release));
}
