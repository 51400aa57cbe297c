//! A miniport of the turnstile that does everything right, and the same with one mistake.
#![expect(non_snake_case, reason = "the documented WDK names")]

use super::turnstile::{
    Command, ID, REG_ANSWER, REG_CHANGED, REG_ENABLE, REG_ID, REG_POST, REG_RESET, SG_MAX, Turnstile,
};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::SeqCst};
use storport_sim::PciSlot;
use storport_sim::ddi::*;
use verifier::driver::{Driver, Expects, Kind};

/// The mistakes.
pub mod mistake {
    pub const NONE: u8 = 0;
    /// Every fiftieth request is completed twice.
    pub const COMPLETES_TWICE: u8 = 1;
    /// A reset forgets what the adapter had.
    pub const LOSES_ON_RESET: u8 = 2;
    /// How much was moved is not looked at.
    pub const SHORT_IS_SUCCESS: u8 = 3;
    /// Memory is not freed.
    pub const LEAKS: u8 = 4;
    /// The adapter does not start again.
    pub const STAYS_STOPPED: u8 = 5;
    /// An aborted command is said to be a bad one.
    pub const INVENTS_ERROR: u8 = 6;
    /// A removal ends nothing, nor does the reset that follows.
    pub const IGNORES_REMOVAL: u8 = 7;
    /// A read is answered before its data is there.
    pub const ANSWERS_EARLY: u8 = 8;
    /// A command is posted nowhere when the table of another unit has one of its number.
    pub const MIXES_UNITS: u8 = 9;
}

const TAGS: usize = 4 * 256;
const VENDOR: u16 = 0x1DEA;
const TAG: u32 = u32::from_le_bytes(*b"Trns");

#[repr(C)]
struct Extension {
    base: *mut u8,
    scratch: PVOID,
    requests: AtomicU32,
    /// SRBs the adapter has, by tag.
    outstanding: [AtomicPtr<SCSI_REQUEST_BLOCK>; TAGS],
}

/// The description of the driver with one mistake.
pub const fn driver<const MISTAKE: u8>(name: &'static str) -> Driver {
    Driver {
        name,
        aliases: &[],
        summary: "a miniport of the tests' own adapter",
        expects: Expects::Clean,
        kind: Kind::Miniport {
            entry: Some(entry::<MISTAKE>),
            device: |medium, _cpus| Box::new(Turnstile::new(medium)),
            protocol: verifier::driver::Protocol::Scsi,
            slot,
        },
        cancels: false,
        reads_registry: false,
        image: None,
        sources: &[],
    }
}

fn slot() -> PciSlot {
    let mut config_space = [0; 64];
    config_space[..2].copy_from_slice(&VENDOR.to_le_bytes());
    PciSlot::new(0).at(0, 3).config_space(&config_space)
}

unsafe extern "C-unwind" fn entry<const MISTAKE: u8>(
    driver: PDRIVER_OBJECT,
    path: PUNICODE_STRING,
) -> NTSTATUS {
    let mut data = HW_INITIALIZATION_DATA::zeroed();
    data.HwInitializationDataSize = size_of::<HW_INITIALIZATION_DATA>() as ULONG;
    data.AdapterInterfaceType = PCIBus;
    data.HwFindAdapter = Some(HwFindAdapter::<MISTAKE>);
    data.HwInitialize = Some(HwInitialize);
    data.HwStartIo = Some(HwStartIo::<MISTAKE>);
    data.HwInterrupt = Some(HwInterrupt::<MISTAKE>);
    data.HwResetBus = Some(HwResetBus::<MISTAKE>);
    data.HwAdapterControl = Some(HwAdapterControl::<MISTAKE>);
    data.DeviceExtensionSize = size_of::<Extension>() as ULONG;
    data.SrbExtensionSize = size_of::<Command>() as ULONG;
    data.NumberOfAccessRanges = 1;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.NeedPhysicalAddresses = TRUE;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { StorPortInitialize(driver, path, &raw mut data, null_mut()) }
}

unsafe fn register_at(e: *mut Extension, offset: usize) -> PULONG {
    // SAFETY: the base of a mapped range; only an address is computed.
    unsafe { (*e).base.wrapping_add(offset).cast() }
}

unsafe extern "C-unwind" fn HwFindAdapter<const MISTAKE: u8>(
    extension: PVOID,
    _context: PVOID,
    _bus: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        let (e, c) = (extension.cast::<Extension>(), &mut *config);
        let range = &*c.AccessRanges.cast::<ACCESS_RANGE>();
        let (kind, bus) = (c.AdapterInterfaceType, c.SystemIoBusNumber);
        let base = StorPortGetDeviceBase(extension, kind, bus, range.RangeStart, range.RangeLength, FALSE);
        (*e).base = base.cast();
        if base.is_null() || StorPortReadRegisterUlong(extension, register_at(e, REG_ID)) != ID {
            return SP_RETURN_ERROR;
        }
        StorPortAllocatePool(extension, 64, TAG, &raw mut (*e).scratch);
        c.MaximumTransferLength = 64 << 10;
        c.NumberOfPhysicalBreaks = SG_MAX as u32;
        c.MaximumNumberOfTargets = 1;
        c.MaximumNumberOfLogicalUnits = 4;
        c.SynchronizationModel = StorSynchronizeFullDuplex;
    }
    SP_RETURN_FOUND
}

