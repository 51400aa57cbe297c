//! HwStorFindAdapter: finds the registers, agrees on features, lays the rings out in the uncached extension,
//! sets limits.
//!
//! The uncached extension can be asked for here only and does not grow, so every ring gets its memory now,
//! whether it will be used or not: how many messages were granted is not known before HwStorInitialize.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::extension::{AdapterExtension, EVENTS, Interrupts, RINGS_MAX, SG_MAX, SG_MAX_DIRECT, state};
use super::ring;
use super::transport::{Places, Registers, places};
use super::virtio::*;
use super::virtio_scsi::*;
use std::sync::atomic::Ordering::SeqCst;

/// Offset of the rings in the uncached extension, behind the buffers for events.
const RINGS_AT: usize = 512;
const _: () = assert!(size_of::<Event>() * EVENTS <= RINGS_AT);

pub unsafe extern "C-unwind" fn HwFindAdapter(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Reserved3: PBOOLEAN,
) -> ULONG {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    let Some(registers) = map_registers(DeviceExtension, ConfigInfo) else { return SP_RETURN_NOT_FOUND };
    (*Extension).registers = registers;
    (*Extension).state.store(state::STOPPED, SeqCst);
    if !registers.reset(DeviceExtension) {
        return SP_RETURN_ERROR;
    }
    (*Extension).features = F_VERSION_1 | F_RING_INDIRECT_DESC | F_RING_EVENT_IDX | F_HOTPLUG | F_CHANGE;
    (*Extension).features &= registers.offered_features(DeviceExtension);
    if (*Extension).features & F_VERSION_1 == 0
        || !registers.negotiate(DeviceExtension, (*Extension).features)
    {
        registers.add_status(DeviceExtension, STATUS_FAILED);
        return SP_RETURN_ERROR;
    }
    if !lay_out_rings(DeviceExtension, Extension, ConfigInfo) {
        return SP_RETURN_ERROR;
    }
    set_limits(DeviceExtension, Extension, ConfigInfo);
    SP_RETURN_FOUND
}

/// Reads the capabilities and maps the range they point into.
unsafe fn map_registers(
    DeviceExtension: PVOID,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
) -> Option<Registers> {
    let mut space = [0u8; 256];
    let kind = PCIConfiguration as ULONG;
    let to: PVOID = space.as_mut_ptr().cast();
    let read = StorPortGetBusData(
        DeviceExtension,
        kind,
        (*ConfigInfo).SystemIoBusNumber,
        (*ConfigInfo).SlotNumber,
        to,
        256,
    );
    let id = (u16::from_le_bytes([space[0], space[1]]), u16::from_le_bytes([space[2], space[3]]));
    if read != 256 || id != (VENDOR, DEVICE_SCSI) || (*ConfigInfo).NumberOfAccessRanges == 0 {
        return None;
    }
    let Places {
        common: Some(common),
        notify: Some(notify),
        isr: Some(isr),
        device: Some(device),
        notify_multiplier,
        notify_length,
    } = places(&space)
    else {
        return None;
    };
    let range = &*(*ConfigInfo).AccessRanges.cast::<ACCESS_RANGE>();
    let in_io_space = if range.RangeInMemory == TRUE { FALSE } else { TRUE };
    if [common, notify, isr, device].into_iter().any(|offset| offset >= range.RangeLength)
        || notify_length > range.RangeLength - notify
    {
        return None;
    }
    let base: *mut u8 = StorPortGetDeviceBase(
        DeviceExtension,
        (*ConfigInfo).AdapterInterfaceType,
        (*ConfigInfo).SystemIoBusNumber,
        range.RangeStart,
        range.RangeLength,
        in_io_space,
    )
    .cast();
    let at = |offset: u32| base.wrapping_add(offset as usize);
    (!base.is_null()).then(|| Registers {
        common: at(common),
        notify: at(notify),
        isr: at(isr),
        device: at(device),
        notify_multiplier,
        notify_length,
    })
}

