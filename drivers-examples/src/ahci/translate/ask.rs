//! One request as the translation sees it, and what it can become: refused, replied to, or an ATA command.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use crate::ahci::ata::*;
use crate::ahci::channel::*;
use crate::ahci::ddi::*;
use crate::ahci::sense::{self, Sense};

/// How a request ended.
pub enum Translation {
    /// It is over, with this status.
    Done(UCHAR),
    /// Its command is in the table.
    Command,
}

/// The parts of an SRB that a translation needs.
pub(super) struct Ask {
    pub Srb: PSCSI_REQUEST_BLOCK,
    pub cdb: [u8; 16],
    /// Bytes of the SRB's data.
    pub bytes: u32,
}

impl Ask {
    pub fn be16(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.cdb[at], self.cdb[at + 1]])
    }

    pub fn be32(&self, at: usize) -> u32 {
        u32::from(self.be16(at)) << 16 | u32::from(self.be16(at + 2))
    }

    pub fn be64(&self, at: usize) -> u64 {
        u64::from(self.be32(at)) << 32 | u64::from(self.be32(at + 4))
    }

    pub unsafe fn refuse(&self, sense: Sense) -> Translation {
        SrbSetDataTransferLength(self.Srb.cast(), 0);
        Translation::Done(sense::put(self.Srb.cast(), &sense.render()))
    }

    /// Returns parameter data, cut off at the allocation length and at the SRB's.
    pub unsafe fn reply(&self, data: &[u8], allocation: u32) -> Translation {
        let bytes = data.len().min(allocation as usize).min(self.bytes as usize);
        let to: *mut u8 = SrbGetDataBuffer(self.Srb.cast()).cast();
        if to.is_null() && bytes != 0 {
            return Translation::Done(SRB_STATUS_INVALID_REQUEST);
        }
        if bytes != 0 {
            to.copy_from_nonoverlapping(data.as_ptr(), bytes);
        }
        SrbSetDataTransferLength(self.Srb.cast(), bytes as u32);
        Translation::Done(if bytes as u32 == self.bytes {
            SRB_STATUS_SUCCESS
        } else {
            SRB_STATUS_DATA_OVERRUN
        })
    }

    /// The SRB's data as the miniport sees it; empty if it is not mapped.
    pub unsafe fn data<'a>(&self) -> &'a [u8] {
        let from: *const u8 = SrbGetDataBuffer(self.Srb.cast()).cast_const().cast();
        if from.is_null() { &[] } else { std::slice::from_raw_parts(from, self.bytes as usize) }
    }

    /// Becomes a command with the SRB's data: `is_write` says which way it goes.
    pub unsafe fn command_with_data(&self, task: Task, class: Class, is_write: bool) -> Translation {
        let r = request(self.Srb);
        let direction = if is_write { HEADER_WRITE } else { 0 };
        (*r).header = direction | (*r).prds << HEADER_PRDTL_SHIFT;
        (*r).bytes = self.bytes;
        self.command(task, class)
    }

    /// Becomes a command without data.
    pub unsafe fn command_without_data(&self, task: Task, class: Class) -> Translation {
        let r = request(self.Srb);
        ((*r).header, (*r).bytes) = (0, 0);
        self.command(task, class)
    }

    unsafe fn command(&self, task: Task, class: Class) -> Translation {
        let r = request(self.Srb);
        (*r).class = class;
        task.write(&mut (*(*r).table).frame);
        Translation::Command
    }
}
