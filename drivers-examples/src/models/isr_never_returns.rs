//! `isr-never-returns`: an interrupt service routine that waits for its device.
//!
//! The author acknowledges the interrupt and waits until the device is ready for the next command,
//! which by the specification takes a few nanoseconds.
//!
//! **What is wrong.** A routine at DIRQL waits for something that only the device can bring about, with
//! no limit.
//!
//! **Why it hangs.** The bit never comes. The processor is lost at DIRQL; nothing that runs below it
//! will run there again.
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::bell::{self, Bell};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Machine, Outcome};
use std::ptr::null_mut;

const DIRQL: KIRQL = 4;

/// The context is the registers.
unsafe extern "C-unwind" fn InterruptService(_Interrupt: PKINTERRUPT, Context: PVOID) -> BOOLEAN {
    let Registers: *mut u8 = Context.cast();

    WRITE_REGISTER_ULONG(Registers.add(bell::STATUS).cast(), bell::STATUS_RUNG);
    while READ_REGISTER_ULONG(Registers.add(bell::STATUS).cast()) & bell::STATUS_READY == 0 {}
    TRUE
}

unsafe fn Exercise() {
    let machine = Machine::current().expect("a model runs on a machine");
    let Window = machine.device_window(0).expect("the machine has a bell");
    let Registers: *mut u8 =
        MmMapIoSpace(LARGE_INTEGER::new(Window as i64), bell::LENGTH, MmNonCached).cast();
    let mut Interrupt: PKINTERRUPT = null_mut();

    let Status = IoConnectInterrupt(
        &raw mut Interrupt,
        Some(InterruptService),
        Registers.cast(),
        null_mut(),
        bell::VECTOR,
        DIRQL,
        DIRQL,
        LevelSensitive,
        FALSE,
        KAFFINITY::MAX,
        FALSE,
    );
    assert_eq!(Status, STATUS_SUCCESS, "the interrupt could not be connected");
    WRITE_REGISTER_ULONG(Registers.add(bell::RINGS).cast(), 1);
    // Waits for the service routine, once that has begun.
    KeStallExecutionProcessor(100);
    while READ_REGISTER_ULONG(Registers.add(bell::RINGS).cast()) != 0 {}
    IoDisconnectInterrupt(Interrupt);
}

/// Interrupts once.
pub fn run(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL.
    config.hardware(Box::new(Bell::default())).run(|| unsafe { Exercise() })
}
