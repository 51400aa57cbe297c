//! `r31`: a cancel routine is armed before the context that it needs is stored.
//!
//! **What the driver does.** For each request it keeps an entry of its own, a block of pool that is linked
//! into the list of pending requests. The cancel routine finds the entry in the request's DriverContext.
//! Requests are registered so by the driver's thread, because there is work to do first for which a dispatch
//! routine has no time.
//!
//! **What goes wrong.** (1) The thread sets the cancel routine, and sees that the request has not been
//! cancelled. (2) On another processor the request is cancelled: the routine runs, finds no entry in
//! DriverContext, and returns. (3) The thread inserts the entry into the list, and stores it in
//! DriverContext. The request is in the list, cancelled, without a cancel routine. (4) When its turn comes
//! the driver finds that its cancel routine was taken, and leaves it to that. It is never completed.
//!
//! **What Windows does.** The process that sent the request cannot end.
//!
//! **The fix.** `r31-fixed` inserts the entry and stores it first, then sets the cancel routine, and looks
//! last whether the request was cancelled meanwhile, all of it under the lock of the list.
//!
//! **Found by** LostRequest, under some schedules, or as a deadlock where all wait for the request.
//!
//! **Source.** Dokany (dokan-dev/dokany), commit f8a542a of 2026-03-22, first half.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::wdm::queue::{EntryOf, IrpOf};
use super::wdm::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"IrpE");

/// A request in the list of pending requests, the base's queue.
#[repr(C)]
struct IRP_ENTRY {
    ListEntry: LIST_ENTRY,
    Irp: PIRP,
}

pub(super) struct MORE {
    /// Requests that are not registered yet, and cannot be cancelled.
    Arrived: LIST_ENTRY,
}

unsafe fn InitializeList<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
    InitializeListHead(&raw mut (*More::<F>(Extension)).Arrived);
    STATUS_SUCCESS
}

/// Where the entry of a request is stored.
unsafe fn ContextOf(Irp: PIRP) -> *mut *mut IRP_ENTRY {
    (&raw mut (*Irp).Tail.Overlay.__bindgen_anon_1.DriverContext).cast()
}

/// Leaves the request to the thread.
unsafe fn Post<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    let mut Irql: KIRQL = 0;

    IoMarkIrpPending(Irp);
    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    if (*Extension).State.get() != STARTED {
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
        EndWith::<F>(Extension, Irp, STATUS_DEVICE_NOT_CONNECTED);
        return;
    }
    InsertTailList(&raw mut (*More::<F>(Extension)).Arrived, EntryOf(Irp));
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    KeReleaseSemaphore(&raw mut (*Extension).Bell, 0, 1, FALSE);
}

unsafe fn TakeArrived<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) -> PIRP {
    let Arrived = &raw mut (*More::<F>(Extension)).Arrived;
    let (mut Irql, mut Irp): (KIRQL, PIRP) = (0, null_mut());

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    if !IsListEmpty(Arrived) {
        Irp = IrpOf(RemoveHeadList(Arrived));
        *ContextOf(Irp) = null_mut();
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    Irp
}

/// The oldest pending request that is not being cancelled; NULL if there is none.
unsafe fn TakePending(Extension: PDEVICE_EXTENSION) -> PIRP {
    let Queue = &raw mut (*Extension).Queue;
    let (mut Irql, mut Irp): (KIRQL, PIRP) = (0, null_mut());

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    while Irp.is_null() && !IsListEmpty(Queue) {
        let Entry: *mut IRP_ENTRY = RemoveHeadList(Queue).cast();
        if IoSetCancelRoutine((*Entry).Irp, None).is_some() {
            Irp = (*Entry).Irp;
            ExFreePoolWithTag(Entry.cast(), TAG);
        } else {
            // Its cancel routine is on its way: unlinks it once more, and frees it.
            InitializeListHead(&raw mut (*Entry).ListEntry);
        }
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    Irp
}

/// Entered with the cancel spin lock held.
unsafe extern "C-unwind" fn Cancel<F: Form<More = MORE>>(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();
    let mut Irql: KIRQL = 0;

    IoReleaseCancelSpinLock((*Irp).CancelIrql);
    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    let Entry = *ContextOf(Irp);
    if Entry.is_null() {
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
        return; // It is not in the list.
    }
    RemoveEntryList(&raw mut (*Entry).ListEntry);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    ExFreePoolWithTag(Entry.cast(), TAG);
    EndWith::<F>(Extension, Irp, STATUS_CANCELLED);
}

unsafe fn NewEntry(Irp: PIRP) -> *mut IRP_ENTRY {
    let Entry: *mut IRP_ENTRY = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<IRP_ENTRY>(), TAG).cast();
    if !Entry.is_null() {
        (*Entry).Irp = Irp;
    }
    Entry
}

pub(super) struct Buggy;

impl Buggy {
    /// Puts a request into the list of pending ones.
    unsafe fn Register(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let mut Irql: KIRQL = 0;

        let Entry = NewEntry(Irp);
        if Entry.is_null() {
            EndWith::<Self>(Extension, Irp, STATUS_INSUFFICIENT_RESOURCES);
            return;
        }
        IoSetCancelRoutine(Irp, Some(Cancel::<Self>)); // Wrong: it can run from here on.
        if (*Irp).Cancel != FALSE && IoSetCancelRoutine(Irp, None).is_some() {
            ExFreePoolWithTag(Entry.cast(), TAG);
            EndWith::<Self>(Extension, Irp, STATUS_CANCELLED);
            return;
        }
        KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
        InsertTailList(&raw mut (*Extension).Queue, &raw mut (*Entry).ListEntry);
        *ContextOf(Irp) = Entry;
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    }
}

impl Form for Buggy {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeList::<Self>(Extension)
    }

    unsafe fn Pend(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        Post::<Self>(Extension, Irp);
    }

    unsafe fn Take(Extension: PDEVICE_EXTENSION) -> PIRP {
        let Irp = TakeArrived::<Self>(Extension);
        if !Irp.is_null() {
            Self::Register(Extension, Irp);
        }
        TakePending(Extension)
    }
}

pub(super) struct Fixed;

impl Fixed {
    /// Puts a request into the list of pending ones.
    unsafe fn Register(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let mut Irql: KIRQL = 0;

        let Entry = NewEntry(Irp);
        if Entry.is_null() {
            EndWith::<Self>(Extension, Irp, STATUS_INSUFFICIENT_RESOURCES);
            return;
        }
        KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
        InsertTailList(&raw mut (*Extension).Queue, &raw mut (*Entry).ListEntry);
        *ContextOf(Irp) = Entry;
        IoSetCancelRoutine(Irp, Some(Cancel::<Self>));
        if (*Irp).Cancel != FALSE && IoSetCancelRoutine(Irp, None).is_some() {
            RemoveEntryList(&raw mut (*Entry).ListEntry);
            KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
            ExFreePoolWithTag(Entry.cast(), TAG);
            EndWith::<Self>(Extension, Irp, STATUS_CANCELLED);
            return;
        }
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    }
}

impl Form for Fixed {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeList::<Self>(Extension)
    }

    unsafe fn Pend(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        Post::<Self>(Extension, Irp);
    }

    unsafe fn Take(Extension: PDEVICE_EXTENSION) -> PIRP {
        let Irp = TakeArrived::<Self>(Extension);
        if !Irp.is_null() {
            Self::Register(Extension, Irp);
        }
        TakePending(Extension)
    }
}
