//! `vandal-shared-queue-handle`: two processors use one handle of a queued spin lock.
//!
//! **What is wrong.** The handle lies in the device extension beside the lock, as if it were part of it. It
//! is the acquirer's place in the queue: the second acquire writes over the first's, and the queue is
//! corrupt. `vandal-shared-queue-handle-near-miss` has a handle on each stack.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::cell::UnsafeCell;
use std::mem::zeroed;

/// What both processors work on.
#[repr(C)]
pub struct EXTENSION {
    Lock: UnsafeCell<KSPIN_LOCK>,
    Handle: UnsafeCell<KLOCK_QUEUE_HANDLE>,
}

// SAFETY: it is not safe to share the handle, which is the mistake; the lock is made to be shared.
unsafe impl Sync for EXTENSION {}

unsafe fn Work(Lock: PKSPIN_LOCK, Handle: PKLOCK_QUEUE_HANDLE) {
    for _ in 0..2 {
        KeAcquireInStackQueuedSpinLock(Lock, Handle);
        KeReleaseInStackQueuedSpinLock(Handle);
    }
}

fn Exercise(config: Config, Shared: bool) -> Outcome {
    // SAFETY: zeros are a spin lock that is free, and a handle that is not in use.
    let Extension: EXTENSION = unsafe { zeroed() };
    config.run_on_every_processor(Extension, move |Extension, _| {
        // SAFETY: zeros are a handle that is not in use.
        let mut Own: KLOCK_QUEUE_HANDLE = unsafe { zeroed() };
        let Handle = if Shared { Extension.Handle.get() } else { &raw mut Own };
        // SAFETY: it is not safe with a shared handle, and ends with the simulated machine.
        unsafe { Work(Extension.Lock.get(), Handle) }
    })
}

/// One handle for both.
pub fn run(config: Config) -> Outcome {
    Exercise(config, true)
}

/// A handle each.
pub fn near_miss(config: Config) -> Outcome {
    Exercise(config, false)
}
