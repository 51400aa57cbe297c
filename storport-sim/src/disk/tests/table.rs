//! The command table, and REPORT SUPPORTED OPERATION CODES as its reader.

use super::super::commands::{COMMANDS, Command};
use super::*;
use crate::scsi::{Opcode, ReportSupportedOpcodes, Rw10, service_action as action};

fn supported(options: u8, opcode: Opcode, service_action: u16) -> ReportSupportedOpcodes {
    ReportSupportedOpcodes {
        opcode: Opcode::MAINTENANCE_IN,
        service_action: 0x0c,
        options,
        requested_opcode: opcode,
        requested_service_action: service_action.into(),
        allocation_length: 4096.into(),
        reserved: 0,
        control: 0,
    }
}

/// The shortest block the row accepts: nothing but operation code and service action.
fn bare(row: &Command) -> Vec<u8> {
    let mut cdb = vec![0; row.len];
    cdb[0] = row.opcode.0;
    cdb[1] = row.service_action.unwrap_or(0);
    cdb
}

#[test]
fn an_operation_code_without_a_row_is_no_command() {
    for opcode in 0..=255 {
        let known = COMMANDS.iter().any(|row| row.opcode.0 == opcode);
        let answer = quote(run(&mut disk(8), &[opcode; 1]));
        assert_eq!(answer == "05/20/00 0", !known, "{opcode:02x}: {answer}");
    }
}

#[test]
fn rows_are_unique_and_their_lengths_follow_their_group_codes() {
    for (at, row) in COMMANDS.iter().enumerate() {
        let twin = |other: &Command| (other.opcode, other.service_action) == (row.opcode, row.service_action);
        assert_eq!(COMMANDS.iter().position(twin), Some(at));
        assert!(row.opcode.name().is_some(), "{}", row.opcode);
        let len = [6, 10, 10, 0, 16, 12, 0, 0][usize::from(row.opcode.0 >> 5)];
        assert_eq!(row.len, len, "{}", row.opcode);
    }
}

#[test]
fn a_bit_outside_the_usage_map_is_pointed_at() {
    for row in &COMMANDS {
        for byte in 1..row.len {
            for bit in 0..8 {
                let mut cdb = bare(row);
                cdb[byte] |= 1 << bit;
                let mut map = row.usage_data();
                if row.service_action.is_some() {
                    map[1] |= 0x1f;
                }
                let answer = quote(run(&mut disk(8), &cdb[..]));
                if map[byte] & 1 << bit == 0 {
                    let pointer = match row.refused_field {
                        Some((field, first, last))
                            if usize::from(field) == byte && (last..=first).contains(&bit) =>
                        {
                            first
                        }
                        _ => bit,
                    };
                    assert_eq!(answer, format!("05/24/00 {byte}.{pointer}"), "{} {cdb:02x?}", row.opcode);
                }
            }
        }
    }
}

#[test]
fn protection_is_refused_at_the_top_of_its_field() {
    for opcode in
        [Opcode::READ_10, Opcode::WRITE_10, Opcode::VERIFY_10, Opcode::WRITE_SAME_10, Opcode::READ_16]
    {
        for protect in 1..8 {
            let mut cdb = [0; 16];
            (cdb[0], cdb[1]) = (opcode.0, protect << 5);
            assert_eq!(quote(run(&mut disk(8), &cdb)), "05/24/00 1.7", "{opcode}");
        }
    }
}

#[test]
fn an_aca_that_was_not_offered_is_refused() {
    assert_eq!(quote(run(&mut disk(8), &[0_u8, 0, 0, 0, 0, 0x04])), "05/24/00 5.2");
}

#[test]
fn a_block_cut_short_points_at_the_byte_that_is_missing() {
    for row in &COMMANDS {
        let cdb = bare(row);
        for len in 0..cdb.len() {
            assert_eq!(quote(run(&mut disk(8), &cdb[..len])), format!("05/24/00 {len}"), "{}", row.opcode);
        }
    }
}

#[test]
fn bytes_after_the_block_are_not_looked_at() {
    let mut cdb = [0xff_u8; 32];
    cdb[..6].fill(0);
    assert_eq!(quote(run(&mut disk(8), &cdb)), "good");
}

