//! `panics`: a driver whose DPC panics.
//!
//! The author indexes a table with a number that came from the device.
//!
//! **What is wrong.** Nothing in a kernel catches a panic: on Windows it ends in the driver's panic
//! handler, which can only stop the machine.
//!
//! **Why it hangs.** It does not; the machine stops where the panic was.

#![expect(unsafe_code, reason = "models call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Pnic");

unsafe extern "C-unwind" fn TooFar(_Dpc: PKDPC, _Context: PVOID, Index: PVOID, _: PVOID) {
    const NAMES: [&str; 3] = ["read", "write", "flush"];

    let Name = NAMES[Index as usize];
    assert!(!Name.is_empty());
}

unsafe fn Exercise() {
    let Dpc: PKDPC = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KDPC>(), TAG).cast();

    KeInitializeDpc(Dpc, Some(TooFar), null_mut());
    KeSetTargetProcessorDpc(Dpc, 1);
    KeInsertQueueDpc(Dpc, 3 as PVOID, null_mut());
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Dpc.cast(), TAG);
}

/// One DPC, on the other processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the routine's memory is its own.
    config.run(|| unsafe { Exercise() })
}
