//! UNMAP and WRITE SAME.

use super::*;
use crate::scsi::{Opcode, Rw10, Rw16, Unmap, UnmapBlockDescriptor, UnmapHeader};

/// An UNMAP for a parameter list of `len` bytes.
fn unmap(len: usize) -> Unmap {
    let parameter_list_length = (len as u16).into();
    Unmap {
        opcode: Opcode::UNMAP,
        anchor: 0,
        reserved: 0.into(),
        group: 0,
        parameter_list_length,
        control: 0,
    }
}

fn list(ranges: &[(u64, u32)]) -> Vec<u8> {
    let len = ranges.len() * 16;
    let header = UnmapHeader {
        data_length: (len as u16 + 6).into(),
        descriptors_length: (len as u16).into(),
        reserved: 0.into(),
    };
    let mut list = header.as_bytes().to_vec();
    for &(lba, blocks) in ranges {
        let range = UnmapBlockDescriptor { lba: lba.into(), blocks: blocks.into(), reserved: 0.into() };
        list.extend_from_slice(range.as_bytes());
    }
    list
}

fn unmap_ranges(disk: &mut ScsiDisk, ranges: &[(u64, u32)]) -> String {
    let list = list(ranges);
    quote(send(disk, &unmap(list.len()), &list))
}

fn full(count: u16) -> ScsiDisk {
    let mut disk = disk(count.into());
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, count), &blocks(count.into()));
    disk
}

