//! `r29`: a pended request is completed with its cancel routine still set.
//!
//! **What the driver does.** Requests wait on a queue, each with a cancel routine. When the device is pulled
//! out the driver takes them from the queue under its lock, and completes them.
//!
//! **What goes wrong.** (1) The removal takes the lock, unlinks a request and releases the lock. (2) It
//! completes the request, whose cancel routine is set as before. (3) That request is cancelled at the
//! same time: the cancel routine runs, unlinks it once more, and completes it as well. The first fix called
//! IoSetCancelRoutine and ignored what it returned, so (3) remained.
//!
//! **What Windows does.** Driver Verifier: bug check 0xC9, parameter 7. Without it nothing, until a
//! cancellation comes in between: bug check 0x44 (MULTIPLE_IRP_COMPLETE_REQUESTS), or a list that is unlinked
//! twice (0x139, parameter 3).
//!
//! **The fix.** `r29-fixed` takes the cancel routine away under the lock, and completes the request only if
//! there was one; else it is the cancel routine's.
//!
//! **Found by** DRIVER_VERIFIER_IOMANAGER_VIOLATION, at IoCompleteRequest, with `--event removal`, if a
//! request waits when the device is pulled out.
//!
//! **Source.** usbip-win (cezanne/usbip-win), the virtual host controller, commit 776521b of 2012-04-03,
//! found there by Driver Verifier.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::wdm::queue::{EntryOf, IrpOf};
use super::wdm::*;
use std::ptr::null_mut;

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn EndQueued(Extension: PDEVICE_EXTENSION) {
        let mut Irql: KIRQL = 0;

        loop {
            let mut Irp: PIRP = null_mut();

            KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
            if !IsListEmpty(&raw const (*Extension).Queue) {
                Irp = IrpOf(RemoveHeadList(&raw mut (*Extension).Queue));
                InitializeListHead(EntryOf(Irp));
            }
            KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
            if Irp.is_null() {
                break;
            }
            (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_DEVICE_NOT_CONNECTED, 0);
            IoCompleteRequest(Irp, IO_NO_INCREMENT); // Wrong: it can still be cancelled.
            IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
        }
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn EndQueued(Extension: PDEVICE_EXTENSION) {
        let mut Irql: KIRQL = 0;

        loop {
            let (mut Irp, mut Mine): (PIRP, bool) = (null_mut(), false);

            KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
            if !IsListEmpty(&raw const (*Extension).Queue) {
                Irp = IrpOf(RemoveHeadList(&raw mut (*Extension).Queue));
                InitializeListHead(EntryOf(Irp));
                Mine = IoSetCancelRoutine(Irp, None).is_some();
            }
            KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
            if Irp.is_null() {
                break;
            }
            if Mine {
                (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_DEVICE_NOT_CONNECTED, 0);
                IoCompleteRequest(Irp, IO_NO_INCREMENT);
                IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
            }
        }
    }
}
