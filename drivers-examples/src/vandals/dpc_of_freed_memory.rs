//! `vandal-dpc-of-freed-memory`: memory is freed that holds a DPC which is queued.
//!
//! **What is wrong.** The DPC goes to another processor, and nothing waits until it has run there. That
//! processor runs a routine out of memory that belongs to another driver by then. Whether it is too late
//! depends on the schedule. `vandal-dpc-of-freed-memory-near-miss` flushes the queues first.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Dpc ");

unsafe extern "C-unwind" fn Count(_Dpc: PKDPC, _Context: PVOID, _: PVOID, _: PVOID) {}

unsafe fn Exercise(Flush: bool) {
    let Dpc: PKDPC = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KDPC>(), TAG).cast();

    KeInitializeDpc(Dpc, Some(Count), null_mut());
    KeSetTargetProcessorDpc(Dpc, 1);
    KeInsertQueueDpc(Dpc, null_mut(), null_mut());
    if Flush {
        KeFlushQueuedDpcs();
    }
    ExFreePoolWithTag(Dpc.cast(), TAG);
}

/// Frees at once.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { Exercise(false) })
}

/// Flushes first.
pub fn near_miss(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { Exercise(true) })
}
