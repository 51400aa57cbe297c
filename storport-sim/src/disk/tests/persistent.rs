//! Persistent reservations, as three initiators live them.

use super::*;
use crate::disk::Nexus;
use crate::scsi::{
    Opcode, PersistentReserveIn, PersistentReserveOut, ReservationType, ReserveOutParameters, Rw10,
    service_action as action,
};

const A: Nexus = Nexus(1);
const B: Nexus = Nexus(2);
const C: Nexus = Nexus(3);
const CONFLICT: &str = "reservation conflict";

/// A disk that all three have heard of.
fn shared() -> ScsiDisk {
    let mut disk =
        ScsiDisk::new(Box::new(MemoryStore::new(8 * 512)), Geometry::default(), Identity::default()).unwrap();
    for who in [A, B, C] {
        assert_eq!(ready(&mut disk, who), "06/29/00");
    }
    disk
}

fn ready(disk: &mut ScsiDisk, who: Nexus) -> String {
    quote(disk.execute_from(who, &[0; 6], DataPhase::None))
}

fn out(disk: &mut ScsiDisk, who: Nexus, action: u8, kind: u8, key: u64, action_key: u64) -> String {
    let cdb = PersistentReserveOut::new(action, kind);
    let list = ReserveOutParameters::new(key, action_key);
    quote(disk.execute_from(who, cdb.as_bytes(), DataPhase::Out(list.as_bytes())))
}

/// Registers A, B and C with keys a, b and c.
fn registered() -> ScsiDisk {
    let mut disk = shared();
    for (who, key) in [(A, 0xa), (B, 0xb), (C, 0xc)] {
        assert_eq!(out(&mut disk, who, action::REGISTER, 0, 0, key), "good");
    }
    disk
}

fn read_in(disk: &mut ScsiDisk, action: u8) -> Vec<u8> {
    let mut buffer = vec![0; 1024];
    let cdb = PersistentReserveIn::new(action, 1024);
    let done = disk.execute_from(Nexus(9), cdb.as_bytes(), DataPhase::In(&mut buffer));
    let done = match done.sense {
        // A newcomer hears of the power on first.
        Some(_) => disk.execute_from(Nexus(9), cdb.as_bytes(), DataPhase::In(&mut buffer)),
        None => done,
    };
    assert_eq!(quote(done), "good");
    buffer.truncate(done.transferred);
    buffer
}

fn keys(disk: &mut ScsiDisk) -> Vec<u64> {
    let data = read_in(disk, action::READ_KEYS);
    assert_eq!(data.len() - 8, u32::from_be_bytes([data[4], data[5], data[6], data[7]]) as usize);
    data[8..].as_chunks().0.iter().map(|&key| u64::from_be_bytes(key)).collect()
}

/// PRGENERATION.
fn generation(disk: &mut ScsiDisk) -> u8 {
    read_in(disk, action::READ_KEYS)[3]
}

/// Key and type of the reservation.
fn held(disk: &mut ScsiDisk) -> Option<(u64, u8)> {
    let data = read_in(disk, action::READ_RESERVATION);
    let key = data.get(8..16)?.try_into().unwrap();
    Some((u64::from_be_bytes(key), data[21]))
}

fn reads(disk: &mut ScsiDisk, who: Nexus) -> bool {
    let mut buffer = [0; 512];
    let cdb = Rw10::new(Opcode::READ_10, 0, 1);
    quote(disk.execute_from(who, cdb.as_bytes(), DataPhase::In(&mut buffer))) == "good"
}

fn writes(disk: &mut ScsiDisk, who: Nexus) -> bool {
    let cdb = Rw10::new(Opcode::WRITE_10, 0, 1);
    quote(disk.execute_from(who, cdb.as_bytes(), DataPhase::Out(&[1; 512]))) == "good"
}

#[test]
fn keys_are_registered_changed_and_given_up() {
    let mut disk = shared();
    assert_eq!(out(&mut disk, A, action::REGISTER, 0, 5, 0xa), CONFLICT, "a key that was not registered");
    assert_eq!(out(&mut disk, A, action::REGISTER, 0, 0, 0), "good", "nothing to give up");
    assert_eq!((keys(&mut disk), generation(&mut disk)), (vec![], 0));
    assert_eq!(out(&mut disk, A, action::REGISTER, 0, 0, 0xa), "good");
    assert_eq!(out(&mut disk, B, action::REGISTER, 0, 0, 0xa), "good", "keys need not differ");
    assert_eq!(out(&mut disk, A, action::REGISTER, 0, 0, 0xaa), CONFLICT);
    assert_eq!(out(&mut disk, A, action::REGISTER, 0, 0xa, 0xaa), "good");
    assert_eq!((keys(&mut disk), generation(&mut disk)), (vec![0xaa, 0xa], 3));
    assert_eq!(out(&mut disk, A, action::REGISTER_AND_IGNORE, 0, 0x99, 0xab), "good");
    assert_eq!(out(&mut disk, B, action::REGISTER, 0, 0xa, 0), "good");
    assert_eq!((keys(&mut disk), generation(&mut disk)), (vec![0xab], 5));
}

