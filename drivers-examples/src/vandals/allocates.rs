//! `vandal-allocates`: a driver that takes memory of the host without end.
//!
//! **What is wrong.** The loop waits for a list to become long enough, and its length wraps around.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

unsafe fn Exercise() {
    let mut Now = LARGE_INTEGER { QuadPart: 0 };
    let mut Entries: Vec<Vec<u8>> = Vec::new();

    KeQuerySystemTime(&mut Now);
    while Entries.len() as u8 as usize <= usize::from(u8::MAX) {
        Entries.push(vec![0xAB; 64 << 10]);
    }
}

/// One loop, on the boot processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { Exercise() })
}
