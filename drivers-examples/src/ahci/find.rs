//! DriverEntry to the first request: HwStorFindAdapter, HwStorInitialize, the passive initialisation.
//!
//! The adapter is found by its class code and taken over (`adapter.rs`); its ports get a page each of the
//! uncached extension. DPC and timers can be made at PASSIVE_LEVEL only, so ports are started there; requests
//! that come before a device has been identified wait in its channel's queue.

use super::adapter::{start_channels, take_over};
use super::ata::{PRDS_MAX, PortMemory, TRANSFER_MAX};
use super::channel::*;
use super::control::HwAdapterControl;
use super::ddi::*;
use super::interrupt::{HwCompletionDpc, HwInterrupt, HwMSInterrupt, HwResetBus};
use super::issue::{HwBuildIo, HwStartIo};
use super::registers::*;
use std::ptr::null_mut;

/// Requests a unit is given at once: more than there are slots, so that the next is at hand.
const QUEUE_DEPTH: u32 = 64;
/// Bytes of a port's page.
const PAGE: usize = 4096;

/// `DriverEntry`.
pub unsafe extern "C-unwind" fn driver_entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    register(driver, path, |_| {})
}

/// Registers the driver with what `change` makes of the structure: for tests that replace one of the
/// callbacks.
pub unsafe fn register(
    driver: PDRIVER_OBJECT,
    path: PUNICODE_STRING,
    change: impl FnOnce(&mut HW_INITIALIZATION_DATA),
) -> NTSTATUS {
    let mut data = HW_INITIALIZATION_DATA::zeroed();
    data.HwInitializationDataSize = size_of::<HW_INITIALIZATION_DATA>() as ULONG;
    data.AdapterInterfaceType = PCIBus;
    data.HwFindAdapter = Some(HwFindAdapter);
    data.HwInitialize = Some(HwInitialize);
    data.HwBuildIo = Some(HwBuildIo);
    data.HwStartIo = Some(HwStartIo);
    data.HwInterrupt = Some(HwInterrupt);
    data.HwResetBus = Some(HwResetBus);
    data.HwAdapterControl = Some(HwAdapterControl);
    data.DeviceExtensionSize = size_of::<Adapter>() as ULONG;
    data.SrbExtensionSize = size_of::<Request>() as ULONG;
    // One range of registers is mapped; the others a real adapter has are for other interfaces.
    data.NumberOfAccessRanges = 6;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.NeedPhysicalAddresses = TRUE;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    data.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    data.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
    change(&mut data);
    StorPortInitialize(driver, path, &raw mut data, null_mut())
}

unsafe extern "C-unwind" fn HwFindAdapter(
    extension: PVOID,
    _context: PVOID,
    _bus: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    let adapter = extension.cast::<Adapter>();
    let c = &mut *config;
    if !is_ahci(extension, c) {
        return SP_RETURN_NOT_FOUND;
    }
    let Some(base) = map_registers(extension, c) else { return SP_RETURN_ERROR };
    (*adapter).base = base;
    if !take_over(extension, base) {
        return SP_RETURN_ERROR;
    }
    let capabilities = read(extension, base, CAP);
    (*adapter).implemented = read(extension, base, PI);
    (*adapter).channel_count = 32 - (*adapter).implemented.leading_zeros();
    (*adapter).slot_count = (capabilities >> 8 & 0x1F) + 1;
    (*adapter).takes_queued_commands = capabilities & CAP_SNCQ != 0;
    if (*adapter).implemented == 0 || (*adapter).slot_count < 2 {
        return SP_RETURN_ERROR;
    }
    (*adapter).is_power_managed = parameter(extension, "AdapterPower") == 1;
    configure(c, capabilities, (*adapter).channel_count);
    let bytes = (*adapter).channel_count as usize * PAGE;
    let memory: *mut u8 = StorPortGetUncachedExtension(extension, config, bytes as ULONG).cast();
    if memory.is_null() {
        return SP_RETURN_ERROR;
    }
    for number in numbers(extension) {
        // No interrupt is connected yet: nothing else looks at channels.
        let channel = channel(extension, number);
        let mut length = 0;
        channel.extension = extension;
        channel.number = number;
        channel.base = base.wrapping_add(PORTS + PORT_BYTES * number as usize);
        channel.memory = memory.wrapping_add(PAGE * number as usize).cast::<PortMemory>();
        let physical =
            StorPortGetPhysicalAddress(extension, null_mut(), channel.memory.cast(), &raw mut length);
        channel.memory_physical = physical.QuadPart() as u64;
    }
    SP_RETURN_FOUND
}

