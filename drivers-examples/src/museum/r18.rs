//! `r18`: a unit is pulled out, and its requests are completed while they stay in the list.
//!
//! **What the driver does.** When a unit is pulled out (ScsiUnitSurpriseRemoval) the driver ends the
//! requests of that unit. It walks its list of pending requests for them.
//!
//! **What goes wrong.** (1) The walk finds a request of the unit and completes it. (2) To go on it reads the
//! next link out of the request, which is not the driver's any more. (3) The request was not unlinked: when
//! the backend answers it is found in the list, and completed again. (The version before did not go on at
//! all: it completed one request for ever, or looped at DISPATCH_LEVEL if the first one was of another
//! unit.)
//!
//! **What Windows does.** Storport verification: bug check 0xF1, parameter 0x2004. Without it a request of
//! another driver ends with data that never came, or the walk leads into memory of others: 0xD1.
//!
//! **The fix.** `r18-fixed` reads the next link first, and unlinks a request before it completes it. (It also
//! completes outside the lock, which the real driver does not.)
//!
//! **Found by** SCSI_VERIFIER_DETECTED_VIOLATION, where a request is completed once more, with `--event
//! hotplug`; in guarded memory by REQUEST_TOUCHED_AFTER_COMPLETION, where the link is read.
//!
//! **Source.** vioscsi (virtio-win/kvm-guest-drivers-windows), pull request 1351, commits 9ad6c4ce of
//! 2025-04-23 and cd0cf570 of 2025-05-28.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();
    const TAKES_SERVICE: bool = true;

    unsafe fn ServiceRequest(Adapter: PADAPTER, Irp: PIRP) {
        LookForUnits(Adapter, Irp);
    }

    unsafe fn UnitRemoved(Adapter: PADAPTER, Lun: UCHAR) {
        let (Head, mut Irql) = (&raw mut (*Adapter).Pending, 0);

        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        let mut Entry = (*Head).Flink;
        while !std::ptr::eq(Entry, Head) {
            let Request: PREQUEST = Entry.cast();
            if (*(*Request).Srb).Lun == Lun {
                Complete(Adapter, (*Request).Srb, SRB_STATUS_NO_DEVICE); // Wrong: it is in the list.
            }
            Entry = (*Entry).Flink; // Wrong: the request may be gone.
        }
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();
    const TAKES_SERVICE: bool = true;

    unsafe fn ServiceRequest(Adapter: PADAPTER, Irp: PIRP) {
        LookForUnits(Adapter, Irp);
    }

    unsafe fn UnitRemoved(Adapter: PADAPTER, Lun: UCHAR) {
        let (Head, mut Irql, mut Ended) = (&raw mut (*Adapter).Pending, 0, null_list());

        InitializeListHead(&raw mut Ended);
        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        let mut Entry = (*Head).Flink;
        while !std::ptr::eq(Entry, Head) {
            let Request: PREQUEST = Entry.cast();
            Entry = (*Entry).Flink;
            if (*(*Request).Srb).Lun == Lun {
                RemoveEntryList(&raw mut (*Request).ListEntry);
                InsertTailList(&raw mut Ended, &raw mut (*Request).ListEntry);
            }
        }
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        EndList::<Self>(Adapter, &raw mut Ended, SRB_STATUS_NO_DEVICE);
    }
}

/// A service request says that units have come or gone: has Storport look.
unsafe fn LookForUnits(Adapter: PADAPTER, Irp: PIRP) {
    if UnitsHaveChanged(Adapter) {
        StorPortNotification(BusChangeDetected, Adapter.cast(), 0);
    }
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    StorPortCompleteServiceIrp(Adapter.cast(), Irp);
}
