//! `r32`: requests are moved to a private list while they can still be cancelled.
//!
//! **What the driver does.** For each request it keeps an entry of its own, a block of pool, in the list of
//! pending requests. Its thread takes all entries at once: it moves them to a list of its own under the lock,
//! and walks that without the lock.
//!
//! **What goes wrong.** (1) The thread moves an entry to its private list and releases the lock. (2) On
//! another processor the request is cancelled: the cancel routine takes the lock, unlinks the entry, from
//! whatever list it is in by now, completes the request and frees the entry. (3) The thread walks its list
//! through the entry that was freed; or it has just unlinked it, so that it is unlinked twice.
//!
//! **What Windows does.** Bug check 0x139, parameter 3 (a corrupted list), or 0xD1 and 0x50 somewhere in the
//! walk, or pool that another driver finds damaged.
//!
//! **The fix.** `r32-fixed` takes the cancel routine away before an entry leaves the shared list, under the
//! lock; an entry whose cancel routine was taken by a cancellation stays for that.
//!
//! **Found by** DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL in the walk, under some schedules.
//!
//! **Source.** Dokany (dokan-dev/dokany), commit 18bae97 of 2023-12-05, issue 1188.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::wdm::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"IrpE");

/// A request in the base's queue, or in a private list.
#[repr(C)]
struct IRP_ENTRY {
    ListEntry: LIST_ENTRY,
    Irp: PIRP,
}

pub(super) struct MORE {
    /// What the thread has taken.
    Private: LIST_ENTRY,
}

unsafe fn InitializeList<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
    InitializeListHead(&raw mut (*More::<F>(Extension)).Private);
    STATUS_SUCCESS
}

/// Where the entry of a request is stored.
unsafe fn ContextOf(Irp: PIRP) -> *mut *mut IRP_ENTRY {
    (&raw mut (*Irp).Tail.Overlay.__bindgen_anon_1.DriverContext).cast()
}

