//! Unit attentions: reported once, to the initiator that sends the next command, and not to commands that
//! only look.

use super::super::{Nexus, Target};
use super::*;
use crate::scsi::{AdditionalSense, Inquiry, Lun, Opcode, ReportLuns, Rw10};

const TEST_UNIT_READY: [u8; 6] = [0; 6];
const REQUEST_SENSE: [u8; 6] = [3, 0, 0, 0, 18, 0];

fn fresh() -> ScsiDisk {
    ScsiDisk::new(Box::new(MemoryStore::new(8 * 512)), Geometry::default(), Identity::default()).unwrap()
}

#[test]
fn a_disk_just_powered_on_says_so_once() {
    let mut disk = fresh();
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "06/29/00");
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "good");
}

#[test]
fn inquiry_and_report_luns_look_without_clearing() {
    let mut disk = fresh();
    assert_eq!(ask(&mut disk, &Inquiry::standard(36), 36).len(), 36);
    assert_eq!(ask(&mut disk, &ReportLuns::all(16), 16).len(), 16);
    assert_eq!(
        quote(run(&mut disk, &Inquiry { page: crate::scsi::VpdPage(1), ..Inquiry::standard(36) })),
        "05/24/00 2"
    );
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "06/29/00");
}

#[test]
fn request_sense_returns_the_attention_as_data_and_clears_it() {
    let mut disk = fresh();
    let data = ask(&mut disk, &REQUEST_SENSE, 18);
    assert_eq!((data[2], data[12], data[13]), (0x06, 0x29, 0x00));
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "good");
}

#[test]
fn the_attention_comes_before_any_other_complaint() {
    for cdb in [&[0xff; 6][..], &[0x28; 3], &[], &[0x9e, 0x1f], Rw10::new(Opcode::READ_10, 99, 1).as_bytes()]
    {
        assert_eq!(quote(run(&mut fresh(), cdb)), "06/29/00", "{cdb:02x?}");
    }
}

#[test]
fn a_write_held_up_by_an_attention_has_written_nothing() {
    let mut disk = fresh();
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 1), &blocks(1))), "06/29/00");
    assert_eq!(ask(&mut disk, &Rw10::new(Opcode::READ_10, 0, 1), 512), [0; 512]);
}

#[test]
fn attentions_are_said_in_order_and_never_twice() {
    let mut disk = fresh();
    disk.raise_unit_attention(AdditionalSense::CAPACITY_DATA_HAS_CHANGED);
    disk.raise_unit_attention(AdditionalSense::POWER_ON_OR_RESET);
    for answer in ["06/29/00", "06/2a/09", "good"] {
        assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), answer);
    }
}

#[test]
fn a_reset_replaces_what_was_pending_and_starts_the_unit() {
    let mut disk = fresh();
    run(&mut disk, &TEST_UNIT_READY);
    run(&mut disk, &[0x1b_u8, 0, 0, 0, 0, 0]);
    disk.raise_unit_attention(AdditionalSense::CAPACITY_DATA_HAS_CHANGED);
    disk.reset();
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "06/29/03");
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "good");
}

#[test]
fn a_disk_without_attentions_keeps_none() {
    let mut disk = fresh().without_unit_attentions();
    disk.reset();
    disk.raise_unit_attention(AdditionalSense::CAPACITY_DATA_HAS_CHANGED);
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "good");
}

#[test]
fn neighbours_of_a_new_disk_hear_of_it_unless_they_read_the_list() {
    let probe = |read_the_list| {
        let mut target = Target::from_iter([fresh()]);
        target.execute(Lun::ZERO, &TEST_UNIT_READY, DataPhase::None);
        target.attach(Lun::new(5).unwrap(), fresh());
        if read_the_list {
            let mut list = [0; 64];
            target.execute(Lun::ZERO, ReportLuns::all(64).as_bytes(), DataPhase::In(&mut list));
        }
        quote(target.execute(Lun::ZERO, &TEST_UNIT_READY, DataPhase::None))
    };
    assert_eq!(probe(false), "06/3f/0e");
    assert_eq!(probe(true), "good");
}

#[test]
fn each_initiator_hears_for_itself_and_a_newcomer_of_the_last_reset_only() {
    let mut disk = fresh();
    let ready =
        |disk: &mut ScsiDisk, who| quote(disk.execute_from(Nexus(who), &TEST_UNIT_READY, DataPhase::None));
    assert_eq!([0, 1, 1, 0].map(|who| ready(&mut disk, who)), ["06/29/00", "06/29/00", "good", "good"]);
    disk.raise_unit_attention(AdditionalSense::CAPACITY_DATA_HAS_CHANGED);
    assert_eq!([1, 0, 0, 1].map(|who| ready(&mut disk, who)), ["06/2a/09", "06/2a/09", "good", "good"]);
    assert_eq!([2, 2].map(|who| ready(&mut disk, who)), ["06/29/00", "good"]);
    disk.reset();
    assert_eq!([3, 3, 2, 2].map(|who| ready(&mut disk, who)), ["06/29/03", "good", "06/29/03", "good"]);
}

#[test]
fn who_reads_the_list_of_units_spares_only_itself_the_news() {
    let mut target = Target::from_iter([fresh()]);
    let ready = |target: &mut Target, who| {
        quote(target.execute_from(Nexus(who), Lun::ZERO, &TEST_UNIT_READY, DataPhase::None))
    };
    assert_eq!([0, 1].map(|who| ready(&mut target, who)), ["06/29/00", "06/29/00"]);
    target.attach(Lun::new(5).unwrap(), fresh());
    let mut list = [0; 64];
    let luns = ReportLuns::all(64);
    target.execute_from(Nexus(1), Lun::ZERO, luns.as_bytes(), DataPhase::In(&mut list));
    assert_eq!([0, 1].map(|who| ready(&mut target, who)), ["06/3f/0e", "good"]);
}
