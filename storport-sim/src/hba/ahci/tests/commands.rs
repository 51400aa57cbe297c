//! Commands that succeed.

use super::super::registers::*;
use super::host::{DISK_BLOCKS, Give, Host, on_machine};

fn word(sector: &[u8], n: usize) -> u16 {
    u16::from_le_bytes([sector[2 * n], sector[2 * n + 1]])
}

#[track_caller]
fn succeeds(host: &Host, give: Give) {
    assert_eq!(host.carry_out(give), 0x50);
    assert_eq!(host.px(px::CI), 0);
}

#[test]
fn a_disk_says_who_it_is() {
    on_machine(false, |host| {
        host.bring_up();
        succeeds(host, Give::new(0xEC).bytes(512));
        let sector = host.data(0);
        assert_eq!(u64::from(word(sector, 100)), DISK_BLOCKS);
        assert_eq!((word(sector, 75), word(sector, 76) & 1 << 8, word(sector, 169)), (31, 1 << 8, 1));
        // "STORSIM  Virtual Disk", with its characters swapped in pairs.
        assert_eq!(&sector[54..70], b"TSROIS MiVtrau l");
        assert_eq!(sector[..512].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)), 0);
        assert_eq!(host.moved(0), 512);
        // The frame was stored in its place, with the status afterwards.
        assert_eq!((host.received()[0x20], host.received()[0x20 + 15]), (0x5F, 0x50));
    });
}

#[test]
fn blocks_are_written_and_read_by_dma() {
    on_machine(false, |host| {
        host.bring_up();
        host.data(0)[..1024].iter_mut().enumerate().for_each(|(n, byte)| *byte = n as u8);
        succeeds(host, Give::new(0x35).at(9).count(2).bytes(1024).writing());
        assert_eq!(host.moved(0), 1024);
        host.data(0).fill(0);
        succeeds(host, Give::new(0x25).at(10).count(1).bytes(512));
        assert!(host.data(0)[..512].iter().enumerate().all(|(n, byte)| *byte == n as u8));
        assert_eq!((host.data(0)[512], host.moved(0)), (0, 512));
        succeeds(host, Give::new(0x42).at(0).count(8));
        succeeds(host, Give::new(0xEA));
    });
}

#[test]
fn queued_commands_end_in_any_order_each_with_its_own_data() {
    on_machine(false, |host| {
        host.bring_up();
        for slot in 0..24 {
            host.data(slot)[..512].fill(slot as u8 + 1);
            host.give(slot, Give::queued(0x61, slot as u64).writing());
        }
        host.until(px::SACT, |value| value == 0);
        assert_eq!(host.px(px::CI), 0);
        for slot in 0..24 {
            host.data(slot).fill(0);
            host.give(slot, Give::queued(0x60, 23 - slot as u64));
        }
        host.until(px::SACT, |value| value == 0);
        for slot in 0..24 {
            assert_eq!(host.data(slot)[..512], [24 - slot as u8; 512], "slot {slot}");
        }
        assert_eq!(host.px(px::IS) & (is::SDBS | is::TFES), is::SDBS);
    });
}

#[test]
fn trimmed_blocks_read_as_zeroes() {
    on_machine(false, |host| {
        host.bring_up();
        host.data(0)[..1024].fill(7);
        succeeds(host, Give::new(0x35).at(4).count(2).bytes(1024).writing());
        host.data(0).fill(0);
        host.data(0)[..8].copy_from_slice(&(5u64 | 1 << 48).to_le_bytes());
        succeeds(host, Give::new(0x06).features(1).count(1).bytes(512).writing());
        succeeds(host, Give::new(0x25).at(4).count(2).bytes(1024));
        assert_eq!((host.data(0)[0], host.data(0)[512]), (7, 0));
    });
}

#[test]
fn settings_are_kept_and_told() {
    on_machine(false, |host| {
        host.bring_up();
        let cache = |host: &Host| {
            succeeds(host, Give::new(0xEC).bytes(512));
            word(host.data(0), 85) & 1 << 5 != 0
        };
        assert!(cache(host));
        succeeds(host, Give::new(0xEF).features(0x82));
        assert!(!cache(host));
        succeeds(host, Give::new(0xEF).features(0x02));
        assert!(cache(host));
        let power = |host: &Host| {
            succeeds(host, Give::new(0xE5));
            host.received()[0x40 + 12]
        };
        assert_eq!(power(host), 0xFF);
        succeeds(host, Give::new(0xE0));
        assert_eq!(power(host), 0);
        succeeds(host, Give::new(0x2F).count(1).bytes(512));
        assert_eq!((host.data(0)[0], host.data(0)[0x20]), (1, 1));
        succeeds(host, Give::new(0xB0).features(0xDA));
    });
}

#[test]
fn unknown_commands_are_given_up() {
    on_machine(false, |host| {
        host.bring_up();
        for command in [0x00, 0xA0, 0xA1, 0xC8, 0xFF] {
            assert_eq!(host.carry_out(Give::new(command)), 0x0451, "{command:#x}");
            host.stop();
            host.start();
        }
    });
}

#[test]
fn a_packet_device_keeps_its_sense_until_asked() {
    on_machine(true, |host| {
        host.bring_up();
        // REPORT LUNS would do; TEST UNIT READY meets the unit attention of power-on.
        assert_eq!(host.carry_out(Give::packet(&[0; 6])), 0x6451);
        host.stop();
        host.start();
        succeeds(host, Give::packet(&[3, 0, 0, 0, 18, 0]).bytes(18));
        assert_eq!((host.data(0)[0], host.data(0)[2], host.data(0)[12], host.moved(0)), (0x70, 6, 0x29, 18));
        succeeds(host, Give::packet(&[3, 0, 0, 0, 18, 0]).bytes(18));
        assert_eq!(host.data(0)[2], 0);
        succeeds(host, Give::packet(&[0; 6]));
        succeeds(host, Give::new(0xA1).bytes(512));
        assert_eq!(word(host.data(0), 0), 0x8001);
        host.data(0)[..512].fill(5);
        succeeds(host, Give::packet(&[0x2A, 0, 0, 0, 0, 3, 0, 0, 1, 0]).bytes(512).writing());
        host.data(0).fill(0);
        // More room than there is data.
        succeeds(host, Give::packet(&[0x28, 0, 0, 0, 0, 3, 0, 0, 1, 0]).bytes(1024));
        assert_eq!((host.data(0)[511], host.data(0)[512], host.moved(0)), (5, 0, 512));
    });
}
