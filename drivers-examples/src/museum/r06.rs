//! `r06`: a queue is not locked, because its DPC is thought to stay on its processor.
//!
//! **What the driver does.** Each request of a queue takes a tag, a place in the queue's table of requests,
//! and the DPC of the queue finds the request by its tag and gives the tag back. Free tags are a list
//! through the table. HwStorStartIo and the DPC take the lock of the queue; but where Storport has granted a
//! channel for each queue they do without, since one processor then starts the requests of a queue and takes
//! its messages.
//!
//! **What goes wrong.** (1) The DPC runs on another processor than HwStorStartIo after all: DPCs are
//! redirected, a processor was added, an affinity was not granted. (2) It gives tag t back, and reads that h
//! is the first free one. (3) HwStorStartIo takes h. (4) The DPC links t before h: a tag in use is in the
//! list of free ones, and two requests get it in the end. (5) The first of the two that comes back completes
//! the other.
//!
//! **What Windows does.** Data that has not arrived is taken for good, a request is completed twice, another
//! is lost. No rule of Microsoft's sees the missing lock.
//!
//! **The fix.** `r06-fixed` takes the lock of the queue always.
//!
//! **Found by** DataRace, in the list of free tags. Without that row by SCSI_VERIFIER_DETECTED_VIOLATION,
//! where a request is completed once more, under some schedules; or by DRIVER_VERIFIER_DMA_VIOLATION, where
//! the device still works on a request that was completed for another.
//!
//! **Source.** vioscsi (virtio-win/kvm-guest-drivers-windows), commit 7efd4872 of 2017-02-23, after an
//! attempt in fc75457e of 2015.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::tags::{Tagged, Ways};
use super::virtio::*;

pub(super) struct WithoutLock;

impl Ways for WithoutLock {
    unsafe fn IsLocked(Extension: *mut AdapterExtension) -> bool {
        (*Extension).has_channels == 0 // Wrong: the DPC may run on any processor.
    }
}

pub(super) struct WithLock;

impl Ways for WithLock {
    unsafe fn IsLocked(_Extension: *mut AdapterExtension) -> bool {
        true
    }
}

pub(super) type Buggy = Tagged<WithoutLock>;
pub(super) type Fixed = Tagged<WithLock>;
