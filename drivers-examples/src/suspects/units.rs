//! `suspect-units` and `suspect-unit-power`: units have lives of their own.
//!
//! **What the driver does.** It keeps a count of each unit's requests in the unit's extension, and the
//! extensions in a table. The first fills the table when a unit is started (ScsiUnitStart) that it has not
//! seen, since it is the same number that comes back when a disk is plugged in again. The second
//! waits a moment when a unit is put to sleep (ScsiUnitPower), as its disk needs that.
//!
//! **What goes wrong.** A unit that comes back is a new device: Storport has freed the old extension and made
//! a new one, and the driver counts in memory that is no longer its own. ScsiUnitPower comes at
//! DISPATCH_LEVEL, where no thread can wait.
//!
//! **What Windows does.** Pool that belongs to others is written to. Bug check 0xA or 0xB8.
//!
//! **The near misses** take a unit out of the table when it is removed (ScsiUnitRemove), and keep the
//! processor for a few microseconds.
//!
//! **Found by** DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, with `--event hotplug --memory guarded`, and by
//! the level that the wait is documented for, with `--event units`.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::miniport::{self, Execute, HwCompleteServiceIrp, HwProcessServiceRequest, Report, Routines};
use std::ptr::null_mut;
use storport_sim::ddi::*;

/// Microseconds that a disk takes to fall asleep.
const SLEEP_US: ULONG = 10;

/// The extension of a unit.
#[repr(C)]
struct Counted {
    Requests: LONG,
}

#[repr(C)]
struct Adapter {
    Base: miniport::Adapter,
    Units: [*mut Counted; 256],
}
type PAdapter = *mut Adapter;

/// What a form does otherwise.
trait Ways: 'static {
    /// Takes a unit out of the table that is removed.
    const FORGETS: bool;
    /// Waits in ScsiUnitPower.
    const WAITS: bool;
}

struct Remembers;
impl Ways for Remembers {
    const FORGETS: bool = false;
    const WAITS: bool = false;
}

struct Waits;
impl Ways for Waits {
    const FORGETS: bool = true;
    const WAITS: bool = true;
}

struct Careful;
impl Ways for Careful {
    const FORGETS: bool = true;
    const WAITS: bool = false;
}

pub(super) unsafe extern "C-unwind" fn RemembersEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    Register::<Remembers>(Driver, Path)
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
    let mut Data = Routines(Some(HwStartIo), size_of::<Adapter>());

    Data.HwUnitControl = Some(HwUnitControl::<W>);
    Data.HwProcessServiceRequest = Some(HwProcessServiceRequest);
    Data.HwCompleteServiceIrp = Some(HwCompleteServiceIrp);
    Data.SpecificLuExtensionSize = size_of::<Counted>() as ULONG;
    StorPortInitialize(Driver, Path, (&raw mut Data).cast(), null_mut())
}

unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let Adapter: PAdapter = DeviceExtension.cast();

    Execute(DeviceExtension, Srb);
    if (*Srb).Function == SRB_FUNCTION_EXECUTE_SCSI {
        let Unit = (*Adapter).Units[usize::from((*Srb).Lun)];
        if !Unit.is_null() {
            InterlockedIncrement(&raw mut (*Unit).Requests);
        }
    }
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
    TRUE
}

unsafe extern "C-unwind" fn HwUnitControl<W: Ways>(
    DeviceExtension: PVOID,
    ControlType: SCSI_UNIT_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_UNIT_CONTROL_STATUS {
    let Adapter: PAdapter = DeviceExtension.cast();

    match ControlType {
        ScsiQuerySupportedUnitControlTypes => {
            let Query = ScsiQuerySupportedUnitControlTypes;
            Report(Parameters, [Query, ScsiUnitStart, ScsiUnitPower, ScsiUnitRemove]);
        }
        ScsiUnitStart => {
            let Address = *Parameters.cast::<STOR_ADDR_BTL8>();
            let Unit = &raw mut (*Adapter).Units[usize::from(Address.Lun)];
            // Wrong where it is not forgotten: it is a new unit of that number.
            if (*Unit).is_null() {
                let (Path, Target, Lun) = (Address.Path, Address.Target, Address.Lun);
                *Unit = StorPortGetLogicalUnit(DeviceExtension, Path, Target, Lun).cast();
            }
        }
        ScsiUnitPower if W::WAITS => {
            let mut Interval = LARGE_INTEGER::new(-10 * i64::from(SLEEP_US));
            KeDelayExecutionThread(KernelMode, FALSE, &raw mut Interval); // Wrong: at DISPATCH_LEVEL.
        }
        ScsiUnitPower => StorPortStallExecution(SLEEP_US),
        ScsiUnitRemove if W::FORGETS => {
            (*Adapter).Units[usize::from((*Parameters.cast::<STOR_ADDR_BTL8>()).Lun)] = null_mut();
        }
        ScsiUnitRemove => {}
        _ => return ScsiUnitControlUnsuccessful,
    }
    ScsiUnitControlSuccess
}
