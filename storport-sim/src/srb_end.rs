//! The end of an SRB as a SCSI target has it: for miniports at layer 1, as `Srb::complete_as` is at layer 2.
//!
//! It fills in statuses, sense data and the bytes that were moved, of an SRB of either kind. The miniport
//! then completes it by StorPortNotification, itself: nothing here is a call of the system. Invariant: no
//! more sense data is written than the SRB has room for.

#![expect(unsafe_code, reason = "works on an SRB of the caller's")]

use crate::ddi::{
    SRB_FLAGS_DISABLE_AUTOSENSE, SRB_STATUS_AUTOSENSE_VALID, SRB_STATUS_DATA_OVERRUN, SRB_STATUS_ERROR,
    SRB_STATUS_SUCCESS, SrbGetDataTransferLength, SrbGetSenseInfoBuffer, SrbGetSenseInfoBufferLength,
    SrbGetSrbFlags, SrbSetDataTransferLength, SrbSetScsiStatus, SrbSetSenseInfoBufferLength, SrbSetSrbStatus,
};
use crate::disk::Completion;
use crate::scsi::ScsiStatus;
use kernel_sim::ddi::PVOID;

/// Fills in how a SCSI command ended: SCSI and SRB status, sense data as far as there is room and the SRB
/// wants any, and DataTransferLength where fewer bytes were moved than asked for (SRB_STATUS_DATA_OVERRUN).
///
/// # Safety
/// The SRB is the caller's: a miniport that has not completed it.
pub unsafe fn end_srb(srb: PVOID, done: &Completion) {
    // SAFETY: the caller has the SRB, with a sense buffer of the length that it says, or none.
    unsafe {
        SrbSetScsiStatus(srb, done.status.0);
        let asked = SrbGetDataTransferLength(srb);
        let status = match &done.sense {
            Some(sense) => {
                let (to, room) = (SrbGetSenseInfoBuffer(srb), usize::from(SrbGetSenseInfoBufferLength(srb)));
                if to.is_null() || SrbGetSrbFlags(srb) & SRB_FLAGS_DISABLE_AUTOSENSE != 0 {
                    SRB_STATUS_ERROR
                } else {
                    let room = std::slice::from_raw_parts_mut(to.cast::<u8>(), room);
                    SrbSetSenseInfoBufferLength(srb, sense.render(done.sense_format, room) as u8);
                    SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID
                }
            }
            // Busy, or the like: Storport reads the SCSI status.
            None if done.status != ScsiStatus::GOOD && done.status != ScsiStatus::CONDITION_MET => {
                SRB_STATUS_ERROR
            }
            None if (done.transferred as u64) < u64::from(asked) => {
                SrbSetDataTransferLength(srb, done.transferred as u32);
                SRB_STATUS_DATA_OVERRUN
            }
            None if done.expected > done.transferred as u64 => SRB_STATUS_DATA_OVERRUN,
            None => SRB_STATUS_SUCCESS,
        };
        SrbSetSrbStatus(srb, status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddi::SCSI_REQUEST_BLOCK;
    use crate::disk::fault::Disposition;
    use crate::scsi::{AdditionalSense, Sense, SenseFormat};

    /// The SRB of a command that is to move 1024 bytes, ended so: status, bytes moved, bytes of sense data.
    fn ended(done: &Completion, sense_room: &mut [u8], flags: u32) -> (u8, u32, u8) {
        // SAFETY: plain data, and an SRB of this test's own.
        unsafe {
            let mut srb: SCSI_REQUEST_BLOCK = std::mem::zeroed();
            srb.DataTransferLength = 1024;
            srb.SrbFlags = flags;
            srb.SenseInfoBuffer = sense_room.as_mut_ptr().cast();
            srb.SenseInfoBufferLength = sense_room.len() as u8;
            end_srb((&raw mut srb).cast(), done);
            (srb.SrbStatus, srb.DataTransferLength, srb.SenseInfoBufferLength)
        }
    }

    fn done(status: ScsiStatus, transferred: usize, sense: Option<Sense>) -> Completion {
        let sense_format = SenseFormat::Fixed;
        Completion {
            status,
            transferred,
            expected: 1024,
            sense,
            sense_format,
            disposition: Disposition::Deliver,
        }
    }

    #[test]
    fn an_srb_ends_as_the_command_did() {
        let (mut none, mut little, mut much) = ([], [0xEE; 4], [0; 32]);
        let good = |moved| done(ScsiStatus::GOOD, moved, None);
        assert_eq!(ended(&good(1024), &mut none, 0), (SRB_STATUS_SUCCESS, 1024, 0));
        assert_eq!(ended(&good(512), &mut none, 0), (SRB_STATUS_DATA_OVERRUN, 512, 0));
        assert_eq!(ended(&done(ScsiStatus::BUSY, 0, None), &mut none, 0), (SRB_STATUS_ERROR, 1024, 0));
        let sense = Sense::unit_attention(AdditionalSense::POWER_ON_OR_RESET);
        let failed = done(ScsiStatus::CHECK_CONDITION, 0, Some(sense));
        let with_sense = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
        assert_eq!(ended(&failed, &mut much, 0), (with_sense, 1024, 18));
        assert_eq!((much[0], much[2] & 0xF, much[12]), (0x70, 6, 0x29));
        assert_eq!(ended(&failed, &mut little, 0), (with_sense, 1024, 4));
        let unwanted = ended(&failed, &mut much, SRB_FLAGS_DISABLE_AUTOSENSE);
        assert_eq!(unwanted.0, SRB_STATUS_ERROR);
    }
}