/// How many rings there could be, and memory for them.
unsafe fn lay_out_rings(
    DeviceExtension: PVOID,
    Extension: *mut AdapterExtension,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
) -> bool {
    // Rings are laid out one behind the other in memory of their total size.
    let queues = (*Extension).registers.device_u32(DeviceExtension, CONFIG_NUM_QUEUES);
    let processors = KeQueryActiveProcessorCount(std::ptr::null_mut());
    // One line serves one queue: more would only have it look into all of them.
    let has_messages = (*ConfigInfo).InterruptMode == Latched;
    let wanted = if has_messages { queues.min(processors).max(1) } else { 1 };
    (*Extension).rings_laid_out = (wanted + FIRST_REQUEST_RING as u32).min(RINGS_MAX as u32);
    (*Extension).rings = (*Extension).rings_laid_out;
    (*Extension).interrupts = Interrupts::Line;
    let mut total = RINGS_AT;
    for n in 0..(*Extension).rings_laid_out as usize {
        (*Extension).registers.write_u16(DeviceExtension, QUEUE_SELECT, n as u16);
        let size = (*Extension).registers.read_u16(DeviceExtension, QUEUE_SIZE);
        // What the specification allows, and room for a request without data.
        if !size.is_power_of_two() || !(QUEUE_SIZE_MIN..=QUEUE_SIZE_MAX).contains(&size) {
            return false;
        }
        (*Extension).ring[n].size = size;
        total += ring::bytes(size);
    }
    let memory: *mut u8 = StorPortGetUncachedExtension(DeviceExtension, ConfigInfo, total as ULONG).cast();
    if memory.is_null() {
        return false;
    }
    let mut length = 0;
    let physical =
        StorPortGetPhysicalAddress(DeviceExtension, std::ptr::null_mut(), memory.cast(), &raw mut length);
    let physical = physical.QuadPart() as u64;
    ((*Extension).events, (*Extension).events_physical) = (memory.cast(), physical);
    let mut at = RINGS_AT;
    for n in 0..(*Extension).rings_laid_out as usize {
        let size = (*Extension).ring[n].size;
        (*Extension).ring[n].lay_out(size, memory.wrapping_add(at), physical + at as u64);
        at += ring::bytes(size);
    }
    true
}

/// Tells Storport the limits of the adapter.
unsafe fn set_limits(
    DeviceExtension: PVOID,
    Extension: *mut AdapterExtension,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
) {
    let (segments, targets, luns) = (
        (*Extension).registers.device_u32(DeviceExtension, CONFIG_SEG_MAX),
        (*Extension).registers.device_u16(DeviceExtension, CONFIG_MAX_TARGET),
        (*Extension).registers.device_u32(DeviceExtension, CONFIG_MAX_LUN),
    );
    let size = u32::from((*Extension).ring[FIRST_REQUEST_RING].size);
    let is_indirect = (*Extension).features & F_RING_INDIRECT_DESC != 0;
    let most = if is_indirect { SG_MAX } else { SG_MAX_DIRECT.min(size as usize - 2) };
    (*Extension).sg_max = segments.clamp(1, most as u32);
    (*Extension).lun_max = luns.min(254);
    let depth = if is_indirect { size } else { (size / ((*Extension).sg_max + 2)).max(1) };
    let request_rings = (*Extension).rings_laid_out - FIRST_REQUEST_RING as u32;
    (*ConfigInfo).NumberOfBuses = 1;
    (*ConfigInfo).MaximumNumberOfTargets = targets.min(253) as u8 + 1;
    (*ConfigInfo).MaximumNumberOfLogicalUnits = (*Extension).lun_max as u8 + 1;
    (*ConfigInfo).NumberOfPhysicalBreaks = (*Extension).sg_max;
    (*ConfigInfo).MaximumTransferLength = ((*Extension).sg_max - 1).max(1) * 4096;
    (*ConfigInfo).Dma64BitAddresses = SCSI_DMA64_MINIPORT_SUPPORTED;
    (*ConfigInfo).MaxIOsPerLun = depth * request_rings;
    (*ConfigInfo).InitialLunQueueDepth = (*ConfigInfo).MaxIOsPerLun;
    (*ConfigInfo).MaxNumberOfIO = (*ConfigInfo).MaxNumberOfIO.max((*ConfigInfo).MaxIOsPerLun);
    (*ConfigInfo).SynchronizationModel = StorSynchronizeFullDuplex;
    (*ConfigInfo).HwMSInterruptRoutine = Some(super::interrupt::HwMSInterruptRoutine);
    (*ConfigInfo).InterruptSynchronizationMode = InterruptSynchronizePerMessage;
    (*ConfigInfo).ResetTargetSupported = TRUE;
    (*ConfigInfo).SrbType = SRB_TYPE_STORAGE_REQUEST_BLOCK;
    (*ConfigInfo).AddressType = STOR_ADDRESS_TYPE_BTL8;
}
