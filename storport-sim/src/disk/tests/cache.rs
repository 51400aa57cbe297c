//! The volatile write cache: what a loss of power takes, and what it does not.

use super::*;
use crate::scsi::{CompareAndWrite, Opcode, Rw10, Rw16, Unmap, UnmapBlockDescriptor};

/// 16 blocks, all written and flushed: what is durable is not zero.
fn cached(capacity: u64) -> (ScsiDisk, Vec<u8>) {
    let mut disk = disk(16).with_volatile_cache(capacity);
    let old = vec![0x11; 16 * 512];
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 16), &old);
    run(&mut disk, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 0, 0));
    assert_eq!(disk.unflushed_blocks(), 0);
    (disk, old)
}

fn write(disk: &mut ScsiDisk, lba: u32, count: u16) {
    let done = send(disk, &Rw10::new(Opcode::WRITE_10, lba, count), &vec![0x22; usize::from(count) * 512]);
    assert_eq!(quote(done), "good");
}

/// The blocks that hold something else than what was durable at first.
fn changed(disk: &mut ScsiDisk) -> Vec<usize> {
    let data = ask(disk, &Rw10::new(Opcode::READ_10, 0, 16), 16 * 512);
    let blocks = data.chunks(512).enumerate();
    blocks.filter(|(_, block)| block.iter().any(|&byte| byte != 0x11)).map(|(at, _)| at).collect()
}

#[test]
fn what_was_not_flushed_is_lost_and_what_was_is_not() {
    let (mut disk, _) = cached(100);
    write(&mut disk, 2, 4);
    run(&mut disk, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 2, 1));
    run(&mut disk, &Rw16::new(Opcode::SYNCHRONIZE_CACHE_16, 5, 0));
    assert_eq!(changed(&mut disk), [2, 3, 4, 5], "reads see the newest");
    assert_eq!(disk.unflushed_blocks(), 2);
    assert_eq!(disk.power_loss(|_| false).unwrap(), 2);
    assert_eq!(changed(&mut disk), [2, 5]);
    assert_eq!(disk.unflushed_blocks(), 0);
}

#[test]
fn the_caller_says_which_blocks_survive_asked_in_order() {
    let (mut disk, _) = cached(100);
    write(&mut disk, 9, 2);
    write(&mut disk, 3, 2);
    let mut asked = Vec::new();
    let lost = disk.power_loss(|lba| {
        asked.push(lba);
        lba % 2 == 0
    });
    assert_eq!((lost.unwrap(), asked), (2, vec![3, 4, 9, 10]));
    assert_eq!(changed(&mut disk), [4, 10]);
}

#[test]
fn a_block_written_twice_falls_back_to_what_was_durable() {
    let (mut disk, old) = cached(100);
    write(&mut disk, 0, 1);
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 1), &blocks(1));
    disk.power_loss(|_| false).unwrap();
    assert_eq!(ask(&mut disk, &Rw10::new(Opcode::READ_10, 0, 1), 512), old[..512]);
}

#[test]
fn fua_verification_and_a_cache_switched_off_leave_nothing_to_lose() {
    let data = vec![0x22; 512];
    let with = |flags, opcode| Rw10 { flags, ..Rw10::new(opcode, 4, 1) };
    let durable: [(Rw10, bool); 5] = [
        (with(Rw10::FUA, Opcode::WRITE_10), false),
        (with(0, Opcode::WRITE_AND_VERIFY_10), false),
        (with(Rw10::FUA, Opcode::READ_10), true),
        (with(0, Opcode::VERIFY_10), true),
        (with(0x02, Opcode::VERIFY_10), true),
    ];
    for (cdb, written_before) in durable {
        let (mut disk, _) = cached(100);
        write(&mut disk, 5, 1);
        if written_before {
            write(&mut disk, 4, 1);
        }
        let mut buffer = vec![0; 512];
        let phase = match cdb.opcode {
            Opcode::READ_10 => DataPhase::In(&mut buffer),
            _ => DataPhase::Out(&data),
        };
        assert_eq!(quote(disk.execute(cdb.as_bytes(), phase)), "good");
        disk.power_loss(|_| false).unwrap();
        assert_eq!(changed(&mut disk), [4], "{cdb:?}");
    }
    let store = MemoryStore::new(16 * 512);
    let mut disk =
        disk_with(store, Geometry { write_cache: false, ..Geometry::default() }).with_volatile_cache(9);
    write(&mut disk, 0, 1);
    assert_eq!(disk.power_loss(|_| false).unwrap(), 0);
}

