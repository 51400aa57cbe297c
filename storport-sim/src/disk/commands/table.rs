//! The one table of commands: read by the dispatcher, and by REPORT SUPPORTED OPERATION CODES.
//!
//! In the maps: 3f is the group number, accepted and ignored; a CONTROL byte of 00 refuses NACA; flags 1c are
//! DPO, FUA and RARC, 18 are DPO and FUA, 16 are DPO and BYTCHK, 02 is IMMED, 08 is UNMAP, 09 adds NDOB, 11
//! are PF and SP.

use super::Access::{self, Keys, Open, Persistent, Read};
use super::Gate::{self, Always, Attentive, Medium};
use super::{Command, Handler, SharedHandler};
use crate::disk::{
    defect, format, inquiry, io, log, mode, provisioning, reservation as pr, supported, target, unit, verify,
};
use crate::scsi::{Opcode, Rw6, Rw10, Rw12, Rw16, service_action as action};

/// RDPROTECT, WRPROTECT, VRPROTECT: byte 1 bits 7..5 in every block command. There is no protection
/// information.
const PROTECT: (u8, u8, u8) = (1, 7, 5);
/// POWER CONDITION of START STOP UNIT: only "do what START says".
const POWER_CONDITION: (u8, u8, u8) = (4, 7, 4);

/// SELF-TEST CODE of SEND DIAGNOSTIC: only the default self-test.
const SELF_TEST: (u8, u8, u8) = (1, 7, 5);

