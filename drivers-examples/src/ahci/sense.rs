//! Sense data for what an ATA disk says (SAT-4, "Error and sense reporting").

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::registers::STATUS_DF;

/// Bits of the error register.
const ERROR_ICRC: u8 = 1 << 7;
const ERROR_UNC: u8 = 1 << 6;
const ERROR_IDNF: u8 = 1 << 4;

/// Why a command ended in CHECK CONDITION.
#[derive(Clone, Copy)]
pub struct Sense {
    pub key: u8,
    pub code: u8,
    pub qualifier: u8,
    /// The first block it is about.
    pub block: Option<u64>,
}

pub const INVALID_COMMAND: Sense = Sense::new(0x05, 0x20, 0x00);
pub const INVALID_FIELD_IN_CDB: Sense = Sense::new(0x05, 0x24, 0x00);
pub const INVALID_FIELD_IN_LIST: Sense = Sense::new(0x05, 0x26, 0x00);
pub const LIST_LENGTH_ERROR: Sense = Sense::new(0x05, 0x1A, 0x00);
pub const BLOCK_OUT_OF_RANGE: Sense = Sense::new(0x05, 0x21, 0x00);

impl Sense {
    pub const fn new(key: u8, code: u8, qualifier: u8) -> Sense {
        Sense { key, code, qualifier, block: None }
    }

    /// Fixed format. A block that does not fit its field is left out.
    pub fn render(&self) -> [u8; 18] {
        let mut raw = [0; 18];
        (raw[0], raw[2], raw[7], raw[12], raw[13]) = (0x70, self.key, 10, self.code, self.qualifier);
        if let Some(block) = self.block.and_then(|block| u32::try_from(block).ok()) {
            raw[0] |= 0x80;
            raw[3..7].copy_from_slice(&block.to_be_bytes());
        }
        raw
    }
}

/// What a task file with ERR or DF says. Bit 6 of the error register is UNC after a read and was WP after a
/// write.
pub fn of_task_file(status: u8, error: u8, lba: u64, is_write: bool) -> Sense {
    if status & STATUS_DF != 0 {
        Sense { block: Some(lba), ..Sense::new(0x04, 0x44, 0x00) }
    } else if error & ERROR_ICRC != 0 {
        Sense::new(0x0B, 0x47, 0x03)
    } else if error & ERROR_UNC != 0 && is_write {
        Sense::new(0x07, 0x27, 0x00)
    } else if error & ERROR_UNC != 0 {
        Sense { block: Some(lba), ..Sense::new(0x03, 0x11, 0x00) }
    } else if error & ERROR_IDNF != 0 {
        BLOCK_OUT_OF_RANGE
    } else {
        Sense::new(0x0B, 0x00, 0x00)
    }
}

/// Gives an SRB its sense data, as much as it has room for; returns the status to complete it with.
///
/// # Safety
/// The SRB is the miniport's.
pub unsafe fn put(Srb: PVOID, raw: &[u8]) -> UCHAR {
    SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
    let to: *mut u8 = SrbGetSenseInfoBuffer(Srb).cast();
    let room = usize::from(SrbGetSenseInfoBufferLength(Srb)).min(raw.len());
    if to.is_null() || room == 0 || SrbGetSrbFlags(Srb) & SRB_FLAGS_DISABLE_AUTOSENSE != 0 {
        return SRB_STATUS_ERROR;
    }
    to.copy_from_nonoverlapping(raw.as_ptr(), room);
    SrbSetSenseInfoBufferLength(Srb, room as u8);
    SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID
}