#[test]
fn a_service_action_without_a_row_points_at_the_service_action() {
    assert_eq!(
        quote(run(&mut disk(8), &[0x9e_u8, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        "05/24/00 1.4"
    );
    assert_eq!(quote(run(&mut disk(8), &[0xa3_u8, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])), "05/24/00 1.4");
}

#[test]
fn all_commands_are_reported_with_their_lengths() {
    let data = ask(&mut disk(8), &supported(0, Opcode(0), 0), 4096);
    assert_eq!(u32::from_be_bytes([data[0], data[1], data[2], data[3]]) as usize, data.len() - 4);
    assert_eq!(data.len(), 4 + COMMANDS.len() * 8);
    for (row, descriptor) in COMMANDS.iter().zip(data[4..].chunks(8)) {
        assert_eq!((descriptor[0], usize::from(descriptor[7])), (row.opcode.0, row.len));
        assert_eq!(descriptor[5], u8::from(row.service_action.is_some()));
        assert_eq!(descriptor[3], row.service_action.unwrap_or(0));
    }
    let timed = ask(&mut disk(8), &supported(0x80, Opcode(0), 0), 4096);
    assert_eq!(timed.len(), 4 + COMMANDS.len() * 20);
    assert_eq!((timed[9] & 2, &timed[12..14]), (2, &[0, 10][..]));
}

#[test]
fn one_command_is_reported_with_its_usage_map() {
    let mut disk = disk(8);
    let read_10 = [0, 3, 0, 10, 0x28, 0x1c, 0xff, 0xff, 0xff, 0xff, 0x3f, 0xff, 0xff, 0];
    assert_eq!(ask(&mut disk, &supported(1, Opcode::READ_10, 0), 64), read_10);
    assert_eq!(ask(&mut disk, &supported(3, Opcode::READ_10, 0), 64), read_10);
    let capacity = ask(&mut disk, &supported(2, Opcode::SERVICE_ACTION_IN_16, 0x10), 64);
    assert_eq!((&capacity[..6], capacity.len()), (&[0, 3, 0, 16, 0x9e, 0x10][..], 20));
    assert_eq!(ask(&mut disk, &supported(0x83, Opcode::SERVICE_ACTION_IN_16, 0x10), 64)[..2], [0, 0x83]);
    assert_eq!(ask(&mut disk, &supported(0x81, Opcode::READ_10, 0), 64).len(), 14 + 12);
}

#[test]
fn a_command_that_is_not_supported_is_reported_so() {
    let mut disk = disk(8);
    for (options, opcode, action) in [
        (1, Opcode(0x07), 0),
        (2, Opcode::SERVICE_ACTION_IN_16, 0x11),
        (2, Opcode::PERSISTENT_RESERVE_OUT, 7),
        (2, Opcode(0x7f), 9),
        (3, Opcode::SERVICE_ACTION_IN_16, 0x110),
        (3, Opcode::READ_10, 1),
    ] {
        assert_eq!(
            ask(&mut disk, &supported(options, opcode, action), 64),
            [0, 1, 0, 0],
            "{opcode} {action:#x}"
        );
    }
}

/// What SPC-5 and SBC-4 make mandatory of a direct access block device that INQUIRY says it is, with
/// provisioning (LBPU) and persistent reservations as it claims them.
const MANDATORY: [(Opcode, Option<u8>); 15] = [
    (Opcode::TEST_UNIT_READY, None),
    (Opcode::REQUEST_SENSE, None),
    (Opcode::FORMAT_UNIT, None),
    (Opcode::INQUIRY, None),
    (Opcode::SEND_DIAGNOSTIC, None),
    (Opcode::READ_CAPACITY_10, None),
    (Opcode::READ_10, None),
    (Opcode::WRITE_10, None),
    (Opcode::UNMAP, None),
    (Opcode::READ_16, None),
    (Opcode::WRITE_16, None),
    (Opcode::SERVICE_ACTION_IN_16, Some(action::READ_CAPACITY_16)),
    (Opcode::REPORT_LUNS, None),
    (Opcode::MAINTENANCE_IN, Some(action::REPORT_SUPPORTED_OPERATION_CODES)),
    (Opcode::PERSISTENT_RESERVE_IN, Some(action::READ_KEYS)),
];

#[test]
fn what_the_claimed_standards_make_mandatory_is_there() {
    for (opcode, action) in MANDATORY {
        let row = COMMANDS.iter().find(|row| row.opcode == opcode && row.service_action == action);
        let row = row.unwrap_or_else(|| panic!("{opcode} is mandatory"));
        assert!(!quote(run(&mut disk(8), &bare(row)[..])).starts_with("05/20"), "{opcode}");
    }
}

#[test]
fn a_format_leaves_zeros_and_a_list_that_is_wrong_leaves_everything() {
    let mut disk = disk(8);
    let read = |disk: &mut ScsiDisk| ask(disk, &Rw10::new(Opcode::READ_10, 0, 1), 512);
    let write = |disk: &mut ScsiDisk, cdb: &[u8], data: &[u8]| quote(send(disk, cdb, data));
    assert_eq!(write(&mut disk, Rw10::new(Opcode::WRITE_10, 0, 1).as_bytes(), &[7; 512]), "good");
    assert_eq!(write(&mut disk, &[0x04, 0x10, 0, 0, 0, 0], &[0, 0, 0, 8]), "05/26/00 data 2");
    assert_eq!(read(&mut disk), [7; 512]);
    assert_eq!(write(&mut disk, &[0x04, 0x10, 0, 0, 0, 0], &[0, 0x82, 0, 0]), "good");
    assert_eq!(read(&mut disk), [0; 512]);
}

#[test]
fn the_question_must_fit_the_operation_code() {
    let mut disk = disk(8);
    for (options, opcode) in
        [(1, Opcode::MAINTENANCE_IN), (2, Opcode::READ_10), (4, Opcode(0)), (7, Opcode(0))]
    {
        assert_eq!(quote(run(&mut disk, &supported(options, opcode, 0))), "05/24/00 2.2");
    }
}
