//! A physical miniport at layer 1 for the test adapter, with options that it reads from the registry.
//!
//! | parameter | meaning |
//! | --- | --- |
//! | HalfDuplex | 1: leaves SynchronizationModel as it found it |
//! | PerMessage | 1: a lock per message; else one for all (with messages) |
//! | Dpc | 1: completes in a STOR_DPC per queue; else in the interrupt routine |
//! | Channels | concurrent channels to ask for |
//! | Extended | 1: asks for extended SRBs |
//! | Resets | 0: refuses reset SRBs, 1: carries them out, 2: loses them |
//! | MaxTransfer, Breaks, MaxIo, LunDepth | limits |
#![expect(non_snake_case, reason = "the documented WDK names")]

use super::physical::Shown;
use super::test_hba::{Command, ID, REG_ANSWERS, REG_ENABLE, REG_ID, REG_POST, REG_RESET, SG_MAX};
use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::SeqCst};
use storport_sim::ddi::*;

/// Places in the table of outstanding SRBs: Storport's tags are unique within a unit only.
pub const TAGS: usize = 8 * 256;
pub const QUEUES: usize = 4;
pub const VENDOR: u16 = 0x1DEA;

/// The device extension.
#[repr(C)]
pub struct Extension {
    pub base: *mut u8,
    pub is_half_duplex: u32,
    pub uses_dpc: u32,
    pub dpcs_are_ready: u32,
    pub channels: u32,
    pub resets: u32,
    pub messages: u32,
    pub is_stopped: u32,
    /// Counters the tests look at.
    pub starts_now: AtomicU32,
    pub starts_most: AtomicU32,
    pub line_interrupts: AtomicU32,
    pub message_interrupts: [AtomicU32; QUEUES],
    pub timer_calls: AtomicU32,
    pub work_calls: AtomicU32,
    pub bus_resets: AtomicU32,
    pub unit_resets: AtomicU32,
    pub target_resets: AtomicU32,
    pub aborts: AtomicU32,
    pub controls: [AtomicU32; 32],
    pub scratch: *mut u8,
    pub worker: PVOID,
    pub dpcs: [STOR_DPC; QUEUES],
    /// SRBs the device has, by tag.
    pub outstanding: [AtomicPtr<SCSI_REQUEST_BLOCK>; TAGS],
}

/// DriverEntry.
pub unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register(driver, path, |_| {}) }
}

/// Registers the driver after `change` has had its way with the structure.
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
    data.DeviceExtensionSize = size_of::<Extension>() as ULONG;
    data.SrbExtensionSize = size_of::<Command>() as ULONG;
    data.SpecificLuExtensionSize = 16;
    data.NumberOfAccessRanges = 1;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.NeedPhysicalAddresses = TRUE;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    data.SrbTypeFlags = SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK | SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    data.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
    data.FeatureSupport = 0;
    change(&mut data);
    // SAFETY: the driver object and the path are the I/O manager's, as the caller promises; it copies `data`.
    unsafe { StorPortInitialize(driver, path, &raw mut data, null_mut()) }
}

/// A parameter of the adapter; 0 if it is not there.
unsafe fn parameter(extension: PVOID, name: &str) -> u32 {
    // SAFETY: the extension is the adapter's; names and lengths are on this thread's stack.
    unsafe {
        let mut ascii = [0; 32];
        ascii[..name.len()].copy_from_slice(name.as_bytes());
        let mut length = 4;
        let buffer = StorPortAllocateRegistryBuffer(extension, &raw mut length);
        let found = StorPortRegistryRead(
            extension,
            ascii.as_mut_ptr(),
            1,
            MINIPORT_REG_DWORD,
            buffer,
            &raw mut length,
        );
        let value = if found == TRUE { *buffer.cast::<u32>() } else { 0 };
        StorPortFreeRegistryBuffer(extension, buffer);
        value
    }
}

pub unsafe fn register_at(e: *mut Extension, offset: usize) -> *mut u32 {
    // SAFETY: the base of a mapped range; only an address is computed.
    unsafe { (*e).base.wrapping_add(offset).cast() }
}

