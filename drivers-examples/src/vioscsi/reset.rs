//! Task management, and the reset of the adapter that comes when it does not help.
//!
//! Storport's steps, as its recovery of late requests takes them: SRB_FUNCTION_RESET_LOGICAL_UNIT and
//! SRB_FUNCTION_RESET_DEVICE become task management functions on the control ring (VIRTIO 1.2, 5.6.6.2), and
//! the SRB ends when the device answers. HwStorResetBus resets the device itself (2.4), completes all it had,
//! and starts it again; virtio-win sends a logical unit reset there too and leaves the rest to time, which
//! with a device that does not answer ends in a lost request.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

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
pub unsafe fn build(DeviceExtension: PVOID, Srb: PVOID, function: u32) -> Option<UCHAR> {
    let SrbExtension = srb_extension(Srb);
    let Some(mut chain) = ChainBuilder::new(DeviceExtension, SrbExtension) else {
        return Some(SRB_STATUS_INTERNAL_ERROR);
    };
    let lun = lun_address(SrbGetTargetId(Srb), SrbGetLun(Srb));
    let request = TaskManagementRequest { kind: T_TMF, subtype: function, lun, tag: 0 };
    (&raw mut (*SrbExtension).management).write_unaligned(request);
    (*SrbExtension).response.response = u8::MAX;
    chain.own(offset_of!(SrbExtension, management), size_of::<TaskManagementRequest>(), 0);
    let answer = offset_of!(SrbExtension, response) + offset_of!(CommandResponse, response);
    chain.own(answer, 1, DESC_WRITE);
    chain.end();
    None
}

/// Completes task management functions that the device is through with; requests they ended go first.
pub unsafe fn take_answers(DeviceExtension: PVOID, Extension: *mut AdapterExtension) {
    // Owners of chains in the control ring are SRBs.
    let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
    loop {
        lock(DeviceExtension, Extension, CONTROL_RING, &mut handle);
        let taken = (*Extension).ring[CONTROL_RING].take();
        let is_done = taken.is_none() && (*Extension).ring[CONTROL_RING].enable_interrupts();
        unlock(DeviceExtension, &mut handle);
        if let Some(Srb) = taken {
            take_all_requests(DeviceExtension, Extension);
            let is_good = matches!((*srb_extension(Srb)).response.response, S_OK | S_FUNCTION_SUCCEEDED);
            complete(DeviceExtension, Srb, if is_good { SRB_STATUS_SUCCESS } else { SRB_STATUS_ERROR });
        }
        if is_done {
            return;
        }
    }
}

pub unsafe extern "C-unwind" fn HwResetBus(DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    with_all_rings(DeviceExtension, Extension, || {
        stop(DeviceExtension, Extension, SRB_STATUS_BUS_RESET);
        if (*Extension).state.load(SeqCst) == state::STOPPED && !bring_up(DeviceExtension, Extension) {
            (*Extension).state.store(state::FAILED, SeqCst);
        }
    });
    // An event may have been lost with its ring.
    StorPortNotification(BusChangeDetected, DeviceExtension, 0);
    TRUE
}

/// Runs something with every ring's lock held.
pub unsafe fn with_all_rings(DeviceExtension: PVOID, Extension: *mut AdapterExtension, body: impl FnOnce()) {
    // Rings are locked in their order, and handles are on this thread's stack.
    let mut handles: [STOR_LOCK_HANDLE; RINGS_MAX] = std::mem::zeroed();
    // Before DPCs are made, at a start and after a stop, there are no locks, and nothing else runs.
    let has_locks = (*Extension).dpcs_are_ready.load(SeqCst) != 0;
    let rings = if has_locks { (*Extension).rings as usize } else { 0 };
    for (n, handle) in handles[..rings].iter_mut().enumerate() {
        lock(DeviceExtension, Extension, n, handle);
    }
    body();
    for handle in handles[..rings].iter_mut().rev() {
        unlock(DeviceExtension, handle);
    }
}

/// Resets the device and completes all it had: what it has answered as it answered, the rest with `status`.
/// All rings are locked.
pub unsafe fn stop(DeviceExtension: PVOID, Extension: *mut AdapterExtension, status: UCHAR) {
    let was_reset = (*Extension).registers.reset(DeviceExtension);
    let next = if was_reset { state::STOPPED } else { state::FAILED };
    (*Extension).state.store(next, SeqCst);
    events::note_late_events(DeviceExtension, Extension);
    for n in FIRST_REQUEST_RING..(*Extension).rings as usize {
        while let Some(Srb) = (*Extension).ring[n].take() {
            answered(DeviceExtension, Srb);
        }
    }
    for n in (0..(*Extension).rings as usize).filter(|n| *n != EVENT_RING) {
        // A function that was under way has had its effect, and more.
        let status = if n == CONTROL_RING && was_reset { SRB_STATUS_SUCCESS } else { status };
        while let Some(Srb) = (*Extension).ring[n].withdraw() {
            complete(DeviceExtension, Srb, status);
        }
    }
}
