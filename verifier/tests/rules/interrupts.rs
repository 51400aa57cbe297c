//! Interrupt service routines: the locks that they take, and the time that they take.

use super::*;
use kernel_sim::frame::Frame;
use kernel_sim::processor::Processor;
use kernel_sim::routine::{Callback, INTERRUPT_SERVICE, SYNCH_CRITSECTION};

/// Runs it as a callback of this kind, at this level.
unsafe fn at_level(x: X, kind: &'static Callback, level: KIRQL, body: Program) {
    let mut irql: KIRQL = 0;
    KeRaiseIrql(level, &raw mut irql);
    // SAFETY: the callers' programs fit any level at which they are run.
    callback(Processor::current(), &Frame::new(kind, &[]), || unsafe { body(x) });
    KeLowerIrql(irql);
}

unsafe fn in_interrupt(x: X, level: KIRQL, body: Program) {
    at_level(x, &INTERRUPT_SERVICE, level, body);
}

unsafe fn take_and_give(x: X) {
    KeAcquireInStackQueuedSpinLockAtDpcLevel(lock(x, 0), handle(x, 0));
    KeReleaseInStackQueuedSpinLockFromDpcLevel(handle(x, 0));
}

unsafe fn take_and_give_again(x: X) {
    KeAcquireInStackQueuedSpinLockAtDpcLevel(lock(x, 0), handle(x, 0));
    KeReleaseInStackQueuedSpinLockFromDpcLevel(handle(x, 0));
}

/// In two interrupts of one level, and then below it at two places.
unsafe fn below_after_two(x: X) {
    in_interrupt(x, 5, take_and_give);
    in_interrupt(x, 5, take_and_give_again);
    at_level(x, &SYNCH_CRITSECTION, 4, take_and_give);
}

/// At two places of one level, and then in an interrupt.
unsafe fn above_after_two(x: X) {
    in_interrupt(x, 5, nothing);
    at_level(x, &SYNCH_CRITSECTION, 4, take_and_give);
    at_level(x, &SYNCH_CRITSECTION, 4, take_and_give_again);
    in_interrupt(x, 5, take_and_give);
}

#[test]
fn of_several_places_the_first_is_shown() {
    for program in [below_after_two, above_after_two] {
        let found = is_told("LockIrql", program);
        assert_eq!(found.earlier[0].site, found.now.site, "both are in `take_and_give`: {found:?}");
    }
}

unsafe fn at_its_level(x: X) {
    in_interrupt(x, 5, take_and_give);
    at_level(x, &SYNCH_CRITSECTION, 5, take_and_give);
    in_interrupt(x, 5, take_and_give);
}

unsafe fn below_its_level(x: X) {
    in_interrupt(x, 5, take_and_give);
    at_level(x, &SYNCH_CRITSECTION, 4, take_and_give);
}

/// What is held before any interrupt came is not looked at.
unsafe fn first_below_its_level(x: X) {
    in_interrupt(x, 5, nothing);
    at_level(x, &SYNCH_CRITSECTION, 4, take_and_give);
    in_interrupt(x, 5, take_and_give);
}

unsafe fn nothing(_: X) {}

/// The higher of two interrupts counts.
unsafe fn of_two_levels(x: X) {
    in_interrupt(x, 5, take_and_give);
    in_interrupt(x, 7, take_and_give);
    in_interrupt(x, 5, take_and_give);
    at_level(x, &SYNCH_CRITSECTION, 6, take_and_give);
}

/// The lower of two levels counts.
unsafe fn held_at_two_levels(x: X) {
    in_interrupt(x, 5, nothing);
    at_level(x, &SYNCH_CRITSECTION, 5, take_and_give);
    at_level(x, &SYNCH_CRITSECTION, 4, take_and_give);
    at_level(x, &SYNCH_CRITSECTION, 5, take_and_give);
    in_interrupt(x, 5, take_and_give);
}

#[test]
fn a_lock_is_held_at_the_level_of_the_highest_interrupt_that_takes_it() {
    is_fine(at_its_level);
    is_told("LockIrql", below_its_level);
    let found = is_told("LockIrql", of_two_levels);
    assert!(found.what.ends_with('7'), "{}", found.what);
}

#[test]
fn which_of_the_two_came_first_does_not_matter() {
    is_told("LockIrql", first_below_its_level);
    let found = is_told("LockIrql", held_at_two_levels);
    assert!(found.what.ends_with('4'), "{}", found.what);
}

/// Thrice ten microseconds.
unsafe fn thirty(_: X) {
    (0..3).for_each(|_| {
        // SAFETY: it takes no pointer.
        unsafe { KeStallExecutionProcessor(10) }
    });
}

unsafe fn five_times_thirty(x: X) {
    (0..5).for_each(|_| {
        // SAFETY: the desk is what it was called with.
        unsafe { thirty(x) }
    });
}

unsafe fn long_interrupt(x: X) {
    in_interrupt(x, 5, thirty);
}

unsafe fn as_long_in_dpc(x: X) {
    in_dpc(x, thirty);
}

unsafe fn long_routine_at_level(x: X) {
    at_level(x, &SYNCH_CRITSECTION, 5, five_times_thirty);
}

#[test]
fn an_interrupt_is_briefer_than_a_dpc_and_of_others_no_guidance_is_known() {
    let found = is_told("TimeAtRaisedIrql", long_interrupt);
    assert_eq!(found.earlier.len(), 1, "the first stall: {found:?}");
    is_fine(as_long_in_dpc);
    is_fine(long_routine_at_level);
}