pub unsafe extern "C-unwind" fn HwFindAdapter(
    extension: PVOID,
    context: PVOID,
    bus: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        assert!(context.is_null() && bus.is_null());
        let e = extension.cast::<Extension>();
        Machine::current().unwrap().attached::<Shown>().unwrap().set(e);
        let c = &mut *config;
        let mut header = [0u8; 64];
        let slot = c.SlotNumber;
        let read = StorPortGetBusData(
            extension,
            PCIConfiguration as ULONG,
            c.SystemIoBusNumber,
            slot,
            header.as_mut_ptr().cast(),
            header.len() as ULONG,
        );
        if read != 64 || u16::from_le_bytes([header[0], header[1]]) != VENDOR {
            return SP_RETURN_NOT_FOUND;
        }
        assert_eq!((c.SystemIoBusNumber, c.NumberOfAccessRanges), (2, 1));
        let range = &*c.AccessRanges.cast::<ACCESS_RANGE>();
        let base = StorPortGetDeviceBase(
            extension,
            c.AdapterInterfaceType,
            c.SystemIoBusNumber,
            range.RangeStart,
            range.RangeLength,
            if range.RangeInMemory == TRUE { FALSE } else { TRUE },
        );
        (*e).base = base.cast();
        if base.is_null() || StorPortReadRegisterUlong(extension, register_at(e, REG_ID)) != ID {
            return SP_RETURN_ERROR;
        }
        (*e).is_half_duplex = parameter(extension, "HalfDuplex");
        (*e).uses_dpc = parameter(extension, "Dpc");
        (*e).channels = parameter(extension, "Channels");
        (*e).resets = parameter(extension, "Resets");
        if (*e).is_half_duplex == 0 {
            c.SynchronizationModel = StorSynchronizeFullDuplex;
        }
        c.HwMSInterruptRoutine = Some(HwMSInterruptRoutine);
        c.InterruptSynchronizationMode = if parameter(extension, "PerMessage") == 1 {
            InterruptSynchronizePerMessage
        } else {
            InterruptSynchronizeAll
        };
        let or = |value: u32, default: u32| if value == 0 { default } else { value };
        c.MaximumTransferLength = or(parameter(extension, "MaxTransfer"), 64 << 10);
        c.NumberOfPhysicalBreaks = or(parameter(extension, "Breaks"), SG_MAX as u32);
        c.MaxNumberOfIO = or(parameter(extension, "MaxIo"), c.MaxNumberOfIO);
        c.InitialLunQueueDepth = or(parameter(extension, "LunDepth"), c.InitialLunQueueDepth);
        c.MaximumNumberOfTargets = 2;
        c.ResetTargetSupported = if (*e).resets == 1 { TRUE } else { FALSE };
        c.SrbType = if parameter(extension, "Extended") == 1 {
            SRB_TYPE_STORAGE_REQUEST_BLOCK
        } else {
            SRB_TYPE_SCSI_REQUEST_BLOCK
        };
        (*e).scratch = StorPortGetUncachedExtension(extension, config, 256).cast();
        if (*e).scratch.is_null() {
            return SP_RETURN_ERROR;
        }
        let mut worker = null_mut();
        StorPortInitializeWorker(extension, &raw mut worker);
        (*e).worker = worker;
    }
    SP_RETURN_FOUND
}

pub unsafe extern "C-unwind" fn HwInitialize(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = extension.cast::<Extension>();
        let mut info: MESSAGE_INTERRUPT_INFORMATION = std::mem::zeroed();
        (*e).messages = 0;
        while StorPortGetMSIInfo(extension, (*e).messages, &raw mut info) == STOR_STATUS_SUCCESS {
            (*e).messages += 1;
        }
        if (*e).channels > 1 {
            let mut perf: PERF_CONFIGURATION_DATA = std::mem::zeroed();
            perf.Version = STOR_PERF_VERSION;
            perf.Size = size_of::<PERF_CONFIGURATION_DATA>() as ULONG;
            let status = StorPortInitializePerfOpts(extension, TRUE, &raw mut perf);
            assert_eq!(status, STOR_STATUS_SUCCESS);
            perf.Flags &= STOR_PERF_DPC_REDIRECTION | STOR_PERF_CONCURRENT_CHANNELS;
            perf.ConcurrentChannels = (*e).channels;
            assert_eq!(StorPortInitializePerfOpts(extension, FALSE, &raw mut perf), STOR_STATUS_SUCCESS);
        }
        if (*e).uses_dpc != 0 {
            assert_eq!(StorPortEnablePassiveInitialization(extension, Some(HwPassiveInitialize)), TRUE);
        }
        StorPortWriteRegisterUlong(extension, register_at(e, REG_ENABLE), 1);
    }
    TRUE
}

