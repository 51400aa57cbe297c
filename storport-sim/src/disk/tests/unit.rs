//! Readiness, capacity, START STOP UNIT, REQUEST SENSE, and what a disk may be built from.

use super::super::{BlockSize, DiskError};
use super::*;
use crate::scsi::{
    Opcode, ReadCapacity10Data, ReadCapacity16, ReadCapacity16Data, RequestSense, Rw10, StartStopUnit,
};
use zerocopy::FromBytes;

const TEST_UNIT_READY: [u8; 6] = [0; 6];
const READ_CAPACITY_10: [u8; 10] = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn start_stop(flags: u8) -> StartStopUnit {
    StartStopUnit { opcode: Opcode::START_STOP_UNIT, immed: 0, reserved: 0, modifier: 0, flags, control: 0 }
}

fn request_sense(desc: u8, allocation_length: u8) -> RequestSense {
    RequestSense { opcode: Opcode::REQUEST_SENSE, desc, reserved: 0.into(), allocation_length, control: 0 }
}

#[test]
fn a_disk_is_ready_from_the_start() {
    assert_eq!(quote(run(&mut disk(1), &TEST_UNIT_READY)), "good");
}

#[test]
fn read_capacity_names_the_last_block() {
    for (blocks, last_10) in [
        (1, 0),
        (2048, 2047),
        (0xffff_ffff, 0xffff_fffe),
        (1 << 32, 0xffff_ffff),
        ((1 << 32) + 1, 0xffff_ffff),
    ] {
        let mut disk = disk(blocks);
        let ten = ReadCapacity10Data::read_from_bytes(&ask(&mut disk, &READ_CAPACITY_10, 8)).unwrap();
        assert_eq!((ten.last_block.get(), ten.block_length.get()), (last_10, 512));
        let sixteen =
            ReadCapacity16Data::read_from_bytes(&ask(&mut disk, &ReadCapacity16::new(32), 32)).unwrap();
        assert_eq!((sixteen.last_block.get(), sixteen.block_length.get()), (blocks - 1, 512));
    }
}

#[test]
fn read_capacity_16_tells_of_physical_blocks_and_provisioning() {
    let mut disk =
        disk_with(MemoryStore::new(4096), Geometry { physical_exponent: 3, ..Geometry::default() });
    assert_eq!(ask(&mut disk, &ReadCapacity16::new(32), 64)[12..16], [0, 3, 0xc0, 0]);
}

#[test]
fn read_capacity_16_is_cut_at_its_allocation_length() {
    for (allocation_length, sent) in [(0, 0), (1, 1), (12, 12), (31, 31), (32, 32), (u32::MAX, 32)] {
        assert_eq!(ask(&mut disk(8), &ReadCapacity16::new(allocation_length), 64).len(), sent);
    }
}

#[test]
fn a_stopped_unit_moves_no_blocks_until_it_is_started() {
    let mut disk = disk(8);
    assert_eq!(quote(run(&mut disk, &start_stop(0))), "good");
    let read = Rw10::new(Opcode::READ_10, 0, 1);
    for cdb in [&TEST_UNIT_READY[..], &READ_CAPACITY_10, read.as_bytes(), ReadCapacity16::new(32).as_bytes()]
    {
        assert_eq!(quote(run(&mut disk, cdb)), "02/04/02");
    }
    assert_eq!(ask(&mut disk, &request_sense(1, 8), 8)[1..4], [0x02, 0x04, 0x02]);
    assert_eq!(ask(&mut disk, &[0x12_u8, 0, 0, 0, 36, 0], 36).len(), 36);
    assert_eq!(quote(run(&mut disk, &start_stop(StartStopUnit::START))), "good");
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "good");
}

#[test]
fn stopping_flushes_unless_told_not_to() {
    for (flags, flushes) in [(0, 1), (StartStopUnit::NO_FLUSH, 0)] {
        let store = Fake { len: 512, ..Fake::default() };
        let mut disk = disk_over(store.clone());
        run(&mut disk, &start_stop(flags));
        run(&mut disk, &start_stop(flags));
        assert_eq!(store.flushes(), flushes);
    }
}

#[test]
fn a_unit_that_cannot_flush_stays_started() {
    let store = Fake { len: 512, ..Fake::default() };
    let mut disk = disk_over(store.clone());
    store.break_down();
    assert_eq!(quote(run(&mut disk, &start_stop(0))), "03/0c/00");
    assert_eq!(quote(run(&mut disk, &TEST_UNIT_READY)), "good");
}

#[test]
fn ejecting_and_power_conditions_are_refused() {
    for (flags, answer) in [(0x02, "05/24/00 4.1"), (0x10, "05/24/00 4.7"), (0xb0, "05/24/00 4.7")] {
        assert_eq!(quote(run(&mut disk(1), &start_stop(flags))), answer);
    }
}

#[test]
fn the_door_may_be_locked_that_is_not_there() {
    for (prevent, answer) in [(0, "good"), (1, "good"), (2, "05/24/00 4.1")] {
        assert_eq!(quote(run(&mut disk(1), &[0x1e_u8, 0, 0, 0, prevent, 0])), answer);
    }
}

#[test]
fn request_sense_on_a_quiet_unit_says_nothing_in_the_format_asked_for() {
    let mut disk = disk(1);
    let fixed = [0x70, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(ask(&mut disk, &request_sense(0, 252), 252), fixed);
    assert_eq!(ask(&mut disk, &request_sense(0, 17), 252), fixed[..17]);
    assert_eq!(ask(&mut disk, &request_sense(0, 0), 252), [0_u8; 0]);
    assert_eq!(ask(&mut disk, &request_sense(1, 252), 252), [0x72, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_failed_command_leaves_no_sense_behind() {
    let mut disk = disk(1);
    assert_eq!(quote(run(&mut disk, &[0xff_u8; 6])), "05/20/00 0");
    assert_eq!(ask(&mut disk, &request_sense(1, 8), 8)[1..4], [0, 0, 0]);
}

#[test]
fn a_disk_needs_a_whole_number_of_blocks() {
    let build =
        |len, geometry| ScsiDisk::new(Box::new(MemoryStore::new(len)), geometry, Identity::default()).err();
    let native = Geometry { block_size: BlockSize::B4096, ..Geometry::default() };
    let vast = Geometry { physical_exponent: 16, ..Geometry::default() };
    assert_eq!(build(0, Geometry::default()), Some(DiskError::Empty));
    assert_eq!(build(513, Geometry::default()), Some(DiskError::Ragged { len: 513, block: 512 }));
    assert_eq!(build(512, native), Some(DiskError::Ragged { len: 512, block: 4096 }));
    assert_eq!(build(512, vast), Some(DiskError::PhysicalExponent(16)));
    assert_eq!(build(4096, native), None);
}
