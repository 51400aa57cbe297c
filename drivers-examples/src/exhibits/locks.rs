//! Spin locks of one processor: taken twice, given back in another way than they were taken, never
//! initialised.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{TAG, free, new, new_lock};
use kernel_sim::ddi::*;

/// Takes a spin lock that this processor holds, at DISPATCH_LEVEL.
pub(super) unsafe fn twice() {
    let list_lock = new_lock();
    let irql = KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(list_lock);
    KeAcquireSpinLockAtDpcLevel(list_lock);
    KeLowerIrql(irql);
}

/// Gives the spin lock back before it takes it again.
pub(super) unsafe fn again() {
    let list_lock = new_lock();
    let irql = KeRaiseIrqlToDpcLevel();
    for _ in 0..2 {
        KeAcquireSpinLockAtDpcLevel(list_lock);
        KeReleaseSpinLockFromDpcLevel(list_lock);
    }
    KeLowerIrql(irql);
    free(list_lock);
}

/// Takes the first lock, and the second inside.
unsafe fn take_and_give_two(first: PKSPIN_LOCK, second: PKSPIN_LOCK) {
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    KeAcquireSpinLock(first, &raw mut irql);
    KeAcquireSpinLock(second, &raw mut inner);
    KeReleaseSpinLock(second, inner);
    KeReleaseSpinLock(first, irql);
}

unsafe fn with_two(body: unsafe fn(PKSPIN_LOCK, PKSPIN_LOCK), are_the_same: bool) {
    let (list_lock, other_lock) = (new_lock(), new_lock());
    body(list_lock, if are_the_same { list_lock } else { other_lock });
    free(other_lock);
    free(list_lock);
}

/// Takes a spin lock by KeAcquireSpinLock twice.
pub(super) unsafe fn one_inside_itself() {
    with_two(take_and_give_two, true);
}

/// Takes two spin locks by KeAcquireSpinLock, one inside the other.
pub(super) unsafe fn one_inside_another() {
    with_two(take_and_give_two, false);
}

unsafe fn take_and_give_two_raising(first: PKSPIN_LOCK, second: PKSPIN_LOCK) {
    let irql = KeAcquireSpinLockRaiseToDpc(first);
    let inner = KeAcquireSpinLockRaiseToDpc(second);
    KeReleaseSpinLock(second, inner);
    KeReleaseSpinLock(first, irql);
}

/// Takes a spin lock by KeAcquireSpinLockRaiseToDpc twice.
pub(super) unsafe fn raising_inside_itself() {
    with_two(take_and_give_two_raising, true);
}

/// Takes two spin locks by KeAcquireSpinLockRaiseToDpc, one inside the other.
pub(super) unsafe fn raising_inside_another() {
    with_two(take_and_give_two_raising, false);
}

unsafe fn take_and_give_two_queued(first: PKSPIN_LOCK, second: PKSPIN_LOCK) {
    let (outer, inner): (PKLOCK_QUEUE_HANDLE, PKLOCK_QUEUE_HANDLE) = (new(), new());
    KeAcquireInStackQueuedSpinLock(first, outer);
    KeAcquireInStackQueuedSpinLock(second, inner);
    KeReleaseInStackQueuedSpinLock(inner);
    KeReleaseInStackQueuedSpinLock(outer);
    free(inner);
    free(outer);
}

/// Takes a queued spin lock twice, with two handles.
pub(super) unsafe fn queued_inside_itself() {
    with_two(take_and_give_two_queued, true);
}

/// Takes two queued spin locks, one inside the other.
pub(super) unsafe fn queued_inside_another() {
    with_two(take_and_give_two_queued, false);
}

/// Gives a lock that was taken at DISPATCH_LEVEL back as if the acquire had raised the IRQL.
pub(super) unsafe fn release_what_did_not_raise() {
    let list_lock = new_lock();
    let irql = KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(list_lock);
    KeReleaseSpinLock(list_lock, DISPATCH_LEVEL);
    KeLowerIrql(irql);
    free(list_lock);
}

/// Gives a lock that it tried to take back in that way, as its page allows.
pub(super) unsafe fn release_what_was_tried() {
    let list_lock = new_lock();
    let irql = KeRaiseIrqlToDpcLevel();
    if KeTryToAcquireSpinLockAtDpcLevel(list_lock) != FALSE {
        KeReleaseSpinLock(list_lock, DISPATCH_LEVEL);
    }
    KeLowerIrql(irql);
    free(list_lock);
}

/// Gives a queued lock that was taken at DISPATCH_LEVEL back as if the acquire had saved the IRQL.
pub(super) unsafe fn release_queued_that_did_not_raise() {
    let (list_lock, handle): (PKSPIN_LOCK, PKLOCK_QUEUE_HANDLE) = (new_lock(), new());
    let irql = KeRaiseIrqlToDpcLevel();
    KeAcquireInStackQueuedSpinLockAtDpcLevel(list_lock, handle);
    (*handle).OldIrql = DISPATCH_LEVEL;
    KeReleaseInStackQueuedSpinLock(handle);
    KeLowerIrql(irql);
    free(handle);
    free(list_lock);
}

