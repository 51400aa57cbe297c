//! Reads that share the disk: the same answers as reads that do not, and only where nothing changes.

use super::super::fault::FaultInjector;
use super::super::{Nexus, Target};
use super::*;
use crate::medium::Medium;
use crate::scsi::{AdditionalSense, Lun, Opcode, Rw10};

fn shared(disk: &ScsiDisk, cdb: &(impl Wire + ?Sized)) -> Option<Completion> {
    disk.execute_shared(Nexus::DEFAULT, cdb.as_bytes(), &mut [0; 1024])
}

const READ: Rw10 = Rw10::new(Opcode::READ_10, 3, 2);

#[test]
fn a_shared_read_answers_like_any_other() {
    let mut disk = disk(10);
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 3, 2), &blocks(2));
    for room in [0, 511, 1024, 2000] {
        let (mut one, mut other) = (vec![0xaa; room], vec![0xaa; room]);
        let done = disk.execute_shared(Nexus::DEFAULT, READ.as_bytes(), &mut one);
        assert_eq!(done, Some(disk.execute(READ.as_bytes(), DataPhase::In(&mut other))));
        assert_eq!(one, other);
    }
}

#[test]
fn whatever_changes_the_unit_or_fails_is_not_shared() {
    let fua = Rw10 { flags: Rw10::FUA, ..READ };
    let mut quiet = disk(10).with_volatile_cache(4);
    assert!(shared(&quiet, &READ).is_some() && shared(&quiet, &fua).is_some());
    send(&mut quiet, &Rw10::new(Opcode::WRITE_10, 3, 1), &blocks(1));
    assert!(shared(&quiet, &READ).is_some() && shared(&quiet, &fua).is_none(), "FUA has to flush");
    for cdb in
        [Rw10::new(Opcode::READ_10, 9, 2), Rw10 { group: 0x40, ..READ }, Rw10::new(Opcode::VERIFY_10, 0, 1)]
    {
        assert!(shared(&quiet, &cdb).is_none(), "{cdb:?}");
    }
    assert!(shared(&quiet, &[0_u8; 6]).is_none() && shared(&quiet, &[0_u8; 0]).is_none());
    run(&mut quiet, &[0x1b_u8, 0, 0, 0, 0, 0]);
    assert!(shared(&quiet, &READ).is_none(), "stopped");
    let fake = Fake { len: 10 * 512, ..Fake::default() };
    assert!(shared(&disk_over(fake), &READ).is_none(), "a store for one reader at a time");
}

#[test]
fn attentions_and_reservations_come_before_a_shared_read() {
    let mut disk =
        ScsiDisk::new(Box::new(MemoryStore::new(10 * 512)), Geometry::default(), Identity::default())
            .unwrap();
    assert!(shared(&disk, &READ).is_none(), "power on");
    run(&mut disk, &[0_u8; 6]);
    assert!(shared(&disk, &READ).is_some());
    disk.raise_unit_attention(AdditionalSense::CAPACITY_DATA_HAS_CHANGED);
    assert!(shared(&disk, &READ).is_none());
    run(&mut disk, &[0_u8; 6]);
    let stranger = disk.execute_shared(Nexus(7), READ.as_bytes(), &mut [0; 1024]);
    assert!(stranger.is_none(), "a new initiator hears of the power on first");
    run(&mut disk, &[0x16_u8, 0, 0, 0, 0, 0]);
    assert!(shared(&disk, &READ).is_some());
    disk.execute_from(Nexus(7), &[0; 6], DataPhase::None);
    assert!(disk.execute_shared(Nexus(7), READ.as_bytes(), &mut [0; 1024]).is_none(), "reserved");
}

#[test]
fn a_fault_plan_sees_every_read() {
    let medium = Medium::new(Target::from_iter([disk(10)]));
    medium.with(|target| target.set_faults(Some(FaultInjector::new(&"busy:every=2".parse().unwrap(), 1))));
    let answers: Vec<String> = (0..4)
        .map(|_| quote(medium.execute(Lun::ZERO, READ.as_bytes(), DataPhase::In(&mut [0; 1024]))))
        .collect();
    assert_eq!(answers, ["good", "busy", "good", "busy"]);
}

#[test]
fn readers_on_several_host_threads_see_whole_writes() {
    let medium = Medium::new(Target::from_iter([disk(10)]));
    let write = Rw10::new(Opcode::WRITE_10, 3, 2);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let mut buffer = [0; 1024];
                    medium.execute(Lun::ZERO, READ.as_bytes(), DataPhase::In(&mut buffer));
                    assert!(buffer.iter().all(|&byte| byte == buffer[0]), "a torn read");
                }
            });
        }
        for round in 0..2000 {
            medium.execute(Lun::ZERO, write.as_bytes(), DataPhase::Out(&[round as u8; 1024]));
        }
    });
}
