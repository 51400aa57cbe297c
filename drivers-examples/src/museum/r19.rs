//! `r19`: plug and play stops the adapter, and is told that the request is invalid.
//!
//! **What the driver does.** Requests of plug and play come as SRB_FUNCTION_PNP. When that was rewritten, the
//! actions that the driver knows were listed, and all others refused. StorStopDevice for the adapter was
//! not in the list.
//!
//! **What goes wrong.** (1) A processor is added while the machine works. Plug and play stops the adapter to
//! give its device other resources. (2) The driver refuses, and does nothing: the device works on. (3) The
//! stop goes on without it. Interrupts come and queues are in use when the adapter is initialised again.
//!
//! **What Windows does.** The machine hangs.
//!
//! **The fix.** `r19-fixed` makes the device quiet at StorStopDevice: it is reset, and no DPC is asked for
//! until HwStorInitialize. (The driver it was found in sets a flag, with which it ignores interrupts and ends
//! requests.)
//!
//! **Found by** AdapterStop, with `--event rebalance`.
//!
//! **Source.** viostor (virtio-win/kvm-guest-drivers-windows), commit 1a515221 of 2023-05-03, which repairs
//! 65589a2d.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::ahci::control::pnp_action;
use crate::vioscsi;
use crate::vioscsi::complete::complete;
use crate::vioscsi::control::quiesce;

unsafe fn IsPlugAndPlay(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    SrbGetSrbFunction(Srb.cast()) as UCHAR == SRB_FUNCTION_PNP
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwBuildIo = Some(Self::HwBuildIo);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwBuildIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if !IsPlugAndPlay(Srb) {
            return vioscsi::request::HwBuildIo(DeviceExtension, Srb);
        }
        let Status = match pnp_action(Srb) {
            (StorRemoveDevice | StorSurpriseRemoval, true) => SRB_STATUS_SUCCESS,
            _ => SRB_STATUS_INVALID_REQUEST, // Wrong: StorStopDevice is one of these.
        };
        complete(DeviceExtension, Srb.cast(), Status);
        FALSE
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwBuildIo = Some(Self::HwBuildIo);
    }
}

impl Fixed {
    unsafe extern "C-unwind" fn HwBuildIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if !IsPlugAndPlay(Srb) {
            return vioscsi::request::HwBuildIo(DeviceExtension, Srb);
        }
        let Status = match pnp_action(Srb) {
            (StorRemoveDevice | StorSurpriseRemoval, true) => SRB_STATUS_SUCCESS,
            (StorStopDevice, true) => {
                quiesce(DeviceExtension);
                SRB_STATUS_SUCCESS
            }
            _ => SRB_STATUS_INVALID_REQUEST,
        };
        complete(DeviceExtension, Srb.cast(), Status);
        FALSE
    }
}
