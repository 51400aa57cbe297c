//! The miniport of the exhibits, at layer 1: executes SRBs on the machine's medium.
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
use storport_sim::scsi::{Lun, SenseFormat};

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

/// Registers the miniport with these two routines.
pub(super) unsafe fn Register(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
    StartIo: PHW_STARTIO,
    Initialize: PHW_INITIALIZE,
) -> NTSTATUS {
    let mut Data = VIRTUAL_HW_INITIALIZATION_DATA::zeroed();
    Data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    Data.AdapterInterfaceType = Internal;
    Data.HwFindAdapter = Some(HwFindAdapter);
    Data.HwInitialize = Initialize;
    Data.HwStartIo = StartIo;
    Data.HwResetBus = Some(HwResetBus);
    Data.HwAdapterControl = Some(HwAdapterControl);
    Data.DeviceExtensionSize = size_of::<Extension>() as ULONG;
    Data.SrbExtensionSize = size_of::<KDPC>() as ULONG;
    Data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    Data.TaggedQueuing = TRUE;
    Data.AutoRequestSense = TRUE;
    Data.MultipleRequestPerLu = TRUE;
    StorPortInitialize(Driver, Path, (&raw mut Data).cast(), null_mut())
}

unsafe extern "C-unwind" fn HwFindAdapter(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _LowerDevice: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Again: PBOOLEAN,
) -> ULONG {
    let Some(medium) = Machine::current().and_then(Medium::of) else { return SP_RETURN_NOT_FOUND };
    (*DeviceExtension.cast::<Extension>()).Medium = Arc::as_ptr(&medium);
    (*ConfigInfo).VirtualDevice = TRUE;
    (*ConfigInfo).MaximumTransferLength = 64 << 10;
    (*ConfigInfo).MaximumNumberOfTargets = 1;
    SP_RETURN_FOUND
}

pub(super) unsafe extern "C-unwind" fn HwInitialize(_DeviceExtension: PVOID) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwResetBus(_DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwAdapterControl(
    _DeviceExtension: PVOID,
    _ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    _Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    ScsiAdapterControlSuccess
}

/// Executes an SRB on the medium and fills in how it ended.
pub(super) unsafe fn Execute(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let s = &mut *Srb;
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
    let done = medium.execute(lun, &s.Cdb[..s.CdbLength.into()], data);
    s.ScsiStatus = done.status.0;
    match done.sense {
        Some(sense) => {
            let room = (s.SenseInfoBuffer.cast::<u8>(), s.SenseInfoBufferLength.into());
            let room = std::slice::from_raw_parts_mut(room.0, room.1);
            s.SenseInfoBufferLength = sense.render(SenseFormat::Fixed, room) as u8;
            s.SrbStatus = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
        }
        None if done.transferred < length => {
            s.DataTransferLength = done.transferred as u32;
            s.SrbStatus = SRB_STATUS_DATA_OVERRUN;
        }
        None => s.SrbStatus = SRB_STATUS_SUCCESS,
    }
}
