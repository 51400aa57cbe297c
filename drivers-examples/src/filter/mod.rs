//! `filter`: a small filter driver above a disk, which counts what passes.
//!
//! It shows each way in which a filter deals with a request: passes it on and forgets it
//! (IoSkipCurrentIrpStackLocation), passes it on and looks at its end (a completion routine), or sends one of
//! its own in its place (IoAllocateIrp). A remove lock keeps it there for requests whose end it is to see.
//! What it does not know it passes down as it came.
//!
//! Invariants: a dispatch routine returns what the driver below returned, or STATUS_PENDING for a request
//! that it has marked; an IRP of its own never goes further up than its completion routine.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(clippy::upper_case_acronyms, reason = "names of structures, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Filt");

/// What a broken form does otherwise.
pub(crate) trait Ways: 'static {
    /// Passes on that a read was pended below.
    const PASSES_PENDING: bool = true;
    /// Keeps an IRP of its own, which it has freed, from going further up.
    const KEEPS_OWN: bool = true;
}

/// The clean driver.
pub(crate) struct Clean;
impl Ways for Clean {}

/// The device extension.
#[repr(C)]
pub(crate) struct FILTER {
    pub(crate) Lower: PDEVICE_OBJECT,
    pub(crate) RemoveLock: IO_REMOVE_LOCK,
    Reads: LONG,
    Failed: LONG,
}
pub(crate) type PFILTER = *mut FILTER;

pub(crate) unsafe fn Filter(DeviceObject: PDEVICE_OBJECT) -> PFILTER {
    (*DeviceObject).DeviceExtension.cast()
}

/// `DriverEntry` of the clean driver.
///
/// # Safety
/// Called by the I/O manager with its own arguments.
pub unsafe extern "C-unwind" fn driver_entry(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    DriverEntry::<Clean>(DriverObject, RegistryPath)
}

/// `DriverEntry`.
pub(crate) unsafe extern "C-unwind" fn DriverEntry<W: Ways>(
    DriverObject: PDRIVER_OBJECT,
    _RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    (*DriverObject).MajorFunction = [Some(Forward); IRP_MJ_MAXIMUM_FUNCTION + 1];
    (*DriverObject).MajorFunction[IRP_MJ_READ] = Some(Read::<W>);
    (*DriverObject).MajorFunction[IRP_MJ_WRITE] = Some(Write::<W>);
    (*DriverObject).MajorFunction[IRP_MJ_PNP] = Some(Pnp);
    (*DriverObject).DriverUnload = Some(DriverUnload);
    (*(*DriverObject).DriverExtension).AddDevice = Some(AddDevice);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn DriverUnload(_DriverObject: PDRIVER_OBJECT) {
    // Every device was removed before, and with it everything the driver had.
}

unsafe extern "C-unwind" fn AddDevice(
    DriverObject: PDRIVER_OBJECT,
    PhysicalDeviceObject: PDEVICE_OBJECT,
) -> NTSTATUS {
    let mut DeviceObject: PDEVICE_OBJECT = null_mut();
    let Bytes = size_of::<FILTER>() as ULONG;

    let Status =
        IoCreateDevice(DriverObject, Bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut DeviceObject);
    if !NT_SUCCESS(Status) {
        return Status;
    }
    let Extension = Filter(DeviceObject);
    IoInitializeRemoveLock(&raw mut (*Extension).RemoveLock, TAG, 0, 0);
    (*Extension).Lower = IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDeviceObject);
    (*DeviceObject).Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    (*DeviceObject).Flags &= !DO_DEVICE_INITIALIZING;
    STATUS_SUCCESS
}

/// Completes a request with that status, a success too.
pub(crate) unsafe fn Fail(Irp: PIRP, Status: NTSTATUS) -> NTSTATUS {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(Status, 0);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    Status
}