#[test]
fn each_type_keeps_out_whom_it_says() {
    // Reads and writes of the holder, of another registrant, and of an initiator that is not registered.
    for (kind, registrant, stranger) in [
        (0x1, (true, false), (true, false)),
        (0x3, (false, false), (false, false)),
        (0x5, (true, true), (true, false)),
        (0x6, (true, true), (false, false)),
        (0x7, (true, true), (true, false)),
        (0x8, (true, true), (false, false)),
    ] {
        let mut disk = registered();
        assert_eq!(out(&mut disk, C, action::REGISTER, 0, 0xc, 0), "good");
        assert_eq!(out(&mut disk, A, action::RESERVE, kind, 0xa, 0), "good");
        let key = if kind < 7 { 0xa } else { 0 };
        assert_eq!(held(&mut disk), Some((key, kind)));
        for (who, allowed) in [(A, (true, true)), (B, registrant), (C, stranger)] {
            assert_eq!((reads(&mut disk, who), writes(&mut disk, who)), allowed, "type {kind:x}, {who:?}");
            assert_eq!(ready(&mut disk, who), "good", "TEST UNIT READY asks nothing of the medium");
        }
    }
}

#[test]
fn only_a_registrant_with_its_key_reserves_and_only_if_no_other_has() {
    let mut disk = registered();
    assert_eq!(out(&mut disk, Nexus::DEFAULT, action::RESERVE, 1, 0, 0), "06/29/00");
    assert_eq!(out(&mut disk, Nexus::DEFAULT, action::RESERVE, 1, 0, 0), CONFLICT);
    assert_eq!(out(&mut disk, A, action::RESERVE, 1, 0xb, 0), CONFLICT);
    for (kind, answer) in
        [(0x00, "05/24/00 2.3"), (0x02, "05/24/00 2.3"), (0x09, "05/24/00 2.3"), (0x11, "05/24/00 2.7")]
    {
        assert_eq!(out(&mut disk, A, action::RESERVE, kind, 0xa, 0), answer);
    }
    assert_eq!(out(&mut disk, A, action::RESERVE, 5, 0xa, 0), "good");
    assert_eq!(out(&mut disk, A, action::RESERVE, 5, 0xa, 0), "good", "again");
    assert_eq!(out(&mut disk, A, action::RESERVE, 1, 0xa, 0), CONFLICT, "another type");
    assert_eq!(out(&mut disk, B, action::RESERVE, 5, 0xb, 0), CONFLICT);
    assert_eq!(generation(&mut disk), 3, "reserving is not a new generation");
}

#[test]
fn a_release_is_told_to_registrants_where_they_had_access() {
    for (kind, told) in
        [(0x1, "good"), (0x3, "good"), (0x5, "06/2a/04"), (0x6, "06/2a/04"), (0x8, "06/2a/04")]
    {
        let mut disk = registered();
        out(&mut disk, A, action::RESERVE, kind, 0xa, 0);
        assert_eq!(out(&mut disk, A, action::RELEASE, kind ^ 1, 0xa, 0), "05/26/04", "another type");
        assert_eq!(out(&mut disk, A, action::RELEASE, kind, 0xb, 0), CONFLICT, "another key");
        assert_eq!(out(&mut disk, A, action::RELEASE, kind, 0xa, 0), "good");
        assert_eq!(
            (held(&mut disk), ready(&mut disk, A), ready(&mut disk, B)),
            (None, "good".into(), told.into())
        );
        assert_eq!(out(&mut disk, A, action::RELEASE, kind, 0xa, 0), "good", "nothing held, nothing done");
    }
    let mut disk = registered();
    out(&mut disk, A, action::RESERVE, 1, 0xa, 0);
    assert_eq!(out(&mut disk, B, action::RELEASE, 1, 0xb, 0), "good");
    assert_eq!(held(&mut disk), Some((0xa, 1)), "who does not hold it cannot release it");
}

