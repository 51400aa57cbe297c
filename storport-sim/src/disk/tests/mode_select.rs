//! MODE SELECT: what can be changed, what cannot, and who hears of it.

use super::*;
use crate::disk::Nexus;
use crate::scsi::{ModeSelect6, ModeSelect10, Opcode, Rw10, SenseFormat};

const PF: u8 = ModeSelect6::PF;
const SP: u8 = ModeSelect6::SP;

fn select(disk: &mut ScsiDisk, flags: u8, list: &[u8]) -> String {
    let cdb = ModeSelect6 {
        opcode: Opcode::MODE_SELECT_6,
        flags,
        reserved: 0.into(),
        parameter_list_length: list.len() as u8,
        control: 0,
    };
    quote(send(disk, &cdb, list))
}

fn select_10(disk: &mut ScsiDisk, list: &[u8]) -> String {
    let cdb = ModeSelect10 {
        opcode: Opcode::MODE_SELECT_10,
        flags: PF,
        reserved: [0; 5],
        parameter_list_length: (list.len() as u16).into(),
        control: 0,
    };
    quote(send(disk, &cdb, list))
}

/// A page as MODE SENSE gives it, fit to be sent back: the header's and the page's reserved bits are zero.
fn page(disk: &mut ScsiDisk, control: u8, code: u8) -> Vec<u8> {
    let cdb = [0x1a, 0x08, control << 6 | code, 0, 255, 0];
    let mut list = ask(disk, &cdb, 255);
    list[..4].fill(0);
    list[4] &= 0x7f;
    list
}

fn caching(disk: &mut ScsiDisk, flags: u8) -> Vec<u8> {
    let mut list = page(disk, 0, 0x08);
    list[6] = flags;
    list
}

#[test]
fn the_write_cache_is_switched_off_with_a_flush_and_on_without() {
    let store = Fake { len: 512, ..Fake::default() };
    let mut disk = disk_over(store.clone());
    let off = caching(&mut disk, 0);
    assert_eq!(select(&mut disk, PF, &off), "good");
    assert_eq!((disk.write_cache_enabled(), store.flushes()), (false, 1));
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 1), &blocks(1));
    assert_eq!(store.flushes(), 2, "a write without a cache is durable");
    let on = caching(&mut disk, 4);
    assert_eq!(select(&mut disk, PF, &on), "good");
    assert_eq!((disk.write_cache_enabled(), store.flushes()), (true, 2));
}

#[test]
fn a_cache_that_cannot_be_flushed_stays_on() {
    let store = Fake { len: 512, ..Fake::default() };
    let mut disk = disk_over(store.clone());
    let off = caching(&mut disk, 0);
    store.break_down();
    assert_eq!(select(&mut disk, PF, &off), "03/0c/00");
    assert!(disk.write_cache_enabled());
}

#[test]
fn software_write_protection_is_its_own_refusal_and_shows_in_the_header() {
    let mut disk = disk(8);
    let mut list = page(&mut disk, 0, 0x0a);
    list[8] = 0x08;
    assert_eq!(select(&mut disk, PF, &list), "good");
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 1), &blocks(1))), "07/27/02");
    assert_eq!(ask(&mut disk, &[0x1a_u8, 0x08, 0x0a, 0, 255, 0], 255)[2], 0x90);
    list[8] = 0;
    assert_eq!(select(&mut disk, PF, &list), "good");
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 1), &blocks(1))), "good");
}

#[test]
fn the_sense_format_travels_with_every_completion() {
    let mut disk = disk(8);
    let mut list = page(&mut disk, 0, 0x0a);
    list[6] |= 0x04;
    assert_eq!(run(&mut disk, &[0xff_u8; 6]).sense_format, SenseFormat::Fixed);
    assert_eq!(select(&mut disk, PF, &list), "good");
    assert_eq!(run(&mut disk, &[0xff_u8; 6]).sense_format, SenseFormat::Descriptor);
}

#[test]
fn what_is_saved_outlives_a_reset_and_what_is_not_does_not() {
    for (flags, after) in [(PF, true), (PF | SP, false)] {
        let mut disk = disk(8);
        let off = caching(&mut disk, 0);
        assert_eq!(select(&mut disk, flags, &off), "good");
        assert_eq!(page(&mut disk, 3, 0x08)[6] & 4 != 0, after, "saved");
        assert_eq!(page(&mut disk, 2, 0x08)[6], 4, "default");
        disk.reset();
        assert_eq!(disk.write_cache_enabled(), after);
    }
}

#[test]
fn every_page_may_be_sent_back_as_it_was() {
    let mut disk = disk(8);
    for code in [0x01, 0x02, 0x08, 0x0a, 0x1c] {
        let list = page(&mut disk, 0, code);
        assert_eq!(select(&mut disk, PF | SP, &list), "good", "page {code:02x}");
    }
    let mut extension = ask(&mut disk, &[0x1a_u8, 0x08, 0x0a, 0x01, 255, 0], 255);
    extension[..4].fill(0);
    assert_eq!(select(&mut disk, PF, &extension), "good");
}

