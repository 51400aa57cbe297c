//! READ and WRITE: which blocks, how many, and where the disk ends.

use super::*;
use crate::scsi::{Opcode, Rw6, Rw10, Rw12, Rw16};

/// One command block of every length, for the same blocks.
fn every_length(
    six: Opcode,
    ten: Opcode,
    twelve: Opcode,
    sixteen: Opcode,
    lba: u32,
    blocks: u8,
) -> [Vec<u8>; 4] {
    let rw6 =
        Rw6 { opcode: six, lba_high: (lba >> 16) as u8, lba_low: (lba as u16).into(), blocks, control: 0 };
    let rw12 = Rw12 {
        opcode: twelve,
        flags: 0,
        lba: lba.into(),
        blocks: u32::from(blocks).into(),
        group: 0,
        control: 0,
    };
    [
        rw6.as_bytes().to_vec(),
        Rw10::new(ten, lba, blocks.into()).as_bytes().to_vec(),
        rw12.as_bytes().to_vec(),
        Rw16::new(sixteen, lba.into(), blocks.into()).as_bytes().to_vec(),
    ]
}

fn reads(lba: u32, blocks: u8) -> [Vec<u8>; 4] {
    every_length(Opcode::READ_6, Opcode::READ_10, Opcode::READ_12, Opcode::READ_16, lba, blocks)
}

pub(super) fn writes(lba: u32, blocks: u8) -> [Vec<u8>; 4] {
    every_length(Opcode::WRITE_6, Opcode::WRITE_10, Opcode::WRITE_12, Opcode::WRITE_16, lba, blocks)
}

#[test]
fn what_is_written_in_any_length_of_command_is_read_in_any_other() {
    let mut disk = disk(0x2_0000);
    for (round, write) in (0_u8..).zip(writes(0x1_2345, 3)) {
        let data: Vec<u8> = blocks(3).iter().map(|byte| byte ^ round << 1).collect();
        let done = send(&mut disk, &write[..], &data);
        assert_eq!((done.status, done.transferred, done.expected), (ScsiStatus::GOOD, 1536, 1536));
        for read in reads(0x1_2345, 3) {
            assert_eq!(ask(&mut disk, &read[..], 1536), data);
        }
    }
    assert_eq!(ask(&mut disk, &reads(0x1_2344, 1)[1][..], 512), [0; 512], "the block before");
    assert_eq!(ask(&mut disk, &reads(0x1_2348, 1)[1][..], 512), [0; 512], "the block after");
}

#[test]
fn blocks_of_4096_bytes_are_counted_in_4096_bytes() {
    let geometry = Geometry { block_size: super::super::BlockSize::B4096, ..Geometry::default() };
    let mut disk = disk_with(MemoryStore::new(4 * 4096), geometry);
    let data = blocks(8);
    assert_eq!(send(&mut disk, &Rw10::new(Opcode::WRITE_10, 3, 1), &data).transferred, 4096);
    assert_eq!(ask(&mut disk, &Rw16::new(Opcode::READ_16, 3, 1), 4096), data);
    assert_eq!(quote(run(&mut disk, &Rw10::new(Opcode::READ_10, 4, 1))), "05/21/00");
}

#[test]
fn a_length_of_zero_is_256_blocks_in_six_bytes_and_none_in_more() {
    let mut disk = disk(256);
    for (cdb, expected) in reads(0, 0).iter().zip([256 * 512, 0, 0, 0]) {
        assert_eq!(run(&mut disk, &cdb[..]).expected, expected);
    }
    for (cdb, expected) in writes(0, 0).iter().zip([256 * 512, 0, 0, 0]) {
        assert_eq!(send(&mut disk, &cdb[..], &blocks(256)).expected, expected);
    }
    // One block short of 256 left.
    assert_eq!(quote(run(&mut disk, &reads(1, 0)[0][..])), "05/21/00");
}

#[test]
fn the_last_block_is_inside_and_the_next_one_is_not() {
    let mut disk = disk(100);
    for cdb in reads(99, 1) {
        assert_eq!(ask(&mut disk, &cdb[..], 512).len(), 512);
    }
    for cdb in reads(99, 2).iter().chain(&reads(100, 1)).chain(&reads(101, 1)) {
        assert_eq!(quote(run(&mut disk, &cdb[..])), "05/21/00", "{cdb:02x?}");
    }
    for cdb in writes(99, 2).iter().chain(&writes(100, 1)) {
        assert_eq!(quote(send(&mut disk, &cdb[..], &blocks(2))), "05/21/00", "{cdb:02x?}");
    }
}

#[test]
fn nothing_may_be_read_where_the_disk_ends_but_not_beyond() {
    let mut disk = disk(100);
    assert_eq!(quote(run(&mut disk, &Rw10::new(Opcode::READ_10, 100, 0))), "good");
    assert_eq!(quote(run(&mut disk, &Rw10::new(Opcode::READ_10, 101, 0))), "05/21/00");
    assert_eq!(quote(run(&mut disk, &Rw16::new(Opcode::WRITE_16, u64::MAX, 0))), "05/21/00");
}

#[test]
fn addresses_that_would_wrap_are_past_the_end() {
    let mut disk = disk(100);
    for lba in [1 << 32, 1 << 54, 1 << 55, (1 << 55) + 1, 1 << 63, (1 << 63) - 1, u64::MAX - 1, u64::MAX] {
        for opcode in [Opcode::READ_16, Opcode::WRITE_16, Opcode::VERIFY_16, Opcode::SYNCHRONIZE_CACHE_16] {
            for count in [1, 2, u32::MAX] {
                assert_eq!(
                    quote(run(&mut disk, &Rw16::new(opcode, lba, count))),
                    "05/21/00",
                    "{opcode} {lba:#x}"
                );
            }
        }
    }
}

#[test]
fn the_largest_disk_there_can_be_has_a_last_block() {
    let len = u64::MAX / 512 * 512;
    let last = len / 512 - 1;
    let mut disk = disk_over(MemoryStore::new(len));
    let data = blocks(1);
    assert_eq!(quote(send(&mut disk, &Rw16::new(Opcode::WRITE_16, last, 1), &data)), "good");
    assert_eq!(ask(&mut disk, &Rw16::new(Opcode::READ_16, last, 1), 512), data);
    assert_eq!(quote(run(&mut disk, &Rw16::new(Opcode::READ_16, last, 2))), "05/21/00");
}
