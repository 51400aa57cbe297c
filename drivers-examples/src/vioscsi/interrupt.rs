//! Interrupts ask for a DPC and do nothing else; the DPC of a ring takes out what has come back.
//!
//! With a message per ring the message says which; with one message, or the line, all are looked at. The line
//! is quiet again when its status has been read. A DPC goes on until nothing has come back since interrupts
//! were asked for again, so none is missed.

use super::complete;
use super::ddi::*;
use super::events;
use super::extension::{AdapterExtension, Interrupts};
use super::reset;
use super::virtio_scsi::{CONTROL_RING, EVENT_RING};
use std::sync::atomic::Ordering::SeqCst;

pub unsafe extern "C-unwind" fn HwInterrupt(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport's own argument, as for all of this file.
    unsafe {
        let e = extension.cast::<AdapterExtension>();
        let why = (*e).registers.interrupt_status(extension);
        if (*e).interrupts != Interrupts::Line || why == 0 || why == u8::MAX {
            return FALSE;
        }
        ask_for_all(extension, e);
    }
    TRUE
}

pub unsafe extern "C-unwind" fn HwMSInterruptRoutine(extension: PVOID, message: ULONG) -> BOOLEAN {
    // SAFETY: as above.
    unsafe {
        let e = extension.cast::<AdapterExtension>();
        if (*e).interrupts == Interrupts::OneMessage {
            ask_for_all(extension, e);
        } else if message != 0 && message <= (*e).rings {
            ask_for_dpc(extension, e, message as usize - 1);
        }
        // Message 0, a changed configuration: a device that asks for a reset gets one when its requests are
        // late.
    }
    TRUE
}

unsafe fn ask_for_all(extension: PVOID, e: *mut AdapterExtension) {
    // SAFETY: as above.
    unsafe { (0..(*e).rings as usize).for_each(|n| ask_for_dpc(extension, e, n)) }
}

/// Queues the DPC of a ring, unless it is queued already or not made yet.
pub unsafe fn ask_for_dpc(extension: PVOID, e: *mut AdapterExtension, n: usize) {
    // SAFETY: as above; the number is that of a ring in use.
    unsafe {
        if (*e).dpcs_are_ready.load(SeqCst) != 0 {
            StorPortIssueDpc(extension, &raw mut (*e).dpc[n], n as PVOID, std::ptr::null_mut());
        }
    }
}

pub unsafe extern "C-unwind" fn HwDpc(_dpc: PSTOR_DPC, extension: PVOID, ring: PVOID, _: PVOID) {
    // SAFETY: as above.
    unsafe {
        let e = extension.cast::<AdapterExtension>();
        match ring as usize {
            CONTROL_RING => reset::take_answers(extension, e),
            EVENT_RING => events::take_events(extension, e),
            n => complete::take_requests(extension, e, n),
        }
    }
}
