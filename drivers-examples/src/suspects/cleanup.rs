//! `suspect-cleanup` and `suspect-cleanup-lost`: what is left to be done when a handle is given up.
//!
//! **What the driver does.** A process ends, or closes its last handle of a file: IRP_MJ_CLEANUP. The driver
//! is to cancel what is queued of that file. The first cancels whatever is queued; the second takes the
//! requests of the file off the queue, since nothing waits for them any more, and does not complete them.
//!
//! **What goes wrong.** Requests of other processes fail with STATUS_CANCELLED that nothing has cancelled. A
//! request that is not completed keeps its file, and with it the process that has ended.
//!
//! **The near misses** are the clean driver.
//!
//! **Found by** RequestStatus and LostRequest, where IRP_MJ_CLEANUP comes while requests are queued.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use crate::wdm_startio::ddi::*;
use crate::wdm_startio::device::{CompleteWithStatus, Extension};
use crate::wdm_startio::dispatch::{CancelQueued, IsOf};
use crate::wdm_startio::driver_entry;
use std::ptr::null_mut;

pub(super) unsafe extern "C-unwind" fn CancelsAllEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    let Status = driver_entry(Driver, Path);

    (*Driver).MajorFunction[IRP_MJ_CLEANUP] = Some(CancelsAll);
    Status
}

pub(super) unsafe extern "C-unwind" fn LosesEntry(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
    let Status = driver_entry(Driver, Path);

    (*Driver).MajorFunction[IRP_MJ_CLEANUP] = Some(Loses);
    Status
}

unsafe extern "C-unwind" fn CancelsAll(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    CancelQueued(Extension(DeviceObject), null_mut()); // Wrong: also those of other files.
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}

unsafe extern "C-unwind" fn Loses(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let FileObject = (*IoGetCurrentIrpStackLocation(Irp)).FileObject;
    let DeviceQueue = &raw mut (*DeviceObject).DeviceQueue;
    let Head = &raw mut (*DeviceQueue).DeviceListHead;
    let mut CancelIrql: KIRQL = 0;

    IoAcquireCancelSpinLock(&raw mut CancelIrql);
    let mut Link = (*Head).Flink;
    while !std::ptr::eq(Link, Head) {
        let Entry: PKDEVICE_QUEUE_ENTRY = Link.cast();
        let Queued = CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry);
        Link = (*Link).Flink;
        if IsOf(Queued, FileObject) {
            KeRemoveEntryDeviceQueue(DeviceQueue, Entry);
            IoSetCancelRoutine(Queued, None); // Wrong: no code completes the request now.
        }
    }
    IoReleaseCancelSpinLock(CancelIrql);
    CompleteWithStatus(Irp, STATUS_SUCCESS)
}
