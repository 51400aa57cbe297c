//! From a device that has been reset to a running one.
//!
//! Taken by HwStorInitialize, again after every reset of the adapter, and when its power returns. The caller
//! has all rings for itself: nothing runs yet, or their locks are held.

use super::ddi::*;
use super::events;
use super::extension::{AdapterExtension, Interrupts, state};
use super::ring_lock::notify;
use super::virtio::*;
use super::virtio_scsi::*;
use std::sync::atomic::Ordering::SeqCst;

/// Starts a device that has just been reset: features, rings, buffers for events. `false`: it does not agree.
pub unsafe fn bring_up(extension: PVOID, e: *mut AdapterExtension) -> bool {
    // SAFETY: Storport's own extension and its adapter's, as for all of this file; the callers have the rings
    // for themselves.
    unsafe {
        if !(*e).registers.negotiate(extension, (*e).features) {
            return false;
        }
        (*e).registers.set_device_u32(extension, CONFIG_CDB_SIZE, CDB_SIZE as u32);
        (*e).registers.set_device_u32(extension, CONFIG_SENSE_SIZE, SENSE_SIZE as u32);
        if (*e).interrupts != Interrupts::Line {
            (*e).registers.write_u16(extension, CONFIG_MSIX_VECTOR, 0);
        }
        for n in 0..(*e).rings as usize {
            if !enable_ring(extension, e, n) {
                return false;
            }
        }
        events::post_all(e);
        (*e).registers.add_status(extension, STATUS_DRIVER_OK);
        (*e).state.store(state::RUNNING, SeqCst);
        // The buffers went in before the device looked.
        notify(extension, e, EVENT_RING);
    }
    true
}

unsafe fn enable_ring(extension: PVOID, e: *mut AdapterExtension, n: usize) -> bool {
    // SAFETY: as above; of the extension, which interrupt routines look at meanwhile, the ring alone is
    // borrowed.
    unsafe {
        let (registers, uses_events) = ((*e).registers, (*e).features & F_RING_EVENT_IDX != 0);
        let ring = &mut (*e).ring[n];
        ring.clear(uses_events);
        registers.write_u16(extension, QUEUE_SELECT, n as u16);
        let offset = usize::from(registers.read_u16(extension, QUEUE_NOTIFY_OFF));
        ring.notify = registers.notify.wrapping_add(offset * registers.notify_multiplier as usize).cast();
        registers.write_u16(extension, QUEUE_SIZE, ring.size);
        let vector = match (*e).interrupts {
            Interrupts::Line => None,
            Interrupts::OneMessage => Some(0),
            Interrupts::PerRing => Some(n as u16 + 1),
        };
        if let Some(vector) = vector {
            registers.write_u16(extension, QUEUE_MSIX_VECTOR, vector);
            // A device without room for it says so.
            if registers.read_u16(extension, QUEUE_MSIX_VECTOR) != vector {
                return false;
            }
        }
        registers.write_address(extension, QUEUE_DESC, ring.descriptors_physical);
        registers.write_address(extension, QUEUE_DRIVER, ring.available_physical);
        registers.write_address(extension, QUEUE_DEVICE, ring.used_physical);
        registers.write_u16(extension, QUEUE_ENABLE, 1);
        registers.read_u16(extension, QUEUE_ENABLE) == 1
    }
}
