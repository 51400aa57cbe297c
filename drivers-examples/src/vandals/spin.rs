//! `vandal-spin`: a DPC that spins until another processor sets a flag.
//!
//! **What is wrong.** The flag is a plain atomic, and the processor that would set it waits for the DPC to be
//! over. No call is made in the loop, so nothing but the clock on the wall can tell that it never ends.
//! `vandal-spin-near-miss` gives up after a while.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const TAG: ULONG = u32::from_le_bytes(*b"Spin");

/// The near miss: it gives up.
unsafe extern "C-unwind" fn WaitAWhile(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Flag: *const AtomicU32 = Context.cast();
    let mut Left = 1_000_000;

    while (*Flag).load(SeqCst) == 0 && Left != 0 {
        Left -= 1;
    }
}

unsafe extern "C-unwind" fn WaitForFlag(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Flag: *const AtomicU32 = Context.cast();

    while (*Flag).load(SeqCst) == 0 {
        std::hint::spin_loop();
    }
}

#[repr(C)]
struct SpinDevice {
    Dpc: KDPC,
    Flag: AtomicU32,
}

unsafe fn Exercise(Routine: PKDEFERRED_ROUTINE) {
    let Device: *mut SpinDevice = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<SpinDevice>(), TAG).cast();

    KeInitializeDpc(&raw mut (*Device).Dpc, Routine, (&raw mut (*Device).Flag).cast());
    KeSetTargetProcessorDpc(&raw mut (*Device).Dpc, 1);
    KeInsertQueueDpc(&raw mut (*Device).Dpc, null_mut(), null_mut());
    KeFlushQueuedDpcs();
    (*Device).Flag.store(1, SeqCst);
    ExFreePoolWithTag(Device.cast(), TAG);
}

/// One DPC, on the other processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { Exercise(Some(WaitForFlag)) })
}

/// The same, with a DPC that does not wait for ever.
pub fn near_miss(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { Exercise(Some(WaitAWhile)) })
}
