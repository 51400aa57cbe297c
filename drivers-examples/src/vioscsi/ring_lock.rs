//! The lock of a ring, which is the DpcLock of its DPC, and the notification that follows a change of the
//! ring.

use super::ddi::*;
use super::extension::AdapterExtension;

/// Takes a ring's lock.
pub unsafe fn lock(extension: PVOID, e: *mut AdapterExtension, n: usize, handle: &mut STOR_LOCK_HANDLE) {
    // SAFETY: Storport's own extension and its adapter's, as for all of this file; the handle is the
    // caller's.
    unsafe {
        StorPortAcquireSpinLock(extension, DpcLock, (&raw mut (*e).dpc[n]).cast(), handle);
    }
}

/// Gives it back.
pub unsafe fn unlock(extension: PVOID, handle: &mut STOR_LOCK_HANDLE) {
    // SAFETY: as above.
    unsafe { StorPortReleaseSpinLock(extension, handle) }
}

/// Tells the device that a ring has something for it.
pub unsafe fn notify(extension: PVOID, e: *mut AdapterExtension, n: usize) {
    // SAFETY: as above; the register was computed when the ring was enabled.
    unsafe { StorPortWriteRegisterUshort(extension, (*e).ring[n].notify, n as u16) }
}
