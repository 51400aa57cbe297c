//! `vandal-lock-never-initialised`: a spin lock in memory that holds what another driver left there.
//!
//! **What is wrong.** ExAllocatePoolWithTag does not zero what it returns, and the lock word names a holder
//! that never gives it back. `vandal-lock-never-initialised-near-miss` initialises the lock first.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

const TAG: ULONG = u32::from_le_bytes(*b"Lock");

unsafe fn Exercise(Initialise: bool) {
    let Lock: PKSPIN_LOCK = ExAllocatePoolWithTag(NonPagedPoolNx, size_of::<KSPIN_LOCK>(), TAG).cast();
    let mut Irql: KIRQL = 0;

    if Initialise {
        KeInitializeSpinLock(Lock);
    }
    KeAcquireSpinLock(Lock, &raw mut Irql);
    KeReleaseSpinLock(Lock, Irql);
    ExFreePoolWithTag(Lock.cast(), TAG);
}

/// Takes the lock as it is.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { Exercise(false) })
}

/// Initialises it first.
pub fn near_miss(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { Exercise(true) })
}
