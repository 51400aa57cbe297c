//! The cancel spin lock: the level that it is given back to, and who holds it.

use super::*;

unsafe fn back_to_wrong_level(_: X) {
    let mut irql: KIRQL = 0;
    IoAcquireCancelSpinLock(&raw mut irql);
    IoReleaseCancelSpinLock(DISPATCH_LEVEL);
}

unsafe fn passed_to_inner(x: X) {
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    IoAcquireCancelSpinLock(&raw mut irql);
    KeAcquireSpinLock(lock(x, 0), &raw mut inner);
    IoReleaseCancelSpinLock(inner);
    KeReleaseSpinLock(lock(x, 0), irql);
}

unsafe fn below_inner(x: X) {
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    IoAcquireCancelSpinLock(&raw mut irql);
    KeAcquireSpinLock(lock(x, 0), &raw mut inner);
    IoReleaseCancelSpinLock(APC_LEVEL);
}

unsafe fn raised_with_it(_: X) {
    let (mut irql, mut level): (KIRQL, KIRQL) = (0, 0);
    IoAcquireCancelSpinLock(&raw mut irql);
    KeRaiseIrql(5, &raw mut level);
    IoReleaseCancelSpinLock(DISPATCH_LEVEL);
}

#[test]
fn it_is_given_back_to_the_level_that_its_acquire_found() {
    let found = is_told("ReleaseMismatch", back_to_wrong_level);
    assert_eq!(found.earlier.len(), 1, "{found:?}");
    is_told("ReleaseMismatch", below_inner);
}

#[test]
fn with_a_lock_inside_it_may_pass_its_level_on() {
    is_fine(passed_to_inner);
}

#[test]
fn at_another_level_the_call_is_anothers_matter() {
    assert!(says("ReleaseMismatch", raised_with_it).is_none());
    is_told("CallIrql", raised_with_it);
}

unsafe fn twice(_: X) {
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    IoAcquireCancelSpinLock(&raw mut irql);
    IoAcquireCancelSpinLock(&raw mut inner);
}

unsafe fn inside_another(x: X) {
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    IoAcquireCancelSpinLock(&raw mut inner);
    IoReleaseCancelSpinLock(inner);
    KeReleaseSpinLock(lock(x, 0), irql);
}

unsafe fn released_as_another(x: X) {
    let mut irql: KIRQL = 0;
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    IoReleaseCancelSpinLock(irql);
}

#[test]
fn it_is_no_other_lock() {
    let found = is_told("CancelSpinLock", twice);
    assert!(found.what.contains("while this processor holds the cancel spin lock"), "{}", found.what);
    is_fine(inside_another);
    is_told("CancelSpinLock", released_as_another);
}
