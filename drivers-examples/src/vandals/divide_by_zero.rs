//! `vandal-divide-by-zero`: a driver that divides by what a device said.
//!
//! **What is wrong.** A device that is not ready says that its sectors have 0 bytes. Rust would panic; C, and
//! the instruction written here, does not ask.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

#[inline(never)]
unsafe fn SectorsIn(Bytes: u64, BytesPerSector: u64) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        let Sectors: u64;
        std::arch::asm!("div {}", in(reg) BytesPerSector, inout("rax") Bytes => Sectors, inout("rdx") 0_u64 => _);
        Sectors
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        Bytes / BytesPerSector
    }
}

unsafe fn Exercise() {
    let mut Now = LARGE_INTEGER { QuadPart: 0 };

    KeQuerySystemTime(&mut Now);
    std::hint::black_box(SectorsIn(4096, 0));
}

/// One division, on the boot processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Exercise() })
}
