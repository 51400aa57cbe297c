//! Several units, and none.

use super::super::Target;
use super::*;
use crate::scsi::{Inquiry, Lun, Opcode, ReportLuns, Rw10, VpdPage};

fn lun(number: u16) -> Lun {
    Lun::new(number).unwrap()
}

fn target(luns: &[u16]) -> Target {
    let mut target = Target::new();
    for &number in luns {
        assert!(target.attach(lun(number), disk(8)).is_none());
    }
    target
}

fn ask_target(target: &mut Target, lun: Lun, cdb: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; 1024];
    let done = target.execute(lun, cdb, DataPhase::In(&mut buffer));
    assert_eq!(done.sense, None);
    buffer.truncate(done.transferred);
    buffer
}

#[test]
fn report_luns_lists_the_units_there_are_in_both_address_forms() {
    let mut target = target(&[0, 3, 255, 256, 0x3fff]);
    let data = ask_target(&mut target, lun(3), ReportLuns::all(1024).as_bytes());
    assert_eq!(data[..8], [0, 0, 0, 40, 0, 0, 0, 0]);
    let addresses: Vec<[u8; 2]> = data[8..].chunks(8).map(|entry| [entry[0], entry[1]]).collect();
    assert_eq!(addresses, [[0, 0], [0, 3], [0, 255], [0x41, 0], [0x7f, 0xff]]);
}

#[test]
fn report_luns_is_cut_at_the_allocation_length_and_the_list_length_is_not() {
    let mut target = target(&[0, 1]);
    for (allocation_length, sent) in [(0, 0), (8, 8), (16, 16), (23, 23), (24, 24), (u32::MAX, 24)] {
        let data = ask_target(&mut target, Lun::ZERO, ReportLuns::all(allocation_length).as_bytes());
        assert_eq!(data.len(), sent);
        assert!(data.get(3).is_none_or(|&len| len == 16));
    }
}

#[test]
fn there_are_no_well_known_units_and_no_other_reports() {
    let mut target = target(&[0]);
    for (select_report, len) in [(0, 16), (1, 8), (2, 16)] {
        let cdb = ReportLuns { select_report, ..ReportLuns::all(1024) };
        assert_eq!(ask_target(&mut target, Lun::ZERO, cdb.as_bytes()).len(), len);
    }
    for select_report in [3, 0x10, 0xff] {
        let cdb = ReportLuns { select_report, ..ReportLuns::all(1024) };
        assert_eq!(quote(target.execute(Lun::ZERO, cdb.as_bytes(), DataPhase::None)), "05/24/00 2");
    }
}

#[test]
fn unit_0_answers_report_luns_even_when_there_is_no_disk() {
    let mut target = target(&[7]);
    let list = ask_target(&mut target, Lun::ZERO, ReportLuns::all(1024).as_bytes());
    assert_eq!(list, [0, 0, 0, 8, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0]);
    assert_eq!(quote(target.execute(lun(1), ReportLuns::all(64).as_bytes(), DataPhase::None)), "05/25/00");
    assert_eq!(ask_target(&mut Target::new(), Lun::ZERO, ReportLuns::all(64).as_bytes()), [0; 8]);
}

#[test]
fn a_disk_without_a_target_reports_itself_as_unit_0() {
    assert_eq!(ask(&mut disk(1), &ReportLuns::all(64), 64), [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_unit_that_is_not_there_says_so_to_inquiry() {
    let mut target = target(&[0]);
    let data = ask_target(&mut target, lun(1), Inquiry::standard(96).as_bytes());
    assert_eq!((data[0], data.len()), (0x7f, 96));
    let pages = ask_target(&mut target, lun(1), Inquiry::vpd(VpdPage::SUPPORTED, 96).as_bytes());
    assert_eq!(pages, [0x7f, 0, 0, 1, 0]);
    let other = Inquiry::vpd(VpdPage::UNIT_SERIAL_NUMBER, 96);
    assert_eq!(quote(target.execute(lun(1), other.as_bytes(), DataPhase::None)), "05/24/00 2");
}

#[test]
fn a_unit_that_is_not_there_says_so_to_request_sense() {
    let data = ask_target(&mut target(&[0]), lun(1), &[3, 1, 0, 0, 252, 0]);
    assert_eq!(data, [0x72, 0x05, 0x25, 0x00, 0, 0, 0, 0]);
}

#[test]
fn a_unit_that_is_not_there_refuses_everything_else() {
    let mut target = target(&[0]);
    for cdb in [&[0; 6][..], &[0xff; 16], &[], Rw10::new(Opcode::READ_10, 0, 1).as_bytes()] {
        assert_eq!(quote(target.execute(lun(1), cdb, DataPhase::None)), "05/25/00", "{cdb:02x?}");
    }
}

#[test]
fn each_unit_keeps_its_own_blocks() {
    let mut target = target(&[0, 1]);
    let write = Rw10::new(Opcode::WRITE_10, 0, 1);
    assert_eq!(quote(target.execute(lun(1), write.as_bytes(), DataPhase::Out(&blocks(1)))), "good");
    let read = Rw10::new(Opcode::READ_10, 0, 1);
    assert_eq!(ask_target(&mut target, lun(0), read.as_bytes()), [0; 512]);
    assert_eq!(ask_target(&mut target, lun(1), read.as_bytes()), blocks(1));
}

#[test]
fn a_disk_taken_away_is_gone_and_can_come_back_with_its_blocks() {
    let mut target = target(&[0, 1]);
    target.execute(lun(1), Rw10::new(Opcode::WRITE_10, 0, 1).as_bytes(), DataPhase::Out(&blocks(1)));
    let taken = target.detach(lun(1)).unwrap();
    assert!(target.detach(lun(1)).is_none());
    assert_eq!(quote(target.execute(lun(1), &[0; 6], DataPhase::None)), "05/25/00");
    target.attach(lun(2), taken);
    let read = Rw10::new(Opcode::READ_10, 0, 1);
    assert_eq!(ask_target(&mut target, lun(2), read.as_bytes()), blocks(1));
    assert_eq!(target.luns().map(Lun::number).collect::<Vec<_>>(), [0, 2]);
}
