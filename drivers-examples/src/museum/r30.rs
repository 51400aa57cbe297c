//! `r30`: a cancel routine fails early, and keeps the cancel spin lock.
//!
//! **What the driver does.** Its cancel routine builds a context for the request first, as all its routines
//! do: a block of pool that says for which request of which device it works.
//!
//! **What goes wrong.** (1) The I/O manager calls the cancel routine, with the cancel spin lock held. (2)
//! There is no memory for the context. (3) The routine returns, before the line that releases the lock. The
//! request is neither completed nor cancelable any more.
//!
//! **What Windows does.** The next cancellation of any request in the system, and every driver that takes the
//! cancel spin lock, spins for ever at DISPATCH_LEVEL; the thread that cancelled goes on at DISPATCH_LEVEL.
//! Driver Verifier knows the rules CancelSpinLock and IoSetCancelRoutine for it.
//!
//! **The fix.** `r30-fixed` releases the cancel spin lock in its first statement, and completes the request
//! also where there is no context.
//!
//! **Found by** DRIVER_RETURNED_HOLDING_CANCEL_LOCK, when the routine returns, with
//! `--fault allocation:p=0.2,when=io`.
//!
//! **Source.** Dokany (dokan-dev/dokany), commit 57a9c47 of 2021-03-31.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::wdm::queue::{EntryOf, Insert};
use super::wdm::*;

const TAG: ULONG = u32::from_le_bytes(*b"Ctxt");

struct CONTEXT {
    Extension: PDEVICE_EXTENSION,
    Irp: PIRP,
}

/// The context of a request; NULL if there is no memory for one.
unsafe fn BuildContext(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> *mut CONTEXT {
    let Context: *mut CONTEXT = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<CONTEXT>(), TAG).cast();
    if !Context.is_null() {
        *Context = CONTEXT { Extension: (*DeviceObject).DeviceExtension.cast(), Irp };
    }
    Context
}

/// Unlinks the request and ends it.
unsafe fn EndCancelled<F: Form>(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    RemoveEntryList(EntryOf(Irp));
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    EndWith::<F>(Extension, Irp, STATUS_CANCELLED);
}

pub(super) struct Buggy;

unsafe extern "C-unwind" fn CancelBuggy(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    let Context = BuildContext(DeviceObject, Irp);
    if Context.is_null() {
        return; // Wrong: the cancel spin lock is held.
    }
    IoReleaseCancelSpinLock((*Irp).CancelIrql);
    EndCancelled::<Buggy>((*Context).Extension, (*Context).Irp);
    ExFreePoolWithTag(Context.cast(), TAG);
}

impl Form for Buggy {
    type More = ();

    unsafe fn Pend(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        IoMarkIrpPending(Irp);
        Insert::<Self>(Extension, Irp, Some(CancelBuggy));
    }
}

pub(super) struct Fixed;

unsafe extern "C-unwind" fn CancelFixed(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    IoReleaseCancelSpinLock((*Irp).CancelIrql);
    let Context = BuildContext(DeviceObject, Irp);
    if Context.is_null() {
        EndCancelled::<Fixed>((*DeviceObject).DeviceExtension.cast(), Irp);
        return;
    }
    EndCancelled::<Fixed>((*Context).Extension, (*Context).Irp);
    ExFreePoolWithTag(Context.cast(), TAG);
}

impl Form for Fixed {
    type More = ();

    unsafe fn Pend(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        IoMarkIrpPending(Irp);
        Insert::<Self>(Extension, Irp, Some(CancelFixed));
    }
}