/// Ascending by operation code, then by service action.
#[rustfmt::skip]
pub(in crate::disk) static COMMANDS: [Command; 58] = {
    const FF: u8 = 0xff;
    [
        row(Opcode::TEST_UNIT_READY, Medium, Persistent, unit::test_unit_ready, [0, 0, 0, 0, 0]),
        row(Opcode::REQUEST_SENSE, Always, Open, unit::request_sense, [0x01, 0, 0, FF, 0]),
        row(Opcode::FORMAT_UNIT, Gate::Write, Access::Write, format::format_unit, [0x18, 0, 0, 0, 0]),
        row(Opcode::READ_6, Medium, Read, io::read::<Rw6>, [0x1f, FF, FF, FF, 0]).sharing(io::read_shared::<Rw6>),
        row(Opcode::WRITE_6, Gate::Write, Access::Write, io::write::<Rw6>, [0x1f, FF, FF, FF, 0]),
        row(Opcode::INQUIRY, Always, Open, inquiry::inquiry, [0x01, FF, FF, FF, 0]),
        row(Opcode::MODE_SELECT_6, Attentive, Access::Write, mode::mode_select_6, [0x11, 0, 0, FF, 0]),
        row(Opcode::RESERVE_6, Attentive, Persistent, pr::reserve, [0, 0, 0, 0, 0]),
        row(Opcode::RELEASE_6, Attentive, Open, pr::release, [0, 0, 0, 0, 0]),
        row(Opcode::MODE_SENSE_6, Attentive, Read, mode::mode_sense_6, [0x08, FF, FF, FF, 0]),
        row(Opcode::START_STOP_UNIT, Attentive, Access::Write, unit::start_stop_unit, [0x01, 0, 0, 0x05, 0]).refusing(POWER_CONDITION),
        row(Opcode::SEND_DIAGNOSTIC, Attentive, Access::Write, unit::send_diagnostic, [0x17, 0, 0, 0, 0]).refusing(SELF_TEST),
        row(Opcode::PREVENT_ALLOW_MEDIUM_REMOVAL, Attentive, Access::Write, unit::prevent_allow, [0, 0, 0, 0x01, 0]),
        row(Opcode::READ_CAPACITY_10, Medium, Open, unit::read_capacity_10, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        row(Opcode::READ_10, Medium, Read, io::read::<Rw10>, [0x1c, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT).sharing(io::read_shared::<Rw10>),
        row(Opcode::WRITE_10, Gate::Write, Access::Write, io::write::<Rw10>, [0x18, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::WRITE_AND_VERIFY_10, Gate::Write, Access::Write, verify::write_and_verify::<Rw10>, [0x16, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::VERIFY_10, Medium, Read, verify::verify::<Rw10>, [0x16, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::PRE_FETCH_10, Medium, Read, io::pre_fetch::<Rw10>, [0x02, FF, FF, FF, FF, 0x3f, FF, FF, 0]),
        row(Opcode::SYNCHRONIZE_CACHE_10, Medium, Access::Write, io::synchronize_cache::<Rw10>, [0x02, FF, FF, FF, FF, 0x3f, FF, FF, 0]),
        row(Opcode::READ_DEFECT_DATA_10, Medium, Read, defect::read_defect_data_10, [0, 0x1f, 0, 0, 0, 0, FF, FF, 0]),
        row(Opcode::WRITE_SAME_10, Gate::Write, Access::Write, provisioning::write_same::<Rw10>, [0x08, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::UNMAP, Gate::Write, Access::Write, provisioning::unmap, [0, 0, 0, 0, 0, 0x3f, FF, FF, 0]),
        row(Opcode::LOG_SENSE, Attentive, Persistent, log::log_sense, [0, FF, FF, 0, FF, FF, FF, FF, 0]),
        row(Opcode::MODE_SELECT_10, Attentive, Access::Write, mode::mode_select_10, [0x11, 0, 0, 0, 0, 0, FF, FF, 0]),
        row(Opcode::RESERVE_10, Attentive, Persistent, pr::reserve, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        row(Opcode::RELEASE_10, Attentive, Open, pr::release, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        row(Opcode::MODE_SENSE_10, Attentive, Read, mode::mode_sense_10, [0x18, FF, FF, 0, 0, 0, FF, FF, 0]),
        row(Opcode::PERSISTENT_RESERVE_IN, Attentive, Keys, pr::read_keys, [0, 0, 0, 0, 0, 0, FF, FF, 0]).acting(action::READ_KEYS),
        row(Opcode::PERSISTENT_RESERVE_IN, Attentive, Keys, pr::read_reservation, [0, 0, 0, 0, 0, 0, FF, FF, 0]).acting(action::READ_RESERVATION),
        row(Opcode::PERSISTENT_RESERVE_IN, Attentive, Keys, pr::report_capabilities, [0, 0, 0, 0, 0, 0, FF, FF, 0]).acting(action::REPORT_CAPABILITIES),
        row(Opcode::PERSISTENT_RESERVE_IN, Attentive, Keys, pr::read_full_status, [0, 0, 0, 0, 0, 0, FF, FF, 0]).acting(action::READ_FULL_STATUS),
        row(Opcode::PERSISTENT_RESERVE_OUT, Attentive, Keys, pr::register, [0, FF, 0, 0, FF, FF, FF, FF, 0]).acting(action::REGISTER),
        row(Opcode::PERSISTENT_RESERVE_OUT, Attentive, Keys, pr::persistent_reserve, [0, FF, 0, 0, FF, FF, FF, FF, 0]).acting(action::RESERVE),
        row(Opcode::PERSISTENT_RESERVE_OUT, Attentive, Keys, pr::persistent_release, [0, FF, 0, 0, FF, FF, FF, FF, 0]).acting(action::RELEASE),
        row(Opcode::PERSISTENT_RESERVE_OUT, Attentive, Keys, pr::clear, [0, FF, 0, 0, FF, FF, FF, FF, 0]).acting(action::CLEAR),
        row(Opcode::PERSISTENT_RESERVE_OUT, Attentive, Keys, pr::preempt, [0, FF, 0, 0, FF, FF, FF, FF, 0]).acting(action::PREEMPT),
        row(Opcode::PERSISTENT_RESERVE_OUT, Attentive, Keys, pr::preempt, [0, FF, 0, 0, FF, FF, FF, FF, 0]).acting(action::PREEMPT_AND_ABORT),
        row(Opcode::PERSISTENT_RESERVE_OUT, Attentive, Keys, pr::register_and_ignore, [0, FF, 0, 0, FF, FF, FF, FF, 0]).acting(action::REGISTER_AND_IGNORE),
        row(Opcode::READ_16, Medium, Read, io::read::<Rw16>, [0x1c, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT).sharing(io::read_shared::<Rw16>),
        row(Opcode::COMPARE_AND_WRITE, Gate::Write, Access::Write, io::compare_and_write, [0x18, FF, FF, FF, FF, FF, FF, FF, FF, 0, 0, 0, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::WRITE_16, Gate::Write, Access::Write, io::write::<Rw16>, [0x18, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::ORWRITE_16, Gate::Write, Access::Write, io::or_write, [0x18, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::WRITE_AND_VERIFY_16, Gate::Write, Access::Write, verify::write_and_verify::<Rw16>, [0x16, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::VERIFY_16, Medium, Read, verify::verify::<Rw16>, [0x16, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::PRE_FETCH_16, Medium, Read, io::pre_fetch::<Rw16>, [0x02, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]),
        row(Opcode::SYNCHRONIZE_CACHE_16, Medium, Access::Write, io::synchronize_cache::<Rw16>, [0x02, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]),
        row(Opcode::WRITE_SAME_16, Gate::Write, Access::Write, provisioning::write_same::<Rw16>, [0x09, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::SERVICE_ACTION_IN_16, Medium, Open, unit::read_capacity_16, [0, 0, 0, 0, 0, 0, 0, 0, 0, FF, FF, FF, FF, 0, 0]).acting(action::READ_CAPACITY_16),
        row(Opcode::SERVICE_ACTION_IN_16, Medium, Read, provisioning::get_lba_status, [0, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0, 0]).acting(action::GET_LBA_STATUS),
        row(Opcode::REPORT_LUNS, Always, Open, target::report_lun_zero, [0, FF, 0, 0, 0, FF, FF, FF, FF, 0, 0]),
        row(Opcode::MAINTENANCE_IN, Attentive, Read, supported::report_opcodes, [0, 0x87, FF, FF, FF, FF, FF, FF, FF, 0, 0]).acting(action::REPORT_SUPPORTED_OPERATION_CODES),
        row(Opcode::MAINTENANCE_IN, Attentive, Read, supported::report_task_management, [0, 0x80, 0, 0, 0, FF, FF, FF, FF, 0, 0]).acting(action::REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS),
        row(Opcode::READ_12, Medium, Read, io::read::<Rw12>, [0x1c, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT).sharing(io::read_shared::<Rw12>),
        row(Opcode::WRITE_12, Gate::Write, Access::Write, io::write::<Rw12>, [0x18, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::WRITE_AND_VERIFY_12, Gate::Write, Access::Write, verify::write_and_verify::<Rw12>, [0x16, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::VERIFY_12, Medium, Read, verify::verify::<Rw12>, [0x16, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::READ_DEFECT_DATA_12, Medium, Read, defect::read_defect_data_12, [0x1f, FF, FF, FF, FF, FF, FF, FF, FF, 0, 0]),
    ]
};

const fn row<const N: usize>(
    opcode: Opcode,
    gate: Gate,
    access: Access,
    handler: Handler,
    map: [u8; N],
) -> Command {
    const { assert!(matches!(N + 1, 6 | 10 | 12 | 16), "a command block has 6, 10, 12 or 16 bytes") };
    let mut usage = [0; 16];
    usage[0] = 0xff;
    let mut byte = 0;
    while byte < N {
        usage[byte + 1] = map[byte];
        byte += 1;
    }
    let usage = u128::from_be_bytes(usage);
    let (service_action, shared, refused_field) = (None, None, None);
    Command { opcode, service_action, gate, access, handler, shared, usage, len: N + 1, refused_field }
}

impl Command {
    /// The row, for one service action: bits 4..0 of byte 1.
    const fn acting(mut self, service_action: u8) -> Self {
        self.service_action = Some(service_action);
        self.usage |= 0x1f << (8 * 14);
        self
    }

    const fn sharing(mut self, handler: SharedHandler) -> Self {
        self.shared = Some(handler);
        self
    }

    const fn refusing(mut self, field: (u8, u8, u8)) -> Self {
        self.refused_field = Some(field);
        self
    }
}

const NO_ROW: u8 = u8::MAX;

/// The first row of each operation code.
pub(super) static FIRST_ROW: [u8; 256] = {
    assert!(COMMANDS.len() < NO_ROW as usize);
    let mut first = [NO_ROW; 256];
    let mut row = COMMANDS.len();
    while row > 0 {
        row -= 1;
        first[COMMANDS[row].opcode.0 as usize] = row as u8;
    }
    first
};
