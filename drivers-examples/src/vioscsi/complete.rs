//! Requests that come back: taken from their ring, and what the device's response means to the SRB.

use super::ddi::*;
use super::extension::{AdapterExtension, srb_extension};
use super::ring_lock::{lock, unlock};
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

/// Completes what has come back of a ring of requests.
pub unsafe fn take_requests(extension: PVOID, e: *mut AdapterExtension, n: usize) {
    // SAFETY: as above; owners of chains in these rings are SRBs.
    unsafe {
        let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
        lock(extension, e, n, &mut handle);
        loop {
            (*e).ring[n].disable_interrupts();
            while let Some(srb) = (*e).ring[n].take() {
                answered(extension, srb);
            }
            if (*e).ring[n].enable_interrupts() {
                break;
            }
        }
        unlock(extension, &mut handle);
    }
}

/// Completes what has come back of every ring of requests.
pub unsafe fn take_all_requests(extension: PVOID, e: *mut AdapterExtension) {
    // SAFETY: as above.
    unsafe { (FIRST_REQUEST_RING..(*e).rings as usize).for_each(|n| take_requests(extension, e, n)) }
}
