//! SCSI commands and what an ATA disk makes of them.

use crate::rig::*;
use kernel_sim::machine::Execution;
use storport_sim::ddi::SRB_STATUS_ERROR;

const INVALID_COMMAND: Option<(u8, u8, u8)> = Some((5, 0x20, 0));
const INVALID_FIELD: Option<(u8, u8, u8)> = Some((5, 0x24, 0));
const OUT_OF_RANGE: Option<(u8, u8, u8)> = Some((5, 0x21, 0));
const BLOCKS: u32 = (DISK_BYTES / 512) as u32;

/// Runs `body` on machines with one disk, queueing and not.
fn on_disk(body: impl Fn(&Bench, &UnitClient) + Copy + Send + 'static) {
    for queues in [true, false] {
        for seed in 0..10 {
            let setup = Setup { queues, ..ONE_DISK };
            let outcome = run(setup, 2, Execution::Seeded(seed), move |bench| body(bench, &unit(bench)));
            assert_completed(&outcome, &format!("seed {seed}"));
        }
    }
}

/// A ten-byte command about blocks.
fn rw10(code: u8, flags: u8, lba: u32, blocks: u16) -> [u8; 10] {
    let (l, b) = (lba.to_be_bytes(), blocks.to_be_bytes());
    [code, flags, l[0], l[1], l[2], l[3], 0, b[0], b[1], 0]
}

#[test]
fn inquiry_tells_what_identify_data_says() {
    on_disk(|_, unit| {
        let data = unit.execute(&[0x12, 0, 0, 0, 96, 0], Data::In(96)).good();
        assert_eq!((data.len(), data[0], data[2]), (36, 0, 7));
        assert_eq!(&data[8..32], b"ATA     STORSIM Virtual ");
        let vital = |page: u8| unit.execute(&[0x12, 1, page, 0, 255, 0], Data::In(255)).good();
        assert_eq!(vital(0)[4..], [0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2]);
        assert_eq!(vital(0x80)[4..8], *b"1   ");
        assert_eq!(vital(0x83)[4..9], [1, 3, 0, 8, vital(0x83)[8]]);
        assert_eq!(vital(0xB1)[4..6], [0, 1], "does not rotate");
        assert_eq!(vital(0xB2)[5] & 0x80, 0x80);
        assert_eq!(vital(0xB0)[8..12], 512u32.to_be_bytes(), "256 KiB at once");
        let refused = unit.execute(&[0x12, 1, 0xC0, 0, 255, 0], Data::In(255));
        assert_eq!((refused.status, refused.sense), (SRB_STATUS_ERROR, INVALID_FIELD));
    });
}