#[test]
fn unregistering_the_holder_ends_the_reservation_unless_all_hold_it() {
    let mut disk = registered();
    out(&mut disk, A, action::RESERVE, 6, 0xa, 0);
    assert_eq!(out(&mut disk, A, action::REGISTER, 0, 0xa, 0), "good");
    assert_eq!((held(&mut disk), ready(&mut disk, B)), (None, "06/2a/04".into()));
    let mut disk = registered();
    out(&mut disk, A, action::RESERVE, 8, 0xa, 0);
    for (who, key) in [(A, 0xa), (B, 0xb)] {
        out(&mut disk, who, action::REGISTER, 0, key, 0);
        assert_eq!(held(&mut disk), Some((0, 8)));
    }
    out(&mut disk, C, action::REGISTER, 0, 0xc, 0);
    assert_eq!(held(&mut disk), None);
}

#[test]
fn clearing_takes_everything_and_tells_the_others() {
    let mut disk = registered();
    out(&mut disk, A, action::RESERVE, 3, 0xa, 0);
    assert_eq!(out(&mut disk, B, action::CLEAR, 0, 0xa, 0), CONFLICT);
    assert_eq!(out(&mut disk, B, action::CLEAR, 0, 0xb, 0), "good");
    assert_eq!((held(&mut disk), keys(&mut disk), generation(&mut disk)), (None, vec![], 4));
    let told: Vec<String> = [A, B, C].into_iter().map(|who| ready(&mut disk, who)).collect();
    assert_eq!(told, ["06/2a/03", "good", "06/2a/03"]);
}

#[test]
fn preempting_the_holder_takes_its_place() {
    for abort in [action::PREEMPT, action::PREEMPT_AND_ABORT] {
        let mut disk = registered();
        out(&mut disk, A, action::RESERVE, 3, 0xa, 0);
        assert_eq!(out(&mut disk, B, abort, 5, 0xb, 0xa), "good");
        assert_eq!((held(&mut disk), keys(&mut disk)), (Some((0xb, 5)), vec![0xb, 0xc]));
        let told: Vec<String> = [A, B, C].into_iter().map(|who| ready(&mut disk, who)).collect();
        assert_eq!(told, ["06/2a/05", "good", "06/2a/04"], "C hears that the type is another");
    }
    let mut disk = registered();
    out(&mut disk, A, action::RESERVE, 3, 0xa, 0);
    assert_eq!(out(&mut disk, A, action::PREEMPT, 1, 0xa, 0xa), "good", "itself, to change the type");
    assert_eq!((held(&mut disk), keys(&mut disk).len()), (Some((0xa, 1)), 3));
}

#[test]
fn preempting_another_initiator_takes_only_the_registration() {
    let mut disk = registered();
    out(&mut disk, A, action::RESERVE, 1, 0xa, 0);
    assert_eq!(out(&mut disk, B, action::PREEMPT, 3, 0xb, 0xc), "good");
    assert_eq!((held(&mut disk), keys(&mut disk)), (Some((0xa, 1)), vec![0xa, 0xb]));
    assert_eq!(ready(&mut disk, C), "06/2a/05");
    assert_eq!(out(&mut disk, B, action::PREEMPT, 3, 0xb, 0xc), CONFLICT, "that key is registered no longer");
    assert_eq!(out(&mut disk, B, action::PREEMPT, 3, 0xb, 0), "05/26/00 data 8");
    assert_eq!(out(&mut disk, B, action::PREEMPT, 3, 0xa, 0xa), CONFLICT, "a wrong key of one's own");
}

#[test]
fn where_all_hold_it_a_key_of_zero_preempts_everybody_else() {
    let mut disk = registered();
    out(&mut disk, A, action::RESERVE, 7, 0xa, 0);
    assert_eq!(out(&mut disk, B, action::PREEMPT, 1, 0xb, 0xa), "good");
    assert_eq!((held(&mut disk), keys(&mut disk)), (Some((0, 7)), vec![0xb, 0xc]), "one registration less");
    assert_eq!(out(&mut disk, B, action::PREEMPT, 1, 0xb, 0), "good");
    assert_eq!((held(&mut disk), keys(&mut disk)), (Some((0xb, 1)), vec![0xb]));
}

