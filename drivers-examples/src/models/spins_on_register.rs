//! `spins-on-register`: a driver that polls its device for ever.
//!
//! The author waits for the device to be ready, as its specification says to, and lets no time limit
//! end the waiting.
//!
//! **What is wrong.** Devices break, and are pulled out.
//!
//! **Why it hangs.** The bit never comes. Nothing else is under way that could bring it.

#![expect(unsafe_code, reason = "models call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::bell::{self, Bell};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Machine, Outcome};

unsafe fn WaitUntilReady() {
    let machine = Machine::current().expect("a model runs on a machine");
    let Window = machine.device_window(0).expect("the machine has a bell");
    let Registers: *mut u8 =
        MmMapIoSpace(LARGE_INTEGER::new(Window as i64), bell::LENGTH, MmNonCached).cast();

    while READ_REGISTER_ULONG(Registers.add(bell::STATUS).cast()) & bell::STATUS_READY == 0 {}
}

/// Waits for a device that is never ready.
pub fn run(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL.
    config.hardware(Box::new(Bell::default())).run(|| unsafe { WaitUntilReady() })
}
