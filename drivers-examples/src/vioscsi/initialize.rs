//! HwStorInitialize and the passive routine: interrupts are chosen, the device is started, DPCs are made.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::bring_up::bring_up;
use super::ddi::*;
use super::extension::{AdapterExtension, Interrupts};
use super::interrupt::{HwDpc, ask_for_dpc};
use super::virtio_scsi::FIRST_REQUEST_RING;
use std::sync::atomic::Ordering::SeqCst;

pub unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
    start(DeviceExtension, Some(HwPassiveInitialize))
}

/// Starts the device. DPCs are made in the passive routine.
pub unsafe fn start(DeviceExtension: PVOID, passive: PHW_PASSIVE_INITIALIZE_ROUTINE) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    choose_interrupts(DeviceExtension, Extension);
    if !(*Extension).registers.reset(DeviceExtension) || !bring_up(DeviceExtension, Extension) {
        return FALSE;
    }
    ask_for_channels(DeviceExtension, Extension);
    StorPortEnablePassiveInitialization(DeviceExtension, passive)
}

/// Goes by the messages that were granted.
pub unsafe fn choose_interrupts(DeviceExtension: PVOID, Extension: *mut AdapterExtension) {
    let mut messages = 0;
    let mut info: MESSAGE_INTERRUPT_INFORMATION = std::mem::zeroed();
    while StorPortGetMSIInfo(DeviceExtension, messages, &raw mut info) == STOR_STATUS_SUCCESS {
        messages += 1;
    }
    (*Extension).interrupts = match messages {
        0 => Interrupts::Line,
        n if n > (*Extension).rings_laid_out => Interrupts::PerRing,
        _ => Interrupts::OneMessage,
    };
    (*Extension).rings = match (*Extension).interrupts {
        Interrupts::PerRing => (*Extension).rings_laid_out,
        Interrupts::Line | Interrupts::OneMessage => FIRST_REQUEST_RING as u32 + 1,
    };
}

pub unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
    make_dpcs(DeviceExtension, Some(HwDpc));
    TRUE
}

/// Makes a DPC for each ring. PASSIVE_LEVEL.
pub unsafe fn make_dpcs(DeviceExtension: PVOID, routine: PHW_DPC_ROUTINE) {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    for n in 0..(*Extension).rings as usize {
        StorPortInitializeDpc(DeviceExtension, &raw mut (*Extension).dpc[n], routine);
    }
    (*Extension).dpcs_are_ready.store(1, SeqCst);
    // What has come back by now interrupted when there was no DPC to ask for.
    for n in 0..(*Extension).rings as usize {
        ask_for_dpc(DeviceExtension, Extension, n);
    }
}

/// Has requests started by several processors at once, each with the message of its ring, where there are
/// several.
unsafe fn ask_for_channels(DeviceExtension: PVOID, Extension: *mut AdapterExtension) {
    let request_rings = (*Extension).rings - FIRST_REQUEST_RING as u32;
    (*Extension).has_channels = 0;
    if request_rings < 2 {
        return;
    }
    let needed =
        STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_CONCURRENT_CHANNELS;
    let mut perf: PERF_CONFIGURATION_DATA = std::mem::zeroed();
    perf.Version = STOR_PERF_VERSION;
    perf.Size = size_of::<PERF_CONFIGURATION_DATA>() as ULONG;
    let status = StorPortInitializePerfOpts(DeviceExtension, TRUE, &raw mut perf);
    if status != STOR_STATUS_SUCCESS || perf.Flags & needed != needed {
        return;
    }
    perf.Flags = needed;
    perf.ConcurrentChannels = request_rings;
    perf.FirstRedirectionMessageNumber = FIRST_REQUEST_RING as ULONG + 1;
    perf.LastRedirectionMessageNumber = FIRST_REQUEST_RING as ULONG + request_rings;
    if StorPortInitializePerfOpts(DeviceExtension, FALSE, &raw mut perf) == STOR_STATUS_SUCCESS {
        (*Extension).has_channels = 1;
    }
}
