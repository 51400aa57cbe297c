//! Performance options: what StorPortInitializePerfOpts granted, and what that changes.
//!
//! With DPC redirection a request is completed on the processor that issued it; with concurrent channels
//! several HwStorStartIo calls run at once; with message ranges StorPortGetStartIoPerfParams suggests a
//! message for each request. Affinities are reported and have no effect: here every message may interrupt
//! every processor. Microsoft's page contradicts itself about a call from HwStorPassiveInitializeRoutine (its
//! remarks allow it, its table of return values does not); here it is allowed.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::CHANNELS_MAX;
use super::hardware::{Hardware, is_inside};
use crate::callbacks::{HW_STOR_INITIALIZE, HW_STOR_PASSIVE_INITIALIZE, HW_STOR_START_IO};
use crate::ddi::{
    GROUP_AFFINITY, PERF_CONFIGURATION_DATA, PPERF_CONFIGURATION_DATA, PSCSI_REQUEST_BLOCK,
    PSTARTIO_PERFORMANCE_PARAMETERS, STARTIO_PERFORMANCE_PARAMETERS, STOR_PERF_ADV_CONFIG_LOCALITY,
    STOR_PERF_CONCURRENT_CHANNELS, STOR_PERF_DPC_REDIRECTION, STOR_PERF_DPC_REDIRECTION_CURRENT_CPU,
    STOR_PERF_INTERRUPT_MESSAGE_RANGES, STOR_PERF_NO_SGL, STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO,
    STOR_PERF_VERSION, STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_NOT_IMPLEMENTED, STOR_STATUS_SUCCESS,
    STOR_STATUS_UNSUCCESSFUL, STOR_STATUS_UNSUPPORTED_VERSION,
};
use kernel_sim::ddi::{BOOLEAN, Call, FALSE, PVOID, ULONG};
use kernel_sim::processor::Processor;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The first version of the structure that has `MessageTargets`; older ones are refused.
const VERSION_MIN: ULONG = 2;

/// What one adapter was granted.
pub(super) struct Performance {
    /// STOR_PERF flags that may be granted.
    offered: u32,
    /// STOR_PERF flags that were granted.
    granted: AtomicU32,
    /// HwStorStartIo calls that may run at once: 1, or what the miniport asked for.
    channels: AtomicU32,
    /// The range of messages that requests come back with, both ends included.
    first_message: AtomicU32,
    last_message: AtomicU32,
}

impl Performance {
    /// No options are granted yet. A virtual adapter, which has no interrupts, is offered none.
    pub(super) fn new(hardware: Option<&Hardware>) -> Performance {
        let offers = hardware.is_some_and(|h| h.slot.advanced_performance);
        let all = STOR_PERF_DPC_REDIRECTION
            | STOR_PERF_CONCURRENT_CHANNELS
            | STOR_PERF_INTERRUPT_MESSAGE_RANGES
            | STOR_PERF_ADV_CONFIG_LOCALITY
            | STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO
            | STOR_PERF_DPC_REDIRECTION_CURRENT_CPU
            | STOR_PERF_NO_SGL;
        Performance {
            offered: if offers { all } else { 0 },
            granted: AtomicU32::new(0),
            channels: AtomicU32::new(1),
            first_message: AtomicU32::new(0),
            last_message: AtomicU32::new(0),
        }
    }

    fn has(&self, flag: u32) -> bool {
        self.granted.load(Relaxed) & flag != 0
    }

    /// How many HwStorStartIo calls may run at once.
    #[inline]
    pub(super) fn channels(&self) -> u32 {
        self.channels.load(Relaxed)
    }

    /// The channel of requests that a processor starts.
    pub(super) fn channel_of(&self, cpu: &Processor) -> u32 {
        u32::from(cpu.index()) % self.channels().max(1)
    }

    /// The processor that completes a request which `origin` issued and `here` finished.
    #[inline]
    pub(super) fn completes_on(&self, origin: u8, here: u8) -> u8 {
        let redirects =
            self.has(STOR_PERF_DPC_REDIRECTION) && !self.has(STOR_PERF_DPC_REDIRECTION_CURRENT_CPU);
        if redirects { origin } else { here }
    }

    /// Whether Storport makes no scatter/gather lists.
    #[inline]
    pub(super) fn omits_lists(&self) -> bool {
        self.has(STOR_PERF_NO_SGL)
    }

    /// The message a request that `cpu` starts should come back with.
    fn message_of(&self, cpu: &Processor) -> u32 {
        if !self.has(STOR_PERF_INTERRUPT_MESSAGE_RANGES) {
            return 0;
        }
        let (first, last) = (self.first_message.load(Relaxed), self.last_message.load(Relaxed));
        first + u32::from(cpu.index()) % (last - first + 1)
    }
}

