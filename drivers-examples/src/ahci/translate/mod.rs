//! SCSI to ATA: what a command block asks, as a task file or as an answer from what is known (SAT-4).
//!
//! Called under the interrupt lock with the device known, once for each request. A command for a disk is
//! answered from identify data, becomes one ATA command, or is refused: 05/20/00 for a command that is not
//! known here, 05/24/00 for a field. An ATAPI device is sent its command block as it is, but for REPORT LUNS:
//! it has one unit, and many such devices do not know the command.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

mod block;
mod inquiry;
mod parameters;

use super::ata::*;
use super::channel::*;
use super::ddi::*;
use super::device::{Device, DeviceKind};
use super::sense::{self, Sense};

/// What became of a request.
pub enum Translation {
    /// It is over, with this status.
    Done(UCHAR),
    /// Its command is in the table.
    Command,
}

/// What is looked at of an SRB.
struct Ask {
    srb: PSCSI_REQUEST_BLOCK,
    cdb: [u8; 16],
    /// Bytes of the SRB's data.
    bytes: u32,
}

impl Ask {
    fn be16(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.cdb[at], self.cdb[at + 1]])
    }

    fn be32(&self, at: usize) -> u32 {
        u32::from(self.be16(at)) << 16 | u32::from(self.be16(at + 2))
    }

    fn be64(&self, at: usize) -> u64 {
        u64::from(self.be32(at)) << 32 | u64::from(self.be32(at + 4))
    }

    unsafe fn refuse(&self, sense: Sense) -> Translation {
        SrbSetDataTransferLength(self.srb.cast(), 0);
        Translation::Done(sense::put(self.srb.cast(), &sense.render()))
    }

    /// Answers with parameter data, cut off at the allocation length and at the SRB's.
    unsafe fn reply(&self, data: &[u8], allocation: u32) -> Translation {
        let bytes = data.len().min(allocation as usize).min(self.bytes as usize);
        let to: *mut u8 = SrbGetDataBuffer(self.srb.cast()).cast();
        if to.is_null() && bytes != 0 {
            return Translation::Done(SRB_STATUS_INVALID_REQUEST);
        }
        if bytes != 0 {
            to.copy_from_nonoverlapping(data.as_ptr(), bytes);
        }
        SrbSetDataTransferLength(self.srb.cast(), bytes as u32);
        Translation::Done(if bytes as u32 == self.bytes {
            SRB_STATUS_SUCCESS
        } else {
            SRB_STATUS_DATA_OVERRUN
        })
    }

    /// The SRB's data as the miniport sees it; empty if it is not mapped.
    unsafe fn data<'a>(&self) -> &'a [u8] {
        let from: *const u8 = SrbGetDataBuffer(self.srb.cast()).cast_const().cast();
        if from.is_null() { &[] } else { std::slice::from_raw_parts(from, self.bytes as usize) }
    }

    /// Becomes a command with the SRB's data: `is_write` says which way it goes.
    unsafe fn command_with_data(&self, task: Task, class: Class, is_write: bool) -> Translation {
        let r = request(self.srb);
        let direction = if is_write { HEADER_WRITE } else { 0 };
        (*r).header = direction | (*r).prds << HEADER_PRDTL_SHIFT;
        (*r).bytes = self.bytes;
        self.command(task, class)
    }

    /// Becomes a command without data.
    unsafe fn command_without_data(&self, task: Task, class: Class) -> Translation {
        let r = request(self.srb);
        ((*r).header, (*r).bytes) = (0, 0);
        self.command(task, class)
    }

    unsafe fn command(&self, task: Task, class: Class) -> Translation {
        let r = request(self.srb);
        (*r).class = class;
        task.write(&mut (*(*r).table).frame);
        Translation::Command
    }
}

