//! The level that KeReleaseSpinLock is told to restore.

use super::*;

unsafe fn alone_to(x: X, level: KIRQL) {
    let mut irql: KIRQL = 0;
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    KeReleaseSpinLock(lock(x, 0), level);
}

unsafe fn to_the_level_before(x: X) {
    alone_to(x, PASSIVE_LEVEL);
}

unsafe fn to_a_level_above(x: X) {
    alone_to(x, APC_LEVEL);
}

unsafe fn left_raised(x: X) {
    alone_to(x, DISPATCH_LEVEL);
}

/// In a DPC no lock is to lower the level below that of the DPC.
unsafe fn below_the_dpc(x: X) {
    in_dpc(x, |x| alone_to(x, APC_LEVEL));
}

unsafe fn to_the_level_of_the_dpc(x: X) {
    in_dpc(x, |x| alone_to(x, DISPATCH_LEVEL));
}

/// The level that was found is given back with the lock that was taken at DISPATCH_LEVEL.
unsafe fn passed_on(x: X) {
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    KeAcquireSpinLock(lock(x, 1), &raw mut inner);
    KeReleaseSpinLock(lock(x, 0), inner);
    KeReleaseSpinLock(lock(x, 1), irql);
}

/// The lock is held below DISPATCH_LEVEL, and given back there.
unsafe fn lowered_before(x: X) {
    let irql = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
    KeLowerIrql(irql);
    KeReleaseSpinLock(lock(x, 0), irql);
}

unsafe fn not_raising_in_dpc(x: X) {
    // SAFETY: the desk is what it was called with.
    in_dpc(x, |x| unsafe {
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
        KeReleaseSpinLock(lock(x, 0), PASSIVE_LEVEL);
    });
}

unsafe fn lowered_under_inner(x: X) {
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    KeAcquireSpinLock(lock(x, 1), &raw mut inner);
    KeReleaseSpinLock(lock(x, 0), irql);
}

unsafe fn taken_below(x: X) {
    KeAcquireSpinLockAtDpcLevel(lock(x, 0));
}

#[test]
fn a_report_says_which_mistake_it_is() {
    let found = is_told("IrqlKeReleaseSpinLock", lowered_under_inner);
    assert!(found.what.ends_with("while another spin lock is held"), "{}", found.what);
    let found = is_told("IrqlKeReleaseSpinLock", lowered_before);
    assert!(found.what.ends_with("its page allows DISPATCH_LEVEL only"), "{}", found.what);
    let found = is_told("IrqlDispatch", taken_below);
    assert!(found.what.ends_with("its page allows DISPATCH_LEVEL at least"), "{}", found.what);
}

unsafe fn not_raising(x: X) {
    let irql = KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(lock(x, 0));
    KeReleaseSpinLock(lock(x, 0), irql);
}

#[test]
fn it_is_the_level_that_the_acquire_found() {
    is_fine(to_the_level_before);
    is_told("IrqlKeReleaseSpinLock", to_a_level_above);
    is_told("IrqlKeReleaseSpinLock", left_raised);
}

#[test]
fn the_last_of_several_may_bring_the_first_ones_level_but_none_below_the_callback() {
    is_fine(passed_on);
    is_fine(to_the_level_of_the_dpc);
    is_told("IrqlKeReleaseSpinLock", below_the_dpc);
}

#[test]
fn what_did_not_raise_is_anothers_matter() {
    assert!(says("IrqlKeReleaseSpinLock", not_raising).is_none());
    assert!(says("IrqlKeReleaseSpinLock", not_raising_in_dpc).is_none());
    is_told("ReleaseMismatch", not_raising);
}

#[test]
fn at_another_level_than_dispatch_level_it_is_told_whether_or_not_locks_are_known() {
    is_told("IrqlKeReleaseSpinLock", lowered_before);
    let row = rules::find("IrqlKeReleaseSpinLock").expect("a row of the table");
    assert!(matches!(watched([&row], Sites::Counted, lowered_before), Ending::Halted(_)));
}