/// Takes a queued lock at DISPATCH_LEVEL by the routine that raises the IRQL.
pub(super) unsafe fn release_queued_that_raised() {
    let (list_lock, handle): (PKSPIN_LOCK, PKLOCK_QUEUE_HANDLE) = (new_lock(), new());
    let irql = KeRaiseIrqlToDpcLevel();
    KeAcquireInStackQueuedSpinLock(list_lock, handle);
    KeReleaseInStackQueuedSpinLock(handle);
    KeLowerIrql(irql);
    free(handle);
    free(list_lock);
}

/// Gives the cancel spin lock back that it did not take.
pub(super) unsafe fn release_cancel_lock_not_taken() {
    let irql = KeRaiseIrqlToDpcLevel();
    IoReleaseCancelSpinLock(irql);
}

/// Takes the cancel spin lock at DISPATCH_LEVEL, and gives it back.
pub(super) unsafe fn release_cancel_lock_taken() {
    let (outer, mut irql): (KIRQL, KIRQL) = (KeRaiseIrqlToDpcLevel(), 0);
    IoAcquireCancelSpinLock(&raw mut irql);
    IoReleaseCancelSpinLock(irql);
    KeLowerIrql(outer);
}

/// Gives the outer lock back first, each with a level.
unsafe fn hand_over(first_level: impl FnOnce(KIRQL, KIRQL) -> [KIRQL; 2]) {
    let (outer, inner) = (new_lock(), new_lock());
    let before_outer = KeAcquireSpinLockRaiseToDpc(outer);
    let before_inner = KeAcquireSpinLockRaiseToDpc(inner);
    let [with_outer, with_inner] = first_level(before_outer, before_inner);
    KeReleaseSpinLock(outer, with_outer);
    KeReleaseSpinLock(inner, with_inner);
    free(inner);
    free(outer);
}

/// Lowers the IRQL with the outer lock, while the inner one is held.
pub(super) unsafe fn lower_under_inner() {
    hand_over(|before_outer, before_inner| [before_outer, before_inner]);
}

/// Lowers the IRQL with the lock that is given back last.
pub(super) unsafe fn lower_with_last() {
    hand_over(|before_outer, before_inner| [before_inner, before_outer]);
}

/// Nests two locks in one order and in the other, inside a third if `is_guarded`.
unsafe fn nest_in_both_orders(is_guarded: bool) {
    let (guard, one, other) = (new_lock(), new_lock(), new_lock());
    for [first, second] in [[one, other], [other, one]] {
        let irql = if is_guarded { KeAcquireSpinLockRaiseToDpc(guard) } else { KeRaiseIrqlToDpcLevel() };
        KeAcquireSpinLockAtDpcLevel(first);
        KeAcquireSpinLockAtDpcLevel(second);
        KeReleaseSpinLockFromDpcLevel(second);
        KeReleaseSpinLockFromDpcLevel(first);
        if is_guarded {
            KeReleaseSpinLock(guard, irql);
        } else {
            KeLowerIrql(irql);
        }
    }
    for lock in [guard, one, other] {
        free(lock);
    }
}

/// Nests two locks in both orders.
pub(super) unsafe fn both_orders() {
    nest_in_both_orders(false);
}

/// Nests two locks in both orders, inside a third lock: no two processors can.
pub(super) unsafe fn both_orders_guarded() {
    nest_in_both_orders(true);
}

/// Gives a lock back without the IRQL that its acquire raised, and lowers that later.
pub(super) unsafe fn release_without_level() {
    let list_lock = new_lock();
    let irql = KeAcquireSpinLockRaiseToDpc(list_lock);
    KeReleaseSpinLockFromDpcLevel(list_lock);
    KeLowerIrql(irql);
    free(list_lock);
}

/// Raises the IRQL itself, and takes and gives the lock at DISPATCH_LEVEL.
pub(super) unsafe fn release_at_level() {
    let list_lock = new_lock();
    let irql = KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(list_lock);
    KeReleaseSpinLockFromDpcLevel(list_lock);
    KeLowerIrql(irql);
    free(list_lock);
}

/// A lock in memory that was not zeroed.
unsafe fn raw_lock() -> PKSPIN_LOCK {
    ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, size_of::<KSPIN_LOCK>(), TAG).cast()
}

unsafe fn take_and_give(list_lock: PKSPIN_LOCK) {
    let mut irql: KIRQL = 0;
    KeAcquireSpinLock(list_lock, &raw mut irql);
    KeReleaseSpinLock(list_lock, irql);
    free(list_lock);
}

/// Takes a lock whose word is whatever the memory held.
pub(super) unsafe fn never_initialised() {
    take_and_give(raw_lock());
}

/// Initialises the lock before it takes it.
pub(super) unsafe fn initialised() {
    let list_lock = raw_lock();
    KeInitializeSpinLock(list_lock);
    take_and_give(list_lock);
}