unsafe extern "C-unwind" fn HwPassiveInitialize(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = extension.cast::<Extension>();
        for n in 0..QUEUES {
            StorPortInitializeDpc(extension, &raw mut (*e).dpcs[n], Some(HwDpc));
        }
        (*e).dpcs_are_ready = 1;
    }
    TRUE
}

/// The place of an SRB in the table.
unsafe fn place_of(srb: PVOID) -> usize {
    // SAFETY: the caller passes an SRB that this miniport has.
    unsafe { usize::from(SrbGetLun(srb)) % 8 * 256 + SrbGetRequestTag(srb) as usize % 256 }
}

/// How a request is refused before it comes to the device; `None`: it is a SCSI command of target 0.
unsafe fn verdict_without_device(extension: PVOID, srb: PVOID) -> Option<UCHAR> {
    // SAFETY: the caller passes the adapter's extension and an SRB that this miniport has.
    unsafe {
        let e = extension.cast::<Extension>();
        let carries_out = |counter: &AtomicU32, e: *mut Extension| {
            counter.fetch_add(1, SeqCst);
            match (*e).resets {
                0 => Some(SRB_STATUS_INVALID_REQUEST),
                _ => {
                    StorPortWriteRegisterUlong(extension, register_at(e, REG_RESET), 1);
                    complete_outstanding(extension, SRB_STATUS_BUS_RESET);
                    Some(SRB_STATUS_SUCCESS)
                }
            }
        };
        match SrbGetSrbFunction(srb) as UCHAR {
            SRB_FUNCTION_EXECUTE_SCSI if SrbGetTargetId(srb) != 0 => Some(SRB_STATUS_NO_DEVICE),
            SRB_FUNCTION_EXECUTE_SCSI => None,
            SRB_FUNCTION_RESET_LOGICAL_UNIT => carries_out(&(*e).unit_resets, e),
            SRB_FUNCTION_RESET_DEVICE => carries_out(&(*e).target_resets, e),
            SRB_FUNCTION_ABORT_COMMAND => {
                (*e).aborts.fetch_add(1, SeqCst);
                let victim: PSCSI_REQUEST_BLOCK = SrbGetNextSrb(srb).cast();
                let tag = place_of(victim.cast());
                if (*e).resets == 0
                    || (*e).outstanding[tag].compare_exchange(victim, null_mut(), SeqCst, SeqCst).is_err()
                {
                    return Some(SRB_STATUS_ABORT_FAILED);
                }
                StorPortWriteRegisterUlong(extension, register_at(e, REG_RESET), 1);
                SrbSetSrbStatus(victim.cast(), SRB_STATUS_ABORTED);
                StorPortNotification(RequestComplete, extension, victim);
                Some(SRB_STATUS_SUCCESS)
            }
            SRB_FUNCTION_FLUSH | SRB_FUNCTION_SHUTDOWN => Some(SRB_STATUS_SUCCESS),
            _ => Some(SRB_STATUS_INVALID_REQUEST),
        }
    }
}

