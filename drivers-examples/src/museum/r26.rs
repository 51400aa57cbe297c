//! `r26`: REPORT LUNS writes one entry past the data buffer.
//!
//! **What the driver does.** It answers REPORT LUNS itself, from its table of disks, which has 256 places,
//! all of them listed whether there is a disk or not.
//!
//! **What goes wrong.** (1) The buffer has room for a header of 8 bytes and k entries of 8 bytes, and no byte
//! more. (2) Before each entry the driver looks whether the buffer reaches to where the entry begins, not to
//! where it ends. (3) Entry k begins where the buffer ends, and is written. A buffer of less than 8 bytes is
//! written past its end by the header already.
//!
//! **What Windows does.** Whatever owns the memory behind the buffer fails later; with special pool bug check
//! 0xD6 at once.
//!
//! **The fix.** `r26-fixed` looks whether the entry fits as a whole, and the header before that; the length
//! in the header is that of all disks in any case.
//!
//! **Found by** DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, where the entry is written, in guarded memory:
//! the port driver asks with a buffer for 255 units.
//!
//! **Source.** Arsenal Image Mounter (ArsenalRecon/Arsenal-Image-Mounter), commit d1d206e of 2023-12-30.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;
use std::ptr::null_mut;

const REPORT_LUNS: UCHAR = 0xA0;
const HEADER_BYTES: ULONG = 8;
const ENTRY_BYTES: ULONG = 8;
/// Places of the table of disks.
const DISKS: ULONG = 256;

unsafe fn IsReportLuns(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    (*Srb).Cdb[0] == REPORT_LUNS
}

/// The buffer of an SRB, zeroed.
unsafe fn ZeroedBuffer(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) -> PUCHAR {
    let mut Buffer: PVOID = null_mut();
    StorPortGetSystemAddress(Adapter.cast(), Srb, &raw mut Buffer);
    Buffer.cast::<UCHAR>().write_bytes(0, (*Srb).DataTransferLength as usize);
    Buffer.cast()
}

/// Writes how long the list is.
unsafe fn WriteHeader(Buffer: PUCHAR) {
    Buffer.cast::<[UCHAR; 4]>().write_unaligned((DISKS * ENTRY_BYTES).to_be_bytes());
}

/// Writes the entry of a disk.
unsafe fn WriteEntry(Buffer: PUCHAR, Disk: ULONG) {
    let Entry = Buffer.add((HEADER_BYTES + ENTRY_BYTES * Disk) as usize);
    Entry.write_volatile(0);
    Entry.add(1).write_volatile(Disk as UCHAR);
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn Other(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        if !IsReportLuns(Srb) {
            return ExecuteOther(Adapter, Srb);
        }
        let (Length, Buffer) = ((*Srb).DataTransferLength, ZeroedBuffer(Adapter, Srb));
        let mut Disk = 0;
        WriteHeader(Buffer);
        while Disk < DISKS && Length >= HEADER_BYTES + ENTRY_BYTES * Disk {
            WriteEntry(Buffer, Disk); // Wrong: it may begin where the buffer ends.
            Disk += 1;
        }
        (*Srb).SrbStatus = SRB_STATUS_SUCCESS;
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn Other(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        if !IsReportLuns(Srb) {
            return ExecuteOther(Adapter, Srb);
        }
        let (Length, Buffer) = ((*Srb).DataTransferLength, ZeroedBuffer(Adapter, Srb));
        let mut Disk = 0;
        if Length >= HEADER_BYTES {
            WriteHeader(Buffer);
        }
        while Disk < DISKS && Length >= HEADER_BYTES + ENTRY_BYTES * (Disk + 1) {
            WriteEntry(Buffer, Disk);
            Disk += 1;
        }
        (*Srb).SrbStatus = SRB_STATUS_SUCCESS;
    }
}
