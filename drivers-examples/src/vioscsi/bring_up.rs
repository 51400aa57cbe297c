//! From a device that has been reset to a running one.
//!
//! Taken by HwStorInitialize, again after every reset of the adapter, and when its power returns. The caller
//! has all rings for itself: nothing runs yet, or their locks are held.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::events;
use super::extension::{AdapterExtension, Interrupts, state};
use super::ring_lock::notify;
use super::virtio::*;
use super::virtio_scsi::*;
use std::sync::atomic::Ordering::SeqCst;

/// Starts a device that has just been reset: features, rings, buffers for events. `false`: it does not agree,
/// and has been reset again, so that it lets go of the rings it took.
pub unsafe fn bring_up(DeviceExtension: PVOID, Extension: *mut AdapterExtension) -> bool {
    let is_up = set_up(DeviceExtension, Extension);
    if !is_up {
        (*Extension).registers.reset(DeviceExtension);
    }
    is_up
}

unsafe fn set_up(DeviceExtension: PVOID, Extension: *mut AdapterExtension) -> bool {
    if !(*Extension).registers.negotiate(DeviceExtension, (*Extension).features) {
        return false;
    }
    (*Extension).registers.set_device_u32(DeviceExtension, CONFIG_CDB_SIZE, CDB_SIZE as u32);
    (*Extension).registers.set_device_u32(DeviceExtension, CONFIG_SENSE_SIZE, SENSE_SIZE as u32);
    if (*Extension).interrupts != Interrupts::Line {
        (*Extension).registers.write_u16(DeviceExtension, CONFIG_MSIX_VECTOR, 0);
    }
    for n in 0..(*Extension).rings as usize {
        if !enable_ring(DeviceExtension, Extension, n) {
            return false;
        }
    }
    events::post_all(Extension);
    (*Extension).registers.add_status(DeviceExtension, STATUS_DRIVER_OK);
    (*Extension).state.store(state::RUNNING, SeqCst);
    // The buffers went in before the device looked.
    notify(DeviceExtension, Extension, EVENT_RING);
    true
}

unsafe fn enable_ring(DeviceExtension: PVOID, Extension: *mut AdapterExtension, n: usize) -> bool {
    // Of the extension, which interrupt routines look at meanwhile, the ring alone is borrowed.
    let (registers, uses_events) = ((*Extension).registers, (*Extension).features & F_RING_EVENT_IDX != 0);
    let ring = &mut (*Extension).ring[n];
    ring.clear(uses_events);
    registers.write_u16(DeviceExtension, QUEUE_SELECT, n as u16);
    let offset = registers.read_u16(DeviceExtension, QUEUE_NOTIFY_OFF);
    // Where the device says, if there is a register.
    let Some(notify) = registers.notification(offset) else { return false };
    ring.notify = notify;
    registers.write_u16(DeviceExtension, QUEUE_SIZE, ring.size);
    let vector = match (*Extension).interrupts {
        Interrupts::Line => None,
        Interrupts::OneMessage => Some(0),
        Interrupts::PerRing => Some(n as u16 + 1),
    };
    if let Some(vector) = vector {
        registers.write_u16(DeviceExtension, QUEUE_MSIX_VECTOR, vector);
        // A device without room for it says so.
        if registers.read_u16(DeviceExtension, QUEUE_MSIX_VECTOR) != vector {
            return false;
        }
    }
    registers.write_address(DeviceExtension, QUEUE_DESC, ring.descriptors_physical);
    registers.write_address(DeviceExtension, QUEUE_DRIVER, ring.available_physical);
    registers.write_address(DeviceExtension, QUEUE_DEVICE, ring.used_physical);
    registers.write_u16(DeviceExtension, QUEUE_ENABLE, 1);
    registers.read_u16(DeviceExtension, QUEUE_ENABLE) == 1
}
