//! Storport's locks: their order, their handles, the lock of a message.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::base::{ExecuteAndComplete, MovesBlocks, Register, Ways};
use super::entry::exhibits;
use std::mem::zeroed;
use std::ptr::null_mut;
use storport_sim::ddi::*;

exhibits! {
    /// Takes StartIoLock inside InterruptLock.
    wrong_order: starts => TakesInterruptLockFirst;
    /// Takes InterruptLock inside StartIoLock.
    right_order: starts => TakesStartIoLockFirst;
    /// Releases a lock with a copy of its handle.
    other_handle: starts => ReleasesWithCopy;
    /// Releases two locks, each with its own handle.
    own_handles: starts => ReleasesWithOwn;
    /// Takes the lock of a message without per-message mode.
    message_lock: physical starts => TakesMessageLock;
    /// Takes the interrupt lock instead.
    interrupt_lock: physical starts => TakesInterruptLock;
}

unsafe fn TakesInterruptLockFirst(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let (mut Outer, mut Inner): (STOR_LOCK_HANDLE, STOR_LOCK_HANDLE) = zeroed();
    StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), &raw mut Outer);
    StorPortAcquireSpinLock(DeviceExtension, StartIoLock, null_mut(), &raw mut Inner); // Wrong.
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Inner);
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Outer);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn TakesStartIoLockFirst(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let (mut Outer, mut Inner): (STOR_LOCK_HANDLE, STOR_LOCK_HANDLE) = zeroed();
    StorPortAcquireSpinLock(DeviceExtension, StartIoLock, null_mut(), &raw mut Outer);
    StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), &raw mut Inner);
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Inner);
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Outer);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn ReleasesWithCopy(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Handle: STOR_LOCK_HANDLE = zeroed();
    StorPortAcquireSpinLock(DeviceExtension, StartIoLock, null_mut(), &raw mut Handle);
    let mut Copy = Handle;
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Copy); // Wrong: another place in memory.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn ReleasesWithOwn(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    TakesStartIoLockFirst(DeviceExtension, Srb);
}

unsafe fn TakesMessageLock(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Irql: ULONG = 0;
    let Status = StorPortAcquireMSISpinLock(DeviceExtension, 0, &raw mut Irql); // Wrong: there is none.
    if Status == STOR_STATUS_SUCCESS {
        StorPortReleaseMSISpinLock(DeviceExtension, 0, Irql);
    }
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn TakesInterruptLock(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Handle: STOR_LOCK_HANDLE = zeroed();
    StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), &raw mut Handle);
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Handle);
    ExecuteAndComplete(DeviceExtension, Srb);
}
