//! From an SRB's end to what becomes of its request: done, sent again, or failed with an NTSTATUS.
//!
//! After Windows' class library, whose reading of statuses and sense data is published
//! (`ClassInterpretSenseInfo` of the classpnp sample); CLASS-STATUS.md, beside this crate's manifest, is the
//! table as a page. What that library asks first is asked first: the status of the port driver's own, a
//! reservation conflict, sense data, then the SRB status. Not modelled: removable media (verification of
//! volumes), offloaded data transfers, the event log, and commands the library sends by itself (START STOP
//! UNIT, a reset of a disk that stays busy).
//!
//! ```text
//! row.rs    what a row says      table.rs   the rows
//! page.rs   the page             walk.rs    a test: every row, from a miniport to a client
//! ```

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

#[cfg(test)]
mod page;
mod row;
mod table;
#[cfg(test)]
mod walk;

pub use row::RETRIES_MAX;
pub(super) use row::{End, Row, When};

use super::packet::{Operation, Packet};
use crate::ddi::{
    SCSISTAT_RESERVATION_CONFLICT, SRB_STATUS, SRB_STATUS_AUTOSENSE_VALID, SRB_STATUS_ERROR,
    SRB_STATUS_INTERNAL_ERROR, SRB_STATUS_SUCCESS, SrbGetScsiStatus, SrbGetSenseInfoBufferLength,
    SrbGetSrbStatus, SrbGetSystemStatus,
};
use crate::scsi::Sense;
use kernel_sim::ddi::{NT_SUCCESS, NTSTATUS, PVOID, STATUS_IO_DEVICE_ERROR};
use row::Only;

/// The row that a packet's SRB, which has come back, ends by.
pub(super) fn row_of(packet: &Packet) -> &'static Row {
    let srb: PVOID = (&raw const packet.srb).cast_mut().cast();
    // SAFETY: the packet's SRB, which has come back.
    let (status, scsi, sense_bytes) =
        unsafe { (SrbGetSrbStatus(srb), SrbGetScsiStatus(srb), SrbGetSenseInfoBufferLength(srb)) };
    match SRB_STATUS(status) {
        SRB_STATUS_SUCCESS => &table::SUCCESS,
        SRB_STATUS_INTERNAL_ERROR => srb_row(SRB_STATUS_INTERNAL_ERROR),
        _ if scsi == SCSISTAT_RESERVATION_CONFLICT => scsi_row(scsi),
        without_sense => {
            let length = usize::from(sense_bytes).min(packet.sense.len());
            let sense = &packet.sense[..if status & SRB_STATUS_AUTOSENSE_VALID != 0 { length } else { 0 }];
            match Sense::parse(sense) {
                Some(said) => sense_row(said, has_incorrect_length(sense), packet.operation),
                None if without_sense == SRB_STATUS_ERROR => scsi_row(scsi),
                None => srb_row(without_sense),
            }
        }
    }
}

/// The NTSTATUS that a packet's SRB carries itself. A success there is none: our choice.
pub(super) fn system_status(packet: &Packet) -> NTSTATUS {
    let srb: PVOID = (&raw const packet.srb).cast_mut().cast();
    // SAFETY: the packet's SRB, which has come back.
    let status = unsafe { SrbGetSystemStatus(srb) } as NTSTATUS;
    if NT_SUCCESS(status) { STATUS_IO_DEVICE_ERROR } else { status }
}

fn srb_row(status: u8) -> &'static Row {
    table::SRB.iter().find(|row| row.when == When::Srb(status)).unwrap_or(&table::OTHER_SRB)
}

fn scsi_row(status: u8) -> &'static Row {
    table::SCSI.iter().find(|row| row.when == When::Scsi(status)).unwrap_or(&table::OTHER_SCSI)
}

fn sense_row(said: Sense, has_incorrect_length: bool, operation: Operation) -> &'static Row {
    let fits = |row: &&Row| {
        let When::Sense { key, code, qualifier, only } = row.when else { return false };
        key == said.key
            && code.is_none_or(|code| code == said.additional.code)
            && qualifier.is_none_or(|qualifier| qualifier == said.additional.qualifier)
            && match only {
                Only::Always => true,
                Only::IncorrectLength => has_incorrect_length,
                Only::Writes => operation == Operation::Write,
            }
    };
    table::SENSE.iter().find(fits).expect("every sense key has a row without conditions")
}

/// ILI: in fixed format a bit beside the sense key, in descriptor format one of the block commands descriptor
/// (SPC-5, SBC-4).
fn has_incorrect_length(sense: &[u8]) -> bool {
    const ILI: u8 = 0x20;
    match sense {
        [0x72 | 0x73, ..] => {
            let mut rest = sense.get(8..).unwrap_or(&[]);
            while let [kind, length, body @ ..] = rest {
                if *kind == 0x05 {
                    return body.get(1).is_some_and(|flags| flags & ILI != 0);
                }
                rest = body.get(usize::from(*length)..).unwrap_or(&[]);
            }
            false
        }
        _ => sense.get(2).is_some_and(|byte| byte & ILI != 0),
    }
}
