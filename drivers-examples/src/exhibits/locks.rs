//! Spin locks of one processor: taken twice, taken again, never initialised.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{TAG, free, new_lock};
use kernel_sim::ddi::*;

/// Takes a spin lock that this processor holds.
pub(super) unsafe fn twice() {
    let list_lock = new_lock();
    let (mut irql, mut inner): (KIRQL, KIRQL) = (0, 0);
    KeAcquireSpinLock(list_lock, &raw mut irql);
    KeAcquireSpinLock(list_lock, &raw mut inner);
}

/// Gives the spin lock back before it takes it again.
pub(super) unsafe fn again() {
    let list_lock = new_lock();
    let mut irql: KIRQL = 0;
    for _ in 0..2 {
        KeAcquireSpinLock(list_lock, &raw mut irql);
        KeReleaseSpinLock(list_lock, irql);
    }
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
