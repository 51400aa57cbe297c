//! A register that is polled for what the device never says.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use crate::models::bell;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;

/// How long it is polled at most where there is a limit.
const LOOKS_MAX: u32 = 100;

unsafe fn map_status() -> PULONG {
    let machine = Machine::current().expect("an exhibit runs on a machine");
    let window = machine.device_window(0).expect("the machine has a bell");
    let registers = MmMapIoSpace(LARGE_INTEGER::new(window as i64), bell::LENGTH, MmNonCached);
    registers.byte_add(bell::STATUS).cast()
}

/// Polls until the device is ready.
pub(super) unsafe fn poll_for_ever() {
    let status = map_status();
    while READ_REGISTER_ULONG(status) & bell::STATUS_READY == 0 {}
}

/// Polls until the device is ready, for a millisecond.
pub(super) unsafe fn poll_for_a_time() {
    let status = map_status();
    for _ in 0..LOOKS_MAX {
        if READ_REGISTER_ULONG(status) & bell::STATUS_READY != 0 {
            break;
        }
        KeStallExecutionProcessor(10);
    }
}
