//! `r17`: of two service requests the new one is completed, and kept as well.
//!
//! **What the driver does.** A service asks for news by a service request, which the driver keeps until
//! there is news (here: whenever no request is under way). It keeps one: if there is an older one,
//! that is to be completed.
//!
//! **What goes wrong.** (1) The first request is stored. (2) The second is exchanged for it. The driver
//! completes the second, not the one that the exchange returned. (3) The second is completed, and still
//! stored; the first is lost, and its sender waits for ever. (4) There is news, and the second is completed
//! again.
//!
//! **What Windows does.** Bug check 0x44 (MULTIPLE_IRP_COMPLETE_REQUESTS), and a process that cannot end.
//!
//! **The fix.** `r17-fixed` completes what the exchange has returned.
//!
//! **Found by** MULTIPLE_IRP_COMPLETE_REQUESTS, at StorPortCompleteServiceIrp, if two requests come before
//! there is news; or by RequestStatus, where the IRP is another request of its sender's by then.
//!
//! **Source.** ZFSin (openzfsonwindows/ZFSin), the virtual miniport of zvols, pull request 211, commit
//! d51f558b of 2020-02-19, second fix.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;
use std::ptr::null_mut;

pub(super) struct MORE {
    /// The service request that waits for news.
    Stored: PVOID,
}

unsafe fn Exchange<F: Form<More = MORE>>(Adapter: PADAPTER, Irp: PIRP) -> PIRP {
    InterlockedExchangePointer(&raw mut (*More::<F>(Adapter)).Stored, Irp.cast()).cast()
}

unsafe fn CompleteService(Adapter: PADAPTER, Irp: PIRP) {
    if !Irp.is_null() {
        (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
        StorPortCompleteServiceIrp(Adapter.cast(), Irp);
    }
}

/// Serves, and has news if no request is under way.
unsafe fn ServeAndTell<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let mut Irql: KIRQL = 0;

    Serve::<F>(Adapter);
    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    let IsIdle = IsListEmpty(&raw const (*Adapter).Pending);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    if IsIdle {
        CompleteService(Adapter, Exchange::<F>(Adapter, null_mut()));
    }
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;
    const TAKES_SERVICE: bool = true;

    unsafe fn ServiceRequest(Adapter: PADAPTER, Irp: PIRP) {
        let Old = Exchange::<Self>(Adapter, Irp);
        if !Old.is_null() {
            CompleteService(Adapter, Irp); // Wrong: it is stored now.
        }
        KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, 1, FALSE);
    }

    unsafe fn Work(Adapter: PADAPTER) {
        ServeAndTell::<Self>(Adapter);
    }

    unsafe fn EndServiceRequests(Adapter: PADAPTER) {
        CompleteService(Adapter, Exchange::<Self>(Adapter, null_mut()));
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;
    const TAKES_SERVICE: bool = true;

    unsafe fn ServiceRequest(Adapter: PADAPTER, Irp: PIRP) {
        let Old = Exchange::<Self>(Adapter, Irp);
        if !Old.is_null() {
            CompleteService(Adapter, Old);
        }
        KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, 1, FALSE);
    }

    unsafe fn Work(Adapter: PADAPTER) {
        ServeAndTell::<Self>(Adapter);
    }

    unsafe fn EndServiceRequests(Adapter: PADAPTER) {
        CompleteService(Adapter, Exchange::<Self>(Adapter, null_mut()));
    }
}
