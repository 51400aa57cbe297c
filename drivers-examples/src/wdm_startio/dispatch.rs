//! Dispatch routines: requests are checked and handed to the I/O manager's queue.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use super::held::{EndHeld, HoldOrStart};
use super::start_io::Cancel;
use std::ptr::null_mut;

pub unsafe extern "C-unwind" fn CreateClose(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}

pub unsafe extern "C-unwind" fn ReadWrite(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Extension(DeviceObject);

    let Status = BeginRequest(Extension);
    if !NT_SUCCESS(Status) {
        return CompleteWithStatus(Irp, Status);
    }
    let IsHeld = Status == STATUS_PENDING;
    let Length = (*IoGetCurrentIrpStackLocation(Irp)).Parameters.Read.Length;
    let Status = CheckTransfer(Extension, Irp);
    if !NT_SUCCESS(Status) || Length == 0 {
        CompleteWithStatus(Irp, Status);
        if IsHeld {
            EndReference(Extension)
        } else {
            EndRequest(Extension)
        }
        return Status;
    }
    Queue(DeviceObject, Irp, IsHeld)
}

pub unsafe extern "C-unwind" fn Flush(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Status = BeginRequest(Extension(DeviceObject));
    if !NT_SUCCESS(Status) {
        return CompleteWithStatus(Irp, Status);
    }
    Queue(DeviceObject, Irp, Status == STATUS_PENDING)
}

unsafe fn Queue(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, IsHeld: bool) -> NTSTATUS {
    IoMarkIrpPending(Irp);
    if IsHeld {
        HoldOrStart(DeviceObject, Irp);
    } else {
        Start(DeviceObject, Irp);
    }
    STATUS_PENDING
}

/// Gives a request to the I/O manager's queue. It has been marked pending.
pub unsafe fn Start(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    IoStartPacket(DeviceObject, Irp, null_mut(), Some(Cancel));
}

/// Whole sectors, inside the disk, no more than one command can move, and described by an MDL.
unsafe fn CheckTransfer(Extension: PDEVICE_EXTENSION, Irp: PIRP) -> NTSTATUS {
    let Transfer = (*IoGetCurrentIrpStackLocation(Irp)).Parameters.Read;
    let SectorBytes = (*Extension).SectorBytes;
    let Offset = Transfer.ByteOffset.QuadPart;

    if Offset < 0
        || Offset as ULONGLONG % ULONGLONG::from(SectorBytes) != 0
        || Transfer.Length % SectorBytes != 0
    {
        return STATUS_INVALID_PARAMETER;
    }
    let First = Offset as ULONGLONG / ULONGLONG::from(SectorBytes);
    let Count = Transfer.Length / SectorBytes;
    if First > (*Extension).Sectors || ULONGLONG::from(Count) > (*Extension).Sectors - First {
        return STATUS_INVALID_PARAMETER;
    }
    if Count > (*Extension).SectorsMax {
        return STATUS_INVALID_PARAMETER;
    }
    if Count != 0 && ((*Irp).MdlAddress.is_null() || MmGetMdlByteCount((*Irp).MdlAddress) < Transfer.Length) {
        return STATUS_INVALID_PARAMETER;
    }
    STATUS_SUCCESS
}

pub unsafe extern "C-unwind" fn DeviceControl(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Extension(DeviceObject);
    let Control = (*IoGetCurrentIrpStackLocation(Irp)).Parameters.DeviceIoControl;

    let Status = BeginReference(Extension);
    if !NT_SUCCESS(Status) {
        return CompleteWithStatus(Irp, Status);
    }
    let mut Status = STATUS_INVALID_DEVICE_REQUEST;
    let mut Information: ULONG_PTR = 0;
    if Control.IoControlCode == IOCTL_DISK_GET_LENGTH_INFO {
        if (Control.OutputBufferLength as usize) < size_of::<GET_LENGTH_INFORMATION>() {
            Status = STATUS_BUFFER_TOO_SMALL;
        } else {
            let Answer: PGET_LENGTH_INFORMATION = (*Irp).AssociatedIrp.SystemBuffer.cast();
            (*Answer).Length.QuadPart =
                ((*Extension).Sectors * ULONGLONG::from((*Extension).SectorBytes)) as LONGLONG;
            Information = size_of::<GET_LENGTH_INFORMATION>();
            Status = STATUS_SUCCESS;
        }
    }
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(Status, Information);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    EndReference(Extension);
    Status
}

/// The last handle of a file is gone: no application waits for what is still queued or held of it.
pub unsafe extern "C-unwind" fn Cleanup(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Extension(DeviceObject);
    let FileObject = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;

    CancelQueued(Extension, FileObject);
    EndHeld(Extension, FileObject, STATUS_CANCELLED);
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}

/// Whether a request was sent by a handle of this file; of any, where that is NULL.
pub unsafe fn IsOf(Irp: PIRP, FileObject: PFILE_OBJECT) -> bool {
    FileObject.is_null() || std::ptr::eq((*IoGetCurrentIrpStackLocation(Irp)).FileObject, FileObject)
}

/// Cancels every queued request of a file, or (NULL) all. The one on the device runs to its end.
///
/// Requests leave the queue, and lose their cancel routine, under the cancel spin lock; they are
/// completed after it was given back. KeRemoveDeviceQueue would not do: it makes an empty queue
/// idle, although the device is busy.
pub unsafe fn CancelQueued(Extension: PDEVICE_EXTENSION, FileObject: PFILE_OBJECT) {
    let DeviceQueue = &raw mut (*(*Extension).DeviceObject).DeviceQueue;
    let Head = &raw mut (*DeviceQueue).DeviceListHead;
    let mut Cancelled = LIST_ENTRY { Flink: null_mut(), Blink: null_mut() };
    let mut CancelIrql: KIRQL = 0;

    InitializeListHead(&raw mut Cancelled);
    IoAcquireCancelSpinLock(&raw mut CancelIrql);
    let mut Link = (*Head).Flink;
    while !std::ptr::eq(Link, Head) {
        let Entry: PKDEVICE_QUEUE_ENTRY = Link.cast();
        let Irp = CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry);
        Link = (*Link).Flink;
        if IsOf(Irp, FileObject) {
            KeRemoveEntryDeviceQueue(DeviceQueue, Entry);
            IoSetCancelRoutine(Irp, None);
            InsertTailList(&raw mut Cancelled, &raw mut (*Irp).Tail.Overlay.__bindgen_anon_2.ListEntry);
        }
    }
    IoReleaseCancelSpinLock(CancelIrql);

    while !IsListEmpty(&raw const Cancelled) {
        let Entry = RemoveHeadList(&raw mut Cancelled);
        let Irp = CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_2.ListEntry);
        CompleteWithStatus(Irp, STATUS_CANCELLED);
        EndRequest(Extension);
    }
}