/// A number among the adapter's parameters in the registry; 0 if it is not there.
unsafe fn parameter(extension: PVOID, name: &str) -> ULONG {
    let mut length = size_of::<ULONG>() as ULONG;
    let buffer = StorPortAllocateRegistryBuffer(extension, &raw mut length);
    if buffer.is_null() {
        return 0;
    }
    // On this thread's stack, with a zero behind it.
    let mut ascii = [0; 32];
    ascii[..name.len()].copy_from_slice(name.as_bytes());
    let name = ascii.as_mut_ptr();
    let is_there =
        StorPortRegistryRead(extension, name, 1, MINIPORT_REG_DWORD, buffer, &raw mut length) != FALSE;
    let value = if is_there { buffer.cast::<ULONG>().read_unaligned() } else { 0 };
    StorPortFreeRegistryBuffer(extension, buffer);
    value
}

/// Whether the function's class code says AHCI 1.0.
unsafe fn is_ahci(extension: PVOID, c: &PORT_CONFIGURATION_INFORMATION) -> bool {
    let mut header = [0u8; 64];
    let read = StorPortGetBusData(
        extension,
        PCIConfiguration as ULONG,
        c.SystemIoBusNumber,
        c.SlotNumber,
        header.as_mut_ptr().cast(),
        header.len() as ULONG,
    );
    read as usize == header.len() && header[9..12] == [0x01, 0x06, 0x01]
}

/// ABAR is the last base address register, and so the last range in memory.
unsafe fn map_registers(extension: PVOID, c: &PORT_CONFIGURATION_INFORMATION) -> Option<*mut u8> {
    let ranges = c.AccessRanges.cast::<ACCESS_RANGE>();
    let range = (0..c.NumberOfAccessRanges as usize)
        .map(|n| &*ranges.add(n))
        .rfind(|range| range.RangeInMemory != FALSE && range.RangeLength as usize >= PORTS + PORT_BYTES)?;
    let base = StorPortGetDeviceBase(
        extension,
        c.AdapterInterfaceType,
        c.SystemIoBusNumber,
        range.RangeStart,
        range.RangeLength,
        FALSE,
    );
    (!base.is_null()).then_some(base.cast())
}

fn configure(c: &mut PORT_CONFIGURATION_INFORMATION, capabilities: u32, channels: u32) {
    c.MaximumTransferLength = TRANSFER_MAX;
    c.NumberOfPhysicalBreaks = PRDS_MAX as ULONG;
    c.AlignmentMask = 1;
    c.NumberOfBuses = channels as UCHAR;
    c.MaximumNumberOfTargets = 1;
    c.MaximumNumberOfLogicalUnits = 1;
    c.ResetTargetSupported = TRUE;
    c.CachesData = FALSE;
    c.SynchronizationModel = StorSynchronizeFullDuplex;
    c.HwMSInterruptRoutine = Some(HwMSInterrupt);
    c.InterruptSynchronizationMode = InterruptSynchronizeAll;
    c.InitialLunQueueDepth = QUEUE_DEPTH;
    if capabilities & CAP_S64A != 0 {
        c.Dma64BitAddresses |= SCSI_DMA64_MINIPORT_SUPPORTED;
    }
}

unsafe extern "C-unwind" fn HwInitialize(extension: PVOID) -> BOOLEAN {
    StorPortEnablePassiveInitialization(extension, Some(HwPassiveInitialize))
}

unsafe extern "C-unwind" fn HwPassiveInitialize(extension: PVOID) -> BOOLEAN {
    let adapter = extension.cast::<Adapter>();
    StorPortInitializeDpc(extension, &raw mut (*adapter).completion_dpc, Some(HwCompletionDpc));
    for number in numbers(extension) {
        let mut timer = null_mut();
        if StorPortInitializeTimer(extension, &raw mut timer) != STOR_STATUS_SUCCESS {
            return FALSE;
        }
        channel(extension, number).timer = timer;
    }
    let lock = InterruptGuard::acquire(extension);
    start_channels(extension);
    drop(lock);
    TRUE
}
