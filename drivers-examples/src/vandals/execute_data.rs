//! `vandal-execute-data`: a driver that calls a routine out of a table of numbers.
//!
//! **What is wrong.** The table was filled with its own address instead of a routine's: the call goes into
//! nonpaged pool, which has held no code since NonPagedPoolNx.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

const TAG: ULONG = u32::from_le_bytes(*b"Data");

type FoundRoutine = unsafe extern "C-unwind" fn();

#[inline(never)]
unsafe fn Dispatch(Table: *const FoundRoutine) {
    (Table.read())();
    std::hint::black_box(Table);
}

unsafe fn Exercise() {
    let Table: PVOID = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);

    Table.cast::<PVOID>().write(Table);
    Dispatch(Table.cast());
    ExFreePoolWithTag(Table, TAG);
}

/// One call, on the boot processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Exercise() })
}
