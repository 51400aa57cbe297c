//! The WDM driver of the museum: what the pairs of WDM bugs have in common.
//!
//! A disk driver over the [disk controller](storport_sim::controller) in the other way such drivers are
//! written: no StartIo. A dispatch routine puts each request on a queue of the driver's own, from which it
//! can be cancelled; a system thread, the worker, takes one after the other, has the device execute it in
//! pieces, and completes it. A remove lock keeps the device until the last request is through.
//!
//! A [`Form`] exchanges single routines: what those of a pair's two forms do differently is the bug. The
//! invariant: **with the routines that stand here nothing is wrong**, so what is found is in the pair's file.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

pub(super) mod device;
mod pnp;
pub(super) mod queue;

use device::{CheckTransfer, Execute};
use std::ptr::null_mut;

pub(super) use crate::wdm_startio::ddi::*;
pub(super) use device::{DEVICE_EXTENSION, PDEVICE_EXTENSION};

/// Values of `DEVICE_EXTENSION.State`.
pub(super) const STARTED: ULONG = 1;
pub(super) const REMOVED: ULONG = 2;

/// The routines of the driver that a pair may exchange.
pub(super) trait Form: 'static {
    /// What it has in the device extension besides. Handed out zeroed.
    type More;

    /// Readies that. PASSIVE_LEVEL.
    unsafe fn Initialize(_Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        STATUS_SUCCESS
    }

    /// A request has come, and will reach [`End`](Form::End).
    unsafe fn Arrived(_Extension: PDEVICE_EXTENSION, _Irp: PIRP) {}

    /// Marks a request pending, and has the worker or a cancellation end it.
    unsafe fn Pend(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        IoMarkIrpPending(Irp);
        queue::Insert::<Self>(Extension, Irp, Some(queue::Cancel::<Self>));
    }

    /// The worker's next request, which can be cancelled no more; NULL if there is none.
    unsafe fn Take(Extension: PDEVICE_EXTENSION) -> PIRP {
        queue::Remove(Extension)
    }

    /// The device is through with a piece of a request, and maybe with the last one.
    unsafe fn PieceDone(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let Left = (*Extension).PiecesLeft.get() - 1;
        (*Extension).PiecesLeft.set(Left);
        if Left == 0 {
            Self::End(Extension, Irp);
        }
    }

    /// Completes a request whose IoStatus says how it ended.
    unsafe fn End(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        IoCompleteRequest(Irp, IO_DISK_INCREMENT);
        IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    }

    /// The device was pulled out, and no request is queued any more: ends those that are.
    unsafe fn EndQueued(Extension: PDEVICE_EXTENSION) {
        loop {
            let Irp = Self::Take(Extension);
            if Irp.is_null() {
                break;
            }
            EndWith::<Self>(Extension, Irp, STATUS_DEVICE_NOT_CONNECTED);
        }
    }

    /// Waits until the last request is through. The removal holds the remove lock.
    unsafe fn WaitForRequests(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        IoReleaseRemoveLockAndWait(&raw mut (*Extension).RemoveLock, Irp.cast());
    }
}

/// The whole extension of a form.
#[repr(C)]
struct WITH_MORE<M> {
    Base: DEVICE_EXTENSION,
    More: M,
}

/// What a form has besides.
pub(super) unsafe fn More<F: Form + ?Sized>(Extension: PDEVICE_EXTENSION) -> *mut F::More {
    &raw mut (*Extension.cast::<WITH_MORE<F::More>>()).More
}

/// Ends a request that moved nothing.
pub(super) unsafe fn EndWith<F: Form + ?Sized>(Extension: PDEVICE_EXTENSION, Irp: PIRP, Status: NTSTATUS) {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(Status, 0);
    F::End(Extension, Irp);
}

