//! `vandal-timer-initialised-armed`: a timer is initialised again while it is armed.
//!
//! **What is wrong.** A restart runs the same initialisation as the first start, and the watchdog of the
//! first is still under way: on Windows the list of timers is corrupted.
//! `vandal-timer-initialised-armed-near-miss` cancels it first.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Wdog");
/// A second, relative.
const WATCHDOG: i64 = -10_000_000;

unsafe fn Start(Timer: PKTIMER) {
    KeInitializeTimer(Timer);
    KeSetTimer(Timer, LARGE_INTEGER::new(WATCHDOG), null_mut());
}

unsafe fn StartTwice(CancelFirst: bool) {
    let Timer: PKTIMER = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KTIMER>(), TAG).cast();

    Start(Timer);
    if CancelFirst {
        KeCancelTimer(Timer);
    }
    Start(Timer);
    KeCancelTimer(Timer);
    ExFreePoolWithTag(Timer.cast(), TAG);
}

/// Starts twice.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { StartTwice(false) })
}

/// Cancels in between.
pub fn near_miss(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { StartTwice(true) })
}
