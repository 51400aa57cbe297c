//! Spin locks that a driver holds: taken again, left held at return. What the rules about locks share.
//!
//! The machine keeps the locks that drivers hold on each processor, with the routine that took each
//! (`kernel_sim::held`); a rule says which routines are its own. Invariant: a callback is blamed only for
//! locks that were taken since it began.

use crate::rules::{Breach, FINE, Seen, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::frame::Frame;
use kernel_sim::held::HeldLock;
use kernel_sim::hook::{CallbackSet, Event, EventKind, Interest};
use kernel_sim::routine::{
    ADD_DEVICE, CANCEL, Callback, DEFERRED_ROUTINE, DISPATCH, DRIVER_ENTRY, DRIVER_UNLOAD, DdiInfo,
    INTERRUPT_SERVICE, IO_COMPLETION, START_IO, SYNCH_CRITSECTION, WORK_ITEM,
};
use storport_sim::callbacks::MINIPORT;

/// The callbacks of drivers that have to return without the locks they took: all but those of a cancel-safe
/// queue, of which one takes a lock and another gives it back.
static CALLBACKS: &[&Callback] = &[
    &ADD_DEVICE,
    &CANCEL,
    &DEFERRED_ROUTINE,
    &DISPATCH,
    &DRIVER_ENTRY,
    &DRIVER_UNLOAD,
    &INTERRUPT_SERVICE,
    &IO_COMPLETION,
    &START_IO,
    &SYNCH_CRITSECTION,
    &WORK_ITEM,
];

/// To be told when callbacks end with more locks held than they began with.
pub(in crate::rules) fn ends_of_callbacks() -> Interest {
    let callbacks = CallbackSet::of(CALLBACKS).and(CallbackSet::of(MINIPORT));
    Interest { leaving_locks: callbacks, lock_count: true, ..Interest::NOTHING }
}

/// A lock by host address is taken that one of these routines took here already.
pub(in crate::rules) fn taken_again(event: &Event<'_>, lock: usize, by: &[&'static DdiInfo]) -> Seen {
    let EventKind::Enter(ddi, _) = event.kind else { return FINE };
    let held = event.held_lock(lock).filter(|held| by.contains(&held.routine) && is_of_driver(event))?;
    let what = format!("{} for a spin lock that this processor holds already", ddi.name);
    Some(Breach::new(event, what).earlier([event.taken(&held)]))
}

/// A callback ends with a lock that one of these routines took in it.
pub(in crate::rules) fn left_held(event: &Event<'_>, is_meant: impl Fn(&HeldLock) -> bool) -> Seen {
    let EventKind::End(frame, _) = event.kind else { return FINE };
    let taken_inside = event.held_count().checked_sub(frame.held_count()).filter(|count| *count != 0)?;
    let held = event.held_locks();
    let inside = held.iter().rev().take(taken_inside as usize).filter(|lock| is_meant(lock));
    let left: Vec<_> = inside.map(|lock| event.taken(lock)).collect();
    if left.is_empty() {
        return FINE;
    }
    Some(returned_with(event, frame, left.len()).earlier(left.into_iter().rev()))
}

/// A callback that ends with more locks than it began with, where it is not known which they are. A cancel
/// routine is left out: it is entered with one that it did not take.
pub(in crate::rules) fn left_counted(event: &Event<'_>) -> Seen {
    let EventKind::End(frame, _) = event.kind else { return FINE };
    let left = event.held_count().checked_sub(frame.held_count()).filter(|count| *count != 0)?;
    if *frame.kind == CANCEL || !event.held_locks().is_empty() {
        return FINE;
    }
    Some(returned_with(event, frame, left as usize))
}

fn returned_with(event: &Event<'_>, frame: &Frame<'_>, locks: usize) -> Box<Breach> {
    let locks = if locks == 1 { "a spin lock" } else { "spin locks" };
    Breach::new(event, format!("{} returned with {locks} held that it took", frame.kind.name))
}

/// Whether the driver took a lock itself: a cancel routine is entered with one that it did not.
pub(in crate::rules) fn was_taken_by_driver(lock: &HeldLock) -> bool {
    lock.callback.id != CANCEL.id || lock.routine.kind.is_acquire() || TAKING.contains(&lock.routine)
}

/// Routines that take a spin lock and whose row does not say so.
static TAKING: &[&DdiInfo] = &[
    &row::IoAcquireCancelSpinLock,
    &row::KeAcquireInStackQueuedSpinLock,
    &row::KeAcquireInStackQueuedSpinLockAtDpcLevel,
    &row::KeAcquireInStackQueuedSpinLockForDpc,
    &row::KeAcquireInterruptSpinLock,
    &row::KeTryToAcquireSpinLockAtDpcLevel,
];
