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

#![expect(unsafe_code, reason = "models call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::bell::{self, Bell};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Machine, Outcome};
use std::ptr::null_mut;

const DIRQL: KIRQL = 4;

const TAG: ULONG = u32::from_le_bytes(*b"Nvr ");

#[repr(C)]
struct DeviceExtension {
    Registers: *mut u8,
    Interrupt: PKINTERRUPT,
    Dpc: KDPC,
    /// The DPC has run.
    Handled: KEVENT,
}
type PDeviceExtension = *mut DeviceExtension;

unsafe extern "C-unwind" fn InterruptService(_Interrupt: PKINTERRUPT, Context: PVOID) -> BOOLEAN {
    let Extension: PDeviceExtension = Context.cast();
    let Status: *mut ULONG = (*Extension).Registers.add(bell::STATUS).cast();

    WRITE_REGISTER_ULONG(Status, bell::STATUS_RUNG);
    while READ_REGISTER_ULONG(Status) & bell::STATUS_READY == 0 {}
    KeInsertQueueDpc(&raw mut (*Extension).Dpc, null_mut(), null_mut());
    TRUE
}

unsafe extern "C-unwind" fn DpcForIsr(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Extension: PDeviceExtension = Context.cast();

    KeSetEvent(&raw mut (*Extension).Handled, 0, FALSE);
}

/// Lets the device interrupt, and waits until that is handled.
unsafe fn Exercise() {
    let machine = Machine::current().expect("a model runs on a machine");
    let Window = machine.device_window(0).expect("the machine has a bell");

    let Extension: PDeviceExtension =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<DeviceExtension>(), TAG).cast();
    (*Extension).Registers =
        MmMapIoSpace(LARGE_INTEGER::new(Window as i64), bell::LENGTH, MmNonCached).cast();
    KeInitializeDpc(&raw mut (*Extension).Dpc, Some(DpcForIsr), Extension.cast());
    KeInitializeEvent(&raw mut (*Extension).Handled, NotificationEvent, FALSE);
    let Status = IoConnectInterrupt(
        &raw mut (*Extension).Interrupt,
        Some(InterruptService),
        Extension.cast(),
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

    WRITE_REGISTER_ULONG((*Extension).Registers.add(bell::RINGS).cast(), 1);
    let Handled = (&raw mut (*Extension).Handled).cast();
    KeWaitForSingleObject(Handled, Executive, KernelMode, FALSE, null_mut());
    IoDisconnectInterrupt((*Extension).Interrupt);
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Extension.cast(), TAG);
}

/// Interrupts once.
pub fn run(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL.
    config.hardware(Box::new(Bell::default())).run(|| unsafe { Exercise() })
}
