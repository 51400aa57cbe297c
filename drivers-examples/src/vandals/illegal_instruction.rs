//! `vandal-illegal-instruction`: a driver that takes for granted what only some processors have.
//!
//! **What is wrong.** It does not ask for the feature first. (The instruction here is one that no processor
//! has, so that it is illegal everywhere.)

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

unsafe fn Checksum() {
    #[cfg(target_arch = "x86_64")]
    std::arch::asm!("ud2");
    #[cfg(target_arch = "aarch64")]
    std::arch::asm!("udf #0");
}

unsafe fn Exercise() {
    let mut Irql = 0;

    KeRaiseIrql(2, &mut Irql);
    Checksum();
    KeLowerIrql(Irql);
}

/// One instruction, on the boot processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Exercise() })
}
