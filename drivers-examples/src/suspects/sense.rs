//! `suspect-sense`: sense data is as long as the device says.
//!
//! **What the driver does.** A command has failed, and the device has put sense data and its length into the
//! answer. The driver copies so many bytes into the sense buffer of the SRB, though no more than the answer
//! has room for, before it goes on as the clean one does.
//!
//! **What goes wrong.** The length is larger than the buffer of the SRB: memory behind it is written.
//!
//! **The near miss** copies as much as both have.
//!
//! **Found by** DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, with `--fault hostile` in guarded memory. In
//! plain memory what is behind the buffer is the sender's, who may not notice.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi::complete::answered;
use crate::vioscsi::virtio_scsi::SENSE_SIZE;

pub(super) unsafe extern "C-unwind" fn TrustingEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    DriverEntry::<Trusting>(Driver, Path)
}

pub(super) unsafe extern "C-unwind" fn CarefulEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    DriverEntry::<Careful>(Driver, Path)
}

/// Copies sense data of an answer into the buffer of its SRB, byte by byte.
unsafe fn CopySense(Srb: PVOID, Length: usize) {
    let From = (&raw const (*srb_extension(Srb)).response.sense).cast::<UCHAR>();
    let To: *mut UCHAR = SrbGetSenseInfoBuffer(Srb).cast();

    if !To.is_null() {
        for n in 0..Length {
            To.wrapping_add(n).write_volatile(From.wrapping_add(n).read_volatile());
        }
    }
}

struct Trusting;

impl Takes for Trusting {
    unsafe fn Take(DeviceExtension: PVOID, Extension: *mut AdapterExtension, Ring: usize) {
        while let Some(Srb) = (*Extension).ring[Ring].take() {
            let Length = (*srb_extension(Srb)).response.sense_length as usize;
            CopySense(Srb, Length.min(SENSE_SIZE)); // Wrong: there may be less room, and the device does not know.
            answered(DeviceExtension, Srb);
        }
    }
}

struct Careful;

impl Takes for Careful {
    unsafe fn Take(DeviceExtension: PVOID, Extension: *mut AdapterExtension, Ring: usize) {
        while let Some(Srb) = (*Extension).ring[Ring].take() {
            let Length = (*srb_extension(Srb)).response.sense_length as usize;
            CopySense(Srb, Length.min(SENSE_SIZE).min(SrbGetSenseInfoBufferLength(Srb).into()));
            answered(DeviceExtension, Srb);
        }
    }
}
