//! Interrupts ask for a DPC and do nothing else; the DPC of a ring takes out what has come back.
//!
//! With a message per ring the message says which; with one message, or the line, all are looked at. The line
//! is quiet again when its status has been read. A DPC goes on until nothing has come back since interrupts
//! were asked for again, so none is missed.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::complete;
use super::ddi::*;
use super::events;
use super::extension::{AdapterExtension, Interrupts};
use super::reset;
use super::virtio_scsi::{CONTROL_RING, EVENT_RING};
use std::sync::atomic::Ordering::SeqCst;

pub unsafe extern "C-unwind" fn HwInterrupt(DeviceExtension: PVOID) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    let why = (*Extension).registers.interrupt_status(DeviceExtension);
    if (*Extension).interrupts != Interrupts::Line || why == 0 || why == u8::MAX {
        return FALSE;
    }
    ask_for_all(DeviceExtension, Extension);
    TRUE
}

pub unsafe extern "C-unwind" fn HwMSInterruptRoutine(DeviceExtension: PVOID, MessageId: ULONG) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    if (*Extension).interrupts == Interrupts::OneMessage {
        ask_for_all(DeviceExtension, Extension);
    } else if MessageId != 0 && MessageId <= (*Extension).rings {
        ask_for_dpc(DeviceExtension, Extension, MessageId as usize - 1);
    }
    // Message 0, a changed configuration: a device that asks for a reset gets one when its requests are
    // late.
    TRUE
}

/// Queues the DPCs of all rings.
pub unsafe fn ask_for_all(DeviceExtension: PVOID, Extension: *mut AdapterExtension) {
    (0..(*Extension).rings as usize).for_each(|n| ask_for_dpc(DeviceExtension, Extension, n))
}

/// Queues the DPC of a ring, unless it is queued already or not made yet.
pub unsafe fn ask_for_dpc(DeviceExtension: PVOID, Extension: *mut AdapterExtension, n: usize) {
    // The number is that of a ring in use.
    if (*Extension).dpcs_are_ready.load(SeqCst) != 0 {
        StorPortIssueDpc(DeviceExtension, &raw mut (*Extension).dpc[n], n as PVOID, std::ptr::null_mut());
    }
}

pub unsafe extern "C-unwind" fn HwDpc(
    _Dpc: PSTOR_DPC,
    DeviceExtension: PVOID,
    SystemArgument1: PVOID,
    _SystemArgument2: PVOID,
) {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    match SystemArgument1 as usize {
        CONTROL_RING => reset::take_answers(DeviceExtension, Extension),
        EVENT_RING => events::take_events(DeviceExtension, Extension),
        n => complete::take_requests(DeviceExtension, Extension, n),
    }
}
