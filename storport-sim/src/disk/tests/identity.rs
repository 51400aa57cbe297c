//! INQUIRY and the vital product data pages.

use super::super::{Identity, IdentityError};
use super::*;
use crate::scsi::{BlockLimits, Inquiry, InquiryData, VpdPage};
use zerocopy::FromBytes;

fn page(disk: &mut ScsiDisk, page: VpdPage) -> Vec<u8> {
    let data = ask(disk, &Inquiry::vpd(page, 512), 512);
    assert_eq!((data[0], data[1]), (0x00, page.0));
    assert_eq!(usize::from(u16::from_be_bytes([data[2], data[3]])), data.len() - 4, "page {page}");
    data[4..].to_vec()
}

#[test]
fn standard_data_says_who_the_disk_is() {
    let identity = Identity::new("ACME", "Anvil", "2.1", "A-1").unwrap();
    let mut disk = ScsiDisk::new(Box::new(MemoryStore::new(512)), Geometry::default(), identity).unwrap();
    let data = InquiryData::read_from_bytes(&ask(&mut disk, &Inquiry::standard(255), 255)).unwrap();
    assert_eq!((data.peripheral, data.removable, data.version, data.format), (0, 0, 7, 0x12));
    assert_eq!((data.additional_length, data.flags_7), (91, 0x02));
    assert_eq!((&data.vendor, &data.product, &data.revision), (b"ACME    ", b"Anvil           ", b"2.1 "));
    assert_eq!(data.versions.map(|version| version.get()), [0x00c0, 0x05c0, 0x0600, 0, 0, 0, 0, 0]);
}

#[test]
fn inquiry_data_is_cut_at_the_allocation_length_and_the_length_field_is_not() {
    for (allocation_length, sent) in [(0, 0), (5, 5), (36, 36), (95, 95), (96, 96), (97, 96), (u16::MAX, 96)]
    {
        let data = ask(&mut disk(1), &Inquiry::standard(allocation_length), 128);
        assert_eq!(data.len(), sent);
        assert!(data.get(4).is_none_or(|&length| length == 91));
    }
}

#[test]
fn a_page_code_needs_evpd_and_a_page() {
    let stray = Inquiry { page: VpdPage::UNIT_SERIAL_NUMBER, ..Inquiry::standard(96) };
    let command_data = Inquiry { evpd: 0x02, ..Inquiry::standard(96) };
    for (cdb, answer) in [
        (stray, "05/24/00 2"),
        (Inquiry::vpd(VpdPage(0x81), 96), "05/24/00 2"),
        (Inquiry::vpd(VpdPage(0xff), 96), "05/24/00 2"),
        (command_data, "05/24/00 1.1"),
    ] {
        assert_eq!(quote(run(&mut disk(1), &cdb)), answer);
    }
}

#[test]
fn every_page_listed_is_there() {
    let mut disk = disk(1);
    let listed = page(&mut disk, VpdPage::SUPPORTED);
    assert_eq!(listed, [0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2]);
    for code in listed {
        let whole = page(&mut disk, VpdPage(code)).len() + 4;
        for allocation_length in [0, 3, whole - 1, whole, whole + 1] {
            let sent = ask(&mut disk, &Inquiry::vpd(VpdPage(code), allocation_length as u16), 512).len();
            assert_eq!(sent, allocation_length.min(whole), "page {code:02x}");
        }
    }
}

#[test]
fn the_unit_can_be_recognised_by_serial_number_words_and_name() {
    let mut disk = disk(1);
    assert_eq!(page(&mut disk, VpdPage::UNIT_SERIAL_NUMBER), b"1");
    let names = page(&mut disk, VpdPage::DEVICE_IDENTIFICATION);
    let (words, naa) = names.split_at(4 + 25);
    assert_eq!(words[..4], [0x02, 0x01, 0, 25]);
    assert_eq!(&words[4..], b"STORSIM Virtual Disk    1");
    assert_eq!(naa[..4], [0x01, 0x03, 0, 8]);
    assert_eq!(naa[4] >> 4, 3, "locally assigned");
    assert_eq!(naa[4..], disk.identity().naa().to_be_bytes());
}

#[test]
fn disks_that_differ_in_serial_number_differ_in_name() {
    let naa = |serial| Identity::new("A", "B", "C", serial).unwrap().naa();
    assert_ne!(naa("1"), naa("2"));
    assert_eq!(naa("1"), naa("1"));
}

#[test]
fn several_disks_have_identities_of_their_own() {
    let pages: Vec<_> = (0..8)
        .map(|n| {
            let store = Box::new(MemoryStore::new(512));
            let mut disk = ScsiDisk::new(store, Geometry::default(), Identity::numbered(n)).unwrap();
            disk = disk.without_unit_attentions();
            (page(&mut disk, VpdPage::UNIT_SERIAL_NUMBER), page(&mut disk, VpdPage::DEVICE_IDENTIFICATION))
        })
        .collect();
    assert_eq!(pages[0].0, b"1");
    for (n, (serial, names)) in pages.iter().enumerate() {
        for (other_serial, other_names) in &pages[..n] {
            assert_ne!(serial, other_serial);
            // The words, and the NAA name behind them.
            assert_ne!(names[..names.len() - 12], other_names[..other_names.len() - 12]);
            assert_ne!(names[names.len() - 8..], other_names[other_names.len() - 8..]);
        }
    }
}

#[test]
fn the_limits_and_the_medium_are_described() {
    let geometry = Geometry { physical_exponent: 3, rotation_rate: 7200, ..Geometry::default() };
    let mut disk = disk_with(MemoryStore::new(4096), geometry);
    let limits = BlockLimits::read_from_bytes(&page(&mut disk, VpdPage::BLOCK_LIMITS)).unwrap();
    assert_eq!((limits.flags, limits.transfer_granularity.get(), limits.unmap_granularity.get()), (1, 8, 8));
    assert_eq!((limits.unmap_blocks_max.get(), limits.unmap_descriptors_max.get()), (0x0080_0000, 256));
    assert_eq!(limits.write_same_max.get(), 0xffff);
    assert_eq!(page(&mut disk, VpdPage::BLOCK_DEVICE_CHARACTERISTICS)[..2], 7200_u16.to_be_bytes());
    assert_eq!(page(&mut disk, VpdPage::LOGICAL_BLOCK_PROVISIONING), [0, 0xe4, 2, 0]);
}

#[test]
fn names_that_do_not_fit_inquiry_are_refused_in_one_line() {
    let refusal = |vendor: &str, serial: &str| Identity::new(vendor, "P", "R", serial).unwrap_err();
    assert_eq!(refusal("ninechars", "1").to_string(), "vendor \"ninechars\" is longer than 8 characters");
    assert_eq!(refusal("a\nb", "1").to_string(), "vendor \"a\\nb\" is not printable ASCII");
    assert_eq!(refusal("ok", &"x".repeat(65)).to_string().lines().count(), 1);
    assert_eq!(refusal("ok", ""), IdentityError::NoSerial);
    assert!(Identity::new("12345678", "1234567890123456", "1234", &"x".repeat(64)).is_ok());
}
