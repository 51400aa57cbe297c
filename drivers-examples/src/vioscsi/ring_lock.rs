//! The lock of a ring, which is the DpcLock of its DPC, and the notification that follows a change of the
//! ring.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::extension::AdapterExtension;

/// Takes a ring's lock.
pub unsafe fn lock(
    DeviceExtension: PVOID,
    Extension: *mut AdapterExtension,
    n: usize,
    handle: &mut STOR_LOCK_HANDLE,
) {
    StorPortAcquireSpinLock(DeviceExtension, DpcLock, (&raw mut (*Extension).dpc[n]).cast(), handle);
}

/// Gives it back.
pub unsafe fn unlock(DeviceExtension: PVOID, handle: &mut STOR_LOCK_HANDLE) {
    StorPortReleaseSpinLock(DeviceExtension, handle);
}

/// Tells the device that a ring has something for it.
pub unsafe fn notify(DeviceExtension: PVOID, Extension: *mut AdapterExtension, n: usize) {
    // The register was computed when the ring was enabled.
    StorPortWriteRegisterUshort(DeviceExtension, (*Extension).ring[n].notify, n as u16)
}
