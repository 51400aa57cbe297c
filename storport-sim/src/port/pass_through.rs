//! SCSI pass-through: a client of a disk sends a command block of its own (IOCTL_SCSI_PASS_THROUGH_DIRECT).
//!
//! The class driver hands the request on; the SRB that comes of it goes the same way as others, is tried once
//! and waited for, so the caller is at PASSIVE_LEVEL. A command that the unit has ended is a request that
//! succeeded, whatever the SCSI status says: the client reads status and sense from the structure. Limits are
//! those of the page; where it is silent, ours: the SRB has room for as much sense data as the client, and
//! for 32 bytes at least. Invariant: what is refused has not reached the miniport.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::dispatch::complete_now;
use super::own_requests::OwnRequests;
use super::unit::Unit;
use crate::ddi::{
    IOCTL_SCSI_PASS_THROUGH_DIRECT, SCSI_IOCTL_DATA_UNSPECIFIED, SCSI_PASS_THROUGH_DIRECT,
    SRB_STATUS_DATA_OVERRUN, SRB_STATUS_ERROR, SRB_STATUS_SUCCESS,
};
use kernel_sim::ddi::{
    IO_NO_INCREMENT, IO_STATUS_BLOCK, IoCompleteRequest, IoGetCurrentIrpStackLocation, NTSTATUS, PIRP,
    STATUS_BUFFER_TOO_SMALL, STATUS_DEVICE_DOES_NOT_EXIST, STATUS_INSUFFICIENT_RESOURCES,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};
use std::sync::atomic::Ordering::Relaxed;

/// The longest time-out that is taken, in seconds: thirty hours.
const TIMEOUT_S_MAX: u32 = 30 * 60 * 60;

/// What a command came to.
pub(super) struct Ended {
    pub srb_status: u8,
    pub scsi_status: u8,
    /// Bytes of data that were moved.
    pub moved: u32,
    pub sense: Vec<u8>,
}

/// A device control request for a unit.
///
/// # Safety
/// The IRP is one that the dispatch routine was called with, at PASSIVE_LEVEL.
pub(super) unsafe fn device_control(unit: &Unit, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager's live IRP; its buffer is as long as it says.
    unsafe {
        let parameters = (*IoGetCurrentIrpStackLocation(irp)).Parameters.DeviceIoControl;
        if parameters.IoControlCode != IOCTL_SCSI_PASS_THROUGH_DIRECT {
            return complete_now(irp, STATUS_INVALID_DEVICE_REQUEST);
        }
        let buffer = (*irp).AssociatedIrp.SystemBuffer;
        let header_bytes = size_of::<SCSI_PASS_THROUGH_DIRECT>();
        let room = parameters.OutputBufferLength as usize;
        if buffer.is_null() || (parameters.InputBufferLength as usize) < header_bytes || room < header_bytes {
            return complete_now(irp, STATUS_BUFFER_TOO_SMALL);
        }
        let mut asked = buffer.cast::<SCSI_PASS_THROUGH_DIRECT>().read_unaligned();
        if !is_valid(&asked, room, unit) {
            return complete_now(irp, STATUS_INVALID_PARAMETER);
        }
        let adapter = unit.adapter();
        if adapter.removing.load(Relaxed) || adapter.is_gone.load(Relaxed) || unit.is_gone.load(Relaxed) {
            return complete_now(irp, STATUS_DEVICE_DOES_NOT_EXIST);
        }
        let Some(mut requests) = OwnRequests::new(adapter) else {
            return complete_now(irp, STATUS_INSUFFICIENT_RESOURCES);
        };
        let ended = requests.pass_through(unit, &asked);
        asked.ScsiStatus = ended.scsi_status;
        asked.DataTransferLength = ended.moved;
        let sense = ended.sense.len().min(asked.SenseInfoLength.into());
        asked.SenseInfoLength = sense as u8;
        buffer.cast::<SCSI_PASS_THROUGH_DIRECT>().write_unaligned(asked);
        let behind = buffer.wrapping_byte_add(asked.SenseInfoOffset as usize).cast::<u8>();
        behind.copy_from_nonoverlapping(ended.sense.as_ptr(), sense);
        let status = match ended.srb_status {
            SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN | SRB_STATUS_ERROR => STATUS_SUCCESS,
            other => super::complete::nt_status(other),
        };
        let information = if sense == 0 { header_bytes } else { asked.SenseInfoOffset as usize + sense };
        (*irp).IoStatus = IO_STATUS_BLOCK::new(status, information);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        status
    }
}

/// Whether a request keeps the limits of the page, with so many bytes of output.
fn is_valid(asked: &SCSI_PASS_THROUGH_DIRECT, room: usize, unit: &Unit) -> bool {
    let header_bytes = size_of::<SCSI_PASS_THROUGH_DIRECT>();
    let (at, sense) = (asked.SenseInfoOffset as usize, usize::from(asked.SenseInfoLength));
    let has_data = asked.DataTransferLength != 0;
    usize::from(asked.Length) == header_bytes
        && (1..=16).contains(&asked.CdbLength)
        && asked.DataIn <= SCSI_IOCTL_DATA_UNSPECIFIED
        && (1..=TIMEOUT_S_MAX).contains(&asked.TimeOutValue)
        && asked.DataTransferLength <= unit.adapter().transfer_max()
        && (!has_data || !asked.DataBuffer.is_null())
        && (sense == 0 || at >= header_bytes && at.checked_add(sense).is_some_and(|end| end <= room))
}