unsafe extern "C-unwind" fn HwInitialize(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe { StorPortWriteRegisterUlong(extension, register_at(extension.cast(), REG_ENABLE), 1) };
    TRUE
}

/// Requests that never come to the adapter: how they end.
unsafe fn end_without_adapter<const MISTAKE: u8>(
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
) -> Option<UCHAR> {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the SRB is
    // ours.
    unsafe {
        let e = extension.cast::<Extension>();
        match (*srb).Function {
            SRB_FUNCTION_EXECUTE_SCSI if (*srb).TargetId != 0 || (*srb).Lun >= 4 => {
                Some(SRB_STATUS_NO_DEVICE)
            }
            SRB_FUNCTION_EXECUTE_SCSI => None,
            SRB_FUNCTION_RESET_LOGICAL_UNIT | SRB_FUNCTION_RESET_DEVICE => {
                reset::<MISTAKE>(extension);
                Some(SRB_STATUS_SUCCESS)
            }
            SRB_FUNCTION_PNP => {
                let pnp = srb.cast::<SCSI_PNP_REQUEST_BLOCK>();
                let is_to_adapter = (*pnp).SrbPnPFlags & SRB_PNP_FLAGS_ADAPTER_REQUEST != 0;
                let ends = is_to_adapter && [StorRemoveDevice, StorStopDevice].contains(&(*pnp).PnPAction);
                if ends && MISTAKE != mistake::LEAKS {
                    StorPortFreePool(extension, (*e).scratch);
                }
                Some(SRB_STATUS_SUCCESS)
            }
            SRB_FUNCTION_FLUSH | SRB_FUNCTION_SHUTDOWN => Some(SRB_STATUS_SUCCESS),
            _ => Some(SRB_STATUS_INVALID_REQUEST),
        }
    }
}

unsafe extern "C-unwind" fn HwStartIo<const MISTAKE: u8>(
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the SRB and
    // its extension are ours.
    unsafe {
        let e = extension.cast::<Extension>();
        let s = &mut *srb;
        if let Some(status) = end_without_adapter::<MISTAKE>(extension, srb) {
            s.SrbStatus = status;
            StorPortNotification(RequestComplete, extension, srb);
            return TRUE;
        }
        let command = s.SrbExtension.cast::<Command>();
        command.write_bytes(0, 1);
        let c = &mut *command;
        let unit = if MISTAKE == mistake::MIXES_UNITS { 0 } else { usize::from(s.Lun) };
        let tag = (unit * 256 + SrbGetRequestTag(srb.cast()) as usize % 256) % TAGS;
        (c.tag, c.lun) = (tag as u32, u32::from(s.Lun));
        (c.cdb, c.cdb_bytes) = (s.Cdb, u32::from(s.CdbLength));
        c.is_write = u32::from(s.SrbFlags & SRB_FLAGS_DATA_OUT != 0);
        let mut length = 0;
        if !s.SenseInfoBuffer.is_null() {
            let at = StorPortGetPhysicalAddress(extension, srb, s.SenseInfoBuffer, &raw mut length);
            (c.sense, c.sense_room) = (at.QuadPart() as u64, u32::from(s.SenseInfoBufferLength));
        }
        let list = StorPortGetScatterGatherList(extension, srb);
        if !list.is_null() {
            c.sg_count = (*list).NumberOfElements;
            let elements = (&raw const (*list).List).cast::<STOR_SCATTER_GATHER_ELEMENT>();
            for (n, place) in c.sg.iter_mut().enumerate().take(c.sg_count as usize) {
                let element = &*elements.add(n);
                *place = (element.PhysicalAddress.QuadPart() as u64, u64::from(element.Length));
            }
        }
        if MISTAKE == mistake::ANSWERS_EARLY && s.Cdb[0] == 0x28 {
            s.SrbStatus = SRB_STATUS_SUCCESS;
            StorPortNotification(RequestComplete, extension, srb);
            return TRUE;
        }
        (*e).outstanding[tag].store(srb, SeqCst);
        let at = StorPortGetPhysicalAddress(extension, null_mut(), command.cast(), &raw mut length);
        StorPortWriteRegisterUlong64(extension, register_at(e, REG_POST).cast(), at.QuadPart() as u64);
    }
    TRUE
}

