//! `r09`: requests wait for an event at raised IRQL.
//!
//! **What the driver does.** Writes are replicated to a peer. While the connection is being made anew the
//! driver is suspended, and new requests have to wait until it resumes.
//!
//! **What goes wrong.** (1) The connection is lost: the driver clears its event. (2) A request comes, at
//! DISPATCH_LEVEL, as from the completion routine of a file system. (3) The driver waits for the event,
//! without a time-out. (A first repair skipped the wait at raised IRQL, so that requests were executed while
//! the driver was suspended.)
//!
//! **What Windows does.** A wait at DISPATCH_LEVEL has the processor switch threads where that is not
//! allowed: bug check 0xB8 (ATTEMPTED_SWITCH_FROM_DPC) or 0xA; Driver Verifier: 0xC4, parameter 0x3B.
//!
//! **The fix.** `r09-fixed` queues the request and returns; the resumption drains the queue.
//!
//! **Found by** DRIVER_VERIFIER_DETECTED_VIOLATION, at KeWaitForSingleObject, as soon as a request comes
//! while the driver is suspended.
//!
//! **Source.** WinDRBD (LINBIT/windrbd), commit a4e1388e of 2024-02-08; of the same kind: issue 2 of 2020.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;
use std::ptr::null_mut;

/// Answers after which the connection is lost.
const ANSWERS: ULONG = 24;
/// A millisecond, relative.
const RECONNECT: i64 = -10_000;

pub(super) struct MORE {
    /// Set while the driver is not suspended.
    Resumed: KEVENT,
    /// Written under the lock, which guards the next.
    Suspended: Shared<ULONG>,
    /// Requests that came while it was.
    Held: LIST_ENTRY,
    /// Answers since the connection was made.
    Answers: ULONG,
}

unsafe fn InitializeSuspension<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let More = More::<F>(Adapter);
    KeInitializeEvent(&raw mut (*More).Resumed, NotificationEvent, TRUE);
    InitializeListHead(&raw mut (*More).Held);
}

unsafe fn SetSuspended<F: Form<More = MORE>>(Adapter: PADAPTER, Suspended: ULONG, Held: PLIST_ENTRY) {
    let More = More::<F>(Adapter);
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    (*More).Suspended.write_release(Suspended);
    MoveAll(&raw mut (*More).Held, Held);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
}

/// Now and then the connection is lost, and made anew.
unsafe fn ServeAndReconnect<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let (More, mut Held) = (More::<F>(Adapter), null_list());

    Serve::<F>(Adapter);
    (*More).Answers += 1;
    if (*More).Answers % ANSWERS == 0 {
        let mut Time = LARGE_INTEGER::new(RECONNECT);
        KeClearEvent(&raw mut (*More).Resumed);
        SetSuspended::<F>(Adapter, 1, &raw mut Held);
        KeDelayExecutionThread(KernelMode, FALSE, &raw mut Time);
        SetSuspended::<F>(Adapter, 0, &raw mut Held);
        KeSetEvent(&raw mut (*More).Resumed, 0, FALSE);
        while !IsListEmpty(&raw const Held) {
            let Request: PREQUEST = RemoveHeadList(&raw mut Held).cast();
            Send(Adapter, (*Request).Srb);
        }
    }
}

/// A reset ends the held requests as well.
unsafe fn EndHeldAndAll<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let (mut Held, mut Irql): (LIST_ENTRY, KIRQL) = (null_list(), 0);

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    MoveAll(&raw mut (*More::<F>(Adapter)).Held, &raw mut Held);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    EndList::<F>(Adapter, &raw mut Held, SRB_STATUS_BUS_RESET);
    EndAll::<F>(Adapter, SRB_STATUS_BUS_RESET);
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Initialize(Adapter: PADAPTER) {
        InitializeSuspension::<Self>(Adapter);
    }

    unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        let More = More::<Self>(Adapter);

        if (*More).Suspended.read_acquire() != 0 {
            let Resumed = (&raw mut (*More).Resumed).cast();
            KeWaitForSingleObject(Resumed, Executive, KernelMode, FALSE, null_mut()); // Wrong: at this IRQL.
        }
        Send(Adapter, Srb);
    }

    unsafe fn Work(Adapter: PADAPTER) {
        ServeAndReconnect::<Self>(Adapter);
    }

    unsafe fn ResetBus(Adapter: PADAPTER) {
        EndHeldAndAll::<Self>(Adapter);
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Initialize(Adapter: PADAPTER) {
        InitializeSuspension::<Self>(Adapter);
    }

    unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        let (More, mut Irql) = (More::<Self>(Adapter), 0);

        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        if (*More).Suspended.get() != 0 {
            (*RequestOf(Srb)).Srb = Srb;
            InsertTailList(&raw mut (*More).Held, &raw mut (*RequestOf(Srb)).ListEntry);
            KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
            return;
        }
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        Send(Adapter, Srb);
    }

    unsafe fn Work(Adapter: PADAPTER) {
        ServeAndReconnect::<Self>(Adapter);
    }

    unsafe fn ResetBus(Adapter: PADAPTER) {
        EndHeldAndAll::<Self>(Adapter);
    }
}
