//! Waits: for too many objects, and for an event that is not set again.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new, new_event};
use kernel_sim::ddi::*;
use std::ptr::null_mut;

const OBJECTS: usize = 4;

unsafe fn wait_for_all(blocks: PKWAIT_BLOCK) {
    let mut objects: [PVOID; OBJECTS] = [null_mut(); OBJECTS];
    for object in &mut objects {
        let event = new_event(NotificationEvent);
        KeSetEvent(event, 0, FALSE);
        *object = event.cast();
    }
    KeWaitForMultipleObjects(
        OBJECTS as ULONG,
        objects.as_mut_ptr(),
        WaitAll,
        Executive,
        KernelMode,
        FALSE,
        null_mut(),
        blocks,
    );
    for object in objects {
        free(object);
    }
}

/// Waits for four objects and brings no wait blocks.
pub(super) unsafe fn four_without_blocks() {
    wait_for_all(null_mut());
}

/// Waits for four objects with wait blocks of its own.
pub(super) unsafe fn four_with_blocks() {
    let blocks: *mut [KWAIT_BLOCK; OBJECTS] = new();
    wait_for_all(blocks.cast());
    free(blocks);
}

unsafe fn wait_twice(kind: EVENT_TYPE) {
    let event = new_event(kind);
    KeSetEvent(event, 0, FALSE);
    for _ in 0..2 {
        KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
    }
    free(event);
}

/// Waits twice for a synchronization event that is set once: the first wait clears it.
pub(super) unsafe fn synchronization_event_twice() {
    wait_twice(SynchronizationEvent);
}

/// Waits twice for a notification event that is set once: it stays set.
pub(super) unsafe fn notification_event_twice() {
    wait_twice(NotificationEvent);
}
