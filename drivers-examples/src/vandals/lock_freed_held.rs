//! `vandal-lock-freed-held`: memory is freed that holds a spin lock which is held.
//!
//! **What is wrong.** The last user of an object frees it under the object's own lock, and gives the lock
//! back in memory that belongs to another driver by then. `vandal-lock-freed-held-near-miss` gives it back
//! first.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

const TAG: ULONG = u32::from_le_bytes(*b"Last");

#[repr(C)]
struct SharedObject {
    Users: ULONG,
    Lock: KSPIN_LOCK,
}

unsafe fn Release(ReleaseFirst: bool) {
    let Object: *mut SharedObject =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<SharedObject>(), TAG).cast();
    let mut Irql: KIRQL = 0;

    KeInitializeSpinLock(&raw mut (*Object).Lock);
    KeAcquireSpinLock(&raw mut (*Object).Lock, &raw mut Irql);
    if ReleaseFirst {
        KeReleaseSpinLock(&raw mut (*Object).Lock, Irql);
        ExFreePoolWithTag(Object.cast(), TAG);
        return;
    }
    ExFreePoolWithTag(Object.cast(), TAG);
    KeReleaseSpinLock(&raw mut (*Object).Lock, Irql);
}

/// Frees under the lock.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { Release(false) })
}

/// Frees after it.
pub fn near_miss(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { Release(true) })
}
