//! From an SRB's end to what its request does next: it is done, is tried again, or fails with an NTSTATUS.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::packet::Packet;
use crate::ddi::{
    SRB_STATUS, SRB_STATUS_ABORTED, SRB_STATUS_AUTOSENSE_VALID, SRB_STATUS_BUS_RESET, SRB_STATUS_BUSY,
    SRB_STATUS_COMMAND_TIMEOUT, SRB_STATUS_DATA_OVERRUN, SRB_STATUS_ERROR, SRB_STATUS_INVALID_LUN,
    SRB_STATUS_INVALID_PATH_ID, SRB_STATUS_INVALID_REQUEST, SRB_STATUS_INVALID_TARGET_ID,
    SRB_STATUS_NO_DEVICE, SRB_STATUS_NO_HBA, SRB_STATUS_SELECTION_TIMEOUT, SRB_STATUS_SUCCESS,
    SRB_STATUS_TIMEOUT, SrbGetDataTransferLength, SrbGetSenseInfoBufferLength, SrbGetSrbStatus,
};
use crate::scsi::{AdditionalSense, Sense, SenseKey};
use kernel_sim::ddi::{
    NTSTATUS, PVOID, STATUS_DEVICE_BUSY, STATUS_DEVICE_DATA_ERROR, STATUS_DEVICE_DOES_NOT_EXIST,
    STATUS_DEVICE_NOT_READY, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_IO_DEVICE_ERROR,
    STATUS_IO_TIMEOUT, STATUS_MEDIA_WRITE_PROTECTED,
};

/// LOGICAL UNIT IS IN PROCESS OF BECOMING READY.
const BECOMING_READY: AdditionalSense = AdditionalSense { code: 0x04, qualifier: 0x01 };

/// What to do with a request whose SRB has come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SrbEnd {
    /// The piece is done.
    Good,
    /// The unit had something to say first: send it again at once. If it never stops, fail with this.
    Attention(NTSTATUS),
    /// The unit is not ready and will be by itself: send it again after a while. If it never is, fail with
    /// this.
    Later(NTSTATUS),
    /// Send it again; if that has been done often enough, fail with this.
    Retry(NTSTATUS),
    /// Fail with this.
    Failed(NTSTATUS),
}

/// Reads an SRB that has come back. `moved` is the number of bytes a success must have moved.
pub(super) fn srb_end(packet: &Packet, moved: u32) -> SrbEnd {
    let srb: PVOID = (&raw const packet.srb).cast_mut().cast();
    // SAFETY: the packet's SRB, which has come back.
    let (status, length, sense_bytes) = unsafe {
        let sense_bytes = usize::from(SrbGetSenseInfoBufferLength(srb));
        (SrbGetSrbStatus(srb), SrbGetDataTransferLength(srb), sense_bytes)
    };
    match SRB_STATUS(status) {
        SRB_STATUS_SUCCESS if length == moved => SrbEnd::Good,
        // Fewer bytes than blocks were asked for: the data is not what the client wants.
        SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN => SrbEnd::Failed(STATUS_IO_DEVICE_ERROR),
        SRB_STATUS_ERROR if status & SRB_STATUS_AUTOSENSE_VALID != 0 => {
            let length = sense_bytes.min(packet.sense.len());
            Sense::parse(&packet.sense[..length]).map_or(SrbEnd::Retry(STATUS_IO_DEVICE_ERROR), of_sense)
        }
        SRB_STATUS_BUSY => SrbEnd::Retry(STATUS_DEVICE_BUSY),
        SRB_STATUS_TIMEOUT | SRB_STATUS_COMMAND_TIMEOUT | SRB_STATUS_BUS_RESET => {
            SrbEnd::Retry(STATUS_IO_TIMEOUT)
        }
        SRB_STATUS_ERROR | SRB_STATUS_ABORTED => SrbEnd::Retry(STATUS_IO_DEVICE_ERROR),
        SRB_STATUS_NO_DEVICE
        | SRB_STATUS_NO_HBA
        | SRB_STATUS_SELECTION_TIMEOUT
        | SRB_STATUS_INVALID_LUN
        | SRB_STATUS_INVALID_PATH_ID
        | SRB_STATUS_INVALID_TARGET_ID => SrbEnd::Failed(STATUS_DEVICE_DOES_NOT_EXIST),
        SRB_STATUS_INVALID_REQUEST => SrbEnd::Failed(STATUS_INVALID_DEVICE_REQUEST),
        _ => SrbEnd::Retry(STATUS_IO_DEVICE_ERROR),
    }
}

fn of_sense(sense: Sense) -> SrbEnd {
    match (sense.key, sense.additional) {
        (SenseKey::NO_SENSE | SenseKey::RECOVERED_ERROR, _) => SrbEnd::Good,
        // Said once, and not about this request.
        (SenseKey::UNIT_ATTENTION, _) => SrbEnd::Attention(STATUS_IO_DEVICE_ERROR),
        (SenseKey::ABORTED_COMMAND, _) => SrbEnd::Retry(STATUS_IO_DEVICE_ERROR),
        (SenseKey::NOT_READY, additional) if additional == BECOMING_READY => {
            SrbEnd::Later(STATUS_DEVICE_NOT_READY)
        }
        (SenseKey::NOT_READY, _) => SrbEnd::Failed(STATUS_DEVICE_NOT_READY),
        (SenseKey::MEDIUM_ERROR, _) => SrbEnd::Failed(STATUS_DEVICE_DATA_ERROR),
        (SenseKey::DATA_PROTECT, _) => SrbEnd::Failed(STATUS_MEDIA_WRITE_PROTECTED),
        (SenseKey::ILLEGAL_REQUEST, AdditionalSense::LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE) => {
            SrbEnd::Failed(STATUS_INVALID_PARAMETER)
        }
        (SenseKey::ILLEGAL_REQUEST, AdditionalSense::LOGICAL_UNIT_NOT_SUPPORTED) => {
            SrbEnd::Failed(STATUS_DEVICE_DOES_NOT_EXIST)
        }
        (SenseKey::ILLEGAL_REQUEST, _) => SrbEnd::Failed(STATUS_INVALID_DEVICE_REQUEST),
        _ => SrbEnd::Failed(STATUS_IO_DEVICE_ERROR),
    }
}