/// Turns the adapter's result into the SRB's.
unsafe fn finish<const MISTAKE: u8>(srb: PSCSI_REQUEST_BLOCK) {
    // SAFETY: the SRB is ours, and its extension holds the command the adapter carried out.
    unsafe {
        let s = &mut *srb;
        let [status, sense_bytes, moved, has_no_memory] = (*s.SrbExtension.cast::<Command>()).result;
        s.ScsiStatus = status as u8;
        s.SrbStatus = if has_no_memory != 0 {
            SRB_STATUS_BUSY
        } else if status != 0 && sense_bytes != 0 {
            s.SenseInfoBufferLength = sense_bytes as u8;
            let key = *s.SenseInfoBuffer.cast::<u8>().add(2) & 0x0F;
            if MISTAKE == mistake::INVENTS_ERROR && key == 0x0B {
                SRB_STATUS_INVALID_REQUEST
            } else {
                SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID
            }
        } else if status != 0 {
            SRB_STATUS_ERROR
        } else if moved < s.DataTransferLength && MISTAKE != mistake::SHORT_IS_SUCCESS {
            s.DataTransferLength = moved;
            SRB_STATUS_DATA_OVERRUN
        } else {
            SRB_STATUS_SUCCESS
        };
    }
}

unsafe extern "C-unwind" fn HwInterrupt<const MISTAKE: u8>(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension; SRBs in the table are ours.
    unsafe {
        let e = extension.cast::<Extension>();
        let changed = StorPortReadRegisterUlong(extension, register_at(e, REG_CHANGED));
        if changed == u32::MAX {
            return FALSE;
        }
        if changed != 0 {
            StorPortNotification(BusChangeDetected, extension, 0);
        }
        let mut any = changed != 0;
        loop {
            let answer = StorPortReadRegisterUlong64(extension, register_at(e, REG_ANSWER).cast());
            if answer == 0 || answer == u64::MAX {
                return BOOLEAN::from(any);
            }
            any = true;
            let srb = (*e).outstanding[(answer - 1) as usize % TAGS].swap(null_mut(), SeqCst);
            if srb.is_null() {
                // Answered before, or ended by a reset.
                continue;
            }
            finish::<MISTAKE>(srb);
            StorPortNotification(RequestComplete, extension, srb);
            if MISTAKE == mistake::COMPLETES_TWICE && (*e).requests.fetch_add(1, SeqCst) % 50 == 49 {
                StorPortNotification(RequestComplete, extension, srb);
            }
        }
    }
}

/// Ends everything the adapter has, with this status.
unsafe fn end_all(extension: PVOID, status: UCHAR, loses: bool) {
    // SAFETY: the extension is the adapter's; an SRB in its table is this miniport's until it is completed.
    unsafe {
        for place in &(*extension.cast::<Extension>()).outstanding {
            let srb = place.swap(null_mut(), SeqCst);
            if !srb.is_null() && !loses {
                (*srb).SrbStatus = status;
                StorPortNotification(RequestComplete, extension, srb);
            }
        }
    }
}

unsafe fn reset<const MISTAKE: u8>(extension: PVOID) {
    // SAFETY: the extension is the adapter's, as the caller promises.
    unsafe {
        StorPortWriteRegisterUlong(extension, register_at(extension.cast(), REG_RESET), 1);
        let loses = MISTAKE == mistake::LOSES_ON_RESET || MISTAKE == mistake::IGNORES_REMOVAL;
        end_all(extension, SRB_STATUS_BUS_RESET, loses);
    }
}

unsafe extern "C-unwind" fn HwResetBus<const MISTAKE: u8>(extension: PVOID, _path: ULONG) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe { reset::<MISTAKE>(extension) };
    TRUE
}

unsafe extern "C-unwind" fn HwAdapterControl<const MISTAKE: u8>(
    extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    // SAFETY: Storport passes the adapter's live extension and, for a query, a list with a flag for each type
    // below its maximum.
    unsafe {
        let enable = register_at(extension.cast(), REG_ENABLE);
        if kind == ScsiQuerySupportedControlTypes {
            let list = parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
            for kind in [ScsiStopAdapter, ScsiRestartAdapter, ScsiAdapterSurpriseRemoval] {
                *flags.add(kind as usize) = TRUE;
            }
        } else if kind == ScsiStopAdapter {
            StorPortWriteRegisterUlong(extension, enable, 0);
        } else if kind == ScsiRestartAdapter {
            if MISTAKE == mistake::STAYS_STOPPED {
                return ScsiAdapterControlUnsuccessful;
            }
            StorPortWriteRegisterUlong(extension, enable, 1);
        } else if kind == ScsiAdapterSurpriseRemoval && MISTAKE != mistake::IGNORES_REMOVAL {
            end_all(extension, SRB_STATUS_NO_DEVICE, false);
        }
    }
    ScsiAdapterControlSuccess
}
