//! `vandal-panic-in-drop`: a driver whose destructor panics while another panic unwinds.
//!
//! **What is wrong.** A destructor asserts what the panic has just made untrue. Rust ends the whole process
//! then.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

struct Held(bool);

impl Drop for Held {
    fn drop(&mut self) {
        assert!(!self.0, "dropped while held");
    }
}

unsafe fn Exercise() {
    let mut Now = LARGE_INTEGER { QuadPart: 0 };
    let Guard = Held(true);

    KeQuerySystemTime(&mut Now);
    assert!(Now.QuadPart < 0, "the clock is right");
    drop(Guard);
}

/// Two panics, on the boot processor.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Exercise() })
}