#[test]
fn capacity_and_units_are_told() {
    on_disk(|_, unit| {
        let data = unit.execute(&rw10(0x25, 0, 0, 0), Data::In(8)).good();
        assert_eq!(data, [(BLOCKS - 1).to_be_bytes(), 512u32.to_be_bytes()].concat());
        let mut long = [0; 16];
        (long[0], long[1], long[13]) = (0x9E, 0x10, 32);
        let data = unit.execute(&long, Data::In(32)).good();
        assert_eq!(data[..12], [&u64::from(BLOCKS - 1).to_be_bytes()[..], &512u32.to_be_bytes()].concat());
        assert_eq!(data[14], 0xC0, "TRIM, and zeroes afterwards");
        let mut luns = [0; 12];
        (luns[0], luns[9]) = (0xA0, 64);
        assert_eq!(
            unit.execute(&luns, Data::In(64)).good(),
            [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
    });
}

#[test]
fn blocks_are_moved_by_commands_of_every_length() {
    on_disk(|_, unit| {
        let block: Vec<u8> = (0..512).map(|n| n as u8).collect();
        unit.execute(&[0x0A, 0, 0, 9, 1, 0], Data::Out(&block)).good();
        unit.execute(&rw10(0x2A, 0x08, 10, 1), Data::Out(&block)).good();
        let twelve = [0xAA, 0, 0, 0, 0, 11, 0, 0, 0, 1, 0, 0];
        unit.execute(&twelve, Data::Out(&block)).good();
        let sixteen = [0x8A, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0];
        unit.execute(&sixteen, Data::Out(&block)).good();
        let four = block.repeat(4);
        assert_eq!(unit.execute(&[0x08, 0, 0, 9, 4, 0], Data::In(2048)).good(), four);
        assert_eq!(unit.execute(&rw10(0x28, 0, 9, 4), Data::In(2048)).good(), four);
        let twelve = [0xA8, 0, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0];
        assert_eq!(unit.execute(&twelve, Data::In(2048)).good(), four);
        let sixteen = [0x88, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0];
        assert_eq!(unit.execute(&sixteen, Data::In(2048)).good(), four);
        unit.execute(&rw10(0x28, 0, 9, 0), Data::None).good();
    });
}

#[test]
fn what_is_not_there_is_refused() {
    on_disk(|_, unit| {
        let past = unit.execute(&rw10(0x28, 0, BLOCKS, 1), Data::In(512));
        assert_eq!((past.status, past.sense), (SRB_STATUS_ERROR, OUT_OF_RANGE));
        assert_eq!(unit.execute(&rw10(0x2F, 0, BLOCKS - 1, 2), Data::None).sense, OUT_OF_RANGE);
        assert_eq!(unit.execute(&rw10(0x28, 0, 0, 2), Data::In(512)).sense, INVALID_FIELD);
        assert_eq!(unit.execute(&rw10(0x2F, 2, 0, 1), Data::Out(&[0; 512])).sense, INVALID_FIELD);
        for code in [0x04, 0x3B, 0x5F, 0xFF] {
            let refused = unit.execute(&[code; 10], Data::None);
            assert_eq!((refused.status, refused.sense), (SRB_STATUS_ERROR, INVALID_COMMAND), "{code:#x}");
        }
    });
}

#[test]
fn commands_without_data_reach_the_disk() {
    on_disk(|_, unit| {
        unit.execute(&[0; 6], Data::None).good();
        unit.execute(&rw10(0x2F, 0, 0, 16), Data::None).good();
        unit.execute(&rw10(0x35, 0, 0, 0), Data::None).good();
        unit.execute(&[0x1B, 0, 0, 0, 0, 0], Data::None).good();
        unit.execute(&[0x1B, 0, 0, 0, 1, 0], Data::None).good();
        assert_eq!(unit.execute(&[0x1B, 0, 0, 0, 2, 0], Data::None).sense, INVALID_COMMAND);
        assert_eq!(unit.execute(&[3, 0, 0, 0, 18, 0], Data::In(18)).good()[..3], [0x70, 0, 0]);
    });
}

#[test]
fn unmapped_blocks_read_as_zeroes() {
    on_disk(|_, unit| {
        unit.execute(&rw10(0x2A, 0, 20, 4), Data::Out(&[7; 2048])).good();
        let mut list = [0; 40];
        (list[1], list[3]) = (38, 32);
        (list[15], list[19]) = (20, 1);
        (list[31], list[35]) = (22, 2);
        unit.execute(&rw10(0x42, 0, 0, 40), Data::Out(&list)).good();
        let data = unit.execute(&rw10(0x28, 0, 20, 4), Data::In(2048)).good();
        let firsts: Vec<u8> = data.iter().step_by(512).copied().collect();
        assert_eq!(firsts, [0, 7, 0, 0]);
        list[28..32].fill(0xFF);
        assert_eq!(unit.execute(&rw10(0x42, 0, 0, 40), Data::Out(&list)).sense, OUT_OF_RANGE);
    });
}

#[test]
fn the_write_cache_is_switched_by_its_mode_page() {
    on_disk(|_, unit| {
        let page = || unit.execute(&[0x1A, 0, 0x08, 0, 64, 0], Data::In(64)).good();
        let is_on = || page()[4 + 2] & 4 != 0;
        assert!(is_on());
        let mut list = [0; 24];
        (list[4], list[5]) = (0x08, 18);
        unit.execute(&[0x15, 0x10, 0, 0, 24, 0], Data::Out(&list)).good();
        assert!(!is_on());
        list[6] = 4;
        unit.execute(&[0x15, 0x10, 0, 0, 24, 0], Data::Out(&list)).good();
        assert!(is_on());
        assert_eq!(unit.execute(&[0x1A, 0, 0x3F, 0, 64, 0], Data::In(64)).good().len(), 4 + 20 + 12);
        assert_eq!(unit.execute(&[0x1A, 0, 0x1C, 0, 64, 0], Data::In(64)).sense, INVALID_FIELD);
    });
}

#[test]
fn sense_data_names_the_block_that_failed() {
    on_disk(|bench, unit| {
        bench.faults("medium-error:lba=33..34,op=read;medium-error:lba=40..41,op=write", 1);
        let failed = unit.execute(&rw10(0x28, 0, 32, 4), Data::In(2048));
        assert_eq!((failed.sense, failed.block), (Some((3, 0x11, 0)), Some(33)));
        let failed = unit.execute(&rw10(0x2A, 0, 40, 1), Data::Out(&[0; 512]));
        assert_eq!((failed.sense, failed.block), (Some((4, 0x44, 0)), Some(40)));
        assert_eq!(unit.execute(&rw10(0x28, 0, 32, 1), Data::In(512)).good().len(), 512);
        bench.faults("aborted:times=1", 1);
        assert_eq!(unit.execute(&rw10(0x28, 0, 0, 1), Data::In(512)).sense, Some((0xB, 0, 0)));
    });
}
