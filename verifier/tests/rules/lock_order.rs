//! Nestings of spin locks that can hang two processors, and such that cannot.

use super::*;

/// Takes two locks, the second inside the first, inside those of `guards`.
unsafe fn nest(x: X, guards: &[usize], first: usize, second: usize) {
    let irql = KeRaiseIrqlToDpcLevel();
    let all: Vec<usize> = guards.iter().copied().chain([first, second]).collect();
    for n in &all {
        KeAcquireSpinLockAtDpcLevel(lock(x, *n));
    }
    for n in all.iter().rev() {
        KeReleaseSpinLockFromDpcLevel(lock(x, *n));
    }
    KeLowerIrql(irql);
}

unsafe fn nest_queued(x: X, first: usize, second: usize) {
    KeAcquireInStackQueuedSpinLock(lock(x, first), handle(x, 0));
    KeAcquireInStackQueuedSpinLock(lock(x, second), handle(x, 1));
    KeReleaseInStackQueuedSpinLock(handle(x, 1));
    KeReleaseInStackQueuedSpinLock(handle(x, 0));
}

unsafe fn queued_in_both_orders(x: X) {
    nest_queued(x, 0, 1);
    nest_queued(x, 1, 0);
}

unsafe fn queued_in_one_order(x: X) {
    nest_queued(x, 0, 1);
    nest_queued(x, 0, 1);
}

unsafe fn circle_of_three(x: X) {
    nest(x, &[], 0, 1);
    nest(x, &[], 1, 2);
    nest(x, &[], 2, 0);
}

/// Two of the three nestings cannot be under way at once.
unsafe fn circle_of_three_two_guarded(x: X) {
    nest(x, &[3], 0, 1);
    nest(x, &[3], 1, 2);
    nest(x, &[], 2, 0);
}

/// The first nesting was guarded once only.
unsafe fn guarded_at_times(x: X) {
    nest(x, &[3], 0, 1);
    nest(x, &[], 0, 1);
    nest(x, &[3], 1, 0);
}

#[test]
fn queued_locks_are_nested_in_one_order_as_well() {
    is_told("LockOrder", queued_in_both_orders);
    is_fine(queued_in_one_order);
}

#[test]
fn a_circle_is_as_weak_as_its_guards() {
    let found = is_told("LockOrder", circle_of_three);
    assert_eq!(found.earlier.len(), 5, "two nestings that were, and the outer lock of this one: {found:?}");
    is_fine(circle_of_three_two_guarded);
    is_told("LockOrder", guarded_at_times);
}
