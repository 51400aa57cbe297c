//! Calls above their documented IRQL are found by default, whether or not the call has to wait.
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]
#![allow(unsafe_code, reason = "a driver calls layer 1, as in C")]

use kernel_sim::ddi::*;
use std::cell::UnsafeCell;
use verifier::{Check, check_model};

/// The memory that the processors of a model share: a spin lock.
#[derive(Default)]
struct Shared {
    lock: UnsafeCell<KSPIN_LOCK>,
}

// SAFETY: the lock word is used by the kernel's routines only.
unsafe impl Sync for Shared {}

/// Runs `inside` on two processors with a spin lock held, and `outside` around that.
fn under_lock(outside: [unsafe fn(); 2], inside: unsafe fn()) -> Check {
    check_model(2, Shared::default, move |shared: &Shared, _| {
        let mut irql: KIRQL = 0;
        // SAFETY: the lock is zeroed memory of the model's, and the level is on this thread's stack.
        unsafe {
            outside[0]();
            KeAcquireSpinLock(shared.lock.get(), &raw mut irql);
            inside();
            KeReleaseSpinLock(shared.lock.get(), irql);
            outside[1]();
        }
    })
}

unsafe fn nothing() {}

/// Enters a critical region and leaves it.
unsafe fn enter_and_leave() {
    // SAFETY: neither takes a pointer.
    unsafe {
        KeEnterCriticalRegion();
        KeLeaveCriticalRegion();
    }
}

unsafe fn enter() {
    // SAFETY: it takes no pointer.
    unsafe { KeEnterCriticalRegion() }
}

unsafe fn leave() {
    // SAFETY: it takes no pointer.
    unsafe { KeLeaveCriticalRegion() }
}

unsafe fn flush() {
    // SAFETY: it takes no pointer.
    unsafe { KeFlushQueuedDpcs() }
}

#[test]
fn a_critical_region_under_a_spin_lock_is_found_and_one_around_it_is_not() {
    under_lock([nothing, nothing], enter_and_leave).fails_with("IrqlKeApcLte2");
    under_lock([enter, leave], nothing).is_clean();
}

#[test]
fn so_is_what_no_rule_of_microsofts_names() {
    under_lock([nothing, nothing], flush).fails_with("CallIrql");
    under_lock([flush, flush], nothing).is_clean();
}
