//! `vandal-global`: a driver that counts in a global.
//!
//! **What is wrong.** A global outlives the machine: no run begins as the one before it, so a seed does not
//! say what happens, and what was found once cannot be shown again. Nothing is found in it; a stress says
//! that it is not repeatable, and from which call on.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const TAG: ULONG = u32::from_le_bytes(*b"Glob");

/// How often the driver was loaded.
static LOADED: AtomicU32 = AtomicU32::new(0);

unsafe fn Load() {
    let Event: PKEVENT = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KEVENT>(), TAG).cast();

    KeInitializeEvent(Event, NotificationEvent, FALSE);
    for _ in 0..3 {
        KeSetEvent(Event, 0, FALSE);
    }
    KeWaitForSingleObject(Event.cast(), Executive, KernelMode, FALSE, null_mut());
    KeSetEvent(Event, LOADED.fetch_add(1, SeqCst) as KPRIORITY, FALSE);
    KeClearEvent(Event);
    ExFreePoolWithTag(Event.cast(), TAG);
}

/// One load.
pub fn run(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { Load() })
}
