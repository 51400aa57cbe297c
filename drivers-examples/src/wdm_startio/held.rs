//! Requests that are held while the device is stopped or without power.
//!
//! They wait in a cancel-safe queue under the driver's own lock, so that a request is held or goes to the
//! device by what the lock says of both. Whoever holds requests back waits until those before are done.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use super::dispatch::{IsOf, Start};
use std::ptr::null_mut;

/// What the queue says of a request that it does not take because nothing is held any more.
const NOT_HELD: NTSTATUS = STATUS_RETRY;

pub unsafe fn InitializeHeldQueue(Extension: PDEVICE_EXTENSION) {
    InitializeListHead(&raw mut (*Extension).HeldList);
    IoCsqInitializeEx(
        &raw mut (*Extension).HeldQueue,
        Some(CsqInsertIrp),
        Some(CsqRemoveIrp),
        Some(CsqPeekNextIrp),
        Some(CsqAcquireLock),
        Some(CsqReleaseLock),
        Some(CsqCompleteCanceledIrp),
    );
}

/// Holds requests from now on, and waits until none is at the device or queued for it.
pub unsafe fn Hold(Extension: PDEVICE_EXTENSION, Reason: ULONG) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    (*Extension).Held.set((*Extension).Held.get() | Reason);
    if (*Extension).Active.get() == 0 {
        KeSetEvent(&raw mut (*Extension).IdleEvent, 0, FALSE);
    } else {
        KeClearEvent(&raw mut (*Extension).IdleEvent);
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);

    KeWaitForSingleObject((&raw mut (*Extension).IdleEvent).cast(), Executive, KernelMode, FALSE, null_mut());
}

/// A reason is gone. With the last, what was held goes to the device.
pub unsafe fn LetGo(Extension: PDEVICE_EXTENSION, Reason: ULONG) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    let Held = (*Extension).Held.get() & !Reason;
    (*Extension).Held.set(Held);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);

    if Held != 0 {
        return;
    }
    loop {
        let Irp = IoCsqRemoveNextIrp(&raw mut (*Extension).HeldQueue, null_mut());
        // One that has to be held again ends this: whoever holds now will let it go.
        if Irp.is_null() || HoldOrStart((*Extension).DeviceObject, Irp) {
            break;
        }
    }
}

/// Ends what is held of a file, or (NULL) all: its last handle is gone, or the device does not come back. No
/// more is held after SetState said so.
pub unsafe fn EndHeld(Extension: PDEVICE_EXTENSION, FileObject: PFILE_OBJECT, Status: NTSTATUS) {
    loop {
        let Irp = IoCsqRemoveNextIrp(&raw mut (*Extension).HeldQueue, FileObject.cast());
        if Irp.is_null() {
            break;
        }
        CompleteWithStatus(Irp, Status);
        EndReference(Extension);
    }
}

/// Holds a request that [`BeginRequest`] said is to be held, or gives it to the device if that has changed;
/// returns whether it is held. It has been marked pending.
pub unsafe fn HoldOrStart(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> bool {
    let Extension = Extension(DeviceObject);

    match IoCsqInsertIrpEx(&raw mut (*Extension).HeldQueue, Irp, null_mut(), null_mut()) {
        STATUS_SUCCESS => return true,
        NOT_HELD => Start(DeviceObject, Irp),
        Status => {
            CompleteWithStatus(Irp, Status);
            EndReference(Extension);
        }
    }
    false
}

unsafe fn OfQueue(Csq: PIO_CSQ) -> PDEVICE_EXTENSION {
    CONTAINING_RECORD!(Csq, DEVICE_EXTENSION, HeldQueue)
}

unsafe fn EntryOf(Irp: PIRP) -> PLIST_ENTRY {
    &raw mut (*Irp).Tail.Overlay.__bindgen_anon_2.ListEntry
}

/// Entered with the lock held, as the next two are.
unsafe extern "C-unwind" fn CsqInsertIrp(Csq: PIO_CSQ, Irp: PIRP, _InsertContext: PVOID) -> NTSTATUS {
    let Extension = OfQueue(Csq);

    if (*Extension).State.get() != STARTED {
        return STATUS_DEVICE_NOT_CONNECTED;
    }
    if (*Extension).Held.get() == 0 {
        (*Extension).Active.set((*Extension).Active.get() + 1);
        return NOT_HELD;
    }
    InsertTailList(&raw mut (*Extension).HeldList, EntryOf(Irp));
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn CsqRemoveIrp(_Csq: PIO_CSQ, Irp: PIRP) {
    RemoveEntryList(EntryOf(Irp));
}

/// The next request of the file that the context is, or (NULL) of any.
unsafe extern "C-unwind" fn CsqPeekNextIrp(Csq: PIO_CSQ, Irp: PIRP, PeekContext: PVOID) -> PIRP {
    let List = &raw mut (*OfQueue(Csq)).HeldList;
    let mut Entry = if Irp.is_null() { (*List).Flink } else { (*EntryOf(Irp)).Flink };

    while !std::ptr::eq(Entry, List) {
        let Next = CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_2.ListEntry);
        if IsOf(Next, PeekContext.cast()) {
            return Next;
        }
        Entry = (*Entry).Flink;
    }
    null_mut()
}

unsafe extern "C-unwind" fn CsqAcquireLock(Csq: PIO_CSQ, Irql: PKIRQL) {
    KeAcquireSpinLock(&raw mut (*OfQueue(Csq)).Lock, Irql);
}

unsafe extern "C-unwind" fn CsqReleaseLock(Csq: PIO_CSQ, Irql: KIRQL) {
    KeReleaseSpinLock(&raw mut (*OfQueue(Csq)).Lock, Irql);
}

unsafe extern "C-unwind" fn CsqCompleteCanceledIrp(Csq: PIO_CSQ, Irp: PIRP) {
    CompleteWithStatus(Irp, STATUS_CANCELLED);
    EndReference(OfQueue(Csq));
}