#[test]
fn the_parameter_list_is_24_bytes_without_features_that_were_not_offered() {
    let mut disk = shared();
    let cdb = |len: u32| PersistentReserveOut {
        parameter_list_length: len.into(),
        ..PersistentReserveOut::new(0, 0)
    };
    for len in [0, 23, 25, u32::MAX] {
        let done = disk.execute_from(A, cdb(len).as_bytes(), DataPhase::Out(&[0; 32]));
        assert_eq!(quote(done), "05/1a/00");
    }
    assert_eq!(quote(disk.execute_from(A, cdb(24).as_bytes(), DataPhase::Out(&[0; 23]))), "0b/4b/00");
    for (flags, bit) in [(0x08, 3), (0x04, 2), (0x80, 7)] {
        let list = ReserveOutParameters { flags, ..ReserveOutParameters::new(0, 1) };
        let done = disk.execute_from(A, cdb(24).as_bytes(), DataPhase::Out(list.as_bytes()));
        assert_eq!(quote(done), format!("05/26/00 data 20.{bit}"));
    }
    for action in [7, 8] {
        assert_eq!(out(&mut disk, A, action, 0, 0, 0), "05/24/00 1.4", "REGISTER AND MOVE, REPLACE LOST");
    }
}

#[test]
fn power_takes_registrations_unless_they_were_asked_to_stay() {
    for (flags, left) in [(0, vec![]), (ReserveOutParameters::APTPL, vec![0xa])] {
        let mut disk = shared();
        let list = ReserveOutParameters { flags, ..ReserveOutParameters::new(0, 0xa) };
        let cdb = PersistentReserveOut::new(action::REGISTER, 0);
        disk.execute_from(A, cdb.as_bytes(), DataPhase::Out(list.as_bytes()));
        out(&mut disk, A, action::RESERVE, 3, 0xa, 0);
        disk.reset();
        assert_eq!((keys(&mut disk), held(&mut disk)), (vec![0xa], Some((0xa, 3))), "a reset takes nothing");
        let persists = u8::from(flags != 0);
        assert_eq!(
            read_in(&mut disk, action::REPORT_CAPABILITIES),
            [0, 8, 1, 0x80 | persists, 0xea, 1, 0, 0]
        );
        disk.power_loss(|_| false).unwrap();
        assert_eq!((keys(&mut disk), generation(&mut disk)), (left.clone(), 0));
        assert_eq!(held(&mut disk).is_some(), !left.is_empty());
    }
}

#[test]
fn registrations_shut_out_the_older_generation() {
    let mut disk = registered();
    for cdb in [[0x16, 0, 0, 0, 0, 0], [0x17, 0, 0, 0, 0, 0]] {
        assert_eq!(quote(disk.execute_from(A, &cdb, DataPhase::None)), CONFLICT);
    }
}

#[test]
fn the_full_status_says_who_registered_and_who_holds() {
    let mut disk = registered();
    out(&mut disk, B, action::RESERVE, 6, 0xb, 0);
    let data = read_in(&mut disk, action::READ_FULL_STATUS);
    assert_eq!(data.len(), 8 + 3 * 48);
    let (holder, other) = (&data[8 + 48..][..48], &data[8..][..48]);
    assert_eq!((holder[7], holder[12], holder[13], &holder[18..24]), (0xb, 1, 6, &[0, 1, 0, 0, 0, 24][..]));
    assert_eq!((other[7], other[12], other[13]), (0xa, 0, 0));
    assert_eq!((holder[24], &holder[28..36]), (0x06, &[0x30, 0, 0, 0, 0, 0, 0, 2][..]));
}

#[test]
fn a_unit_keeps_128_registrations() {
    let mut disk = disk(8);
    for who in 0..128 {
        assert_eq!(out(&mut disk, Nexus(who), action::REGISTER, 0, 0, 1), "good");
    }
    assert_eq!(out(&mut disk, Nexus(128), action::REGISTER, 0, 0, 1), "05/55/04");
    assert_eq!(out(&mut disk, Nexus(5), action::REGISTER, 0, 1, 2), "good", "a change is not another one");
}

#[test]
fn the_mask_names_the_types_there_are() {
    let [high, low] = ReservationType::MASK;
    let bit = |kind| match kind {
        0x1 => high & 0x02,
        0x3 => high & 0x08,
        0x5 => high & 0x20,
        0x6 => high & 0x40,
        0x7 => high & 0x80,
        0x8 => low & 0x01,
        _ => 0,
    };
    for kind in 0..16 {
        assert_eq!(ReservationType(kind).name().is_some(), bit(kind) != 0, "type {kind:x}");
    }
}
