//! RESERVE, RELEASE and their persistent successors, between two initiators.

use super::primary::allocation;
use super::*;
use crate::scsi::{PersistentReserveIn, PersistentReserveOut, ReserveOutParameters, Rw10};

const ME: Nexus = Nexus::DEFAULT;
const OTHER: Nexus = Nexus(1);
const CONFLICT: &str = "reservation conflict";

const RESERVES: [&[u8]; 2] = [&[0x16, 0, 0, 0, 0, 0], &[0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0]];
const RELEASES: [&[u8]; 2] = [&[0x17, 0, 0, 0, 0, 0], &[0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0]];

/// A parameter list with these keys.
fn keys(key: u64, action_key: u64) -> Vec<u8> {
    ReserveOutParameters::new(key, action_key).as_bytes().to_vec()
}

/// A PERSISTENT RESERVE OUT with its list.
fn out(kind: Kind, case: &str, action: u8, scope_and_type: u8, list: Vec<u8>, answer: &str) -> Row {
    let answer = if answer == "good" { "good, 24 bytes" } else { answer };
    row(kind, case, &PersistentReserveOut::new(action, scope_and_type), answer).sending(&list)
}

trait Before {
    /// `who` has registered `key`.
    fn registered(self, who: Nexus, key: u64) -> Self;
    /// `who` has reserved with `key`.
    fn reserved(self, who: Nexus, key: u64, kind: u8) -> Self;
}

impl Before for Row {
    fn registered(self, who: Nexus, key: u64) -> Self {
        let cdb = PersistentReserveOut::new(action::REGISTER_AND_IGNORE, 0);
        self.after(who, &cdb, Data::Out(keys(0, key)))
    }
    fn reserved(self, who: Nexus, key: u64, kind: u8) -> Self {
        let cdb = PersistentReserveOut::new(action::RESERVE, kind);
        self.after(who, &cdb, Data::Out(keys(key, 0)))
    }
}

pub(super) fn rows() -> Vec<Row> {
    [spc2(), reads(), registrations(), holding(), taking(), access(), lists()].concat()
}

fn spc2() -> Vec<Row> {
    let mut rows = Vec::new();
    for (reserve, release) in RESERVES.into_iter().zip(RELEASES) {
        rows.push(good("a free unit", reserve, "good"));
        rows.push(good("the holder, again", reserve, "good").after(ME, reserve, Data::None));
        rows.push(boundary("another initiator has it", reserve, CONFLICT).after(OTHER, reserve, Data::None));
        rows.push(boundary("an initiator is registered", reserve, CONFLICT).registered(ME, 1));
        rows.push(good("the holder", release, "good").after(ME, reserve, Data::None));
        rows.push(boundary("a free unit", release, "good"));
        rows.push(boundary("another initiator has it", release, "good").after(OTHER, reserve, Data::None));
        rows.push(boundary("an initiator is registered", release, CONFLICT).registered(ME, 1));
    }
    rows
}

fn reads() -> Vec<Row> {
    let read = |action, len: usize| PersistentReserveIn::new(action, len as u16);
    let mut rows = vec![
        good(
            "no initiator is registered",
            &read(action::READ_KEYS, 64),
            "good, 8 bytes: 00 00 00 00 00 00 00 00",
        )
        .receiving(64),
        good(
            "two keys",
            &read(action::READ_KEYS, 64),
            "good, 24 bytes: 00 00 00 02 00 00 00 10 00 00 00 00 00 00 00 0a 00 00 00 00 00 00 00 0b",
        )
        .receiving(64)
        .registered(ME, 0xa)
        .registered(OTHER, 0xb),
        boundary("an allocation length one short", &read(action::READ_KEYS, 15), "good, 15 bytes")
            .receiving(64)
            .registered(ME, 0xa),
        good("no reservation", &read(action::READ_RESERVATION, 64), "good, 8 bytes: 00 00 00 00 00 00 00 00")
            .receiving(64),
        good(
            "Exclusive Access",
            &read(action::READ_RESERVATION, 64),
            "good, 24 bytes: 00 00 00 01 00 00 00 10 00 00 00 00 00 00 00 0a 00 00 00 00 00 03 00 00",
        )
        .receiving(64)
        .registered(OTHER, 0xa)
        .reserved(OTHER, 0xa, 3),
        boundary("an allocation length one short", &read(action::READ_RESERVATION, 23), "good, 23 bytes")
            .receiving(64)
            .registered(OTHER, 0xa)
            .reserved(OTHER, 0xa, 3),
        good(
            "capabilities",
            &read(action::REPORT_CAPABILITIES, 64),
            "good, 8 bytes: 00 08 01 80 ea 01 00 00",
        )
        .receiving(64),
        good("one registration", &read(action::READ_FULL_STATUS, 64), "good, 56 bytes")
            .receiving(64)
            .registered(OTHER, 0xa),
        boundary("an allocation length one short", &read(action::READ_FULL_STATUS, 55), "good, 55 bytes")
            .receiving(64)
            .registered(OTHER, 0xa),
        reserved("a service action there is not", &[0x5e_u8, 4, 0, 0, 0, 0, 0, 0, 8, 0], "05/24/00 1.4"),
    ];
    rows.extend(allocation("by length", 8, |len| read(action::REPORT_CAPABILITIES, len)));
    for action in 0..4 {
        let reserved = boundary("the unit is reserved by RESERVE", &read(action, 8), CONFLICT);
        rows.push(reserved.after(ME, RESERVES[0], Data::None));
    }
    rows
}