pub unsafe extern "C-unwind" fn HwBuildIo(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the SRB and
    // its extension are ours.
    unsafe {
        let e = extension.cast::<Extension>();
        let any: PVOID = srb.cast();
        let is_reset = matches!(
            SrbGetSrbFunction(any) as UCHAR,
            SRB_FUNCTION_RESET_LOGICAL_UNIT | SRB_FUNCTION_RESET_DEVICE | SRB_FUNCTION_ABORT_COMMAND
        );
        if is_reset && (*e).resets == 2 {
            // Lost.
            return FALSE;
        }
        if let Some(status) = verdict_without_device(extension, any) {
            SrbSetSrbStatus(any, status);
            StorPortNotification(RequestComplete, extension, srb);
            return FALSE;
        }
        let command = SrbGetMiniportContext(any).cast::<Command>();
        command.write_bytes(0, 1);
        let c = &mut *command;
        c.tag = place_of(any) as u32;
        c.queue = if (*e).messages != 0 { c.tag % (*e).messages } else { c.tag % QUEUES as u32 };
        c.lun = u32::from(SrbGetLun(any));
        c.cdb_bytes = u32::from(SrbGetCdbLength(any));
        std::ptr::copy_nonoverlapping(SrbGetCdb(any), c.cdb.as_mut_ptr(), 16);
        c.is_write = u32::from(SrbGetSrbFlags(any) & SRB_FLAGS_DATA_OUT != 0);
        let mut length = 0;
        let sense = SrbGetSenseInfoBuffer(any);
        if !sense.is_null() {
            let physical = StorPortGetPhysicalAddress(extension, srb, sense, &raw mut length);
            c.sense = physical.QuadPart() as u64;
            c.sense_room = u32::from(SrbGetSenseInfoBufferLength(any));
        }
        let list = StorPortGetScatterGatherList(extension, srb);
        if !list.is_null() {
            c.sg_count = (*list).NumberOfElements;
            assert!(c.sg_count as usize <= SG_MAX, "more elements than the adapter takes");
            let elements = (&raw const (*list).List).cast::<STOR_SCATTER_GATHER_ELEMENT>();
            for n in 0..c.sg_count as usize {
                let element = &*elements.add(n);
                c.sg[n] = (element.PhysicalAddress.QuadPart() as u64, u64::from(element.Length));
            }
        }
    }
    TRUE
}

pub unsafe extern "C-unwind" fn HwStartIo(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let e = extension.cast::<Extension>();
        let now = (*e).starts_now.fetch_add(1, SeqCst) + 1;
        (*e).starts_most.fetch_max(now, SeqCst);
        let command = SrbGetMiniportContext(srb.cast());
        let tag = place_of(srb.cast());
        (*e).outstanding[tag].store(srb, SeqCst);
        let mut length = 0;
        let physical = StorPortGetPhysicalAddress(extension, null_mut(), command, &raw mut length);
        assert!(length as usize >= size_of::<Command>());
        StorPortWriteRegisterUlong64(extension, register_at(e, REG_POST).cast(), physical.QuadPart() as u64);
        (*e).starts_now.fetch_sub(1, SeqCst);
    }
    TRUE
}

/// Completes what a queue has answered.
unsafe fn take_answers(extension: PVOID, queue: usize) -> bool {
    // SAFETY: the extension is the adapter's; an SRB in its table is this miniport's until it is completed.
    unsafe {
        let e = extension.cast::<Extension>();
        let mut any = false;
        loop {
            let at = register_at(e, REG_ANSWERS + 8 * queue).cast();
            let answer = StorPortReadRegisterUlong64(extension, at);
            if answer == 0 || answer == u64::MAX {
                return any;
            }
            any = true;
            let tag = (answer - 1) as usize % TAGS;
            let srb = (*e).outstanding[tag].swap(null_mut(), SeqCst);
            if srb.is_null() {
                continue;
            }
            finish(srb.cast());
            StorPortNotification(RequestComplete, extension, srb);
        }
    }
}