/// `DriverEntry`.
pub(super) unsafe extern "C-unwind" fn DriverEntry<F: Form>(
    DriverObject: PDRIVER_OBJECT,
    _RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    (*DriverObject).DriverUnload = Some(DriverUnload);
    (*(*DriverObject).DriverExtension).AddDevice = Some(AddDevice::<F>);
    (*DriverObject).MajorFunction[IRP_MJ_CREATE] = Some(CreateClose);
    (*DriverObject).MajorFunction[IRP_MJ_CLOSE] = Some(CreateClose);
    (*DriverObject).MajorFunction[IRP_MJ_CLEANUP] = Some(CreateClose);
    (*DriverObject).MajorFunction[IRP_MJ_READ] = Some(Transfer::<F>);
    (*DriverObject).MajorFunction[IRP_MJ_WRITE] = Some(Transfer::<F>);
    (*DriverObject).MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Some(Transfer::<F>);
    (*DriverObject).MajorFunction[IRP_MJ_DEVICE_CONTROL] = Some(DeviceControl);
    (*DriverObject).MajorFunction[IRP_MJ_PNP] = Some(pnp::Pnp::<F>);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn DriverUnload(_DriverObject: PDRIVER_OBJECT) {}

unsafe extern "C-unwind" fn AddDevice<F: Form>(
    DriverObject: PDRIVER_OBJECT,
    PhysicalDeviceObject: PDEVICE_OBJECT,
) -> NTSTATUS {
    let mut DeviceObject: PDEVICE_OBJECT = null_mut();

    let Bytes = size_of::<WITH_MORE<F::More>>() as ULONG;
    let Status =
        IoCreateDevice(DriverObject, Bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut DeviceObject);
    if !NT_SUCCESS(Status) {
        return Status;
    }
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();
    (*Extension).DeviceObject = DeviceObject;
    KeInitializeSpinLock(&raw mut (*Extension).Lock);
    InitializeListHead(&raw mut (*Extension).Queue);
    KeInitializeSemaphore(&raw mut (*Extension).Bell, 0, LONG::MAX);
    KeInitializeEvent(&raw mut (*Extension).CommandDone, SynchronizationEvent, FALSE);
    IoInitializeRemoveLock(&raw mut (*Extension).RemoveLock, 0, 0, 0);
    IoInitializeDpcRequest(DeviceObject, Some(device::DpcForIsr));
    let Status = F::Initialize(Extension);
    if !NT_SUCCESS(Status) {
        IoDeleteDevice(DeviceObject);
        return Status;
    }

    (*Extension).LowerDeviceObject = IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDeviceObject);
    (*DeviceObject).Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    (*DeviceObject).Flags &= !DO_DEVICE_INITIALIZING;
    STATUS_SUCCESS
}

unsafe fn CompleteWith(Irp: PIRP, Status: NTSTATUS, Information: ULONG_PTR) -> NTSTATUS {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(Status, Information);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    Status
}

unsafe extern "C-unwind" fn CreateClose(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    CompleteWith(Irp, STATUS_SUCCESS, 0)
}

unsafe extern "C-unwind" fn Transfer<F: Form>(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();

    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return CompleteWith(Irp, Status, 0);
    }
    F::Arrived(Extension, Irp);
    let Status = CheckTransfer(Extension, Irp);
    if !NT_SUCCESS(Status) {
        EndWith::<F>(Extension, Irp, Status);
        return Status;
    }
    F::Pend(Extension, Irp);
    STATUS_PENDING
}

unsafe extern "C-unwind" fn DeviceControl(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();
    let Control = (*IoGetCurrentIrpStackLocation(Irp)).Parameters.DeviceIoControl;

    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return CompleteWith(Irp, Status, 0);
    }
    let Status = if (*Extension).State.read_acquire() != STARTED {
        CompleteWith(Irp, STATUS_DEVICE_NOT_READY, 0)
    } else if Control.IoControlCode != IOCTL_DISK_GET_LENGTH_INFO {
        CompleteWith(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
    } else if (Control.OutputBufferLength as usize) < size_of::<GET_LENGTH_INFORMATION>() {
        CompleteWith(Irp, STATUS_BUFFER_TOO_SMALL, 0)
    } else {
        let Answer: PGET_LENGTH_INFORMATION = (*Irp).AssociatedIrp.SystemBuffer.cast();
        (*Answer).Length.QuadPart =
            ((*Extension).Sectors * ULONGLONG::from((*Extension).SectorBytes)) as LONGLONG;
        CompleteWith(Irp, STATUS_SUCCESS, size_of::<GET_LENGTH_INFORMATION>())
    };
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    Status
}

/// The worker.
unsafe extern "C-unwind" fn Work<F: Form>(Context: PVOID) {
    let Extension: PDEVICE_EXTENSION = Context.cast();

    loop {
        let Bell = (&raw mut (*Extension).Bell).cast();
        KeWaitForSingleObject(Bell, Executive, KernelMode, FALSE, null_mut());
        if (*Extension).Ending.read_acquire() != 0 {
            break;
        }
        let Irp = F::Take(Extension);
        if !Irp.is_null() {
            Execute::<F>(Extension, Irp);
        }
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}
