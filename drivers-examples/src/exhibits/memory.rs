//! Addresses of what is no longer there, used below DISPATCH_LEVEL and at it; an index past the end.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{TAG, new_event};
use kernel_sim::ddi::*;

/// Sets an event in a block that it has freed.
pub(super) unsafe fn event_after_free() {
    let event = new_event(NotificationEvent);
    ExFreePoolWithTag(event.cast(), TAG);
    KeSetEvent(event, 0, FALSE);
}

/// Sets an event, and frees its block right after.
pub(super) unsafe fn event_before_free() {
    let event = new_event(NotificationEvent);
    KeSetEvent(event, 0, FALSE);
    ExFreePoolWithTag(event.cast(), TAG);
}

/// Sets an event in a block that it has freed, at DISPATCH_LEVEL.
pub(super) unsafe fn event_after_free_at_dispatch_level() {
    let irql = KeRaiseIrqlToDpcLevel();
    event_after_free();
    KeLowerIrql(irql);
}

/// Allocates, sets and frees an event at DISPATCH_LEVEL: it is in nonpaged pool.
pub(super) unsafe fn event_before_free_at_dispatch_level() {
    let irql = KeRaiseIrqlToDpcLevel();
    event_before_free();
    KeLowerIrql(irql);
}

const NAMES: [&str; 3] = ["read", "write", "flush"];

/// A number as a device might report it.
fn reported() -> usize {
    std::hint::black_box(NAMES.len())
}

/// Indexes a table with a number that came from elsewhere.
pub(super) unsafe fn index_past_end() {
    let name = NAMES[reported()];
    assert!(!name.is_empty());
}

/// Looks whether the table goes that far.
pub(super) unsafe fn index_checked() {
    let name = NAMES.get(reported()).unwrap_or(&"unknown");
    assert!(!name.is_empty());
}