/// Which blocks read as zero.
fn zeros(disk: &mut ScsiDisk) -> Vec<usize> {
    let count = disk.blocks() as u16;
    let data = ask(disk, &Rw10::new(Opcode::READ_10, 0, count), usize::from(count) * 512);
    data.chunks(512)
        .enumerate()
        .filter(|(_, block)| block.iter().all(|&byte| byte == 0))
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn what_is_unmapped_reads_as_zero_and_its_neighbours_do_not() {
    let mut disk = full(10);
    assert_eq!(unmap_ranges(&mut disk, &[(1, 2), (5, 0), (9, 1)]), "good");
    assert_eq!(zeros(&mut disk), [1, 2, 9]);
}

#[test]
fn one_range_past_the_end_leaves_all_of_them_alone() {
    for bad in [(10, 1), (9, 2), (u64::MAX, 1), (1 << 63, u32::MAX), (11, 0)] {
        let mut disk = full(10);
        assert_eq!(unmap_ranges(&mut disk, &[(0, 1), bad]), "05/21/00");
        assert_eq!(zeros(&mut disk), [0; 0]);
    }
}

#[test]
fn a_parameter_list_may_be_empty_but_not_cut() {
    let mut disk = full(10);
    assert_eq!(quote(run(&mut disk, &unmap(0))), "good");
    let list = list(&[(0, 1)]);
    for len in [1, 7, 8, 23] {
        assert_eq!(quote(send(&mut disk, &unmap(len), &list)), "05/1a/00", "{len} bytes");
    }
    assert_eq!(quote(send(&mut disk, &unmap(24), &list[..23])), "0b/4b/00");
    assert_eq!(zeros(&mut disk), [0; 0]);
}

#[test]
fn a_piece_of_a_descriptor_is_ignored() {
    let mut disk = full(10);
    let mut list = list(&[(0, 1), (1, 1)]);
    list[3] = 31;
    assert_eq!(quote(send(&mut disk, &unmap(list.len()), &list)), "good");
    assert_eq!(zeros(&mut disk), [0]);
}

#[test]
fn the_limits_of_the_block_limits_page_hold() {
    let mut disk = disk(0x0100_0000);
    assert_eq!(unmap_ranges(&mut disk, &[(0, 0x0080_0000)]), "good");
    assert_eq!(unmap_ranges(&mut disk, &[(0, 0x0080_0001)]), "05/26/00 data 16");
    assert_eq!(unmap_ranges(&mut disk, &[(0, 0x0080_0000), (0, 1)]), "05/26/00 data 32");
    assert_eq!(unmap_ranges(&mut disk, &[(0, 1); 256]), "good");
    assert_eq!(unmap_ranges(&mut disk, &[(0, 1); 257]), "05/26/00 data 2");
}

#[test]
fn anchoring_is_refused() {
    let cdb = Unmap { anchor: 1, ..unmap(24) };
    assert_eq!(quote(send(&mut full(10), &cdb, &list(&[(0, 1)]))), "05/24/00 1.0");
}

#[test]
fn write_same_fills_its_range_with_one_block() {
    let block = blocks(1);
    for (lba, count) in [(0, 1), (3, 4), (9, 1), (0, 10), (0, 300)] {
        let mut disk = disk(300);
        let cdbs = [
            Rw10::new(Opcode::WRITE_SAME_10, lba, count).as_bytes().to_vec(),
            Rw16::new(Opcode::WRITE_SAME_16, lba.into(), count.into()).as_bytes().to_vec(),
        ];
        for cdb in cdbs {
            let done = send(&mut disk, &cdb[..], &block);
            assert_eq!((quote(done).as_str(), done.transferred), ("good", 512));
            let read = ask(&mut disk, &Rw10::new(Opcode::READ_10, lba, count), usize::from(count) * 512);
            assert!(read.chunks(512).all(|read| read == block));
        }
        assert_eq!(zeros(&mut disk).len(), 300 - usize::from(count));
    }
}

#[test]
fn write_same_of_zeros_and_of_no_data_give_space_back() {
    let unmapping = Rw16 { flags: Rw10::UNMAP, ..Rw16::new(Opcode::WRITE_SAME_16, 2, 3) };
    let no_data = Rw16 { flags: Rw10::NDOB, ..unmapping };
    let both = Rw16 { flags: Rw10::NDOB | Rw10::UNMAP, ..unmapping };
    for (cdb, transferred) in [(unmapping, 512), (no_data, 0), (both, 0)] {
        let mut disk = full(10);
        let done = send(&mut disk, &cdb, &[0; 512]);
        assert_eq!((quote(done).as_str(), done.transferred), ("good", transferred));
        assert_eq!(zeros(&mut disk), [2, 3, 4]);
    }
}

#[test]
fn write_same_with_unmap_still_writes_a_block_that_is_not_zero() {
    let mut disk = disk(10);
    let cdb = Rw10 { flags: Rw10::UNMAP, ..Rw10::new(Opcode::WRITE_SAME_10, 0, 9) };
    assert_eq!(quote(send(&mut disk, &cdb, &blocks(1))), "good");
    assert_eq!(zeros(&mut disk), [9]);
}

#[test]
fn write_same_refuses_no_blocks_too_many_and_those_past_the_end() {
    let mut disk = disk(0x2_0000);
    let block = blocks(1);
    let same_16 = |lba, blocks| Rw16::new(Opcode::WRITE_SAME_16, lba, blocks);
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::WRITE_SAME_10, 0, 0), &block)), "05/24/00 7");
    assert_eq!(quote(send(&mut disk, &same_16(0, 0), &block)), "05/24/00 10");
    assert_eq!(quote(send(&mut disk, &same_16(0, 0x1_0000), &block)), "05/24/00 10");
    assert_eq!(quote(send(&mut disk, &same_16(0x2_0001, 0), &block)), "05/21/00");
    assert_eq!(quote(send(&mut disk, &same_16(0x1_ffff, 2), &block)), "05/21/00");
    assert_eq!(quote(send(&mut disk, &same_16(0, 1), &block[..511])), "0b/4b/00");
}

#[test]
fn a_store_that_fails_to_unmap_is_a_write_error() {
    let store = Fake { len: 10 * 512, ..Fake::default() };
    let mut disk = disk_over(store.clone());
    store.break_down();
    assert_eq!(unmap_ranges(&mut disk, &[(0, 0)]), "good", "nothing to do, nothing to fail");
    assert_eq!(unmap_ranges(&mut disk, &[(3, 1)]), "03/0c/00");
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::WRITE_SAME_10, 0, 1), &blocks(1))), "03/0c/00");
}
