//! The event ring: units that have come or gone, or events for which there was no buffer.
//!
//! Storport scans the bus for whatever reason, so the reports are not told apart further. Invariant: a buffer
//! is the device's again before its event is acted upon.

use super::ddi::*;
use super::extension::{AdapterExtension, EVENTS, state};
use super::ring_lock::{lock, notify, unlock};
use super::virtio::{DESC_WRITE, Descriptor};
use super::virtio_scsi::{
    EVENT_PARAM_CHANGE, EVENT_RING, EVENT_TRANSPORT_RESET, EVENTS_MISSED, Event, RESET_HARD,
};
use std::sync::atomic::Ordering::SeqCst;

/// Lends the device all buffers. The ring is empty, and the caller's.
pub unsafe fn post_all(e: *mut AdapterExtension) {
    // SAFETY: the buffers lie in the uncached extension.
    (0..EVENTS).for_each(|n| unsafe { post(e, (*e).events.wrapping_add(n)) });
}

unsafe fn post(e: *mut AdapterExtension, buffer: *mut Event) {
    // SAFETY: the ring's lock is held, or nobody else runs. A ring of fewer descriptors than buffers takes
    // what it can.
    unsafe {
        let offset = buffer as usize - (*e).events as usize;
        let address = (*e).events_physical + offset as u64;
        let length = size_of::<Event>() as u32;
        let descriptor = Descriptor { address, length, flags: DESC_WRITE, next: 0 };
        (*e).ring[EVENT_RING].add(&[descriptor], None, buffer.cast());
    }
}

/// Whether an event asks for a scan.
unsafe fn asks_for_scan(buffer: *mut Event) -> bool {
    // SAFETY: a buffer the device has given back.
    let event = unsafe { buffer.read_volatile() };
    event.event & EVENTS_MISSED != 0
        || event.event == EVENT_TRANSPORT_RESET && event.reason != RESET_HARD
        || event.event == EVENT_PARAM_CHANGE
}

/// Takes the events that have come.
pub unsafe fn take_events(extension: PVOID, e: *mut AdapterExtension) {
    let mut is_scan_due = false;
    // SAFETY: Storport's own extension, as for all of this file; owners of chains in the event ring are its
    // buffers.
    unsafe {
        let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
        lock(extension, e, EVENT_RING, &mut handle);
        let is_running = (*e).state.load(SeqCst) == state::RUNNING;
        let mut is_wanted = false;
        loop {
            while let Some(buffer) = (*e).ring[EVENT_RING].take() {
                is_scan_due |= asks_for_scan(buffer.cast());
                post(e, buffer.cast());
                is_wanted |= (*e).ring[EVENT_RING].needs_notification();
            }
            if (*e).ring[EVENT_RING].enable_interrupts() {
                break;
            }
        }
        unlock(extension, &mut handle);
        if is_wanted && is_running {
            notify(extension, e, EVENT_RING);
        }
        if is_scan_due {
            StorPortNotification(BusChangeDetected, extension, 0);
        }
    }
}

/// What a device that is reset has reported before. The ring is the caller's, and is emptied afterwards.
pub unsafe fn note_late_events(extension: PVOID, e: *mut AdapterExtension) {
    // SAFETY: as above.
    unsafe {
        let mut is_scan_due = false;
        while let Some(buffer) = (*e).ring[EVENT_RING].take() {
            is_scan_due |= asks_for_scan(buffer.cast());
        }
        if is_scan_due {
            StorPortNotification(BusChangeDetected, extension, 0);
        }
    }
}
