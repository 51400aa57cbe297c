//! Memory that was refused, used below DISPATCH_LEVEL and at it; a constant that is written; an index past
//! the end; a stack that is too short.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::TAG;
use kernel_sim::ddi::*;

/// Bytes of a log with an event at its beginning: more than the pool has.
const LOG_BYTES: SIZE_T = 2 << 30;

/// Allocates a log.
unsafe fn new_log() -> PKEVENT {
    ExAllocatePool2(POOL_FLAG_NON_PAGED, LOG_BYTES, TAG).cast()
}

/// Sets the event of a log without a look at whether there is one.
pub(super) unsafe fn event_of_nothing() {
    KeSetEvent(new_log(), 0, FALSE);
}

/// Sets the event of a log if there is one.
pub(super) unsafe fn event_if_any() {
    let event = new_log();
    if !event.is_null() {
        KeSetEvent(event, 0, FALSE);
    }
}

/// Sets the event of a log without a look at whether there is one, at DISPATCH_LEVEL.
pub(super) unsafe fn event_of_nothing_at_dispatch_level() {
    let irql = KeRaiseIrqlToDpcLevel();
    event_of_nothing();
    KeLowerIrql(irql);
}

/// Sets the event of a log if there is one, at DISPATCH_LEVEL.
pub(super) unsafe fn event_if_any_at_dispatch_level() {
    let irql = KeRaiseIrqlToDpcLevel();
    event_if_any();
    KeLowerIrql(irql);
}

/// A millisecond from now: in the image, where it can be read only.
static A_MOMENT: LARGE_INTEGER = LARGE_INTEGER::new(-10_000);

/// Has the time written into a constant.
pub(super) unsafe fn time_into_constant() {
    KeQuerySystemTime((&raw const A_MOMENT).cast_mut());
}

/// Waits as long as a constant says.
pub(super) unsafe fn time_from_constant() {
    KeDelayExecutionThread(KernelMode, FALSE, (&raw const A_MOMENT).cast_mut());
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

/// Deeper than any kernel stack.
const DEPTH: u32 = 1_000_000;
/// As deep as a kernel stack has room for.
const DEPTH_MAX: u32 = 16;

/// Counts the levels of a tree; each takes some of the stack.
#[inline(never)]
fn levels(depth: u32) -> u32 {
    let path = std::hint::black_box([depth; 16]);
    if depth == 0 { 0 } else { 1 + levels(path[0] - 1) }
}

/// Recurses as often as a number says that came from elsewhere.
pub(super) unsafe fn recurse_as_told() {
    levels(std::hint::black_box(DEPTH));
}

/// Recurses as often as that, but not deeper than the stack.
pub(super) unsafe fn recurse_a_little() {
    levels(std::hint::black_box(DEPTH).min(DEPTH_MAX));
}
