//! `r13`: what identifies a request to the backend is a pointer, and a reset gives the memory back.
//!
//! **What the driver does.** Each command carries a cookie that comes back with the answer. It is the
//! address of the request, which lies in the SRB extension.
//!
//! **What goes wrong.** (1) The backend has executed a command, and its answer is on the way. (2) The bus is
//! reset: the driver completes all requests; their SRBs and extensions are Storport's again. (3) The answer
//! comes in. The driver takes its cookie for a request: it copies data through a pointer that it reads
//! there, counts parts down, and unlinks it once more. If a new SRB has the same extension by then, that is
//! completed before it was executed.
//!
//! **What Windows does.** Completes the wrong request with wrong data; or bug check 0xD1, 0x50, 0x1A.
//! Storport verification: 0xF1, parameter 0x2004.
//!
//! **The fix.** `r13-fixed` gives each request a number of its own, looks the number of an answer up in the
//! list of pending requests, under the lock, and drops an answer whose number is not there.
//!
//! **Found by** SCSI_VERIFIER_DETECTED_VIOLATION, where the request is completed once more, with
//! `--event reset`; in guarded memory by REQUEST_TOUCHED_AFTER_COMPLETION, where the cookie is used.
//!
//! **Source.** vioscsi and viostor (virtio-win/kvm-guest-drivers-windows), pull requests 1296 and 1295,
//! commits 1bbc4220 and c09af908 of 2025-02-16. Their device writes into the buffers of a request as well
//! when it has been given up; here the commands have buffers of their own, so that the cookie is the only
//! mistake.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;
use std::ptr::null_mut;

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn Answer(Adapter: PADAPTER, Command: *mut COMMAND) {
        let mut Irql: KIRQL = 0;

        let Request = (*Command).Request;
        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        let (Srb, Status) = TakeLast(Request, Command); // Wrong: a reset may have ended the request.
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        FreeCommand(Adapter, Command);
        if !Srb.is_null() {
            Complete(Adapter, Srb, Status);
        }
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn Answer(Adapter: PADAPTER, Command: *mut COMMAND) {
        let (mut Irql, mut Srb, mut Status): (KIRQL, PSCSI_REQUEST_BLOCK, UCHAR) = (0, null_mut(), 0);

        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        let Request = FindRequest(Adapter, (*Command).Id);
        if !Request.is_null() {
            (Srb, Status) = TakeLast(Request, Command);
        }
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        FreeCommand(Adapter, Command);
        if !Srb.is_null() {
            Complete(Adapter, Srb, Status);
        }
    }
}
