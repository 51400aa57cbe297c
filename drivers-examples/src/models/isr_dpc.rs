//! `isr-dpc-race`: a DPC changes a field that its interrupt service routine changes too.
//!
//! The author lets the interrupt service routine count what the device reported and the DPC take the
//! count: read it, set it to zero, do the work. Both run on the only processor there is, so surely
//! one comes after the other.
//!
//! **What is wrong.** A DPC runs at DISPATCH_LEVEL; the interrupt preempts it between reading the
//! count and setting it to zero, and what it added is overwritten. KeSynchronizeExecution, or the
//! interrupt's spin lock, would have kept it out.
//!
//! **Why it is rare.** The device has to interrupt again between two neighbouring statements of the
//! DPC that its last interrupt asked for.
//!
//! **Why it hangs.** The DPC never does the work of the lost report, and a thread that waits for it waits for
//! ever. This driver waits with a time limit and panics, as a disk's driver would reset.
//!
//! `isr-dpc-synchronized` is the near miss: the DPC takes the count in a SynchCritSection routine.

#![expect(unsafe_code, reason = "models call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::bell::{self, Bell};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Machine, Outcome};
use kernel_sim::shared::Shared;
use std::ptr::null_mut;

const DIRQL: KIRQL = 4;
/// Times the device interrupts.
const EVENTS: ULONG = 2;
/// Longer than any run takes, in 100 ns units, relative.
const TIME_LIMIT: i64 = -10 * 10_000_000;
const TAG: ULONG = u32::from_le_bytes(*b"Bell");

#[repr(C)]
struct DeviceExtension {
    Registers: *mut u8,
    Interrupt: PKINTERRUPT,
    Dpc: KDPC,
    /// Every event has been handled.
    AllHandled: KEVENT,
    /// Events that the interrupt service routine counted and no DPC has taken yet.
    Reported: Shared<ULONG>,
    /// Events that DPCs have handled. Theirs alone: one runs at a time.
    Handled: Shared<ULONG>,
}
type PDeviceExtension = *mut DeviceExtension;

unsafe extern "C-unwind" fn InterruptService(_Interrupt: PKINTERRUPT, Context: PVOID) -> BOOLEAN {
    let Extension: PDeviceExtension = Context.cast();

    WRITE_REGISTER_ULONG((*Extension).Registers.add(bell::STATUS).cast(), bell::STATUS_RUNG);
    (*Extension).Reported.set((*Extension).Reported.get() + 1);
    KeInsertQueueDpc(&raw mut (*Extension).Dpc, null_mut(), null_mut());
    TRUE
}

unsafe extern "C-unwind" fn UnsynchronizedDpc(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Extension: PDeviceExtension = Context.cast();

    let Events = (*Extension).Reported.get();
    (*Extension).Reported.set(0); // An event that was reported since is lost.
    Handle(Extension, Events);
}

unsafe extern "C-unwind" fn SynchronizedDpc(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Extension: PDeviceExtension = Context.cast();
    let mut Taken = (Extension, 0);

    KeSynchronizeExecution((*Extension).Interrupt, Some(TakeReported), (&raw mut Taken).cast());
    Handle(Extension, Taken.1);
}

unsafe extern "C-unwind" fn TakeReported(Context: PVOID) -> BOOLEAN {
    let (Extension, Events) = &mut *Context.cast::<(PDeviceExtension, ULONG)>();

    *Events = (**Extension).Reported.get();
    (**Extension).Reported.set(0);
    TRUE
}

unsafe fn Handle(Extension: PDeviceExtension, Events: ULONG) {
    (*Extension).Handled.set((*Extension).Handled.get() + Events);
    if (*Extension).Handled.get() == EVENTS {
        KeSetEvent(&raw mut (*Extension).AllHandled, 0, FALSE);
    }
}

/// Starts the device, lets it interrupt, waits for the DPCs, stops it.
unsafe fn Exercise(Dpc: PKDEFERRED_ROUTINE) {
    let machine = Machine::current().expect("a model runs on a machine");
    let Window = machine.device_window(0).expect("the machine has a bell");

    let Extension: PDeviceExtension =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<DeviceExtension>(), TAG).cast();
    (*Extension).Registers =
        MmMapIoSpace(LARGE_INTEGER::new(Window as i64), bell::LENGTH, MmNonCached).cast();
    KeInitializeDpc(&raw mut (*Extension).Dpc, Dpc, Extension.cast());
    KeInitializeEvent(&raw mut (*Extension).AllHandled, NotificationEvent, FALSE);
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

    WRITE_REGISTER_ULONG((*Extension).Registers.add(bell::RINGS).cast(), EVENTS);
    let mut TimeLimit = LARGE_INTEGER::new(TIME_LIMIT);
    let AllHandled = (&raw mut (*Extension).AllHandled).cast();
    let Status = KeWaitForSingleObject(AllHandled, Executive, KernelMode, FALSE, &raw mut TimeLimit);
    assert_eq!(Status, STATUS_SUCCESS, "an event that the device reported was never handled");

    IoDisconnectInterrupt((*Extension).Interrupt);
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Extension.cast(), TAG);
}

fn run(config: Config, dpc: PKDEFERRED_ROUTINE) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the routine's memory is its own.
    config.hardware(Box::new(Bell::default())).run(move || unsafe { Exercise(dpc) })
}

/// The DPC takes the count unsynchronized.
pub fn race(config: Config) -> Outcome {
    run(config, Some(UnsynchronizedDpc))
}

/// The DPC takes the count with the interrupt kept out.
pub fn synchronized(config: Config) -> Outcome {
    run(config, Some(SynchronizedDpc))
}
