//! Requests that come back: taken from their ring, and what the device's response means to the SRB.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::extension::{AdapterExtension, srb_extension};
use super::ring_lock::{lock, unlock};
use super::virtio_scsi::*;

/// Completes an SRB with a status.
pub unsafe fn complete(DeviceExtension: PVOID, Srb: PVOID, status: UCHAR) {
    SrbSetSrbStatus(Srb, status);
    StorPortNotification(RequestComplete, DeviceExtension, Srb.cast());
}

/// Completes an SRB the device has answered.
pub unsafe fn answered(DeviceExtension: PVOID, Srb: PVOID) {
    // Its extension holds the answer, and the device has given it back.
    let response = &(*srb_extension(Srb)).response;
    let status = match response.response {
        S_OK => {
            SrbSetScsiStatus(Srb, response.status);
            if response.status == SCSISTAT_GOOD { SRB_STATUS_SUCCESS } else { SRB_STATUS_ERROR }
        }
        S_OVERRUN => SRB_STATUS_DATA_OVERRUN,
        S_ABORTED => SRB_STATUS_ABORTED,
        S_BAD_TARGET => SRB_STATUS_INVALID_TARGET_ID,
        S_RESET => SRB_STATUS_BUS_RESET,
        S_BUSY => SRB_STATUS_BUSY,
        _ => SRB_STATUS_ERROR,
    };
    let asked = SrbGetDataTransferLength(Srb);
    let status = match status {
        // As far as it went.
        SRB_STATUS_SUCCESS if response.residual != 0 && response.residual <= asked => {
            SrbSetDataTransferLength(Srb, asked - response.residual);
            SRB_STATUS_DATA_OVERRUN
        }
        SRB_STATUS_SUCCESS => SRB_STATUS_SUCCESS,
        // Sent again as it was, so its length stays.
        SRB_STATUS_BUSY => SRB_STATUS_BUSY,
        status => {
            let sense = copy_sense(Srb, response);
            if status != SRB_STATUS_DATA_OVERRUN
                && response.status != SCSISTAT_BUSY
                && response.status != SCSISTAT_QUEUE_FULL
            {
                SrbSetDataTransferLength(Srb, 0);
            }
            status | sense
        }
    };
    complete(DeviceExtension, Srb, status);
}

/// Hands the sense data on, as far as there is room; the flag that says so.
unsafe fn copy_sense(Srb: PVOID, response: &CommandResponse) -> UCHAR {
    // The buffer is as long as the SRB says.
    let (to, room) = (SrbGetSenseInfoBuffer(Srb), SrbGetSenseInfoBufferLength(Srb));
    let length = (response.sense_length as usize).min(SENSE_SIZE).min(usize::from(room));
    if response.response != S_OK || to.is_null() || length == 0 {
        return 0;
    }
    response.sense.as_ptr().copy_to_nonoverlapping(to.cast(), length);
    SrbSetSenseInfoBufferLength(Srb, length as UCHAR);
    SRB_STATUS_AUTOSENSE_VALID
}

/// Completes what has come back of a ring of requests.
pub unsafe fn take_requests(DeviceExtension: PVOID, Extension: *mut AdapterExtension, n: usize) {
    // Owners of chains in these rings are SRBs.
    let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
    lock(DeviceExtension, Extension, n, &mut handle);
    loop {
        (*Extension).ring[n].disable_interrupts();
        while let Some(Srb) = (*Extension).ring[n].take() {
            answered(DeviceExtension, Srb);
        }
        if (*Extension).ring[n].enable_interrupts() {
            break;
        }
    }
    unlock(DeviceExtension, &mut handle);
}

/// Completes what has come back of every ring of requests.
pub unsafe fn take_all_requests(DeviceExtension: PVOID, Extension: *mut AdapterExtension) {
    (FIRST_REQUEST_RING..(*Extension).rings as usize)
        .for_each(|n| take_requests(DeviceExtension, Extension, n))
}