/// Puts a request into the list of pending ones, or ends it.
unsafe fn Register<F: Form>(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    let mut Irql: KIRQL = 0;

    IoMarkIrpPending(Irp);
    let Entry: *mut IRP_ENTRY = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<IRP_ENTRY>(), TAG).cast();
    if Entry.is_null() {
        EndWith::<F>(Extension, Irp, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    (*Entry).Irp = Irp;
    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    if (*Extension).State.get() != STARTED {
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
        ExFreePoolWithTag(Entry.cast(), TAG);
        EndWith::<F>(Extension, Irp, STATUS_DEVICE_NOT_CONNECTED);
        return;
    }
    InsertTailList(&raw mut (*Extension).Queue, &raw mut (*Entry).ListEntry);
    *ContextOf(Irp) = Entry;
    IoSetCancelRoutine(Irp, Some(Cancel::<F>));
    if (*Irp).Cancel != FALSE && IoSetCancelRoutine(Irp, None).is_some() {
        RemoveEntryList(&raw mut (*Entry).ListEntry);
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
        ExFreePoolWithTag(Entry.cast(), TAG);
        EndWith::<F>(Extension, Irp, STATUS_CANCELLED);
        return;
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    KeReleaseSemaphore(&raw mut (*Extension).Bell, 0, 1, FALSE);
}

/// Entered with the cancel spin lock held.
unsafe extern "C-unwind" fn Cancel<F: Form>(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();
    let Entry = *ContextOf(Irp);
    let mut Irql: KIRQL = 0;

    IoReleaseCancelSpinLock((*Irp).CancelIrql);
    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    RemoveEntryList(&raw mut (*Entry).ListEntry);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    ExFreePoolWithTag(Entry.cast(), TAG);
    EndWith::<F>(Extension, Irp, STATUS_CANCELLED);
}

/// Frees an entry that was unlinked; its request.
unsafe fn FreeEntry(Entry: *mut IRP_ENTRY) -> PIRP {
    let Irp = (*Entry).Irp;
    ExFreePoolWithTag(Entry.cast(), TAG);
    Irp
}

pub(super) struct Buggy;

impl Buggy {
    /// Moves all that is pending to a list of the caller's.
    unsafe fn Collect(Extension: PDEVICE_EXTENSION, List: PLIST_ENTRY) {
        let mut Irql: KIRQL = 0;

        KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
        while !IsListEmpty(&raw const (*Extension).Queue) {
            InsertTailList(List, RemoveHeadList(&raw mut (*Extension).Queue)); // Wrong: it can be cancelled.
        }
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    }

    /// The first request of such a list that was not cancelled; NULL if there is none.
    unsafe fn Next(List: PLIST_ENTRY) -> PIRP {
        while !IsListEmpty(List) {
            let Entry: *mut IRP_ENTRY = RemoveHeadList(List).cast();
            if IoSetCancelRoutine((*Entry).Irp, None).is_some() {
                return FreeEntry(Entry);
            }
            // Its cancel routine is on its way, and unlinks it once more.
            InitializeListHead(&raw mut (*Entry).ListEntry);
        }
        null_mut()
    }
}

impl Form for Buggy {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeList::<Self>(Extension)
    }

    unsafe fn Pend(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        Register::<Self>(Extension, Irp);
    }

    unsafe fn Take(Extension: PDEVICE_EXTENSION) -> PIRP {
        let Private = &raw mut (*More::<Self>(Extension)).Private;
        if IsListEmpty(Private) {
            Self::Collect(Extension, Private);
        }
        Self::Next(Private)
    }

    unsafe fn EndQueued(Extension: PDEVICE_EXTENSION) {
        let mut List = LIST_ENTRY { Flink: null_mut(), Blink: null_mut() };
        InitializeListHead(&raw mut List);
        Self::Collect(Extension, &raw mut List);
        loop {
            let Irp = Self::Next(&raw mut List);
            if Irp.is_null() {
                break;
            }
            EndWith::<Self>(Extension, Irp, STATUS_DEVICE_NOT_CONNECTED);
        }
    }
}

pub(super) struct Fixed;

impl Fixed {
    /// Moves all that is pending, and not being cancelled, to a list of the caller's.
    unsafe fn Collect(Extension: PDEVICE_EXTENSION, List: PLIST_ENTRY) {
        let mut Irql: KIRQL = 0;

        KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
        let Queue = &raw mut (*Extension).Queue;
        let mut Next = (*Queue).Flink;
        while !std::ptr::eq(Next, Queue) {
            let Entry = Next;
            Next = (*Entry).Flink;
            if IoSetCancelRoutine((*Entry.cast::<IRP_ENTRY>()).Irp, None).is_some() {
                RemoveEntryList(Entry);
                InsertTailList(List, Entry);
            }
        }
        KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    }

    /// The first request of such a list; NULL if there is none.
    unsafe fn Next(List: PLIST_ENTRY) -> PIRP {
        if IsListEmpty(List) { null_mut() } else { FreeEntry(RemoveHeadList(List).cast()) }
    }
}

impl Form for Fixed {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeList::<Self>(Extension)
    }

    unsafe fn Pend(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        Register::<Self>(Extension, Irp);
    }

    unsafe fn Take(Extension: PDEVICE_EXTENSION) -> PIRP {
        let Private = &raw mut (*More::<Self>(Extension)).Private;
        if IsListEmpty(Private) {
            Self::Collect(Extension, Private);
        }
        Self::Next(Private)
    }

    unsafe fn EndQueued(Extension: PDEVICE_EXTENSION) {
        let mut List = LIST_ENTRY { Flink: null_mut(), Blink: null_mut() };
        InitializeListHead(&raw mut List);
        Self::Collect(Extension, &raw mut List);
        loop {
            let Irp = Self::Next(&raw mut List);
            if Irp.is_null() {
                break;
            }
            EndWith::<Self>(Extension, Irp, STATUS_DEVICE_NOT_CONNECTED);
        }
    }
}