#[test]
fn everything_that_writes_can_be_lost() {
    let cdbs: [(Vec<u8>, Vec<u8>); 5] = [
        (Rw10::new(Opcode::WRITE_SAME_10, 1, 2).as_bytes().to_vec(), vec![0x22; 512]),
        (Rw10::new(Opcode::WRITE_SAME_10, 1, 2).as_bytes().to_vec(), vec![0; 512]),
        (Rw16::new(Opcode::ORWRITE_16, 1, 2).as_bytes().to_vec(), vec![0x22; 1024]),
        (CompareAndWrite::new(1, 2).as_bytes().to_vec(), [vec![0x11; 1024], vec![0x22; 1024]].concat()),
        {
            let cdb = Unmap {
                opcode: Opcode::UNMAP,
                anchor: 0,
                reserved: 0.into(),
                group: 0,
                parameter_list_length: 24.into(),
                control: 0,
            };
            let range = UnmapBlockDescriptor { lba: 1.into(), blocks: 2.into(), reserved: 0.into() };
            (cdb.as_bytes().to_vec(), [&[0, 22, 0, 16, 0, 0, 0, 0], range.as_bytes()].concat())
        },
    ];
    for (cdb, data) in cdbs {
        let (mut disk, _) = cached(100);
        assert_eq!(quote(send(&mut disk, &cdb[..], &data)), "good");
        assert_eq!((changed(&mut disk), disk.unflushed_blocks()), (vec![1, 2], 2), "{:02x}", cdb[0]);
        assert_eq!(disk.power_loss(|_| false).unwrap(), 2);
        assert_eq!(changed(&mut disk), [0; 0], "{:02x}", cdb[0]);
    }
}

#[test]
fn a_full_cache_gives_its_oldest_block_to_the_medium() {
    let (mut disk, _) = cached(3);
    for lba in [7, 1, 4, 2] {
        write(&mut disk, lba, 1);
    }
    assert_eq!(disk.unflushed_blocks(), 3);
    assert_eq!(disk.power_loss(|_| false).unwrap(), 3);
    assert_eq!(changed(&mut disk), [7]);
}

#[test]
fn what_is_larger_than_the_cache_bypasses_it() {
    let (mut disk, _) = cached(3);
    write(&mut disk, 5, 1);
    write(&mut disk, 4, 4);
    assert_eq!(disk.power_loss(|_| false).unwrap(), 0);
    assert_eq!(changed(&mut disk), [4, 5, 6, 7]);
}

#[test]
fn losing_power_is_a_power_on_to_the_initiator() {
    let mut disk =
        ScsiDisk::new(Box::new(MemoryStore::new(512)), Geometry::default(), Identity::default()).unwrap();
    run(&mut disk, &[0_u8; 6]);
    run(&mut disk, &[0x1b_u8, 0, 0, 0, 0, 0]);
    assert_eq!(disk.power_loss(|_| false).unwrap(), 0);
    assert_eq!(quote(run(&mut disk, &[0_u8; 6])), "06/29/01");
    assert_eq!(quote(run(&mut disk, &[0_u8; 6])), "good");
}

#[test]
fn stopping_flushes_the_cache_and_a_reset_does_not() {
    let (mut disk, _) = cached(100);
    write(&mut disk, 0, 2);
    disk.reset();
    assert_eq!(disk.unflushed_blocks(), 2);
    run(&mut disk, &[0x1b_u8, 0, 0, 0, 4, 0]);
    assert_eq!(disk.unflushed_blocks(), 2, "NO_FLUSH");
    run(&mut disk, &[0x1b_u8, 0, 0, 0, 1, 0]);
    run(&mut disk, &[0x1b_u8, 0, 0, 0, 0, 0]);
    assert_eq!(disk.unflushed_blocks(), 0);
}
