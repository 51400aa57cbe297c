//! `r07`: requests are started under the lock of a DPC, and completed in the interrupt routine without it.
//!
//! **What the driver does.** As that of `r06` it gives each request of a queue a tag. Locking was simplified
//! to the DpcLock of the queue, since requests are completed in the DPC. But where there is one queue only,
//! the interrupt routine still completes them itself.
//!
//! **What goes wrong.** (1) HwStorStartIo takes the DpcLock, which raises the IRQL to DISPATCH_LEVEL, and
//! reads that tag h is the first free one. (2) The interrupt of the queue preempts it, on the same processor
//! or on another: the interrupt routine takes no lock, and gives tag t back, which becomes the first free
//! one. (3) HwStorStartIo makes the tag after h the first free one: t is lost. Where it is the interrupt
//! routine that was overtaken on another processor, a tag in use becomes a free one.
//!
//! **What Windows does.** Loops in the interrupt routine on a ring that makes no sense (0x101, 0x133),
//! completes requests twice, or stops for want of tags.
//!
//! **The fix.** `r07-fixed` completes requests in the DPC, however many queues there are; the interrupt
//! routine asks for the DPC.
//!
//! **Found by** DataRace, in the list of free tags. Without that row by SCSI_VERIFIER_DETECTED_VIOLATION,
//! where a request is completed once more, under some schedules; or by DRIVER_VERIFIER_DMA_VIOLATION, where
//! the device still works on a request that was completed for another.
//!
//! **Source.** vioscsi (virtio-win/kvm-guest-drivers-windows), commits ed1d377e of 2017-02-01 and b6ad5546 of
//! 2017-04-06, pull request 103.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::tags::{Tagged, Ways};
use super::virtio::*;

pub(super) struct InInterrupt;

impl Ways for InInterrupt {
    const RINGS: u32 = 1;

    unsafe fn CompletesInInterrupt(Extension: *mut AdapterExtension) -> bool {
        (*Extension).rings as usize == FIRST_REQUEST_RING + 1 // Wrong: no lock is held there.
    }
}

pub(super) struct InDpc;

impl Ways for InDpc {
    const RINGS: u32 = 1;

    unsafe fn CompletesInInterrupt(_Extension: *mut AdapterExtension) -> bool {
        false
    }
}

pub(super) type Buggy = Tagged<InInterrupt>;
pub(super) type Fixed = Tagged<InDpc>;