fn registrations() -> Vec<Row> {
    let (good_, bound) = (Kind::Good, Kind::Boundary);
    let register = |kind, case: &str, key, new, answer: &str| {
        out(kind, case, action::REGISTER, 0, keys(key, new), answer)
    };
    let ignore =
        |kind, case: &str, key, new| out(kind, case, action::REGISTER_AND_IGNORE, 0, keys(key, new), "good");
    vec![
        register(good_, "a first key", 0, 1, "good"),
        register(good_, "another key", 1, 2, "good").registered(ME, 1),
        register(good_, "no key any more", 1, 0, "good").registered(ME, 1),
        register(good_, "a first key beside another initiator's", 0, 1, "good").registered(OTHER, 1),
        register(bound, "no key, without one", 0, 0, "good"),
        register(bound, "the largest key", 0, u64::MAX, "good"),
        register(bound, "a key that was not registered", 5, 1, CONFLICT),
        register(bound, "not its own key", 2, 3, CONFLICT).registered(ME, 1),
        register(bound, "another initiator's key", 2, 3, CONFLICT).registered(ME, 1).registered(OTHER, 2),
        ignore(good_, "a first key", 0, 1),
        ignore(good_, "another key, the old one forgotten", 0x99, 2).registered(ME, 1),
        ignore(good_, "no key any more", 0x99, 0).registered(ME, 1),
        ignore(bound, "no key, without one", 0x99, 0),
    ]
}

fn holding() -> Vec<Row> {
    let (good_, bound, strange) = (Kind::Good, Kind::Boundary, Kind::Reserved);
    let reserve = |kind, case: &str, scope_and_type, key, answer: &str| {
        out(kind, case, action::RESERVE, scope_and_type, keys(key, 0), answer)
    };
    let release = |kind, case: &str, scope_and_type, key, answer: &str| {
        out(kind, case, action::RELEASE, scope_and_type, keys(key, 0), answer)
    };
    let mut rows = vec![
        reserve(good_, "the same again", 3, 1, "good").registered(ME, 1).reserved(ME, 1, 3),
        reserve(bound, "not registered", 3, 1, CONFLICT),
        reserve(bound, "not its own key", 3, 2, CONFLICT).registered(ME, 1),
        reserve(bound, "another initiator has it", 3, 1, CONFLICT)
            .registered(ME, 1)
            .registered(OTHER, 2)
            .reserved(OTHER, 2, 5),
        reserve(bound, "another type than before", 1, 1, CONFLICT).registered(ME, 1).reserved(ME, 1, 3),
        release(good_, "what it holds", 3, 1, "good").registered(ME, 1).reserved(ME, 1, 3),
        release(good_, "nothing held", 3, 1, "good").registered(ME, 1),
        release(bound, "another initiator's, without effect", 5, 1, "good")
            .registered(ME, 1)
            .registered(OTHER, 2)
            .reserved(OTHER, 2, 5),
        release(bound, "another type than it holds", 1, 1, "05/26/04").registered(ME, 1).reserved(ME, 1, 3),
        release(bound, "not registered", 3, 1, CONFLICT),
        release(bound, "not its own key", 3, 2, CONFLICT).registered(ME, 1).reserved(ME, 1, 3),
    ];
    for kind in [1, 3, 5, 6, 7, 8] {
        rows.push(reserve(good_, &format!("type {kind}h"), kind, 1, "good").registered(ME, 1));
    }
    for (case, scope_and_type, answer) in [
        ("type 0h", 0x00, "05/24/00 2.3"),
        ("type 2h", 0x02, "05/24/00 2.3"),
        ("type 4h", 0x04, "05/24/00 2.3"),
        ("type 9h", 0x09, "05/24/00 2.3"),
        ("type fh", 0x0f, "05/24/00 2.3"),
        ("scope 1h", 0x11, "05/24/00 2.7"),
        ("scope 2h, element", 0x21, "05/24/00 2.7"),
    ] {
        rows.push(reserve(strange, case, scope_and_type, 1, answer).registered(ME, 1));
    }
    rows
}