/// Turns the device's result into an SRB's.
unsafe fn finish(srb: PVOID) {
    // SAFETY: the SRB is ours, and its extension holds the command the device carried out.
    unsafe {
        let c = &*SrbGetMiniportContext(srb).cast::<Command>();
        SrbSetScsiStatus(srb, c.status as u8);
        if c.status != 0 {
            SrbSetSenseInfoBufferLength(srb, c.sense_bytes as u8);
            SrbSetSrbStatus(srb, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
        } else if c.moved < SrbGetDataTransferLength(srb) {
            SrbSetDataTransferLength(srb, c.moved);
            SrbSetSrbStatus(srb, SRB_STATUS_DATA_OVERRUN);
        } else {
            SrbSetSrbStatus(srb, SRB_STATUS_SUCCESS);
        }
    }
}

/// Completes everything the device had.
pub unsafe fn complete_outstanding(extension: PVOID, status: UCHAR) {
    // SAFETY: the extension is the adapter's; an SRB in its table is this miniport's until it is completed.
    unsafe {
        let e = extension.cast::<Extension>();
        for slot in &(*e).outstanding {
            let srb = slot.swap(null_mut(), SeqCst);
            if !srb.is_null() {
                SrbSetSrbStatus(srb.cast(), status);
                StorPortNotification(RequestComplete, extension, srb);
            }
        }
    }
}

pub unsafe extern "C-unwind" fn HwInterrupt(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = extension.cast::<Extension>();
        (*e).line_interrupts.fetch_add(1, SeqCst);
        if (*e).uses_dpc == 0 || (*e).dpcs_are_ready == 0 {
            let mut any = false;
            for queue in 0..QUEUES {
                any |= take_answers(extension, queue);
            }
            return BOOLEAN::from(any);
        }
        // Quiet until the DPC has looked.
        StorPortWriteRegisterUlong(extension, register_at(e, REG_ENABLE), 0);
        StorPortIssueDpc(extension, &raw mut (*e).dpcs[0], QUEUES as PVOID, null_mut());
    }
    TRUE
}

pub unsafe extern "C-unwind" fn HwMSInterruptRoutine(extension: PVOID, message: ULONG) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = extension.cast::<Extension>();
        let queue = message as usize % QUEUES;
        (*e).message_interrupts[queue].fetch_add(1, SeqCst);
        if (*e).uses_dpc == 0 || (*e).dpcs_are_ready == 0 {
            take_answers(extension, queue);
        } else {
            StorPortIssueDpc(extension, &raw mut (*e).dpcs[queue], null_mut(), queue as PVOID);
        }
    }
    TRUE
}

/// `all`: how many queues to look at, 0 for the one in `queue`.
unsafe extern "C-unwind" fn HwDpc(dpc: PSTOR_DPC, extension: PVOID, all: PVOID, queue: PVOID) {
    // SAFETY: Storport passes the adapter's live extension; the handle is on this thread's stack.
    unsafe {
        let e = extension.cast::<Extension>();
        let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
        StorPortAcquireSpinLock(extension, DpcLock, dpc.cast(), &raw mut handle);
        if all.is_null() {
            take_answers(extension, queue as usize);
        } else {
            for queue in 0..all as usize {
                take_answers(extension, queue);
            }
        }
        StorPortReleaseSpinLock(extension, &raw mut handle);
        if !all.is_null() {
            StorPortWriteRegisterUlong(extension, register_at(e, REG_ENABLE), 1);
        }
    }
}

unsafe extern "C-unwind" fn HwResetBus(extension: PVOID, _path: ULONG) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = extension.cast::<Extension>();
        (*e).bus_resets.fetch_add(1, SeqCst);
        StorPortWriteRegisterUlong(extension, register_at(e, REG_RESET), 1);
        complete_outstanding(extension, SRB_STATUS_BUS_RESET);
    }
    TRUE
}

pub unsafe extern "C-unwind" fn HwAdapterControl(
    extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    // SAFETY: Storport passes the adapter's live extension and, for a query, a list with a flag for each type
    // below its maximum.
    unsafe {
        let e = extension.cast::<Extension>();
        (*e).controls[kind as usize].fetch_add(1, SeqCst);
        if kind == ScsiQuerySupportedControlTypes {
            let list = parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
            for kind in [ScsiStopAdapter, ScsiRestartAdapter, ScsiAdapterSurpriseRemoval] {
                *flags.add(kind as usize) = TRUE;
            }
        } else if kind == ScsiStopAdapter {
            (*e).is_stopped = 1;
            StorPortWriteRegisterUlong(extension, register_at(e, REG_ENABLE), 0);
        } else if kind == ScsiRestartAdapter {
            (*e).is_stopped = 0;
            StorPortWriteRegisterUlong(extension, register_at(e, REG_ENABLE), 1);
        } else if kind == ScsiAdapterSurpriseRemoval {
            complete_outstanding(extension, SRB_STATUS_NO_DEVICE);
        }
    }
    ScsiAdapterControlSuccess
}
