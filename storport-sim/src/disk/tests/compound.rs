//! Commands that do two things: ORWRITE, COMPARE AND WRITE, WRITE AND VERIFY; and GET LBA STATUS, which joins
//! ranges.

use super::*;
use crate::scsi::{CompareAndWrite, GetLbaStatus, Opcode, Rw10, Rw16};

fn contents(disk: &mut ScsiDisk) -> Vec<u8> {
    let count = disk.blocks() as u16;
    ask(disk, &Rw10::new(Opcode::READ_10, 0, count), usize::from(count) * 512)
}

#[test]
fn orwrite_sets_bits_and_clears_none() {
    let mut disk = disk(3);
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 3), &[0b0101; 3 * 512]);
    let done = send(&mut disk, &Rw16::new(Opcode::ORWRITE_16, 1, 1), &[0b0011; 512]);
    assert_eq!((quote(done).as_str(), done.transferred), ("good", 512));
    assert_eq!(contents(&mut disk), [[0b0101; 512], [0b0111; 512], [0b0101; 512]].concat());
}

#[test]
fn compare_and_write_writes_the_second_half_or_says_where_the_first_differs() {
    let mut disk = disk(4);
    let (old, new) = ([0; 1024], [9; 1024]);
    let cdb = CompareAndWrite::new(1, 2);
    for at in [0, 511, 512, 1023] {
        let mut other = old;
        other[at] = 1;
        let done = send(&mut disk, &cdb, &[other, new].concat());
        assert_eq!((quote(done).as_str(), done.sense.unwrap().information), ("0e/1d/00", Some(at as u64)));
        assert_eq!(contents(&mut disk), [0; 2048], "a difference writes nothing");
    }
    assert_eq!(quote(send(&mut disk, &cdb, &[old, new].concat())), "good");
    assert_eq!(contents(&mut disk), [vec![0; 512], vec![9; 1024], vec![0; 512]].concat());
    assert_eq!(quote(send(&mut disk, &cdb, &[new, old].concat())), "good", "and back");
}

#[test]
fn write_and_verify_reads_back_what_the_medium_has() {
    // A store that keeps nothing, so that what is read back is not what was written.
    let mut forgetful = disk_over(Fake { len: 4 * 512, ..Fake::default() });
    let with = |check: u8| Rw10 { flags: check << 1, ..Rw10::new(Opcode::WRITE_AND_VERIFY_10, 1, 2) };
    assert_eq!(quote(send(&mut forgetful, &with(1), &blocks(2))), "0e/1d/00");
    assert_eq!(quote(send(&mut forgetful, &with(0), &blocks(2))), "good", "readable is enough");
    let mut disk = disk(4);
    assert_eq!(quote(send(&mut disk, &with(1), &blocks(2))), "good");
    assert_eq!(contents(&mut disk)[512..1536], blocks(2));
}

#[test]
fn lba_status_joins_what_is_alike_and_ends_with_the_disk() {
    // Pages of the store are 128 blocks: the second and third of five are written, the last is not whole.
    let mut disk = disk(4 * 128 + 50);
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 200, 100), &blocks(100));
    let ranges = |disk: &mut ScsiDisk, lba, room: u32| {
        let data = ask(disk, &GetLbaStatus::new(lba, room), room as usize);
        let told = u32::from_be_bytes([data[0], data[1], data[2], data[3]]);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
        let list: Vec<_> =
            data[8..].chunks_exact(16).map(|r| (number(&r[..8]), number(&r[8..12]), r[12])).collect();
        (told, list)
    };
    let all = vec![(0, 128, 1), (128, 256, 0), (384, 178, 1)];
    assert_eq!(ranges(&mut disk, 0, 4096), (4 + 48, all.clone()));
    assert_eq!(ranges(&mut disk, 0, 24), (4 + 16, all[..1].to_vec()), "as many as there is room for");
    assert_eq!(ranges(&mut disk, 130, 4096).1, [(130, 254, 0), (384, 178, 1)]);
    assert_eq!(ranges(&mut disk, 561, 4096).1, [(561, 1, 1)]);
}

#[test]
fn lba_status_of_a_disk_too_large_to_fill_comes_at_once() {
    let len = u64::MAX / 512 * 512;
    let mut disk = disk_over(MemoryStore::new(len));
    let last = len / 512 - 1;
    send(&mut disk, &Rw16::new(Opcode::WRITE_16, last, 1), &blocks(1));
    let data = ask(&mut disk, &GetLbaStatus::new(0, 24), 24);
    assert_eq!(data[16..21], [0xff, 0xff, 0xff, 0xff, 1], "a range is as long as its field");
    assert_eq!(ask(&mut disk, &GetLbaStatus::new(last, 24), 24)[16..21], [0, 0, 0, 1, 0]);
}
