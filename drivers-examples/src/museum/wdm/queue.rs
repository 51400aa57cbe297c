//! The queue: requests wait in it until the worker takes them or they are cancelled.
//!
//! The invariant: **a request is completed by the one that takes its cancel routine away**. Insertion,
//! removal and the cancel routine unlink it under the driver's lock, so the cancel routine finds it linked,
//! or linked to itself where the worker has met it on its way.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::*;

pub(in super::super) unsafe fn EntryOf(Irp: PIRP) -> PLIST_ENTRY {
    &raw mut (*Irp).Tail.Overlay.__bindgen_anon_2.ListEntry
}

pub(in super::super) unsafe fn IrpOf(Entry: PLIST_ENTRY) -> PIRP {
    CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_2.ListEntry)
}

/// Queues a request that was marked pending, or ends it: the device is gone, or it is cancelled already.
pub(in super::super) unsafe fn Insert<F: Form + ?Sized>(
    Extension: PDEVICE_EXTENSION,
    Irp: PIRP,
    Cancel: PDRIVER_CANCEL,
) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    if (*Extension).State.get() != STARTED {
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
        EndWith::<F>(Extension, Irp, STATUS_DEVICE_NOT_CONNECTED);
        return;
    }
    InsertTailList(&raw mut (*Extension).Queue, EntryOf(Irp));
    IoSetCancelRoutine(Irp, Cancel);
    if (*Irp).Cancel != FALSE && IoSetCancelRoutine(Irp, None).is_some() {
        RemoveEntryList(EntryOf(Irp));
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
        EndWith::<F>(Extension, Irp, STATUS_CANCELLED);
        return;
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    KeReleaseSemaphore(&raw mut (*Extension).Bell, 0, 1, FALSE);
}

/// Takes the oldest request out that is not being cancelled; NULL if there is none.
pub(in super::super) unsafe fn Remove(Extension: PDEVICE_EXTENSION) -> PIRP {
    let (mut Irql, mut Irp): (KIRQL, PIRP) = (0, null_mut());

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    while Irp.is_null() && !IsListEmpty(&raw const (*Extension).Queue) {
        let Entry = RemoveHeadList(&raw mut (*Extension).Queue);
        if IoSetCancelRoutine(IrpOf(Entry), None).is_some() {
            Irp = IrpOf(Entry);
        } else {
            // Its cancel routine is on its way, and unlinks it once more.
            InitializeListHead(Entry);
        }
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    Irp
}

/// Entered with the cancel spin lock held.
pub(in super::super) unsafe extern "C-unwind" fn Cancel<F: Form + ?Sized>(
    DeviceObject: PDEVICE_OBJECT,
    Irp: PIRP,
) {
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();
    let mut Irql: KIRQL = 0;

    IoReleaseCancelSpinLock((*Irp).CancelIrql);
    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    RemoveEntryList(EntryOf(Irp));
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    EndWith::<F>(Extension, Irp, STATUS_CANCELLED);
}