/// Translates a request for a device.
///
/// # Safety
/// The SRB is the miniport's, and its command table has been placed.
pub unsafe fn translate(device: &Device, srb: PSCSI_REQUEST_BLOCK) -> Translation {
    let any: PVOID = srb.cast();
    let mut ask = Ask { srb, cdb: [0; 16], bytes: SrbGetDataTransferLength(any) };
    if SrbGetSrbFunction(any) as UCHAR != SRB_FUNCTION_EXECUTE_SCSI {
        // SRB_FUNCTION_FLUSH and SRB_FUNCTION_SHUTDOWN: the device's cache is all there is to write back.
        return match device.kind {
            DeviceKind::Disk => ask.command_without_data(Task::new(FLUSH_CACHE_EXT), Class::Normal),
            _ => Translation::Done(SRB_STATUS_SUCCESS),
        };
    }
    let from = SrbGetCdb(any);
    let length = usize::from(SrbGetCdbLength(any)).min(16);
    if from.is_null() || length == 0 {
        return Translation::Done(SRB_STATUS_INVALID_REQUEST);
    }
    ask.cdb[..length].copy_from_slice(std::slice::from_raw_parts(from, length));
    if ask.cdb[0] == parameters::REPORT_LUNS {
        return parameters::report_luns(&ask);
    }
    match device.kind {
        DeviceKind::Packet => packet(&ask),
        _ => disk(device, &ask),
    }
}

/// Command codes of SPC-5 and SBC-4.
mod code {
    pub const TEST_UNIT_READY: u8 = 0x00;
    pub const REQUEST_SENSE: u8 = 0x03;
    pub const READ_6: u8 = 0x08;
    pub const WRITE_6: u8 = 0x0A;
    pub const INQUIRY: u8 = 0x12;
    pub const MODE_SELECT_6: u8 = 0x15;
    pub const MODE_SENSE_6: u8 = 0x1A;
    pub const START_STOP_UNIT: u8 = 0x1B;
    pub const READ_CAPACITY_10: u8 = 0x25;
    pub const READ_10: u8 = 0x28;
    pub const WRITE_10: u8 = 0x2A;
    pub const VERIFY_10: u8 = 0x2F;
    pub const SYNCHRONIZE_CACHE_10: u8 = 0x35;
    pub const UNMAP: u8 = 0x42;
    pub const MODE_SELECT_10: u8 = 0x55;
    pub const MODE_SENSE_10: u8 = 0x5A;
    pub const READ_16: u8 = 0x88;
    pub const WRITE_16: u8 = 0x8A;
    pub const VERIFY_16: u8 = 0x8F;
    pub const SYNCHRONIZE_CACHE_16: u8 = 0x91;
    pub const SERVICE_ACTION_IN_16: u8 = 0x9E;
    pub const READ_12: u8 = 0xA8;
    pub const WRITE_12: u8 = 0xAA;
    pub const VERIFY_12: u8 = 0xAF;
}

unsafe fn disk(device: &Device, ask: &Ask) -> Translation {
    match ask.cdb[0] {
        code::READ_6 | code::READ_10 | code::READ_12 | code::READ_16 => block::transfer(device, ask, false),
        code::WRITE_6 | code::WRITE_10 | code::WRITE_12 | code::WRITE_16 => {
            block::transfer(device, ask, true)
        }
        code::VERIFY_10 | code::VERIFY_12 | code::VERIFY_16 => block::verify(device, ask),
        code::SYNCHRONIZE_CACHE_10 | code::SYNCHRONIZE_CACHE_16 => {
            ask.command_without_data(Task::new(FLUSH_CACHE_EXT), Class::Normal)
        }
        code::UNMAP => block::unmap(device, ask),
        code::TEST_UNIT_READY => ask.command_without_data(Task::new(CHECK_POWER_MODE), Class::Normal),
        code::START_STOP_UNIT => parameters::start_stop(ask),
        code::INQUIRY => inquiry::inquiry(device, ask),
        code::REQUEST_SENSE => parameters::request_sense(ask),
        code::READ_CAPACITY_10 => parameters::read_capacity_10(device, ask),
        code::SERVICE_ACTION_IN_16 => parameters::read_capacity_16(device, ask),
        code::MODE_SENSE_6 | code::MODE_SENSE_10 => parameters::mode_sense(device, ask),
        code::MODE_SELECT_6 | code::MODE_SELECT_10 => parameters::mode_select(ask),
        _ => ask.refuse(sense::INVALID_COMMAND),
    }
}

/// The command block itself, by DMA.
unsafe fn packet(ask: &Ask) -> Translation {
    let r = request(ask.srb);
    (*(*r).table).packet = ask.cdb;
    let is_write = SrbGetSrbFlags(ask.srb.cast()) & SRB_FLAGS_DATA_OUT != 0;
    let translation =
        ask.command_with_data(Task { features: 1, ..Task::new(PACKET) }, Class::Normal, is_write);
    (*r).header |= HEADER_ATAPI;
    translation
}
