//! MODE SENSE.

use super::*;
use crate::scsi::{ModeSense6, ModeSense10, Opcode};

const DBD: u8 = ModeSense6::DBD;

fn six(flags: u8, page: u8, allocation_length: u8) -> ModeSense6 {
    ModeSense6 { opcode: Opcode::MODE_SENSE_6, flags, page, subpage: 0, allocation_length, control: 0 }
}

fn ten(flags: u8, page: u8, allocation_length: u16) -> ModeSense10 {
    ModeSense10 {
        opcode: Opcode::MODE_SENSE_10,
        flags,
        page,
        subpage: 0,
        reserved: [0; 3],
        allocation_length: allocation_length.into(),
        control: 0,
    }
}

#[test]
fn a_single_page_comes_alone_and_page_3f_is_all_of_them_ascending() {
    let mut disk = disk(8);
    let mut all = Vec::new();
    for (page, first, len) in
        [(0x01, 0x01, 12), (0x02, 0x02, 16), (0x08, 0x88, 20), (0x0a, 0x8a, 12), (0x1c, 0x1c, 12)]
    {
        let data = ask(&mut disk, &six(DBD, page, 255), 255);
        assert_eq!((usize::from(data[0]), data[3]), (data.len() - 1, 0));
        assert_eq!((data[4], usize::from(data[5]), data.len()), (first, len - 2, 4 + len));
        all.extend_from_slice(&data[4..]);
    }
    assert_eq!(ask(&mut disk, &six(DBD, 0x3f, 255), 255)[4..], all);
    assert_eq!(ask(&mut disk, &ten(DBD, 0x3f, 255), 255)[8..], all);
}

#[test]
fn the_write_cache_bit_follows_the_geometry() {
    for (write_cache, flags) in [(true, 0x04), (false, 0x00)] {
        let mut disk = disk_with(MemoryStore::new(512), Geometry { write_cache, ..Geometry::default() });
        assert_eq!(ask(&mut disk, &six(DBD, 0x08, 255), 255)[6], flags);
    }
}

#[test]
fn write_protection_and_fua_are_in_the_header() {
    let mut writable = disk(1);
    let mut protected = disk_over(Fake { len: 512, read_only: true, ..Fake::default() });
    assert_eq!(ask(&mut writable, &six(0, 0x3f, 255), 255)[2], 0x10);
    assert_eq!(ask(&mut protected, &six(0, 0x3f, 255), 255)[2], 0x90);
    assert_eq!(ask(&mut protected, &ten(0, 0x3f, 255), 255)[3], 0x90);
}

#[test]
fn the_block_descriptor_is_short_unless_the_long_one_is_accepted() {
    let mut small = disk(0x1234);
    let mut large = disk(1 << 33);
    assert_eq!(ask(&mut small, &six(0, 0x08, 255), 255)[3..12], [8, 0, 0, 0x12, 0x34, 0, 0, 2, 0]);
    assert_eq!(ask(&mut large, &six(0, 0x08, 255), 255)[4..8], [0xff; 4]);
    assert_eq!(ask(&mut small, &ten(0, 0x08, 255), 255)[4..16], [0, 0, 0, 8, 0, 0, 0x12, 0x34, 0, 0, 2, 0]);
    let long = ask(&mut large, &ten(ModeSense10::LLBAA, 0x08, 255), 255);
    assert_eq!(long[4..24], [1, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
    assert_eq!(ask(&mut large, &ten(ModeSense10::LLBAA | DBD, 0x08, 255), 255)[4..8], [0, 0, 0, 0]);
}

#[test]
fn defaults_and_saved_values_are_current_at_first_and_masks_show_what_can_change() {
    let mut disk = disk(8);
    let current = ask(&mut disk, &six(DBD, 0x3f, 255), 255);
    assert_eq!(ask(&mut disk, &six(DBD, 0x80 | 0x3f, 255), 255), current, "default");
    assert_eq!(ask(&mut disk, &six(DBD, 0xc0 | 0x3f, 255), 255), current, "saved");
    for (page, mask) in [(0x01, [0; 3]), (0x02, [0; 3]), (0x08, [4, 0, 0]), (0x0a, [4, 0, 8]), (0x1c, [0; 3])]
    {
        let data = ask(&mut disk, &six(DBD, 0x40 | page, 255), 255);
        assert_eq!((&data[6..9], data[9..].iter().max()), (&mask[..], Some(&0)), "page {page:02x}");
    }
}

#[test]
fn pages_and_subpages_that_are_not_there_are_refused() {
    let mut disk = disk(8);
    assert_eq!(quote(run(&mut disk, &six(0, 0x03, 255))), "05/24/00 2.5");
    assert_eq!(quote(run(&mut disk, &ten(0, 0x00, 255))), "05/24/00 2.5");
    assert_eq!(quote(run(&mut disk, &ModeSense6 { subpage: 2, ..six(0, 0x0a, 255) })), "05/24/00 3");
    assert_eq!(quote(run(&mut disk, &ModeSense6 { subpage: 1, ..six(0, 0x08, 255) })), "05/24/00 3");
    assert_eq!(quote(run(&mut disk, &ModeSense6 { subpage: 1, ..six(0, 0x3f, 255) })), "05/24/00 3");
    assert_eq!(quote(run(&mut disk, &ModeSense6 { subpage: 0xff, ..six(0, 0x3f, 255) })), "good");
    assert_eq!(
        quote(run(&mut disk, &six(0x10, 0x3f, 255))),
        "05/24/00 1.4",
        "LLBAA is not a bit of six bytes"
    );
}

#[test]
fn the_control_page_has_a_subpage_of_its_own() {
    let mut disk = disk(8);
    let sub = |subpage| ModeSense6 { subpage, ..six(DBD, 0x0a, 255) };
    let whole = ask(&mut disk, &sub(0xff), 255);
    assert_eq!(ask(&mut disk, &sub(0), 255)[4..], whole[4..16]);
    let extension = ask(&mut disk, &sub(1), 255);
    assert_eq!((&extension[4..8], extension.len()), (&[0x4a, 1, 0, 28][..], 4 + 32));
    assert_eq!(extension[4..], whole[16..]);
    let all = ModeSense6 { subpage: 0xff, ..six(DBD, 0x3f, 255) };
    assert_eq!(ask(&mut disk, &all, 255).len(), ask(&mut disk, &six(DBD, 0x3f, 255), 255).len() + 32);
}

#[test]
fn mode_data_is_cut_at_the_allocation_length_and_its_length_field_is_not() {
    let mut disk = disk(8);
    let whole = ask(&mut disk, &six(0, 0x3f, 255), 255);
    let whole_10 = ask(&mut disk, &ten(0, 0x3f, 255), 255);
    for cut in [0, 1, 4, 12, whole.len() - 1] {
        assert_eq!(ask(&mut disk, &six(0, 0x3f, cut as u8), 255), whole[..cut]);
        assert_eq!(ask(&mut disk, &ten(0, 0x3f, cut as u16), 255), whole_10[..cut]);
    }
}
