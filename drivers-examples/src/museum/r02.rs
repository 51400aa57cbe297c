//! `r02`: all requests are failed under the lock when the backend goes away.
//!
//! **What the driver does.** When the service that is its backend dies, the driver ends all requests that the
//! backend has, because none will be answered.
//!
//! **What goes wrong.** (1) The driver takes the lock that guards its list of requests. (2) For each request
//! it sets the status and calls StorPortNotification(RequestComplete), with the lock held. (3) Storport may
//! complete the IRP before that returns; the class driver sends its next request, and Storport calls
//! HwStorStartIo on the same processor. (4) HwStorStartIo takes the lock: the processor waits for itself.
//!
//! **What Windows does.** Nothing where Storport leaves the completion to a DPC; else a processor spins for
//! ever at DISPATCH_LEVEL.
//!
//! **The fix.** `r02-fixed` moves the requests to a list of its own under the lock, releases the lock, and
//! completes them then.
//!
//! **Found by** SPIN_LOCK_ALREADY_OWNED, in HwStorStartIo, in an environment where the disk goes while
//! requests wait in Storport and are completed inside the call; at the call itself by CompleteUnderLock,
//! which is off by default, with `--event removal --rules CompleteUnderLock`.
//!
//! **Source.** ramshared (emersonbusson/ramshared), commit 3a4d1d9 of 2026-07-09. An earlier version
//! (0d7b093) passed NULL for the device extension besides, so that nothing was completed at all.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;

pub(super) struct Buggy;

impl Buggy {
    /// The backend has died.
    unsafe fn Teardown(Adapter: PADAPTER) {
        let (mut Forgotten, mut Irql): (LIST_ENTRY, KIRQL) = (null_list(), 0);

        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        MoveAll(&raw mut (*Adapter).Commands, &raw mut Forgotten);
        while !IsListEmpty(&raw const (*Adapter).Pending) {
            let Request: PREQUEST = RemoveHeadList(&raw mut (*Adapter).Pending).cast();
            (*(*Request).Srb).SrbStatus = SRB_STATUS_NO_DEVICE;
            StorPortNotification(RequestComplete, Adapter.cast(), (*Request).Srb); // Wrong: the lock is held.
        }
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        FreeCommands(Adapter, &raw mut Forgotten);
    }
}

impl Form for Buggy {
    type More = ();

    unsafe fn Work(Adapter: PADAPTER) {
        if BackendIsGone(Adapter) {
            Self::Teardown(Adapter);
        }
        Serve::<Self>(Adapter);
    }
}

pub(super) struct Fixed;

impl Fixed {
    /// The backend has died.
    unsafe fn Teardown(Adapter: PADAPTER) {
        let (mut Forgotten, mut Failed): (LIST_ENTRY, LIST_ENTRY) = (null_list(), null_list());
        let mut Irql: KIRQL = 0;

        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        MoveAll(&raw mut (*Adapter).Commands, &raw mut Forgotten);
        MoveAll(&raw mut (*Adapter).Pending, &raw mut Failed);
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        while !IsListEmpty(&raw const Failed) {
            let Request: PREQUEST = RemoveHeadList(&raw mut Failed).cast();
            (*(*Request).Srb).SrbStatus = SRB_STATUS_NO_DEVICE;
            StorPortNotification(RequestComplete, Adapter.cast(), (*Request).Srb);
        }
        FreeCommands(Adapter, &raw mut Forgotten);
    }
}

impl Form for Fixed {
    type More = ();

    unsafe fn Work(Adapter: PADAPTER) {
        if BackendIsGone(Adapter) {
            Self::Teardown(Adapter);
        }
        Serve::<Self>(Adapter);
    }
}
