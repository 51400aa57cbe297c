//! `r15`: a request of which a part was dropped ends with success.
//!
//! **What the driver does.** A read or write goes to the backend in parts. A reset drops the parts that the
//! backend has not executed; those that it has are answered as ever, and the last part of a request, answered
//! or dropped, completes it.
//!
//! **What goes wrong.** (1) Of a request in two parts the backend has executed the first, whose answer is on
//! the way; the second waits. (2) The bus is reset: the driver drops the second part. Its request has one
//! part left, so that it is not completed, and nothing notes that a part was dropped. (3) The answer to the
//! first part comes in. It is the last one, no part has failed: the request is completed with
//! SRB_STATUS_SUCCESS.
//!
//! **What Windows does.** Believes that all data was moved. Half of a read is what the memory held before;
//! half of a write never reached the disk.
//!
//! **The fix.** `r15-fixed` marks the request as failed with any part that is dropped, and success does not
//! overwrite that.
//!
//! **Found by** DataIntegrity, with `--event reset`, under some schedules.
//!
//! **Source.** xenvbd (win-xenvbd), commit 94b39d5 of 2018-04-10; 3c23994 of 2014 is related.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;
use std::ptr::null_mut;

pub(super) struct Buggy;

impl Buggy {
    /// Drops a part. The lock is held. Whether it was the last of its request.
    unsafe fn Drop(Request: PREQUEST) -> bool {
        let Left = (*Request).PartsLeft.get() - 1;
        (*Request).PartsLeft.set(Left);
        if Left == 0 {
            (*Request).Failed.set(SRB_STATUS_BUS_RESET); // Wrong: only if no part is left.
        }
        Left == 0
    }
}

impl Form for Buggy {
    type More = ();

    unsafe fn ResetBus(Adapter: PADAPTER) {
        DropQueued(Adapter, Self::Drop);
    }
}

pub(super) struct Fixed;

impl Fixed {
    /// Drops a part. The lock is held. Whether it was the last of its request.
    unsafe fn Drop(Request: PREQUEST) -> bool {
        let Left = (*Request).PartsLeft.get() - 1;
        (*Request).PartsLeft.set(Left);
        (*Request).Failed.set(SRB_STATUS_BUS_RESET);
        Left == 0
    }
}

impl Form for Fixed {
    type More = ();

    unsafe fn ResetBus(Adapter: PADAPTER) {
        DropQueued(Adapter, Self::Drop);
    }
}

/// Drops all parts that the backend has not executed, and ends the requests of which that was the last.
unsafe fn DropQueued(Adapter: PADAPTER, Drop: unsafe fn(PREQUEST) -> bool) {
    loop {
        let (mut Irql, mut Srb): (KIRQL, PSCSI_REQUEST_BLOCK) = (0, null_mut());

        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        if IsListEmpty(&raw const (*Adapter).Commands) {
            KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
            break;
        }
        let Command: *mut COMMAND = RemoveHeadList(&raw mut (*Adapter).Commands).cast();
        let Request = FindRequest(Adapter, (*Command).Id);
        if !Request.is_null() && Drop(Request) {
            RemoveEntryList(&raw mut (*Request).ListEntry);
            Srb = (*Request).Srb;
        }
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        FreeCommand(Adapter, Command);
        if !Srb.is_null() {
            Complete(Adapter, Srb, SRB_STATUS_BUS_RESET);
        }
    }
}
