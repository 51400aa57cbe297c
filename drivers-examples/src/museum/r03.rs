//! `r03`: a slot is free only after RequestComplete, in which the next request may come.
//!
//! **What the driver does.** It has one slot for data on its way to the backend, so it tells Storport to
//! send it one request of a unit at a time. When the answer is in it completes the request and marks the
//! slot as free.
//!
//! **What goes wrong.** (1) The answer is in; the slot is taken. (2) The driver calls
//! StorPortNotification(RequestComplete). Storport completes the request and calls HwStorStartIo with the
//! next one, before the call has returned, or on another processor. (3) HwStorStartIo finds no free slot,
//! which the author thought impossible, and fails the request for good. (4) The slot is marked as free, too
//! late.
//!
//! **What Windows does.** The request fails with STATUS_INSUFFICIENT_RESOURCES: a lost write for the file
//! system.
//!
//! **The fix.** `r03-fixed` marks the slot as free before it completes the request, and has a request that
//! finds none sent again later.
//!
//! **Found by** RequestStatus, under some schedules.
//!
//! **Source.** ramshared (emersonbusson/ramshared), commit 35a1a35 of 2026-08-10.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;

const INQUIRY: UCHAR = 0x12;

pub(super) struct MORE {
    /// Whether the slot is taken. Guarded by the lock where it is taken.
    SlotTaken: Shared<ULONG>,
}

/// Takes the slot if it is free.
unsafe fn TakeSlot<F: Form<More = MORE>>(Adapter: PADAPTER) -> bool {
    let Taken = &raw mut (*More::<F>(Adapter)).SlotTaken;
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    let WasFree = (*Taken).get() == 0;
    if WasFree {
        (*Taken).set(1);
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    WasFree
}

/// The slot is free again.
unsafe fn FreeSlot<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    (*More::<F>(Adapter)).SlotTaken.set(0);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
}

/// One request of a unit at a time, from its first INQUIRY on.
unsafe fn LimitQueue(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
    if (*Srb).Cdb[0] == INQUIRY {
        StorPortSetDeviceQueueDepth(Adapter.cast(), (*Srb).PathId, (*Srb).TargetId, (*Srb).Lun, 1);
    }
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Executed(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        LimitQueue(Adapter, Srb);
    }

    unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        if !TakeSlot::<Self>(Adapter) {
            SrbSetSystemStatus(Srb.cast(), STATUS_INSUFFICIENT_RESOURCES as ULONG);
            Complete(Adapter, Srb, SRB_STATUS_INTERNAL_ERROR);
            return;
        }
        Send(Adapter, Srb);
    }

    unsafe fn End(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK, Status: UCHAR) {
        Complete(Adapter, Srb, Status);
        FreeSlot::<Self>(Adapter); // Wrong: the next request may have come in the meantime.
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Executed(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        LimitQueue(Adapter, Srb);
    }

    unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        if !TakeSlot::<Self>(Adapter) {
            StorPortDeviceBusy(Adapter.cast(), (*Srb).PathId, (*Srb).TargetId, (*Srb).Lun, 1);
            Complete(Adapter, Srb, SRB_STATUS_BUSY);
            return;
        }
        Send(Adapter, Srb);
    }

    unsafe fn End(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK, Status: UCHAR) {
        FreeSlot::<Self>(Adapter);
        Complete(Adapter, Srb, Status);
    }
}
