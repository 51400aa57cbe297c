//! The event ring: units that have come or gone, or events for which there was no buffer.
//!
//! Storport scans the whole bus for any of them, so the reports are not told apart further. Invariant: a
//! buffer is the device's again before its event is acted upon.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::extension::{AdapterExtension, EVENTS, state};
use super::ring_lock::{lock, notify, unlock};
use super::virtio::{DESC_WRITE, Descriptor};
use super::virtio_scsi::{
    EVENT_PARAM_CHANGE, EVENT_RING, EVENT_TRANSPORT_RESET, EVENTS_MISSED, Event, RESET_HARD,
};
use std::sync::atomic::Ordering::SeqCst;

/// Lends the device all buffers. The ring is empty, and the caller's.
pub unsafe fn post_all(Extension: *mut AdapterExtension) {
    // The buffers lie in the uncached extension.
    (0..EVENTS).for_each(|n| post(Extension, (*Extension).events.wrapping_add(n)));
}

unsafe fn post(Extension: *mut AdapterExtension, buffer: *mut Event) {
    // The ring's lock is held, or nothing else runs. A ring of fewer descriptors than buffers takes what it
    // can.
    let offset = buffer as usize - (*Extension).events as usize;
    let address = (*Extension).events_physical + offset as u64;
    let length = size_of::<Event>() as u32;
    let descriptor = Descriptor { address, length, flags: DESC_WRITE, next: 0 };
    (*Extension).ring[EVENT_RING].add(&[descriptor], None, buffer.cast());
}

/// Whether an event asks for a scan.
unsafe fn asks_for_scan(buffer: *mut Event) -> bool {
    // A buffer the device has given back.
    let event = buffer.read_volatile();
    event.event & EVENTS_MISSED != 0
        || event.event == EVENT_TRANSPORT_RESET && event.reason != RESET_HARD
        || event.event == EVENT_PARAM_CHANGE
}

/// Takes the events that have come.
pub unsafe fn take_events(DeviceExtension: PVOID, Extension: *mut AdapterExtension) {
    let mut is_scan_due = false;
    // Owners of chains in the event ring are its buffers.
    let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
    lock(DeviceExtension, Extension, EVENT_RING, &mut handle);
    let is_running = (*Extension).state.load(SeqCst) == state::RUNNING;
    let mut is_wanted = false;
    loop {
        while let Some(buffer) = (*Extension).ring[EVENT_RING].take() {
            is_scan_due |= asks_for_scan(buffer.cast());
            post(Extension, buffer.cast());
            is_wanted |= (*Extension).ring[EVENT_RING].needs_notification();
        }
        if (*Extension).ring[EVENT_RING].enable_interrupts() {
            break;
        }
    }
    unlock(DeviceExtension, &mut handle);
    if is_wanted && is_running {
        notify(DeviceExtension, Extension, EVENT_RING);
    }
    if is_scan_due {
        StorPortNotification(BusChangeDetected, DeviceExtension, 0);
    }
}

/// What a device that is reset has reported before. The ring is the caller's, and is emptied afterwards.
pub unsafe fn note_late_events(DeviceExtension: PVOID, Extension: *mut AdapterExtension) {
    let mut is_scan_due = false;
    while let Some(buffer) = (*Extension).ring[EVENT_RING].take() {
        is_scan_due |= asks_for_scan(buffer.cast());
    }
    if is_scan_due {
        StorPortNotification(BusChangeDetected, DeviceExtension, 0);
    }
}
