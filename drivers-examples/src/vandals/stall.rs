//! `vandal-stall`: a tenth of a second under a spin lock.
//!
//! **What is wrong.** The author waits for the device to come back from its reset, with the lock held that
//! keeps others away from it. Nothing else runs on this processor meanwhile, and whoever wants the lock waits
//! as long. `vandal-stall-near-miss` waits before it takes the lock, and under it no longer than the page of
//! KeStallExecutionProcessor allows.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

const TAG: ULONG = u32::from_le_bytes(*b"Stal");
const RESET_US: ULONG = 100_000;
const LOOK_US: ULONG = 50;

/// Waits that long before it takes the lock, and that long under it.
unsafe fn Reset(Before: ULONG, Under: ULONG) {
    let Lock: PKSPIN_LOCK = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KSPIN_LOCK>(), TAG).cast();
    let mut Irql: KIRQL = 0;

    KeInitializeSpinLock(Lock);
    KeStallExecutionProcessor(Before);
    KeAcquireSpinLock(Lock, &raw mut Irql);
    KeStallExecutionProcessor(Under);
    KeReleaseSpinLock(Lock, Irql);
    ExFreePoolWithTag(Lock.cast(), TAG);
}

/// Waits under the lock.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { Reset(LOOK_US, RESET_US) })
}

/// Waits before it.
pub fn near_miss(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { Reset(RESET_US, LOOK_US) })
}
