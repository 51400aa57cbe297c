//! `suspect-power` and `suspect-unit-start`: what Storport says of units in SRBs.
//!
//! **What the driver does.** It has no HwStorUnitControl, so it hears of its units' power and start by SRBs.
//! The first stops its hardware when it is told of D3 (SRB_FUNCTION_POWER), and completes what comes
//! meanwhile with SRB_STATUS_NOT_POWERED. The second waits when a unit is started (SRB_FUNCTION_PNP with
//! StorStartDevice), as its disk needs that.
//!
//! **What goes wrong.** The adapter's power is told of in the same SRB, with SRB_POWER_FLAGS_ADAPTER_REQUEST,
//! and the first does not look for that: one unit that falls asleep stops the others. The second waits in
//! HwStorStartIo, which is called at DISPATCH_LEVEL.
//!
//! **What Windows does.** Requests of disks that are awake fail. Bug check 0xA.
//!
//! **The near misses** look at the flag, and let the disk start by itself: its first commands wait for that.
//!
//! **Found by** RequestStatus, with `--event units --luns 2`, and by the level that the wait is documented
//! for, with `--event units`.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::medium::Execute;
use kernel_sim::machine::Machine;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::ddi::*;

/// Microseconds that a disk takes to start.
const START_US: ULONG = 10;

#[repr(C)]
struct Adapter {
    /// Owned by the machine.
    Medium: *const Medium,
    /// The hardware is stopped.
    Stopped: LONG,
}
type PAdapter = *mut Adapter;

/// What a form does otherwise.
trait Ways: 'static {
    /// Looks whether a power request is about the adapter.
    const LOOKS: bool;
    /// Waits in StorStartDevice.
    const WAITS: bool;
}

struct ForgetsFlag;
impl Ways for ForgetsFlag {
    const LOOKS: bool = false;
    const WAITS: bool = false;
}

struct Waits;
impl Ways for Waits {
    const LOOKS: bool = true;
    const WAITS: bool = true;
}

struct Careful;
impl Ways for Careful {
    const LOOKS: bool = true;
    const WAITS: bool = false;
}

pub(super) unsafe extern "C-unwind" fn ForgetsFlagEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    Register::<ForgetsFlag>(Driver, Path)
}

pub(super) unsafe extern "C-unwind" fn WaitsEntry(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
    Register::<Waits>(Driver, Path)
}

pub(super) unsafe extern "C-unwind" fn CarefulEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    Register::<Careful>(Driver, Path)
}

unsafe fn Register<W: Ways>(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
    let mut Data: VIRTUAL_HW_INITIALIZATION_DATA = zeroed();

    Data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    Data.AdapterInterfaceType = Internal;
    Data.HwFindAdapter = Some(HwFindAdapter);
    Data.HwInitialize = Some(HwInitialize);
    Data.HwStartIo = Some(HwStartIo::<W>);
    Data.HwResetBus = Some(HwResetBus);
    Data.HwAdapterControl = Some(HwAdapterControl);
    Data.HwFreeAdapterResources = Some(HwFreeAdapterResources);
    Data.HwProcessServiceRequest = Some(HwProcessServiceRequest);
    Data.HwCompleteServiceIrp = Some(HwCompleteServiceIrp);
    Data.DeviceExtensionSize = size_of::<Adapter>() as ULONG;
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
    let Adapter: PAdapter = DeviceExtension.cast();
    let Some(medium) = Machine::current().and_then(Medium::of) else { return SP_RETURN_NOT_FOUND };

    (*Adapter).Medium = Arc::as_ptr(&medium);
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

unsafe extern "C-unwind" fn HwStartIo<W: Ways>(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let Adapter: PAdapter = DeviceExtension.cast();

    match (*Srb).Function {
        SRB_FUNCTION_POWER => {
            let Power: PSCSI_POWER_REQUEST_BLOCK = Srb.cast();
            // Wrong where it does not look: it may be about one unit.
            if !W::LOOKS || (*Power).SrbPowerFlags & SRB_POWER_FLAGS_ADAPTER_REQUEST != 0 {
                let Stopped = LONG::from((*Power).DevicePowerState != StorPowerDeviceD0);
                InterlockedExchange(&raw mut (*Adapter).Stopped, Stopped);
            }
            (*Srb).SrbStatus = SRB_STATUS_SUCCESS;
        }
        SRB_FUNCTION_PNP => {
            if (*Srb.cast::<SCSI_PNP_REQUEST_BLOCK>()).PnPAction == StorStartDevice {
                StartUnit::<W>();
            }
            (*Srb).SrbStatus = SRB_STATUS_SUCCESS;
        }
        _ if InterlockedCompareExchange(&raw mut (*Adapter).Stopped, 0, 0) != 0 => {
            (*Srb).SrbStatus = SRB_STATUS_NOT_POWERED;
        }
        _ => Execute(DeviceExtension, (*Adapter).Medium, Srb),
    }
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
    TRUE
}

unsafe fn StartUnit<W: Ways>() {
    if W::WAITS {
        let mut Interval = LARGE_INTEGER::new(-10 * i64::from(START_US));
        KeDelayExecutionThread(KernelMode, FALSE, &raw mut Interval); // Wrong: at DISPATCH_LEVEL.
    }
}

unsafe extern "C-unwind" fn HwResetBus(_DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwAdapterControl(
    _DeviceExtension: PVOID,
    ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    match ControlType {
        ScsiQuerySupportedControlTypes => {
            let List: *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST = Parameters.cast();
            let Supported = (&raw mut (*List).SupportedTypeList).cast::<BOOLEAN>();

            for Type in [ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter] {
                if (Type as ULONG) < (*List).MaxControlType {
                    *Supported.add(Type as usize) = TRUE;
                }
            }
        }
        ScsiStopAdapter | ScsiRestartAdapter => {}
        _ => return ScsiAdapterControlUnsuccessful,
    }
    ScsiAdapterControlSuccess
}

/// A service request says that units have come or gone: has Storport look.
unsafe extern "C-unwind" fn HwProcessServiceRequest(DeviceExtension: PVOID, Irp: PVOID) {
    let Irp: PIRP = Irp.cast();
    let Medium = &*(*DeviceExtension.cast::<Adapter>()).Medium;

    if std::iter::from_fn(|| Medium.take_change()).count() != 0 {
        StorPortNotification(BusChangeDetected, DeviceExtension, 0);
    }
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    StorPortCompleteServiceIrp(DeviceExtension, Irp);
}

/// None is kept.
unsafe extern "C-unwind" fn HwCompleteServiceIrp(_DeviceExtension: PVOID) {}

unsafe extern "C-unwind" fn HwFreeAdapterResources(_DeviceExtension: PVOID) {}
