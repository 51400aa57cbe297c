//! The miniport of the exhibits, at layer 1: executes SRBs on the machine's medium, as a virtual miniport or
//! as that of an adapter with hardware.
//!
//! It registers, finds its adapter and resets a bus that has nothing to reset. Invariant: nothing here is
//! wrong; what an exhibit does is its own routine.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::ddi::*;
use storport_sim::disk::DataPhase;
use storport_sim::scsi::Lun;

/// The adapter.
#[repr(C)]
pub(super) struct Extension {
    /// Owned by the machine.
    Medium: *const Medium,
    /// Reads and writes so far, for exhibits that count them.
    pub(super) Transfers: LONG,
    /// Calls of HwStorInitialize so far, for exhibits that count them.
    pub(super) Initializations: LONG,
}

/// A routine that finds the adapter: the two kinds of miniports have different ones.
pub(super) enum Finds {
    /// Of a virtual miniport.
    Virtual(PVIRTUAL_HW_FIND_ADAPTER),
    /// Of a miniport of an adapter with hardware.
    Physical(PHW_FIND_ADAPTER),
}

/// The routines of a miniport.
pub(super) struct Ways {
    pub(super) Find: Finds,
    pub(super) Initialize: PHW_INITIALIZE,
    pub(super) StartIo: PHW_STARTIO,
    pub(super) AdapterControl: PHW_ADAPTER_CONTROL,
}

impl Ways {
    /// The base as a virtual miniport.
    pub(super) const VIRTUAL: Ways = Ways {
        Find: Finds::Virtual(Some(VirtualHwFindAdapter)),
        Initialize: Some(HwInitialize),
        StartIo: Some(HwStartIo),
        AdapterControl: Some(HwAdapterControl),
    };
    /// The base as the miniport of an adapter with hardware, of which it has no use.
    pub(super) const PHYSICAL: Ways = Ways { Find: Finds::Physical(Some(HwFindAdapter)), ..Ways::VIRTUAL };
}

macro_rules! register {
    ($data:ident, $interface:expr, $find:expr, $interrupt:expr, $ways:ident, $driver:ident, $path:ident) => {{
        let mut Data = $data::zeroed();
        Data.HwInitializationDataSize = size_of::<$data>() as ULONG;
        Data.AdapterInterfaceType = $interface;
        Data.HwFindAdapter = $find;
        Data.HwInitialize = $ways.Initialize;
        Data.HwStartIo = $ways.StartIo;
        Data.HwInterrupt = $interrupt;
        Data.HwResetBus = Some(HwResetBus);
        Data.HwAdapterControl = $ways.AdapterControl;
        Data.DeviceExtensionSize = size_of::<Extension>() as ULONG;
        Data.SrbExtensionSize = size_of::<KDPC>() as ULONG;
        Data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
        Data.TaggedQueuing = TRUE;
        Data.AutoRequestSense = TRUE;
        Data.MultipleRequestPerLu = TRUE;
        StorPortInitialize($driver, $path, (&raw mut Data).cast(), null_mut())
    }};
}

/// Registers the miniport with these routines.
pub(super) unsafe fn Register(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING, Ways: Ways) -> NTSTATUS {
    match Ways.Find {
        Finds::Virtual(Find) => {
            register!(VIRTUAL_HW_INITIALIZATION_DATA, Internal, Find, None, Ways, Driver, Path)
        }
        Finds::Physical(Find) => {
            register!(HW_INITIALIZATION_DATA, PCIBus, Find, Some(HwInterrupt), Ways, Driver, Path)
        }
    }
}

/// Finds the adapter: the machine has one if there is a medium behind it.
pub(super) unsafe fn Find(DeviceExtension: PVOID, ConfigInfo: PPORT_CONFIGURATION_INFORMATION) -> ULONG {
    let Some(medium) = Machine::current().and_then(Medium::of) else { return SP_RETURN_NOT_FOUND };
    (*DeviceExtension.cast::<Extension>()).Medium = Arc::as_ptr(&medium);
    (*ConfigInfo).SynchronizationModel = StorSynchronizeFullDuplex;
    (*ConfigInfo).MaximumTransferLength = 64 << 10;
    (*ConfigInfo).NumberOfPhysicalBreaks = 17;
    (*ConfigInfo).MaximumNumberOfTargets = 1;
    SP_RETURN_FOUND
}

unsafe extern "C-unwind" fn VirtualHwFindAdapter(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _LowerDevice: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Again: PBOOLEAN,
) -> ULONG {
    (*ConfigInfo).VirtualDevice = TRUE;
    Find(DeviceExtension, ConfigInfo)
}

unsafe extern "C-unwind" fn HwFindAdapter(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Again: PBOOLEAN,
) -> ULONG {
    Find(DeviceExtension, ConfigInfo)
}

/// Executes every SRB.
unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    ExecuteAndComplete(DeviceExtension, Srb);
    TRUE
}

pub(super) unsafe fn ExecuteAndComplete(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    Execute(DeviceExtension, Srb);
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

/// Whether it is a read or write.
pub(super) unsafe fn MovesBlocks(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    (*Srb).Function == SRB_FUNCTION_EXECUTE_SCSI && matches!((*Srb).Cdb[0], 0x28 | 0x2A | 0x88 | 0x8A)
}

pub(super) unsafe extern "C-unwind" fn HwInitialize(_DeviceExtension: PVOID) -> BOOLEAN {
    TRUE
}

/// The adapter never interrupts.
unsafe extern "C-unwind" fn HwInterrupt(_DeviceExtension: PVOID) -> BOOLEAN {
    FALSE
}

unsafe extern "C-unwind" fn HwResetBus(_DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    TRUE
}

pub(super) unsafe extern "C-unwind" fn HwAdapterControl(
    _DeviceExtension: PVOID,
    _ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    _Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    ScsiAdapterControlSuccess
}

/// Executes an SRB on the medium and fills in how it ended.
pub(super) unsafe fn Execute(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let s = &mut *Srb;
    if s.Function == SRB_FUNCTION_PNP {
        // There is nothing to make quiet, and nothing to give back.
        s.SrbStatus = SRB_STATUS_SUCCESS;
        return;
    }
    if s.Function != SRB_FUNCTION_EXECUTE_SCSI {
        s.SrbStatus = SRB_STATUS_INVALID_REQUEST;
        return;
    }
    if s.TargetId != 0 {
        s.SrbStatus = SRB_STATUS_NO_DEVICE;
        return;
    }
    let mut Address = null_mut();
    if s.DataTransferLength != 0 {
        StorPortGetSystemAddress(DeviceExtension, Srb, &raw mut Address);
    }
    let length = s.DataTransferLength as usize;
    let data = match s.SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION {
        SRB_FLAGS_DATA_IN => DataPhase::In(std::slice::from_raw_parts_mut(Address.cast(), length)),
        SRB_FLAGS_DATA_OUT => DataPhase::Out(std::slice::from_raw_parts(Address.cast(), length)),
        _ => DataPhase::None,
    };
    let medium = &*(*DeviceExtension.cast::<Extension>()).Medium;
    let Some(lun) = Lun::new(s.Lun.into()) else {
        s.SrbStatus = SRB_STATUS_INVALID_LUN;
        return;
    };
    storport_sim::end_srb(Srb.cast(), &medium.execute(lun, &s.Cdb[..s.CdbLength.into()], data));
}
