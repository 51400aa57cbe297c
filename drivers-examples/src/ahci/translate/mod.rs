//! SCSI to ATA: what a command block asks, as a task file or as an answer from what is known (SAT-4).
//!
//! Called under the interrupt lock with the device known, once for each request. A command for a disk is
//! answered from identify data, becomes one ATA command, or is refused: 05/20/00 for a command that is not
//! known here, 05/24/00 for a field. An ATAPI device is sent its command block as it is, but for REPORT LUNS:
//! it has one unit, and many such devices do not know the command.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

mod ask;
mod block;
mod code;
mod inquiry;
mod parameters;

use super::ata::*;
use super::channel::*;
use super::ddi::*;
use super::device::{Device, DeviceKind};
use super::sense;
use ask::Ask;
pub use ask::Translation;

/// Translates a request for a device.
///
/// # Safety
/// The SRB is the miniport's, and its command table has been placed.
pub unsafe fn translate(device: &Device, Srb: PSCSI_REQUEST_BLOCK) -> Translation {
    let any: PVOID = Srb.cast();
    let mut ask = Ask { Srb, cdb: [0; 16], bytes: SrbGetDataTransferLength(any) };
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
    let r = request(ask.Srb);
    (*(*r).table).packet = ask.cdb;
    let is_write = SrbGetSrbFlags(ask.Srb.cast()) & SRB_FLAGS_DATA_OUT != 0;
    let translation =
        ask.command_with_data(Task { features: 1, ..Task::new(PACKET) }, Class::Normal, is_write);
    (*r).header |= HEADER_ATAPI;
    translation
}
