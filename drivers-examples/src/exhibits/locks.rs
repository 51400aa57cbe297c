//! Spin locks of one processor: taken twice, and taken again.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new_lock};
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
