//! `vandal-wild-write`: a DPC that writes through a pointer that was never set.
//!
//! **What is wrong.** The DPC is queued before its context is: it finds what the stack of another driver left
//! there, an address in the upper half that is no memory of this machine.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Wild");
const LEFT_OVER: usize = 0xFFFF_F800_1234_5000;

unsafe extern "C-unwind" fn CountInterrupt(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Counter: *mut u32 = Context.cast();

    Counter.write_volatile(1);
}

unsafe fn Exercise() {
    let Dpc: PKDPC = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KDPC>(), TAG).cast();

    KeInitializeDpc(Dpc, Some(CountInterrupt), LEFT_OVER as PVOID);
    KeSetTargetProcessorDpc(Dpc, 1);
    KeInsertQueueDpc(Dpc, null_mut(), null_mut());
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Dpc.cast(), TAG);
}

/// One DPC, on the other processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Exercise() })
}
