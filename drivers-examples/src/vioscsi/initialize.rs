//! HwStorInitialize and the passive routine: interrupts are chosen, the device is started, DPCs are made.

use super::bring_up::bring_up;
use super::ddi::*;
use super::extension::{AdapterExtension, Interrupts};
use super::interrupt::{HwDpc, ask_for_dpc};
use super::virtio_scsi::FIRST_REQUEST_RING;
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

unsafe extern "C-unwind" fn HwPassiveInitialize(extension: PVOID) -> BOOLEAN {
    // SAFETY: as above.
    unsafe {
        let e = extension.cast::<AdapterExtension>();
        for n in 0..(*e).rings as usize {
            StorPortInitializeDpc(extension, &raw mut (*e).dpc[n], Some(HwDpc));
        }
        (*e).dpcs_are_ready.store(1, SeqCst);
        // What has come back by now interrupted when there was no DPC to ask for.
        for n in 0..(*e).rings as usize {
            ask_for_dpc(extension, e, n);
        }
    }
    TRUE
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
