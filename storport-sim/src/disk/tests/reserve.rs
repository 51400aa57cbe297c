//! RESERVE and RELEASE of SPC-2.

use super::*;
use crate::disk::Nexus;
use crate::scsi::{Inquiry, Opcode, PersistentReserveIn, ReadCapacity16, Rw10, service_action};

const A: Nexus = Nexus::DEFAULT;
const B: Nexus = Nexus(1);

const RESERVE_6: [u8; 6] = [0x16, 0, 0, 0, 0, 0];
const RELEASE_6: [u8; 6] = [0x17, 0, 0, 0, 0, 0];
const RESERVE_10: [u8; 10] = [0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const RELEASE_10: [u8; 10] = [0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn by(disk: &mut ScsiDisk, who: Nexus, cdb: &(impl Wire + ?Sized)) -> String {
    let mut buffer = vec![0; 4096];
    quote(disk.execute_from(who, cdb.as_bytes(), DataPhase::In(&mut buffer)))
}

#[test]
fn a_reserved_unit_answers_its_holder_and_tells_others_only_who_it_is() {
    let mut disk = disk(8);
    assert_eq!(by(&mut disk, A, &RESERVE_6), "good");
    let read = Rw10::new(Opcode::READ_10, 0, 1);
    assert_eq!(
        (by(&mut disk, A, &read), by(&mut disk, B, &read)),
        ("good".into(), "reservation conflict".into())
    );
    for cdb in [&[0; 6][..], &RESERVE_6, &RESERVE_10, &[0x1a, 0, 0x3f, 0, 255, 0], &[0x1b, 0, 0, 0, 0, 0]] {
        assert_eq!(by(&mut disk, B, cdb), "reservation conflict", "{cdb:02x?}");
    }
    for cdb in [
        Inquiry::standard(36).as_bytes(),
        &[3, 0, 0, 0, 18, 0],
        ReadCapacity16::new(32).as_bytes(),
        &[0x1b, 0, 0, 0, 1, 0],
        &[0x1e, 0, 0, 0, 0, 0],
        &RELEASE_6,
    ] {
        assert_eq!(by(&mut disk, B, cdb), "good", "{cdb:02x?}");
    }
    assert_eq!(
        by(&mut disk, B, &read),
        "reservation conflict",
        "another initiator's RELEASE changed nothing"
    );
}

#[test]
fn a_reservation_ends_by_release_or_reset() {
    for end in [0, 1, 2] {
        let mut disk = disk(8);
        assert_eq!(by(&mut disk, B, &RESERVE_10), "good");
        assert_eq!(by(&mut disk, B, &RESERVE_6), "good", "again is no conflict");
        assert_eq!(by(&mut disk, A, &[0_u8; 6]), "reservation conflict");
        match end {
            0 => assert_eq!(by(&mut disk, B, &RELEASE_10), "good"),
            1 => disk.reset(),
            _ => assert_eq!(disk.power_loss(|_| false).unwrap(), 0),
        }
        assert_eq!(by(&mut disk, A, &[0_u8; 6]), "good");
    }
}

#[test]
fn the_two_generations_of_reservations_do_not_mix() {
    let mut disk = disk(8);
    by(&mut disk, A, &RESERVE_6);
    let keys = PersistentReserveIn::new(service_action::READ_KEYS, 8);
    assert_eq!(by(&mut disk, A, &keys), "reservation conflict");
    by(&mut disk, A, &RELEASE_6);
    assert_eq!(by(&mut disk, A, &keys), "good");
}