#[test]
fn a_bit_that_cannot_be_changed_is_pointed_at_and_nothing_is() {
    let mut disk = disk(8);
    let mut list = caching(&mut disk, 0);
    list[4 + 12] = 0x01;
    assert_eq!(select(&mut disk, PF, &list), "05/26/00 data 16.0");
    assert_eq!(
        select(&mut disk, PF, &caching(&mut disk_over(MemoryStore::new(512)), 0x05)),
        "05/26/00 data 6.0"
    );
    assert!(disk.write_cache_enabled());
    // A good page before a bad one changes nothing either.
    let mut two = caching(&mut disk, 0);
    two.extend_from_slice(&page(&mut disk, 0, 0x1c)[4..]);
    let last = two.len() - 1;
    two[last] = 0x80;
    assert_eq!(select(&mut disk, PF, &two), format!("05/26/00 data {last}.7"));
    assert!(disk.write_cache_enabled());
}

#[test]
fn a_list_is_taken_whole_or_refused_where_it_is_wrong() {
    let mut disk = disk(8);
    let good = caching(&mut disk, 4);
    let with = |at: usize, value: u8| {
        let mut list = good.clone();
        list[at] = value;
        list
    };
    assert_eq!(select(&mut disk, 0, &good), "05/24/00 1.4", "not the standard's format");
    assert_eq!(select(&mut disk, PF, &[]), "good");
    assert_eq!(select(&mut disk, PF, &good[..4]), "good", "a header alone");
    for cut in [1, 3, 5, 6, good.len() - 1] {
        assert_eq!(select(&mut disk, PF, &good[..cut]), "05/1a/00", "{cut} bytes");
    }
    assert_eq!(select(&mut disk, PF, &with(1, 1)), "05/26/00 data 1", "medium type");
    assert_eq!(select(&mut disk, PF, &with(3, 7)), "05/26/00 data 3", "descriptor length");
    assert_eq!(select(&mut disk, PF, &with(4, 0x88)), "05/26/00 data 4.7", "PS");
    assert_eq!(select(&mut disk, PF, &with(4, 0x09)), "05/26/00 data 4.5", "page code");
    assert_eq!(select(&mut disk, PF, &with(4, 0x48)), "05/26/00 data 4.5", "a subpage there is not");
    assert_eq!(select(&mut disk, PF, &with(5, 17)), "05/26/00 data 5", "page length");
}

#[test]
fn a_block_descriptor_may_only_say_what_is_so() {
    let mut disk = disk(0x1234);
    let short =
        |blocks: u32, length: u32| [&[0, 0, 0, 8][..], &blocks.to_be_bytes(), &length.to_be_bytes()].concat();
    for (blocks, length, answer) in [
        (0x1234, 512, "good"),
        (0, 512, "good"),
        (u32::MAX, 512, "good"),
        (0x1233, 512, "05/26/00 data 4"),
        (0x1234, 4096, "05/26/00 data 9"),
        (0x1234, 0, "05/26/00 data 9"),
    ] {
        assert_eq!(select(&mut disk, PF, &short(blocks, length)), answer);
    }
    let long = |flag: u8, blocks: u64, length: u32| {
        let head = [0, 0, 0, 0, flag, 0, 0, 16];
        [&head[..], &blocks.to_be_bytes(), &[0; 4], &length.to_be_bytes()].concat()
    };
    assert_eq!(select_10(&mut disk, &long(1, 0x1234, 512)), "good");
    assert_eq!(select_10(&mut disk, &long(1, 1 << 63, 512)), "05/26/00 data 8");
    assert_eq!(select_10(&mut disk, &long(1, 0x1234, 520)), "05/26/00 data 20");
    assert_eq!(select_10(&mut disk, &long(0, 0x1234, 512)), "05/26/00 data 6", "long without LONGLBA");
}

#[test]
fn other_initiators_hear_of_a_change_and_the_one_who_made_it_does_not() {
    let mut disk =
        ScsiDisk::new(Box::new(MemoryStore::new(512)), Geometry::default(), Identity::default()).unwrap();
    let (me, you) = (Nexus::DEFAULT, Nexus(1));
    let ready = |disk: &mut ScsiDisk, who| quote(disk.execute_from(who, &[0; 6], DataPhase::None));
    assert_eq!((ready(&mut disk, me), ready(&mut disk, you)), ("06/29/00".into(), "06/29/00".into()));
    let list = caching(&mut disk, 4);
    assert_eq!(select(&mut disk, PF, &list), "good");
    assert_eq!(ready(&mut disk, you), "good", "nothing changed");
    let list = caching(&mut disk, 0);
    assert_eq!(select(&mut disk, PF, &list), "good");
    assert_eq!((ready(&mut disk, me), ready(&mut disk, you)), ("good".into(), "06/2a/01".into()));
    assert_eq!(ready(&mut disk, you), "good");
}
