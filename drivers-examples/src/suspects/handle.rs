//! `suspect-handle`: a filter that keeps data of its own for each handle.
//!
//! **What the driver does.** It is the clean `filter`, above a disk; it has no hardware. For each handle it
//! allocates a count in IRP_MJ_CREATE, keeps it in FsContext, and counts the handle's reads as they end. It
//! frees the count in IRP_MJ_CLEANUP, as the last handle is given up.
//!
//! **What goes wrong.** Reads of the handle are under way then, and are counted in freed memory.
//!
//! **Why it is rare.** Most programs wait for their requests before they close a handle; one that is killed
//! does not.
//!
//! **What Windows does.** The count is another owner's memory. With special pool: bug check 0xD5.
//!
//! **The near miss** frees it in IRP_MJ_CLOSE, which comes after the last request.
//!
//! **Found by** DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, where IRP_MJ_CLEANUP comes while reads are under
//! way.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(clippy::upper_case_acronyms, reason = "names of structures, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use crate::filter::{self, Clean, Fail, Filter};
use kernel_sim::ddi::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Hndl");

/// What is kept of a handle.
#[repr(C)]
struct OPENED {
    Reads: LONG,
}
type POPENED = *mut OPENED;

unsafe fn Entry(DriverObject: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
    let Status = filter::driver_entry(DriverObject, Path);

    (*DriverObject).MajorFunction[IRP_MJ_CREATE] = Some(Create);
    (*DriverObject).MajorFunction[IRP_MJ_READ] = Some(Read);
    (*DriverObject).MajorFunction[IRP_MJ_CLEANUP] = Some(NothingToDo);
    (*DriverObject).MajorFunction[IRP_MJ_CLOSE] = Some(NothingToDo);
    Status
}

pub(super) unsafe extern "C-unwind" fn AtCleanupEntry(
    DriverObject: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    let Status = Entry(DriverObject, Path);

    (*DriverObject).MajorFunction[IRP_MJ_CLEANUP] = Some(Free); // Wrong: reads may be under way.
    Status
}

pub(super) unsafe extern "C-unwind" fn AtCloseEntry(
    DriverObject: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    let Status = Entry(DriverObject, Path);

    (*DriverObject).MajorFunction[IRP_MJ_CLOSE] = Some(Free);
    Status
}

unsafe extern "C-unwind" fn NothingToDo(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    Fail(Irp, STATUS_SUCCESS)
}

unsafe extern "C-unwind" fn Create(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let File = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;

    let Opened = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<OPENED>(), TAG);
    if Opened.is_null() {
        return Fail(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    (*File).FsContext = Opened;
    Fail(Irp, STATUS_SUCCESS)
}

unsafe extern "C-unwind" fn Free(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let File = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;

    ExFreePoolWithTag((*File).FsContext, TAG);
    (*File).FsContext = null_mut();
    Fail(Irp, STATUS_SUCCESS)
}

unsafe extern "C-unwind" fn Read(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let File = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;
    if File.is_null() {
        return filter::Read::<Clean>(DeviceObject, Irp);
    }
    let Extension = Filter(DeviceObject);
    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return Fail(Irp, Status);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Some(ReadDone), (*File).FsContext, true, true, true);
    IoCallDriver((*Extension).Lower, Irp)
}

unsafe extern "C-unwind" fn ReadDone(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Context: PVOID) -> NTSTATUS {
    let (Extension, Opened): (_, POPENED) = (Filter(DeviceObject), Context.cast());

    if (*Irp).PendingReturned != FALSE {
        IoMarkIrpPending(Irp);
    }
    InterlockedIncrement(&raw mut (*Opened).Reads);
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    STATUS_SUCCESS
}
