//! HwStorInitialize, the passive routine, and the way from a reset device to a running one.
//!
//! [`bring_up`] is taken again after every reset of the adapter and when its power returns. Who calls it has
//! all rings for itself: nothing runs yet, or their locks are held.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::events;
use super::extension::{AdapterExtension, Interrupts, state};
use super::interrupt;
use super::virtio::*;
use super::virtio_scsi::*;
use std::sync::atomic::Ordering::SeqCst;

pub unsafe extern "C-unwind" fn HwInitialize(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport's own argument, as for all of this file.
    unsafe {
        let e = &mut *extension.cast::<AdapterExtension>();
        choose_interrupts(extension, e);
        if !e.registers.reset(extension) || !bring_up(extension, e) {
            return FALSE;
        }
        ask_for_channels(extension, e);
        StorPortEnablePassiveInitialization(extension, Some(HwPassiveInitialize))
    }
}

/// Goes by the messages that were granted.
unsafe fn choose_interrupts(extension: PVOID, e: &mut AdapterExtension) {
    let mut messages = 0;
    // SAFETY: as above; the output is on this thread's stack.
    unsafe {
        let mut info: MESSAGE_INTERRUPT_INFORMATION = std::mem::zeroed();
        while StorPortGetMSIInfo(extension, messages, &raw mut info) == STOR_STATUS_SUCCESS {
            messages += 1;
        }
    }
    e.interrupts = match messages {
        0 => Interrupts::Line,
        n if n > e.rings_laid_out => Interrupts::PerRing,
        _ => Interrupts::OneMessage,
    };
    e.rings = match e.interrupts {
        Interrupts::PerRing => e.rings_laid_out,
        Interrupts::Line | Interrupts::OneMessage => FIRST_REQUEST_RING as u32 + 1,
    };
}

/// Starts a device that has just been reset: features, rings, buffers for events. `false`: it does not agree.
pub unsafe fn bring_up(extension: PVOID, e: *mut AdapterExtension) -> bool {
    // SAFETY: as above; the callers have the rings for themselves.
    unsafe {
        if !(*e).registers.negotiate(extension, (*e).features) {
            return false;
        }
        (*e).registers.set_device_u32(extension, CONFIG_CDB_SIZE, CDB_SIZE as u32);
        (*e).registers.set_device_u32(extension, CONFIG_SENSE_SIZE, SENSE_SIZE as u32);
        if (*e).interrupts != Interrupts::Line {
            (*e).registers.write_u16(extension, CONFIG_MSIX_VECTOR, 0);
        }
        for n in 0..(*e).rings as usize {
            if !enable_ring(extension, e, n) {
                return false;
            }
        }
        events::post_all(e);
        (*e).registers.add_status(extension, STATUS_DRIVER_OK);
        (*e).state.store(state::RUNNING, SeqCst);
        // The buffers went in before the device looked.
        interrupt::notify(extension, e, EVENT_RING);
    }
    true
}

unsafe fn enable_ring(extension: PVOID, e: *mut AdapterExtension, n: usize) -> bool {
    // SAFETY: as above; of the extension, which interrupt routines look at meanwhile, the ring alone is
    // borrowed.
    unsafe {
        let (registers, uses_events) = ((*e).registers, (*e).features & F_RING_EVENT_IDX != 0);
        let ring = &mut (*e).ring[n];
        ring.clear(uses_events);
        registers.write_u16(extension, QUEUE_SELECT, n as u16);
        let offset = usize::from(registers.read_u16(extension, QUEUE_NOTIFY_OFF));
        ring.notify = registers.notify.wrapping_add(offset * registers.notify_multiplier as usize).cast();
        registers.write_u16(extension, QUEUE_SIZE, ring.size);
        let vector = match (*e).interrupts {
            Interrupts::Line => None,
            Interrupts::OneMessage => Some(0),
            Interrupts::PerRing => Some(n as u16 + 1),
        };
        if let Some(vector) = vector {
            registers.write_u16(extension, QUEUE_MSIX_VECTOR, vector);
            // A device without room for it says so.
            if registers.read_u16(extension, QUEUE_MSIX_VECTOR) != vector {
                return false;
            }
        }
        registers.write_address(extension, QUEUE_DESC, ring.descriptors_physical);
        registers.write_address(extension, QUEUE_DRIVER, ring.available_physical);
        registers.write_address(extension, QUEUE_DEVICE, ring.used_physical);
        registers.write_u16(extension, QUEUE_ENABLE, 1);
        registers.read_u16(extension, QUEUE_ENABLE) == 1
    }
}

/// Has requests started by several processors at once, each with the message of its ring, where there are
/// several.
unsafe fn ask_for_channels(extension: PVOID, e: &mut AdapterExtension) {
    let request_rings = e.rings - FIRST_REQUEST_RING as u32;
    e.has_channels = 0;
    if request_rings < 2 {
        return;
    }
    let needed =
        STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_CONCURRENT_CHANNELS;
    // SAFETY: as above; the structure is on this thread's stack.
    unsafe {
        let mut perf: PERF_CONFIGURATION_DATA = std::mem::zeroed();
        perf.Version = STOR_PERF_VERSION;
        perf.Size = size_of::<PERF_CONFIGURATION_DATA>() as ULONG;
        let status = StorPortInitializePerfOpts(extension, TRUE, &raw mut perf);
        if status != STOR_STATUS_SUCCESS || perf.Flags & needed != needed {
            return;
        }
        perf.Flags = needed;
        perf.ConcurrentChannels = request_rings;
        perf.FirstRedirectionMessageNumber = FIRST_REQUEST_RING as ULONG + 1;
        perf.LastRedirectionMessageNumber = FIRST_REQUEST_RING as ULONG + request_rings;
        if StorPortInitializePerfOpts(extension, FALSE, &raw mut perf) == STOR_STATUS_SUCCESS {
            e.has_channels = 1;
        }
    }
}

unsafe extern "C-unwind" fn HwPassiveInitialize(extension: PVOID) -> BOOLEAN {
    // SAFETY: as above.
    unsafe {
        let e = extension.cast::<AdapterExtension>();
        for n in 0..(*e).rings as usize {
            StorPortInitializeDpc(extension, &raw mut (*e).dpc[n], Some(interrupt::HwDpc));
        }
        (*e).dpcs_are_ready.store(1, SeqCst);
        // What has come back by now interrupted when there was no DPC to ask for.
        for n in 0..(*e).rings as usize {
            interrupt::ask_for_dpc(extension, e, n);
        }
    }
    TRUE
}
