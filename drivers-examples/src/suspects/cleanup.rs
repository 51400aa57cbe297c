//! `suspect-cleanup`, `suspect-cleanup-lost` and `suspect-cleanup-write`: what is left to be done when a
//! handle is given up.
//!
//! **What the driver does.** A process ends, or closes its last handle of a file: IRP_MJ_CLEANUP. The driver
//! is to cancel what is queued of that file. The first cancels whatever is queued; the second takes the
//! requests of the file off the queue, since nothing waits for them any more, and does not complete them. The
//! third cancels the reads and takes the writes off for a later time, which does not come.
//!
//! **What goes wrong.** Requests of other processes fail with STATUS_CANCELLED that nothing has cancelled. A
//! request that is not completed keeps its file, and with it the process that has ended.
//!
//! **The near misses** are the clean driver; for the third, one that leaves the writes in the queue, to be
//! done in their turn.
//!
//! **Found by** RequestStatus and LostRequest, where IRP_MJ_CLEANUP comes while requests are queued.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use crate::wdm_startio::ddi::*;
use crate::wdm_startio::device::{CompleteWithStatus, EndRequest, Extension};
use crate::wdm_startio::dispatch::{CancelQueued, IsOf};
use crate::wdm_startio::driver_entry;
use crate::wdm_startio::held::EndHeld;
use std::ptr::null_mut;

type Dispatch = unsafe extern "C-unwind" fn(PDEVICE_OBJECT, PIRP) -> NTSTATUS;

/// The clean driver, with that routine for IRP_MJ_CLEANUP.
unsafe fn WithCleanup(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING, Cleanup: Dispatch) -> NTSTATUS {
    let Status = driver_entry(Driver, Path);

    (*Driver).MajorFunction[IRP_MJ_CLEANUP] = Some(Cleanup);
    Status
}

pub(super) unsafe extern "C-unwind" fn CancelsAllEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    WithCleanup(Driver, Path, CancelsAll)
}

pub(super) unsafe extern "C-unwind" fn LosesEntry(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
    WithCleanup(Driver, Path, Loses)
}

unsafe extern "C-unwind" fn CancelsAll(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    CancelQueued(Extension(DeviceObject), null_mut()); // Wrong: also those of other files.
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}

unsafe extern "C-unwind" fn Loses(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let FileObject = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;
    let mut Taken = LIST_ENTRY { Flink: null_mut(), Blink: null_mut() };

    InitializeListHead(&raw mut Taken);
    TakeQueued(DeviceObject, &raw mut Taken, |Queued| IsOf(Queued, FileObject));
    // Wrong: no code completes the requests now.
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}

pub(super) unsafe extern "C-unwind" fn LosesWritesEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    WithCleanup(Driver, Path, LosesWrites)
}

pub(super) unsafe extern "C-unwind" fn CompletesWritesEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    WithCleanup(Driver, Path, CompletesWrites)
}

unsafe extern "C-unwind" fn LosesWrites(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let FileObject = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;
    let mut Later = LIST_ENTRY { Flink: null_mut(), Blink: null_mut() };

    InitializeListHead(&raw mut Later);
    // Wrong: what is put off is forgotten.
    TakeQueued(DeviceObject, &raw mut Later, |Queued| IsOf(Queued, FileObject) && !IsRead(Queued));
    CancelQueued(Extension(DeviceObject), FileObject);
    EndHeld(Extension(DeviceObject), FileObject, STATUS_CANCELLED);
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}

unsafe extern "C-unwind" fn CompletesWrites(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let FileObject = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;
    let mut Reads = LIST_ENTRY { Flink: null_mut(), Blink: null_mut() };

    InitializeListHead(&raw mut Reads);
    TakeQueued(DeviceObject, &raw mut Reads, |Queued| IsOf(Queued, FileObject) && IsRead(Queued));
    while !IsListEmpty(&raw const Reads) {
        let Entry = RemoveHeadList(&raw mut Reads);
        let Read = CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_2.ListEntry);
        CompleteWithStatus(Read, STATUS_CANCELLED);
        EndRequest(Extension(DeviceObject));
    }
    EndHeld(Extension(DeviceObject), FileObject, STATUS_CANCELLED);
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}

unsafe fn IsRead(Irp: PIRP) -> bool {
    usize::from((*IoGetCurrentIrpStackLocation(Irp)).MajorFunction) == IRP_MJ_READ
}

/// Takes the queued requests that are wanted off the device's queue and puts them into a list, without their
/// cancel routines.
unsafe fn TakeQueued(DeviceObject: PDEVICE_OBJECT, Taken: PLIST_ENTRY, IsWanted: impl Fn(PIRP) -> bool) {
    let DeviceQueue = &raw mut (*DeviceObject).DeviceQueue;
    let Head = &raw mut (*DeviceQueue).DeviceListHead;
    let mut CancelIrql: KIRQL = 0;

    IoAcquireCancelSpinLock(&raw mut CancelIrql);
    let mut Link = (*Head).Flink;
    while !std::ptr::eq(Link, Head) {
        let Entry: PKDEVICE_QUEUE_ENTRY = Link.cast();
        let Queued = CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry);
        Link = (*Link).Flink;
        if IsWanted(Queued) {
            KeRemoveEntryDeviceQueue(DeviceQueue, Entry);
            IoSetCancelRoutine(Queued, None);
            InsertTailList(Taken, &raw mut (*Queued).Tail.Overlay.__bindgen_anon_2.ListEntry);
        }
    }
    IoReleaseCancelSpinLock(CancelIrql);
}
