//! Task management, and the reset of the adapter that comes when it does not help.
//!
//! Storport's steps, as its recovery of late requests takes them: SRB_FUNCTION_RESET_LOGICAL_UNIT and
//! SRB_FUNCTION_RESET_DEVICE become task management functions on the control ring (VIRTIO 1.2, 5.6.6.2), and
//! the SRB ends when the device answers. HwStorResetBus resets the device itself (2.4), completes all it had,
//! and starts it again; virtio-win sends a logical unit reset there too and leaves the rest to time, which
//! with a device that does not answer ends in a lost request.

use super::bring_up::bring_up;
use super::chain::ChainBuilder;
use super::complete::{answered, complete, take_all_requests};
use super::ddi::*;
use super::events;
use super::extension::{AdapterExtension, RINGS_MAX, SrbExtension, srb_extension, state};
use super::ring_lock::{lock, unlock};
use super::virtio::DESC_WRITE;
use super::virtio_scsi::*;
use std::mem::offset_of;
use std::sync::atomic::Ordering::SeqCst;

/// Writes the descriptors of a task management function. `Some`: it ends here, with that status.
pub unsafe fn build(extension: PVOID, srb: PVOID, function: u32) -> Option<UCHAR> {
    // SAFETY: Storport's own extension and an SRB of ours, as for all of this file.
    unsafe {
        let x = srb_extension(srb);
        let Some(mut chain) = ChainBuilder::new(extension, x) else { return Some(SRB_STATUS_INTERNAL_ERROR) };
        let lun = lun_address(SrbGetTargetId(srb), SrbGetLun(srb));
        let request = TaskManagementRequest { kind: T_TMF, subtype: function, lun, tag: 0 };
        (&raw mut (*x).management).write_unaligned(request);
        (*x).response.response = u8::MAX;
        chain.own(offset_of!(SrbExtension, management), size_of::<TaskManagementRequest>(), 0);
        let answer = offset_of!(SrbExtension, response) + offset_of!(CommandResponse, response);
        chain.own(answer, 1, DESC_WRITE);
        chain.end();
    }
    None
}

/// Completes task management functions that the device is through with; requests they ended go first.
pub unsafe fn take_answers(extension: PVOID, e: *mut AdapterExtension) {
    // SAFETY: as above; owners of chains in the control ring are SRBs.
    unsafe {
        let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
        loop {
            lock(extension, e, CONTROL_RING, &mut handle);
            let taken = (*e).ring[CONTROL_RING].take();
            let is_done = taken.is_none() && (*e).ring[CONTROL_RING].enable_interrupts();
            unlock(extension, &mut handle);
            if let Some(srb) = taken {
                take_all_requests(extension, e);
                let is_good = matches!((*srb_extension(srb)).response.response, S_OK | S_FUNCTION_SUCCEEDED);
                complete(extension, srb, if is_good { SRB_STATUS_SUCCESS } else { SRB_STATUS_ERROR });
            }
            if is_done {
                return;
            }
        }
    }
}

pub unsafe extern "C-unwind" fn HwResetBus(extension: PVOID, _path: ULONG) -> BOOLEAN {
    // SAFETY: as above.
    unsafe {
        let e = extension.cast::<AdapterExtension>();
        with_all_rings(extension, e, || {
            stop(extension, e, SRB_STATUS_BUS_RESET);
            if (*e).state.load(SeqCst) == state::STOPPED && !bring_up(extension, e) {
                (*e).state.store(state::FAILED, SeqCst);
            }
        });
        // An event may have been lost with its ring.
        StorPortNotification(BusChangeDetected, extension, 0);
    }
    TRUE
}

/// Runs something with every ring's lock held.
pub unsafe fn with_all_rings(extension: PVOID, e: *mut AdapterExtension, body: impl FnOnce()) {
    // SAFETY: as above; rings are locked in their order, and handles are on this thread's stack.
    unsafe {
        let mut handles: [STOR_LOCK_HANDLE; RINGS_MAX] = std::mem::zeroed();
        let rings = (*e).rings as usize;
        for (n, handle) in handles[..rings].iter_mut().enumerate() {
            lock(extension, e, n, handle);
        }
        body();
        for handle in handles[..rings].iter_mut().rev() {
            unlock(extension, handle);
        }
    }
}

/// Resets the device and completes all it had: what it has answered as it answered, the rest with `status`.
/// All rings are locked.
pub unsafe fn stop(extension: PVOID, e: *mut AdapterExtension, status: UCHAR) {
    // SAFETY: as above.
    unsafe {
        let was_reset = (*e).registers.reset(extension);
        let next = if was_reset { state::STOPPED } else { state::FAILED };
        (*e).state.store(next, SeqCst);
        events::note_late_events(extension, e);
        for n in FIRST_REQUEST_RING..(*e).rings as usize {
            while let Some(srb) = (*e).ring[n].take() {
                answered(extension, srb);
            }
        }
        for n in (0..(*e).rings as usize).filter(|n| *n != EVENT_RING) {
            // A function that was under way has had its effect, and more.
            let status = if n == CONTROL_RING && was_reset { SRB_STATUS_SUCCESS } else { status };
            while let Some(srb) = (*e).ring[n].withdraw() {
                complete(extension, srb, status);
            }
        }
    }
}
