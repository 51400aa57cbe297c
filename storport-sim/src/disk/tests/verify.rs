//! VERIFY.

use super::*;
use crate::scsi::{Opcode, Rw10, Rw12, Rw16};

fn verify(bytchk: u8, lba: u32, blocks: u16) -> Rw10 {
    Rw10 { flags: bytchk << 1, ..Rw10::new(Opcode::VERIFY_10, lba, blocks) }
}

#[test]
fn without_byte_check_only_readability_counts() {
    let store = Fake { len: 1000 * 512, ..Fake::default() };
    let mut disk = disk_over(store.clone());
    let verify_12 = Rw12 {
        opcode: Opcode::VERIFY_12,
        flags: 0,
        lba: 0.into(),
        blocks: 1000.into(),
        group: 0,
        control: 0,
    };
    let cdbs = [
        verify(0, 0, 1000).as_bytes().to_vec(),
        verify_12.as_bytes().to_vec(),
        Rw16::new(Opcode::VERIFY_16, 0, 1000).as_bytes().to_vec(),
    ];
    for cdb in &cdbs {
        assert_eq!(quote(run(&mut disk, &cdb[..])), "good");
    }
    store.break_down();
    for cdb in &cdbs {
        assert_eq!(quote(run(&mut disk, &cdb[..])), "03/11/00");
    }
}

#[test]
fn with_byte_check_every_byte_counts() {
    let mut disk = disk(400);
    // More than one piece of 64 KiB, and not a whole number of them.
    let mut data = blocks(300);
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 5, 300), &data);
    assert_eq!(quote(send(&mut disk, &verify(1, 5, 300), &data)), "good");
    for at in [0, 65535, 65536, 300 * 512 - 1] {
        data[at] ^= 0x80;
        assert_eq!(quote(send(&mut disk, &verify(1, 5, 300), &data)), "0e/1d/00", "byte {at}");
        data[at] ^= 0x80;
    }
    assert_eq!(quote(send(&mut disk, &verify(1, 5, 300), &data[1..])), "0b/4b/00");
}

#[test]
fn one_block_may_stand_for_all() {
    let mut disk = disk(400);
    let block = blocks(1);
    send(&mut disk, &Rw10::new(Opcode::WRITE_SAME_10, 0, 300), &block);
    assert_eq!(quote(send(&mut disk, &verify(3, 0, 300), &block)), "good");
    assert_eq!(quote(send(&mut disk, &verify(3, 0, 301), &block)), "0e/1d/00");
}

#[test]
fn the_reserved_byte_check_is_refused_and_points_at_the_field() {
    assert_eq!(quote(run(&mut disk(4), &verify(2, 0, 1))), "05/24/00 1.2");
}

#[test]
fn verifying_nothing_succeeds_and_verifying_past_the_end_does_not() {
    for bytchk in [0, 1, 3] {
        assert_eq!(quote(run(&mut disk(4), &verify(bytchk, 4, 0))), "good");
        assert_eq!(quote(run(&mut disk(4), &verify(bytchk, 3, 2))), "05/21/00");
    }
}
