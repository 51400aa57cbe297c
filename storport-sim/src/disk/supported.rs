//! Reports of what is supported: REPORT SUPPORTED OPERATION CODES, made from the command table, and REPORT
//! SUPPORTED TASK MANAGEMENT FUNCTIONS.

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromZeros, IntoBytes};

use super::ScsiDisk;
use super::commands::{COMMANDS, Cdb, Command, view};
use super::transfer::Transfer;
use crate::scsi::{
    CommandDescriptor, CommandTimeouts, OneCommandHeader, ReportSupportedOpcodes, ReportTaskManagement,
    Sense, TaskManagementData,
};

/// REPORT SUPPORTED OPERATION CODES (SPC-5, section of that name), reporting options 000b (all) and 001b ..=
/// 011b (one command, by operation code, by operation code and service action, by whichever fits).
pub(super) fn report_opcodes(_: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &ReportSupportedOpcodes = view(cdb);
    let timeouts = cdb.options & ReportSupportedOpcodes::RCTD != 0;
    let (opcode, action) = (cdb.requested_opcode, cdb.requested_service_action.get());
    let has_actions = COMMANDS.iter().any(|row| row.opcode == opcode && row.service_action.is_some());
    let known = COMMANDS.iter().any(|row| row.opcode == opcode);
    let data = match cdb.options & 0x07 {
        0b000 => all(timeouts),
        // The question must fit the operation code: with a service action or without.
        0b001 if has_actions => return Err(Sense::invalid_field(2, Some(2))),
        0b001 => one(Command::look_up(opcode, 0), timeouts),
        0b010 if known && !has_actions => return Err(Sense::invalid_field(2, Some(2))),
        0b010 => one(Command::look_up(opcode, action), timeouts),
        // A service action asked of an operation code that has none is not supported, and not an error.
        0b011 if !has_actions && action != 0 => one(None, timeouts),
        0b011 => one(Command::look_up(opcode, action), timeouts),
        _ => return Err(Sense::invalid_field(2, Some(2))),
    };
    transfer.reply(&data, cdb.allocation_length.get())
}

/// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-5, section of that name): LOGICAL UNIT RESET is
/// [`ScsiDisk::reset`]; ABORT TASK and ABORT TASK SET succeed trivially, since no command outlives
/// [`ScsiDisk::execute`]. The time-outs of the extended form are not said.
pub(super) fn report_task_management(
    _: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ReportTaskManagement = view(cdb);
    let extended = cdb.options & ReportTaskManagement::REPD != 0;
    let data = TaskManagementData {
        functions: TaskManagementData::ABORT_TASK
            | TaskManagementData::ABORT_TASK_SET
            | TaskManagementData::LOGICAL_UNIT_RESET,
        additional_length: if extended { 12 } else { 0 },
        ..FromZeros::new_zeroed()
    };
    let len = if extended { size_of::<TaskManagementData>() } else { TaskManagementData::BASIC };
    transfer.reply(&data.as_bytes()[..len], cdb.allocation_length.get())
}

fn all(timeouts: bool) -> Vec<u8> {
    let mut data = vec![0; 4];
    for row in &COMMANDS {
        let servactv = if row.service_action.is_some() { CommandDescriptor::SERVACTV } else { 0 };
        let ctdp = if timeouts { CommandDescriptor::CTDP } else { 0 };
        let descriptor = CommandDescriptor {
            opcode: row.opcode.0,
            reserved_1: 0,
            service_action: U16::new(row.service_action.unwrap_or(0).into()),
            reserved_4: 0,
            flags: servactv | ctdp,
            cdb_length: U16::new(row.len as u16),
        };
        data.extend_from_slice(descriptor.as_bytes());
        if timeouts {
            data.extend_from_slice(CommandTimeouts::NOT_SAID.as_bytes());
        }
    }
    // Below 256 rows of 20 bytes each.
    let length = U32::new((data.len() - 4) as u32);
    data[..4].copy_from_slice(length.as_bytes());
    data
}

fn one(command: Option<&Command>, timeouts: bool) -> Vec<u8> {
    let Some(command) = command else {
        let support = OneCommandHeader::NOT_SUPPORTED;
        return OneCommandHeader { reserved: 0, support, cdb_size: U16::ZERO }.as_bytes().to_vec();
    };
    let ctdp = if timeouts { OneCommandHeader::CTDP } else { 0 };
    let header = OneCommandHeader {
        reserved: 0,
        support: OneCommandHeader::STANDARD | ctdp,
        cdb_size: U16::new(command.len as u16),
    };
    let mut data = [header.as_bytes(), &command.usage_data()[..command.len]].concat();
    if timeouts {
        data.extend_from_slice(CommandTimeouts::NOT_SAID.as_bytes());
    }
    data
}
