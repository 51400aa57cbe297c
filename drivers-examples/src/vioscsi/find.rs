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

/// Where in the uncached extension the rings begin, behind the buffers for events.
const RINGS_AT: usize = 512;
const _: () = assert!(size_of::<Event>() * EVENTS <= RINGS_AT);

pub unsafe extern "C-unwind" fn HwFindAdapter(
    extension: PVOID,
    _context: PVOID,
    _bus: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport's own arguments, as for all of this file.
    unsafe {
        let e = &mut *extension.cast::<AdapterExtension>();
        let c = &mut *config;
        let Some(registers) = map_registers(extension, c) else { return SP_RETURN_NOT_FOUND };
        e.registers = registers;
        e.state.store(state::STOPPED, SeqCst);
        if !registers.reset(extension) {
            return SP_RETURN_ERROR;
        }
        e.features = F_VERSION_1 | F_RING_INDIRECT_DESC | F_RING_EVENT_IDX | F_HOTPLUG | F_CHANGE;
        e.features &= registers.offered_features(extension);
        if e.features & F_VERSION_1 == 0 || !registers.negotiate(extension, e.features) {
            registers.add_status(extension, STATUS_FAILED);
            return SP_RETURN_ERROR;
        }
        if !lay_out_rings(extension, e, c) {
            return SP_RETURN_ERROR;
        }
        set_limits(extension, e, c);
    }
    SP_RETURN_FOUND
}

/// Reads the capabilities and maps the range they point into.
unsafe fn map_registers(extension: PVOID, c: &PORT_CONFIGURATION_INFORMATION) -> Option<Registers> {
    let mut space = [0u8; 256];
    // SAFETY: Storport's own arguments; the buffer is on this thread's stack.
    unsafe {
        let kind = PCIConfiguration as ULONG;
        let to: PVOID = space.as_mut_ptr().cast();
        let read = StorPortGetBusData(extension, kind, c.SystemIoBusNumber, c.SlotNumber, to, 256);
        let id = (u16::from_le_bytes([space[0], space[1]]), u16::from_le_bytes([space[2], space[3]]));
        if read != 256 || id != (VENDOR, DEVICE_SCSI) || c.NumberOfAccessRanges == 0 {
            return None;
        }
        let Places {
            common: Some(common),
            notify: Some(notify),
            isr: Some(isr),
            device: Some(device),
            notify_multiplier,
        } = places(&space)
        else {
            return None;
        };
        let range = &*c.AccessRanges.cast::<ACCESS_RANGE>();
        let in_io_space = if range.RangeInMemory == TRUE { FALSE } else { TRUE };
        if [common, notify, isr, device].into_iter().any(|offset| offset >= range.RangeLength) {
            return None;
        }
        let base: *mut u8 = StorPortGetDeviceBase(
            extension,
            c.AdapterInterfaceType,
            c.SystemIoBusNumber,
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
        })
    }
}

/// How many rings there could be, and memory for them.
unsafe fn lay_out_rings(
    extension: PVOID,
    e: &mut AdapterExtension,
    c: &mut PORT_CONFIGURATION_INFORMATION,
) -> bool {
    // SAFETY: as above; rings are laid out one behind the other in memory of their total size.
    unsafe {
        let queues = e.registers.device_u32(extension, CONFIG_NUM_QUEUES);
        let processors = KeQueryActiveProcessorCount(std::ptr::null_mut());
        // One line serves one queue: more would only have it look into all of them.
        let has_messages = c.InterruptMode == Latched;
        let wanted = if has_messages { queues.min(processors).max(1) } else { 1 };
        e.rings_laid_out = (wanted + FIRST_REQUEST_RING as u32).min(RINGS_MAX as u32);
        e.rings = e.rings_laid_out;
        e.interrupts = Interrupts::Line;
        let mut total = RINGS_AT;
        for n in 0..e.rings_laid_out as usize {
            e.registers.write_u16(extension, QUEUE_SELECT, n as u16);
            let size = e.registers.read_u16(extension, QUEUE_SIZE);
            if !size.is_power_of_two() {
                return false;
            }
            e.ring[n].size = size;
            total += ring::bytes(size);
        }
        let memory: *mut u8 = StorPortGetUncachedExtension(extension, c, total as ULONG).cast();
        if memory.is_null() {
            return false;
        }
        let mut length = 0;
        let physical =
            StorPortGetPhysicalAddress(extension, std::ptr::null_mut(), memory.cast(), &raw mut length);
        let physical = physical.QuadPart() as u64;
        (e.events, e.events_physical) = (memory.cast(), physical);
        let mut at = RINGS_AT;
        for n in 0..e.rings_laid_out as usize {
            let size = e.ring[n].size;
            e.ring[n].lay_out(size, memory.wrapping_add(at), physical + at as u64);
            at += ring::bytes(size);
        }
    }
    true
}

/// What Storport may ask of the adapter.
unsafe fn set_limits(extension: PVOID, e: &mut AdapterExtension, c: &mut PORT_CONFIGURATION_INFORMATION) {
    // SAFETY: as above.
    let (segments, targets, luns) = unsafe {
        (
            e.registers.device_u32(extension, CONFIG_SEG_MAX),
            e.registers.device_u16(extension, CONFIG_MAX_TARGET),
            e.registers.device_u32(extension, CONFIG_MAX_LUN),
        )
    };
    let size = u32::from(e.ring[FIRST_REQUEST_RING].size);
    let is_indirect = e.features & F_RING_INDIRECT_DESC != 0;
    let most = if is_indirect { SG_MAX } else { SG_MAX_DIRECT.min(size as usize - 2) };
    e.sg_max = segments.clamp(1, most as u32);
    e.lun_max = luns.min(254);
    let depth = if is_indirect { size } else { (size / (e.sg_max + 2)).max(1) };
    let request_rings = e.rings_laid_out - FIRST_REQUEST_RING as u32;
    c.NumberOfBuses = 1;
    c.MaximumNumberOfTargets = targets.min(253) as u8 + 1;
    c.MaximumNumberOfLogicalUnits = e.lun_max as u8 + 1;
    c.NumberOfPhysicalBreaks = e.sg_max;
    c.MaximumTransferLength = (e.sg_max - 1).max(1) * 4096;
    c.Dma64BitAddresses = SCSI_DMA64_MINIPORT_SUPPORTED;
    c.MaxIOsPerLun = depth * request_rings;
    c.InitialLunQueueDepth = c.MaxIOsPerLun;
    c.MaxNumberOfIO = c.MaxNumberOfIO.max(c.MaxIOsPerLun);
    c.SynchronizationModel = StorSynchronizeFullDuplex;
    c.HwMSInterruptRoutine = Some(super::interrupt::HwMSInterruptRoutine);
    c.InterruptSynchronizationMode = InterruptSynchronizePerMessage;
    c.ResetTargetSupported = TRUE;
    c.SrbType = SRB_TYPE_STORAGE_REQUEST_BLOCK;
    c.AddressType = STOR_ADDRESS_TYPE_BTL8;
}
