//! What the device's answer means to the SRB.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::extension::srb_extension;
use super::virtio_scsi::*;

/// Completes an SRB with a status.
pub unsafe fn complete(extension: PVOID, srb: PVOID, status: UCHAR) {
    // SAFETY: Storport's own extension and an SRB of ours, which it is no longer after this.
    unsafe {
        SrbSetSrbStatus(srb, status);
        StorPortNotification(RequestComplete, extension, srb.cast());
    }
}

/// Completes an SRB the device has answered.
pub unsafe fn answered(extension: PVOID, srb: PVOID) {
    // SAFETY: as above; its extension holds the answer, and the device has given it back.
    unsafe {
        let response = &(*srb_extension(srb)).response;
        let status = match response.response {
            S_OK => {
                SrbSetScsiStatus(srb, response.status);
                if response.status == SCSISTAT_GOOD { SRB_STATUS_SUCCESS } else { SRB_STATUS_ERROR }
            }
            S_OVERRUN => SRB_STATUS_DATA_OVERRUN,
            S_ABORTED => SRB_STATUS_ABORTED,
            S_BAD_TARGET => SRB_STATUS_INVALID_TARGET_ID,
            S_RESET => SRB_STATUS_BUS_RESET,
            S_BUSY => SRB_STATUS_BUSY,
            _ => SRB_STATUS_ERROR,
        };
        let asked = SrbGetDataTransferLength(srb);
        let status = match status {
            // As far as it went.
            SRB_STATUS_SUCCESS if response.residual != 0 && response.residual <= asked => {
                SrbSetDataTransferLength(srb, asked - response.residual);
                SRB_STATUS_DATA_OVERRUN
            }
            SRB_STATUS_SUCCESS => SRB_STATUS_SUCCESS,
            // Sent again as it was, so its length stays.
            SRB_STATUS_BUSY => SRB_STATUS_BUSY,
            status => {
                let sense = copy_sense(srb, response);
                if status != SRB_STATUS_DATA_OVERRUN
                    && response.status != SCSISTAT_BUSY
                    && response.status != SCSISTAT_QUEUE_FULL
                {
                    SrbSetDataTransferLength(srb, 0);
                }
                status | sense
            }
        };
        complete(extension, srb, status);
    }
}

/// Hands the sense data on, as far as there is room; the flag that says so.
unsafe fn copy_sense(srb: PVOID, response: &CommandResponse) -> UCHAR {
    // SAFETY: as above; the buffer is as long as the SRB says.
    unsafe {
        let (to, room) = (SrbGetSenseInfoBuffer(srb), SrbGetSenseInfoBufferLength(srb));
        let length = (response.sense_length as usize).min(SENSE_SIZE).min(usize::from(room));
        if response.response != S_OK || to.is_null() || length == 0 {
            return 0;
        }
        response.sense.as_ptr().copy_to_nonoverlapping(to.cast(), length);
        SrbSetSenseInfoBufferLength(srb, length as UCHAR);
        SRB_STATUS_AUTOSENSE_VALID
    }
}
