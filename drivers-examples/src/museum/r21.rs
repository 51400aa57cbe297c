//! `r21`: the removal waits for one remove lock, requests hold another.
//!
//! **What the driver does.** Behind its device object is a block device, an object of its own, to which the
//! extension points. Each of the two has a remove lock. Requests hold that of the extension from their
//! arrival to their end, and count themselves in the block device when they have been completed.
//!
//! **What goes wrong.** (1) A request holds the extension's remove lock. (2) IRP_MN_REMOVE_DEVICE acquires
//! that one as well, and then calls IoReleaseRemoveLockAndWait with the block device's, which no request
//! holds: it waits for none. (3) The removal frees the block device and sets the pointer to it to NULL. (4)
//! The request comes to its end and counts itself there.
//!
//! **What Windows does.** The remove lock's event is never signaled where its count is out of step, so the
//! removal hangs; or it returns at once, and the request reads through NULL: bug check 0xD1 or 0x50. Checked
//! builds assert that the lock which is waited for was acquired with that tag.
//!
//! **The fix.** `r21-fixed` waits for the lock that requests hold.
//!
//! **Found by** UNBALANCED_RELEASE, at IoReleaseRemoveLockAndWait, in every run: the removal has not acquired
//! that lock.
//!
//! **Source.** WinDRBD (LINBIT/windrbd), commit 6eb5eb77 of 2022-09-26.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::wdm::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Bdev");

struct BLOCK_DEVICE {
    RemoveLock: IO_REMOVE_LOCK,
    /// Requests that have ended.
    Ended: LONG,
}

pub(super) struct MORE {
    BlockDevice: *mut BLOCK_DEVICE,
}

unsafe fn CreateBlockDevice<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
    let BlockDevice: *mut BLOCK_DEVICE =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<BLOCK_DEVICE>(), TAG).cast();
    if BlockDevice.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    IoInitializeRemoveLock(&raw mut (*BlockDevice).RemoveLock, TAG, 0, 0);
    (*More::<F>(Extension)).BlockDevice = BlockDevice;
    STATUS_SUCCESS
}

unsafe fn DeleteBlockDevice<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) {
    ExFreePoolWithTag((*More::<F>(Extension)).BlockDevice.cast(), TAG);
    (*More::<F>(Extension)).BlockDevice = null_mut();
}

unsafe fn CompleteAndCount<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    InterlockedIncrement(&raw mut (*(*More::<F>(Extension)).BlockDevice).Ended);
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        CreateBlockDevice::<Self>(Extension)
    }

    unsafe fn End(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        CompleteAndCount::<Self>(Extension, Irp);
    }

    unsafe fn WaitForRequests(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let BlockDevice = (*More::<Self>(Extension)).BlockDevice;
        IoReleaseRemoveLockAndWait(&raw mut (*BlockDevice).RemoveLock, Irp.cast()); // Wrong: not theirs.
        DeleteBlockDevice::<Self>(Extension);
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        CreateBlockDevice::<Self>(Extension)
    }

    unsafe fn End(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        CompleteAndCount::<Self>(Extension, Irp);
    }

    unsafe fn WaitForRequests(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        IoReleaseRemoveLockAndWait(&raw mut (*Extension).RemoveLock, Irp.cast());
        DeleteBlockDevice::<Self>(Extension);
    }
}
