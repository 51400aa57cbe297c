//! DriverEntry to the first request: HwStorFindAdapter, HwStorInitialize, the passive initialisation.
//!
//! The adapter is found by its class code and taken over (`adapter.rs`); its ports get a page each of the
//! uncached extension. DPC and timers can be made at PASSIVE_LEVEL only, so ports are started there; requests
//! that come before a device has been identified wait in its channel's queue.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

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
pub unsafe extern "C-unwind" fn driver_entry(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    register(DriverObject, RegistryPath, |_| {})
}

/// Registers the driver with what `change` makes of the structure: for tests that replace one of the
/// callbacks.
pub unsafe fn register(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
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
    StorPortInitialize(DriverObject, RegistryPath, &raw mut data, null_mut())
}

pub unsafe extern "C-unwind" fn HwFindAdapter(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Reserved3: PBOOLEAN,
) -> ULONG {
    let Extension = DeviceExtension.cast::<Adapter>();
    if !is_ahci(DeviceExtension, ConfigInfo) {
        return SP_RETURN_NOT_FOUND;
    }
    let Some(base) = map_registers(DeviceExtension, ConfigInfo) else { return SP_RETURN_ERROR };
    (*Extension).base = base;
    if !take_over(DeviceExtension, base) {
        return SP_RETURN_ERROR;
    }
    let capabilities = read(DeviceExtension, base, CAP);
    (*Extension).implemented = read(DeviceExtension, base, PI);
    (*Extension).channel_count = 32 - (*Extension).implemented.leading_zeros();
    (*Extension).slot_count = (capabilities >> 8 & 0x1F) + 1;
    (*Extension).takes_queued_commands = capabilities & CAP_SNCQ != 0;
    if (*Extension).implemented == 0 || (*Extension).slot_count < 2 {
        return SP_RETURN_ERROR;
    }
    (*Extension).is_power_managed = parameter(DeviceExtension, "AdapterPower") == 1;
    configure(ConfigInfo, capabilities, (*Extension).channel_count);
    let bytes = (*Extension).channel_count as usize * PAGE;
    let memory: *mut u8 = StorPortGetUncachedExtension(DeviceExtension, ConfigInfo, bytes as ULONG).cast();
    if memory.is_null() {
        return SP_RETURN_ERROR;
    }
    for number in numbers(DeviceExtension) {
        // No interrupt is connected yet: nothing else looks at channels.
        let channel = channel(DeviceExtension, number);
        let mut length = 0;
        channel.DeviceExtension = DeviceExtension;
        channel.number = number;
        channel.base = base.wrapping_add(PORTS + PORT_BYTES * number as usize);
        channel.memory = memory.wrapping_add(PAGE * number as usize).cast::<PortMemory>();
        let physical =
            StorPortGetPhysicalAddress(DeviceExtension, null_mut(), channel.memory.cast(), &raw mut length);
        channel.memory_physical = physical.QuadPart() as u64;
    }
    SP_RETURN_FOUND
}

/// A number among the adapter's parameters in the registry; 0 if it is not there.
unsafe fn parameter(DeviceExtension: PVOID, name: &str) -> ULONG {
    let mut length = size_of::<ULONG>() as ULONG;
    let buffer = StorPortAllocateRegistryBuffer(DeviceExtension, &raw mut length);
    if buffer.is_null() {
        return 0;
    }
    // On this thread's stack, with a zero behind it.
    let mut ascii = [0; 32];
    ascii[..name.len()].copy_from_slice(name.as_bytes());
    let name = ascii.as_mut_ptr();
    let is_there =
        StorPortRegistryRead(DeviceExtension, name, 1, MINIPORT_REG_DWORD, buffer, &raw mut length) != FALSE;
    let value = if is_there { buffer.cast::<ULONG>().read_unaligned() } else { 0 };
    StorPortFreeRegistryBuffer(DeviceExtension, buffer);
    value
}

/// Whether the function's class code says AHCI 1.0.
unsafe fn is_ahci(DeviceExtension: PVOID, ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> bool {
    let mut header = [0u8; 64];
    let read = StorPortGetBusData(
        DeviceExtension,
        PCIConfiguration as ULONG,
        (*ConfigInfo).SystemIoBusNumber,
        (*ConfigInfo).SlotNumber,
        header.as_mut_ptr().cast(),
        header.len() as ULONG,
    );
    read as usize == header.len() && header[9..12] == [0x01, 0x06, 0x01]
}

/// ABAR is the last base address register, and so the last range in memory.
unsafe fn map_registers(
    DeviceExtension: PVOID,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
) -> Option<*mut u8> {
    let ranges = (*ConfigInfo).AccessRanges.cast::<ACCESS_RANGE>();
    let range = (0..(*ConfigInfo).NumberOfAccessRanges as usize)
        .map(|n| &*ranges.add(n))
        .rfind(|range| range.RangeInMemory != FALSE && range.RangeLength as usize >= PORTS + PORT_BYTES)?;
    let base = StorPortGetDeviceBase(
        DeviceExtension,
        (*ConfigInfo).AdapterInterfaceType,
        (*ConfigInfo).SystemIoBusNumber,
        range.RangeStart,
        range.RangeLength,
        FALSE,
    );
    (!base.is_null()).then_some(base.cast())
}

unsafe fn configure(ConfigInfo: PPORT_CONFIGURATION_INFORMATION, capabilities: u32, channels: u32) {
    (*ConfigInfo).MaximumTransferLength = TRANSFER_MAX;
    (*ConfigInfo).NumberOfPhysicalBreaks = PRDS_MAX as ULONG;
    (*ConfigInfo).AlignmentMask = 1;
    (*ConfigInfo).NumberOfBuses = channels as UCHAR;
    (*ConfigInfo).MaximumNumberOfTargets = 1;
    (*ConfigInfo).MaximumNumberOfLogicalUnits = 1;
    (*ConfigInfo).ResetTargetSupported = TRUE;
    (*ConfigInfo).CachesData = FALSE;
    (*ConfigInfo).SynchronizationModel = StorSynchronizeFullDuplex;
    (*ConfigInfo).HwMSInterruptRoutine = Some(HwMSInterrupt);
    (*ConfigInfo).InterruptSynchronizationMode = InterruptSynchronizeAll;
    (*ConfigInfo).InitialLunQueueDepth = QUEUE_DEPTH;
    if capabilities & CAP_S64A != 0 {
        (*ConfigInfo).Dma64BitAddresses |= SCSI_DMA64_MINIPORT_SUPPORTED;
    }
}

unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
    StorPortEnablePassiveInitialization(DeviceExtension, Some(HwPassiveInitialize))
}

unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
    let Extension = DeviceExtension.cast::<Adapter>();
    StorPortInitializeDpc(DeviceExtension, &raw mut (*Extension).completion_dpc, Some(HwCompletionDpc));
    for number in numbers(DeviceExtension) {
        let mut timer = null_mut();
        if StorPortInitializeTimer(DeviceExtension, &raw mut timer) != STOR_STATUS_SUCCESS {
            return FALSE;
        }
        channel(DeviceExtension, number).timer = timer;
    }
    let handle = &mut unused_handle();
    let lock = InterruptGuard::acquire(DeviceExtension, handle);
    start_channels(DeviceExtension);
    drop(lock);
    TRUE
}
