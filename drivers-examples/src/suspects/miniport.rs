//! What the virtual miniports among the suspects share: all that is right in them.
//!
//! A suspect's device extension begins with [`Adapter`]; it takes [`Routines`] and puts its own in the place
//! of some. Invariant: nothing here is wrong; what a suspect does is its own routine.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::machine::Machine;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::ddi::*;
use storport_sim::disk::DataPhase;
use storport_sim::scsi::Lun;

/// The beginning of a device extension.
#[repr(C)]
pub(super) struct Adapter {
    /// Owned by the machine.
    pub Medium: *const Medium,
}

/// The registration of a miniport whose device extension has so many bytes, with the routines below and this
/// HwStorStartIo.
pub(super) unsafe fn Routines(StartIo: PHW_STARTIO, ExtensionBytes: usize) -> VIRTUAL_HW_INITIALIZATION_DATA {
    let mut Data: VIRTUAL_HW_INITIALIZATION_DATA = zeroed();

    Data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    Data.AdapterInterfaceType = Internal;
    Data.HwFindAdapter = Some(HwFindAdapter);
    Data.HwInitialize = Some(HwInitialize);
    Data.HwStartIo = StartIo;
    Data.HwResetBus = Some(HwResetBus);
    Data.HwAdapterControl = Some(HwAdapterControl);
    Data.HwFreeAdapterResources = Some(HwFreeAdapterResources);
    Data.DeviceExtensionSize = ExtensionBytes as ULONG;
    Data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    Data.TaggedQueuing = TRUE;
    Data.AutoRequestSense = TRUE;
    Data.MultipleRequestPerLu = TRUE;
    Data
}

/// Finds the adapter: the machine has one if there is a medium behind it.
pub(super) unsafe extern "C-unwind" fn HwFindAdapter(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _LowerDevice: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Again: PBOOLEAN,
) -> ULONG {
    let Some(medium) = Machine::current().and_then(Medium::of) else { return SP_RETURN_NOT_FOUND };

    (*DeviceExtension.cast::<Adapter>()).Medium = Arc::as_ptr(&medium);
    (*ConfigInfo).VirtualDevice = TRUE;
    (*ConfigInfo).SynchronizationModel = StorSynchronizeFullDuplex;
    (*ConfigInfo).MaximumTransferLength = 64 << 10;
    (*ConfigInfo).NumberOfPhysicalBreaks = 17;
    (*ConfigInfo).MaximumNumberOfTargets = 1;
    SP_RETURN_FOUND
}

unsafe extern "C-unwind" fn HwInitialize(_DeviceExtension: PVOID) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwResetBus(_DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwFreeAdapterResources(_DeviceExtension: PVOID) {}

/// Reports that these types of control are supported.
pub(super) unsafe fn Report<const N: usize>(List: PVOID, Types: [i32; N]) {
    let List: *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST = List.cast();
    let Supported = (&raw mut (*List).SupportedTypeList).cast::<BOOLEAN>();

    for Type in Types {
        if (Type as ULONG) < (*List).MaxControlType {
            *Supported.add(Type as usize) = TRUE;
        }
    }
}

/// Reports a stop and a restart, and has nothing to do for them.
pub(super) unsafe extern "C-unwind" fn HwAdapterControl(
    _DeviceExtension: PVOID,
    ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    match ControlType {
        ScsiQuerySupportedControlTypes => {
            Report(Parameters, [ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter]);
        }
        ScsiStopAdapter | ScsiRestartAdapter => {}
        _ => return ScsiAdapterControlUnsuccessful,
    }
    ScsiAdapterControlSuccess
}

/// A service request says that units have come or gone: has Storport look.
pub(super) unsafe extern "C-unwind" fn HwProcessServiceRequest(DeviceExtension: PVOID, Irp: PVOID) {
    let Irp: PIRP = Irp.cast();
    let Medium = &*(*DeviceExtension.cast::<Adapter>()).Medium;

    if std::iter::from_fn(|| Medium.take_change()).count() != 0 {
        StorPortNotification(BusChangeDetected, DeviceExtension, 0);
    }
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    StorPortCompleteServiceIrp(DeviceExtension, Irp);
}

/// No service request is kept.
pub(super) unsafe extern "C-unwind" fn HwCompleteServiceIrp(_DeviceExtension: PVOID) {}

/// Executes an SRB on the medium and fills in how it ended.
pub(super) unsafe fn Execute(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let s = &mut *Srb;
    let Medium = &*(*DeviceExtension.cast::<Adapter>()).Medium;
    let mut Address = null_mut();

    if s.Function != SRB_FUNCTION_EXECUTE_SCSI {
        s.SrbStatus = SRB_STATUS_INVALID_REQUEST;
        return;
    }
    let Some(lun) = Lun::new(s.Lun.into()).filter(|_| s.TargetId == 0 && !Medium.is_gone()) else {
        s.SrbStatus = SRB_STATUS_NO_DEVICE;
        return;
    };
    if s.DataTransferLength != 0 {
        StorPortGetSystemAddress(DeviceExtension, Srb, &raw mut Address);
    }
    let length = s.DataTransferLength as usize;
    let data = match s.SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION {
        SRB_FLAGS_DATA_IN => DataPhase::In(std::slice::from_raw_parts_mut(Address.cast(), length)),
        SRB_FLAGS_DATA_OUT => DataPhase::Out(std::slice::from_raw_parts(Address.cast(), length)),
        _ => DataPhase::None,
    };
    storport_sim::end_srb(Srb.cast(), &Medium.execute(lun, &s.Cdb[..s.CdbLength.into()], data));
}