/// `flags` without those that need another flag which is not there.
fn without_orphans(flags: u32) -> u32 {
    let mut flags = flags;
    let needs = [
        (STOR_PERF_INTERRUPT_MESSAGE_RANGES, STOR_PERF_DPC_REDIRECTION),
        (STOR_PERF_ADV_CONFIG_LOCALITY, STOR_PERF_INTERRUPT_MESSAGE_RANGES),
        (STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO, STOR_PERF_DPC_REDIRECTION),
        (STOR_PERF_DPC_REDIRECTION_CURRENT_CPU, STOR_PERF_DPC_REDIRECTION),
    ];
    for (flag, needed) in needs {
        if flags & needed == 0 {
            flags &= !flag;
        }
    }
    flags
}

/// StorPortInitializePerfOpts: says what is offered, or grants what of it is asked for.
pub(crate) unsafe fn initialize(
    call: &Call,
    extension: PVOID,
    query: BOOLEAN,
    data: PPERF_CONFIGURATION_DATA,
) -> ULONG {
    let adapter = adapter(call, extension);
    if data.is_null() {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    call.check_output(data);
    let perf = &adapter.perf;
    if !is_inside(call, &HW_STOR_INITIALIZE) && !is_inside(call, &HW_STOR_PASSIVE_INITIALIZE) {
        return STOR_STATUS_UNSUCCESSFUL;
    }
    if perf.offered == 0 {
        return STOR_STATUS_NOT_IMPLEMENTED;
    }
    // SAFETY: found in mapped memory above; plain data.
    let d = unsafe { &mut *data };
    if !(VERSION_MIN..=STOR_PERF_VERSION).contains(&d.Version) {
        return STOR_STATUS_UNSUPPORTED_VERSION;
    }
    if (d.Size as usize) < std::mem::offset_of!(PERF_CONFIGURATION_DATA, DeviceNode) {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if query != FALSE {
        d.Flags = perf.offered;
        return STOR_STATUS_SUCCESS;
    }
    let flags = without_orphans(d.Flags & perf.offered);
    let connected = adapter.hardware.as_ref().map_or(0, |h| h.interrupts.connected_messages());
    let (first, last) = (d.FirstRedirectionMessageNumber, d.LastRedirectionMessageNumber);
    if flags & STOR_PERF_INTERRUPT_MESSAGE_RANGES != 0 {
        if first > last || last >= connected {
            return STOR_STATUS_INVALID_PARAMETER;
        }
        perf.first_message.store(first, Relaxed);
        perf.last_message.store(last, Relaxed);
    }
    if flags & STOR_PERF_ADV_CONFIG_LOCALITY != 0 {
        // SAFETY: `fill_targets` checks each entry of the miniport's array before it writes it.
        unsafe { fill_targets(call, d, last - first + 1) };
    }
    if flags & STOR_PERF_CONCURRENT_CHANNELS != 0 {
        perf.channels.store(d.ConcurrentChannels.clamp(1, CHANNELS_MAX as u32), Relaxed);
    }
    d.Flags = flags;
    perf.granted.store(flags, Relaxed);
    STOR_STATUS_SUCCESS
}

/// Fills in `MessageTargets`: one processor for each message, in turn.
unsafe fn fill_targets(call: &Call, data: &mut PERF_CONFIGURATION_DATA, messages: ULONG) {
    data.DeviceNode = 0;
    if data.MessageTargets.is_null() {
        return;
    }
    let processors = u32::from(call.machine().processor_count());
    for n in 0..messages {
        let target = data.MessageTargets.wrapping_add(n as usize);
        call.check_output(target);
        // SAFETY: just found in mapped memory.
        unsafe { *target = GROUP_AFFINITY { Mask: 1 << (n % processors), Group: 0, Reserved: [0; 3] } };
    }
}

/// StorPortGetStartIoPerfParams: message and channel of the SRB that HwStorStartIo was given;
/// STOR_STATUS_UNSUCCESSFUL outside of HwStorStartIo.
pub(crate) unsafe fn start_io_parameters(
    call: &Call,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    out: PSTARTIO_PERFORMANCE_PARAMETERS,
) -> ULONG {
    let adapter = adapter(call, extension);
    call.check_output(out);
    // SAFETY: found in mapped memory above; plain data.
    let o = unsafe { &mut *out };
    if (o.Size as usize) < size_of::<STARTIO_PERFORMANCE_PARAMETERS>() || adapter.slot_of(call, srb).is_none()
    {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if !is_inside(call, &HW_STOR_START_IO) || adapter.perf.offered == 0 {
        return STOR_STATUS_UNSUCCESSFUL;
    }
    o.MessageNumber = adapter.perf.message_of(call.cpu);
    o.ChannelNumber = adapter.perf.channel_of(call.cpu);
    STOR_STATUS_SUCCESS
}
