//! SRBs on the machine's medium: what the virtual miniports among the suspects share.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use std::ptr::null_mut;
use storport_sim::Medium;
use storport_sim::ddi::*;
use storport_sim::disk::DataPhase;
use storport_sim::scsi::Lun;

/// Executes an SRB on the medium and fills in how it ended.
pub(super) unsafe fn Execute(DeviceExtension: PVOID, Medium: *const Medium, Srb: PSCSI_REQUEST_BLOCK) {
    let s = &mut *Srb;
    let Medium = &*Medium;
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
