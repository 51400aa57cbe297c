//! `vandal-null-read`: a driver that looks for an entry in an empty list and takes what it finds.
//!
//! **What is wrong.** The list is empty, so there is no first entry; its third field lies at NULL + 0x10.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null;

#[repr(C)]
struct ListEntry {
    Next: *const ListEntry,
    Length: u64,
    Status: u64,
}

#[inline(never)]
unsafe fn StatusOf(Entry: *const ListEntry) -> u64 {
    (&raw const (*Entry).Status).read_volatile()
}

unsafe fn Exercise() {
    let mut Now = LARGE_INTEGER { QuadPart: 0 };

    KeQuerySystemTime(&mut Now);
    StatusOf(null());
}

/// One read, on the boot processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Exercise() })
}
