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

use super::miniport::{self, Execute, HwCompleteServiceIrp, HwProcessServiceRequest, Routines};
use std::ptr::null_mut;
use storport_sim::ddi::*;

/// Microseconds that a disk takes to start.
const START_US: ULONG = 10;

#[repr(C)]
struct Adapter {
    Base: miniport::Adapter,
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
    let mut Data = Routines(Some(HwStartIo::<W>), size_of::<Adapter>());

    Data.HwProcessServiceRequest = Some(HwProcessServiceRequest);
    Data.HwCompleteServiceIrp = Some(HwCompleteServiceIrp);
    StorPortInitialize(Driver, Path, (&raw mut Data).cast(), null_mut())
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
        _ => Execute(DeviceExtension, Srb),
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
