//! Waits: for too many objects, and for an event that is not set again.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use std::mem::zeroed;
use std::ptr::null_mut;

const OBJECTS: usize = 4;

unsafe fn wait_for_all(blocks: PKWAIT_BLOCK) {
    let mut events: [KEVENT; OBJECTS] = zeroed();
    let mut objects: [PVOID; OBJECTS] = [null_mut(); OBJECTS];
    for (event, object) in events.iter_mut().zip(&mut objects) {
        KeInitializeEvent(event, NotificationEvent, TRUE);
        *object = (&raw mut *event).cast();
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
}

/// Waits for four objects and brings no wait blocks.
pub(super) unsafe fn four_without_blocks() {
    wait_for_all(null_mut());
}

/// Waits for four objects with wait blocks of its own.
pub(super) unsafe fn four_with_blocks() {
    let mut blocks: [KWAIT_BLOCK; OBJECTS] = zeroed();
    wait_for_all(blocks.as_mut_ptr());
}

unsafe fn wait_twice(kind: EVENT_TYPE) {
    let mut event: KEVENT = zeroed();
    KeInitializeEvent(&raw mut event, kind, FALSE);
    KeSetEvent(&raw mut event, 0, FALSE);
    for _ in 0..2 {
        KeWaitForSingleObject((&raw mut event).cast(), Executive, KernelMode, FALSE, null_mut());
    }
}

/// Waits twice for a synchronization event that is set once: the first wait clears it.
pub(super) unsafe fn synchronization_event_twice() {
    wait_twice(SynchronizationEvent);
}

/// Waits twice for a notification event that is set once: it stays set.
pub(super) unsafe fn notification_event_twice() {
    wait_twice(NotificationEvent);
}