fn taking() -> Vec<Row> {
    let (good_, bound) = (Kind::Good, Kind::Boundary);
    let clear = |kind, case: &str, key, answer: &str| out(kind, case, action::CLEAR, 0, keys(key, 0), answer);
    let mut rows = vec![
        clear(good_, "everything", 1, "good").registered(ME, 1).registered(OTHER, 2).reserved(OTHER, 2, 3),
        clear(bound, "not registered", 1, CONFLICT).registered(OTHER, 2),
        clear(bound, "not its own key", 2, CONFLICT).registered(ME, 1).registered(OTHER, 2),
    ];
    for action in [action::PREEMPT, action::PREEMPT_AND_ABORT] {
        let preempt = |kind, case: &str, scope_and_type, key, victim, answer: &str| {
            out(kind, case, action, scope_and_type, keys(key, victim), answer).registered(ME, 1)
        };
        rows.extend([
            preempt(good_, "the holder", 1, 1, 2, "good").registered(OTHER, 2).reserved(OTHER, 2, 3),
            preempt(good_, "a registrant", 1, 1, 2, "good").registered(OTHER, 2),
            preempt(good_, "itself, for another type", 5, 1, 1, "good").reserved(ME, 1, 3),
            preempt(good_, "all registrants, key zero", 3, 1, 0, "good")
                .registered(OTHER, 2)
                .reserved(OTHER, 2, 7),
            preempt(bound, "a key without a registrant", 1, 1, 9, CONFLICT).registered(OTHER, 2),
            preempt(bound, "not its own key", 1, 2, 2, CONFLICT).registered(OTHER, 2),
            preempt(bound, "key zero, no reservation", 1, 1, 0, "05/26/00 data 8"),
            preempt(bound, "key zero, one holder", 1, 1, 0, "05/26/00 data 8")
                .registered(OTHER, 2)
                .reserved(OTHER, 2, 3),
            preempt(Kind::Reserved, "the holder, with type 2h", 2, 1, 2, "05/24/00 2.3")
                .registered(OTHER, 2)
                .reserved(OTHER, 2, 3),
        ]);
    }
    rows
}

/// What a reservation does to the commands of others; reads and writes stand for theirs.
fn access() -> Vec<Row> {
    let read = Rw10::new(Opcode::READ_10, 0, 1);
    let write = Rw10::new(Opcode::WRITE_10, 0, 1);
    let names = [(1, "Write Exclusive"), (3, "Exclusive Access"), (5, "the same, Registrants Only")];
    let mut rows = Vec::new();
    for (kind, name) in names {
        let may_read = if kind == 3 { CONFLICT } else { "good, 512 bytes" };
        let case = format!("not registered, while reserved for {name}");
        let before = |row: Row| row.registered(OTHER, 1).reserved(OTHER, 1, kind);
        rows.push(before(boundary(&case, &read, may_read).receiving(512)));
        rows.push(before(boundary(&case, &write, CONFLICT).sending(&[0; 512])));
        rows.push(
            before(boundary(&format!("the holder of {name}"), &write, "good, 512 bytes").sending(&[0; 512]))
                .from(OTHER),
        );
        let answer = if kind == 5 { "good, 512 bytes" } else { CONFLICT };
        let case = format!("registered, while reserved for {name}");
        rows.push(before(boundary(&case, &write, answer).sending(&[0; 512]).registered(ME, 2)));
    }
    rows
}

/// The parameter list.
fn lists() -> Vec<Row> {
    let mut rows = Vec::new();
    for action in 0..7 {
        let cdb = PersistentReserveOut::new(action, 1);
        for len in [0, 23, 25] {
            let cdb = PersistentReserveOut { parameter_list_length: len.into(), ..cdb };
            rows.push(boundary(&format!("a list of {len} bytes"), &cdb, "05/1a/00").sending(&[0; 32]));
        }
        rows.push(boundary("data one byte short", &cdb, "0b/4b/00").sending(&[0; 23]));
        for (name, flags, bit) in [("SPEC_I_PT", 0x08, 3), ("ALL_TG_PT", 0x04, 2)] {
            let list = ReserveOutParameters { flags, ..ReserveOutParameters::new(0, 1) };
            let answer = format!("05/26/00 data 20.{bit}");
            rows.push(reserved(name, &cdb, &answer).sending(list.as_bytes()));
        }
    }
    rows
}
