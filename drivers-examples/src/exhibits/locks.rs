//! Spin locks of one processor: taken twice, and taken again.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;

/// Takes a spin lock that this processor holds.
pub(super) unsafe fn twice() {
    let (mut lock, mut irql, mut inner): (KSPIN_LOCK, KIRQL, KIRQL) = (0, 0, 0);
    KeInitializeSpinLock(&raw mut lock);
    KeAcquireSpinLock(&raw mut lock, &raw mut irql);
    KeAcquireSpinLock(&raw mut lock, &raw mut inner);
}

/// Gives the spin lock back before it takes it again.
pub(super) unsafe fn again() {
    let (mut lock, mut irql): (KSPIN_LOCK, KIRQL) = (0, 0);
    KeInitializeSpinLock(&raw mut lock);
    for _ in 0..2 {
        KeAcquireSpinLock(&raw mut lock, &raw mut irql);
        KeReleaseSpinLock(&raw mut lock, irql);
    }
}