/// Passes a request on and forgets it.
unsafe extern "C-unwind" fn Forward(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Filter(DeviceObject);
    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return Fail(Irp, Status);
    }
    IoSkipCurrentIrpStackLocation(Irp);
    let Status = IoCallDriver((*Extension).Lower, Irp);
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    Status
}

/// Passes a read on, and counts it when it ends.
pub(crate) unsafe extern "C-unwind" fn Read<W: Ways>(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Filter(DeviceObject);
    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return Fail(Irp, Status);
    }
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Some(ReadDone::<W>), Extension.cast(), true, true, true);
    IoCallDriver((*Extension).Lower, Irp)
}

unsafe extern "C-unwind" fn ReadDone<W: Ways>(
    _DeviceObject: PDEVICE_OBJECT,
    Irp: PIRP,
    Context: PVOID,
) -> NTSTATUS {
    let Extension: PFILTER = Context.cast();

    if W::PASSES_PENDING && (*Irp).PendingReturned != FALSE {
        IoMarkIrpPending(Irp); // Wrong without it: the dispatch routine has returned STATUS_PENDING.
    }
    InterlockedIncrement(&raw mut (*Extension).Reads);
    if !NT_SUCCESS((*Irp).IoStatus.Status()) {
        InterlockedIncrement(&raw mut (*Extension).Failed);
    }
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    STATUS_SUCCESS
}

/// Sends a write in an IRP of its own.
unsafe extern "C-unwind" fn Write<W: Ways>(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Filter(DeviceObject);
    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return Fail(Irp, Status);
    }
    // A location more than the lower drivers need, for what the completion routine is to know.
    let Own = IoAllocateIrp((*(*Extension).Lower).StackSize + 1, FALSE);
    if Own.is_null() {
        IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
        return Fail(Irp, STATUS_INSUFFICIENT_RESOURCES);
    }
    IoSetNextIrpStackLocation(Own);
    (*IoGetCurrentIrpStackLocation(Own)).DeviceObject = DeviceObject;
    let Next = IoGetNextIrpStackLocation(Own);
    (*Next).MajorFunction = IRP_MJ_WRITE as UCHAR;
    (*Next).Parameters = (*IoGetCurrentIrpStackLocation(Irp)).Parameters;
    (*Next).FileObject = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;
    (*Own).MdlAddress = (*Irp).MdlAddress;
    IoSetCompletionRoutine(Own, Some(WriteDone::<W>), Irp.cast(), true, true, true);
    IoMarkIrpPending(Irp);
    IoCallDriver((*Extension).Lower, Own);
    STATUS_PENDING
}

unsafe extern "C-unwind" fn WriteDone<W: Ways>(
    DeviceObject: PDEVICE_OBJECT,
    Own: PIRP,
    Context: PVOID,
) -> NTSTATUS {
    let (Irp, Extension): (PIRP, PFILTER) = (Context.cast(), Filter(DeviceObject));

    (*Irp).IoStatus = (*Own).IoStatus;
    // The buffer is the other request's.
    (*Own).MdlAddress = null_mut();
    IoFreeIrp(Own);
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    // Wrong otherwise: the I/O manager would go on with an IRP that is freed.
    if W::KEEPS_OWN { STATUS_MORE_PROCESSING_REQUIRED } else { STATUS_SUCCESS }
}

unsafe extern "C-unwind" fn Pnp(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Filter(DeviceObject);

    if (*IoGetCurrentIrpStackLocation(Irp)).MinorFunction != IRP_MN_REMOVE_DEVICE {
        return Forward(DeviceObject, Irp);
    }
    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return Fail(Irp, Status);
    }
    IoReleaseRemoveLockAndWait(&raw mut (*Extension).RemoveLock, Irp.cast());
    let Lower = (*Extension).Lower;
    IoSkipCurrentIrpStackLocation(Irp);
    let Status = IoCallDriver(Lower, Irp);
    IoDetachDevice(Lower);
    IoDeleteDevice(DeviceObject);
    Status
}
