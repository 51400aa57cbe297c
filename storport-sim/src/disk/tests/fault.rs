//! Fault plans: as text, as counts and draws, and as answers.

use super::super::Target;
use super::super::fault::*;
use super::*;
use crate::scsi::{Inquiry, Lun, Opcode, Rw10, Rw16};
use proptest::prelude::*;
use std::num::NonZeroU64;

fn plan(text: &str) -> FaultPlan {
    text.parse().unwrap()
}

/// Two disks of 100 blocks under a plan.
fn target(text: &str, seed: u64) -> Target {
    let mut target = Target::from_iter([disk(100), disk(100)]);
    target.set_faults(Some(FaultInjector::new(&plan(text), seed)));
    target
}

fn done(target: &mut Target, cdb: &(impl Wire + ?Sized)) -> Completion {
    let mut buffer = vec![0; 8192];
    target.execute(Lun::ZERO, cdb.as_bytes(), DataPhase::In(&mut buffer))
}

fn read(lba: u32, blocks: u16) -> Rw10 {
    Rw10::new(Opcode::READ_10, lba, blocks)
}

/// Which of `count` single-block reads meet a fault.
fn struck(target: &mut Target, count: u32) -> Vec<u32> {
    (1..=count).filter(|&at| quote(done(target, &read(at % 100, 1))) != "good").collect()
}

#[test]
fn a_plan_is_written_as_it_was_read() {
    for text in [
        "",
        "medium-error:every=100",
        "busy:p=0.01",
        "unit-attention:lun=0,op=write,every=50",
        "aborted:lba=100..200",
        "late:times=3,delay-us=5;dropped:op=test-unit-ready;duplicate:op=0xc7",
        "hung:after=10,times=1;removal;allocation:p=1;task-set-full:p=0.000000001;short;bad-sense",
    ] {
        assert_eq!(plan(text).to_string(), text);
    }
    assert_eq!(plan(" busy : every = 3 , lba = 0x10 .. 0x20 "), plan("busy:lba=16..32,every=3"));
    assert_eq!(plan("busy:op=0x28,p=.50"), plan("busy:op=read-10,p=0.5"));
    assert_eq!(plan("late:delay-us=1000"), plan("late"));
}

#[test]
fn a_bad_plan_is_one_line_that_names_the_part() {
    for (text, problem) in [
        ("medium", "\"medium\": \"medium\" is no kind of fault; the kinds are medium-error, aborted, "),
        ("busy;;late", "\"\": no kind of fault"),
        ("busy:", "\"busy:\": \"\" is not a setting, NAME=VALUE"),
        ("busy:every", "\"busy:every\": \"every\" is not a setting"),
        ("busy:evry=1", "\"busy:evry=1\": there is no setting \"evry\"; the settings are lun, op, "),
        ("busy:every=0", "\"busy:every=0\": every=0 is not a number from 1"),
        ("busy:every=1,every=2", "\"busy:every=1,every=2\": every is given twice"),
        ("busy:lun=16384", "\"busy:lun=16384\": lun=16384 is not a logical unit number from 0 to 16383"),
        ("busy:op=reed", "\"busy:op=reed\": op=reed is not read, write, flush, other, a command or a code"),
        ("busy:op=256", "\"busy:op=256\": op=256 is not read, "),
        ("busy:lba=7..7", "\"busy:lba=7..7\": lba=7..7 is not a range of blocks, FIRST..END"),
        ("busy:lba=7", "\"busy:lba=7\": lba=7 is not a range"),
        ("busy:p=1.000000001", "is not a probability from 0 to 1"),
        ("busy:p=0.0000000001", "is not a probability from 0 to 1"),
        ("busy:p=-0.5", "is not a probability from 0 to 1"),
        ("busy:p=.", "is not a probability from 0 to 1"),
        ("busy:p=NaN", "is not a probability from 0 to 1"),
        ("busy:times=+1", "times=+1 is not a number"),
        ("busy:times=18446744073709551616", "is not a number"),
        ("busy:delay-us=1", "delay-us belongs to late completions"),
    ] {
        let error = text.parse::<FaultPlan>().unwrap_err().to_string();
        assert!(error.starts_with("fault plan: ") && error.contains(problem), "{text}: {error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn json_carries_the_text() {
    let json = serde_json::to_string(&plan("busy:every=3")).unwrap();
    assert_eq!(json, "\"busy:every=3\"");
    assert_eq!(serde_json::from_str::<FaultPlan>(&json).unwrap(), plan("busy:every=3"));
    assert!(
        serde_json::from_str::<FaultPlan>("\"bsy\"").unwrap_err().to_string().contains("no kind of fault")
    );
}

#[test]
fn rules_count_the_commands_they_match() {
    assert_eq!(struck(&mut target("busy:every=3", 1), 10), [3, 6, 9]);
    assert_eq!(struck(&mut target("busy:after=2,every=3", 1), 10), [5, 8]);
    assert_eq!(struck(&mut target("busy:after=4,times=2", 1), 10), [5, 6]);
    assert_eq!(struck(&mut target("busy:lba=5..7", 1), 10), [5, 6]);
    assert_eq!(struck(&mut target("busy:op=read-10,lba=9..100,every=2", 1), 12), [10, 12]);
    assert_eq!(struck(&mut target("busy:lun=1;busy:op=write;busy:op=other;busy:op=flush", 1), 10), [0; 0]);
}

#[test]
fn the_first_rule_strikes_and_the_others_have_counted() {
    let mut target = target("aborted:every=2;busy:every=3", 1);
    let answers: Vec<String> = (0..6).map(|_| quote(done(&mut target, &read(0, 1)))).collect();
    assert_eq!(answers, ["good", "0b/00/00", "busy", "0b/00/00", "good", "0b/00/00"]);
    let counts: Vec<_> =
        target.faults().unwrap().counts().map(|count| (count.matched, count.injected)).collect();
    assert_eq!(counts, [(6, 3), (6, 1)]);
}

#[test]
fn probability_is_drawn_from_the_seed_and_each_rule_draws_for_itself() {
    let alone = struck(&mut target("busy:p=0.25", 7), 4000);
    assert_eq!(struck(&mut target("busy:p=0.25", 7), 4000), alone);
    assert_ne!(struck(&mut target("busy:p=0.25", 8), 4000), alone);
    assert!((900..1100).contains(&alone.len()), "{} of 4000", alone.len());
    let joined = struck(&mut target("busy:p=0.25;aborted:p=0.5,op=write", 7), 4000);
    assert_eq!(joined, alone);
    assert_eq!(struck(&mut target("busy:p=0", 7), 100), [0; 0]);
    assert_eq!(struck(&mut target("busy:p=1", 7), 100).len(), 100);
}

#[test]
fn a_medium_error_names_the_first_bad_block_and_moves_nothing() {
    let mut target = target("medium-error:lba=10..20", 1);
    let bad = done(&mut target, &read(8, 4));
    assert_eq!((quote(bad).as_str(), bad.sense.unwrap().information), ("03/11/00", Some(10)));
    let write = Rw10::new(Opcode::WRITE_10, 15, 1);
    let bad = target.execute(Lun::ZERO, write.as_bytes(), DataPhase::Out(&blocks(1)));
    assert_eq!((quote(bad).as_str(), bad.sense.unwrap().information), ("03/0c/00", Some(15)));
    target.set_faults(None);
    let mut buffer = [1; 512];
    target.execute(Lun::ZERO, read(15, 1).as_bytes(), DataPhase::In(&mut buffer));
    assert_eq!(buffer, [0; 512]);
}

#[test]
fn kinds_keep_to_commands_they_make_sense_for() {
    let ready = [0_u8; 6];
    let mut medium = target("medium-error", 1);
    assert_eq!(quote(done(&mut medium, &ready)), "good");
    assert_eq!(quote(done(&mut medium, &read(0, 0))), "good", "no blocks");
    assert_eq!(quote(done(&mut medium, &read(99, 2))), "05/21/00", "blocks that are not there");
    assert_eq!(quote(done(&mut medium, &Rw16::new(Opcode::READ_16, u64::MAX, 1))), "05/21/00");
    assert_eq!(quote(done(&mut medium, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 0, 0))), "03/0c/00");
    assert_eq!(quote(done(&mut medium, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 100, 1))), "05/21/00");
    let counts = medium.faults().unwrap().counts().map(|count| (count.matched, count.injected));
    assert_eq!(counts.collect::<Vec<_>>(), [(1, 1)], "what cannot fail is not counted");
    let mut attention = target("unit-attention", 1);
    assert_eq!(quote(done(&mut attention, &Inquiry::standard(36))), "good");
    assert_eq!(quote(done(&mut attention, &ready)), "06/29/00");
    let mut short = target("short", 1);
    assert_eq!(done(&mut short, &Inquiry::standard(36)).transferred, 36);
}

#[test]
fn a_short_transfer_moves_half_and_says_good() {
    let mut target = target("short:op=write;short:op=read,lba=20..30", 1);
    let data = blocks(4);
    let write = Rw10::new(Opcode::WRITE_10, 0, 4);
    let short = target.execute(Lun::ZERO, write.as_bytes(), DataPhase::Out(&data));
    assert_eq!((quote(short).as_str(), short.transferred, short.expected), ("good", 1024, 1024));
    let mut buffer = [0xaa; 2048];
    target.execute(Lun::ZERO, read(0, 4).as_bytes(), DataPhase::In(&mut buffer));
    assert_eq!((&buffer[..1024], &buffer[1024..]), (&data[..1024], &[0; 1024][..]), "the other half stayed");
    let mut buffer = [0xaa; 2048];
    let short = target.execute(Lun::ZERO, read(20, 3).as_bytes(), DataPhase::In(&mut buffer));
    assert_eq!((quote(short).as_str(), short.transferred), ("good", 512));
    assert_eq!(buffer[512..], [0xaa; 1536]);
}

#[test]
fn answers_of_the_disk_are_what_they_are_called() {
    for (text, answer) in [
        ("aborted", "0b/00/00"),
        ("busy", "busy"),
        ("task-set-full", "task set full"),
        ("unit-attention", "06/29/00"),
        ("bad-sense", "0f/ff/ff"),
    ] {
        let mut target = target(text, 1);
        let done = done(&mut target, &read(0, 1));
        assert_eq!((quote(done).as_str(), done.disposition), (answer, Disposition::Deliver));
    }
}

#[test]
fn what_only_an_adapter_can_do_is_announced_and_the_command_runs_where_it_should() {
    let write = Rw10::new(Opcode::WRITE_10, 0, 1);
    for (text, disposition, executed) in [
        ("dropped:op=write", Disposition::Drop, true),
        ("late:op=write,delay-us=7", Disposition::Late { delay_us: 7 }, true),
        ("duplicate:op=write", Disposition::Duplicate, true),
        ("hung:op=write", Disposition::HungAdapter, false),
        ("removal:op=write", Disposition::SurpriseRemoval, false),
        ("allocation:op=write", Disposition::AllocationFailure, false),
    ] {
        let mut target = target(text, 1);
        let done = target.execute(Lun::ZERO, write.as_bytes(), DataPhase::Out(&blocks(1)));
        assert_eq!((done.disposition, quote(done) == "good"), (disposition, executed), "{text}");
        let mut buffer = [0; 512];
        target.execute(Lun::ZERO, read(0, 1).as_bytes(), DataPhase::In(&mut buffer));
        assert_eq!(buffer[..] == blocks(1), executed, "{text}");
    }
}

#[test]
fn a_hostile_plan_has_every_hostile_kind_and_no_other_word_has_one() {
    let hostile: FaultPlan = "hostile".parse().unwrap();
    assert_eq!(
        hostile.to_string(),
        "long-length:p=0.01;stray:p=0.01;unknown-status:p=0.01;long-sense:p=0.01;repeated-luns:p=0.1;\
         shrunk-capacity:p=0.1;lying-inquiry:p=0.02"
    );
    assert_eq!(FaultKind::all().filter(|kind| kind.is_hostile()).count(), hostile.rules.len());
    for word in ["all", "answers"] {
        assert!(!word.parse::<FaultPlan>().unwrap().is_hostile(), "{word}");
    }
    assert!("hostile:every=3".parse::<FaultPlan>().unwrap().rules.iter().all(|rule| rule.p.is_none()));
}

#[test]
fn a_hostile_disk_says_what_cannot_be_in_the_data_of_questions() {
    let mut buffer = [0; 64];
    let mut ask = |text, cdb: &[u8]| {
        buffer.fill(0);
        let done = target(text, 1).execute(Lun::ZERO, cdb, DataPhase::In(&mut buffer));
        assert_eq!(quote(done), "good", "{text}");
        (done.transferred, buffer)
    };
    let report_luns = [0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0];
    let (moved, list) = ask("repeated-luns", &report_luns);
    assert_eq!((moved, &list[..4]), (40, &[0xFF, 0xFF, 0xFF, 0xF8][..]), "both units, twice");
    let (moved, _) = ask("repeated-luns", &[0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0]);
    assert_eq!(moved, 16, "no longer than was asked for");
    let capacity = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let (_, truth) = ask("shrunk-capacity:op=read", &capacity);
    let (_, lie) = ask("shrunk-capacity", &capacity);
    let last = |raw: [u8; 64]| u32::from_be_bytes([raw[0], raw[1], raw[2], raw[3]]);
    assert_eq!(last(lie), last(truth) / 2);
    assert_eq!(lie[4..8], truth[4..8]);
    let (_, standard) = ask("lying-inquiry", &[0x12, 0, 0, 0, 36, 0]);
    assert_eq!(standard[4], 0xFF);
    let (_, page) = ask("lying-inquiry", &[0x12, 1, 0x83, 0, 64, 0]);
    assert_eq!((page[1], &page[2..4], page[7]), (0x83, &[0xFF, 0xFF][..], 0xFF));
}

#[test]
fn lies_in_answers_are_announced_and_the_command_runs_where_it_should() {
    let write = Rw10::new(Opcode::WRITE_10, 0, 1);
    for (text, disposition, answer) in [
        ("long-length", Disposition::LongLength, "good"),
        ("stray", Disposition::Stray, "good"),
        ("long-sense", Disposition::LongSense, "0b/00/00"),
        ("unknown-status", Disposition::UnknownStatus, "0x7e"),
    ] {
        let mut target = target(text, 1);
        let done = target.execute(Lun::ZERO, write.as_bytes(), DataPhase::Out(&blocks(1)));
        assert_eq!((quote(done).as_str(), done.disposition), (answer, disposition), "{text}");
    }
}

#[test]
fn before_it_is_let_go_a_plan_only_lies() {
    let plan: FaultPlan = "busy;lying-inquiry".parse().unwrap();
    let mut target = target("busy", 1);
    target.set_faults(Some(FaultInjector::new(&plan, 1).only_lying()));
    let mut inquire = || {
        let mut buffer = [0; 36];
        let done = target.execute(Lun::ZERO, &[0x12, 0, 0, 0, 36, 0], DataPhase::In(&mut buffer));
        let answer = (quote(done), buffer[4]);
        target.faults_mut().unwrap().let_go();
        answer
    };
    assert_eq!(inquire(), ("good".to_owned(), 0xFF));
    assert_eq!(inquire().0, "busy");
}

#[test]
fn units_that_are_not_there_and_blocks_of_no_length_meet_faults_too() {
    let mut target = target("busy:lun=5", 1);
    let lun = Lun::new(5).unwrap();
    assert_eq!(quote(target.execute(lun, &[0; 6], DataPhase::None)), "busy");
    assert_eq!(quote(target.execute(lun, &[], DataPhase::None)), "05/25/00", "no command, no fault");
}

#[test]
fn every_known_command_can_be_named_in_a_plan() {
    for opcode in (0..=u8::MAX).map(Opcode) {
        let rule = FaultRule { op: Some(OpSelector::Code(opcode)), ..FaultRule::new(FaultKind::Busy) };
        let text = rule.to_string();
        assert_eq!(text.contains("0x"), opcode.name().is_none(), "{text}");
        assert_eq!(text.parse::<FaultRule>().unwrap(), rule);
    }
}

use prop::option::of;

fn rule() -> impl Strategy<Value = FaultRule> {
    let kind = prop_oneof![
        Just(FaultKind::MediumError),
        Just(FaultKind::Busy),
        any::<u64>().prop_map(|delay_us| FaultKind::LateCompletion { delay_us }),
        Just(FaultKind::AllocationFailure),
    ];
    let op = prop_oneof![
        any::<u8>().prop_map(|code| OpSelector::Code(Opcode(code))),
        Just(OpSelector::Class(OpClass::Read)),
        Just(OpSelector::Class(OpClass::Flush)),
    ];
    let lba = any::<(u64, u64)>().prop_map(|(a, b)| LbaRange::new(a.min(b), a.max(b)));
    let p = (0..=1_000_000_000_u32).prop_map(Probability::from_billionths);
    let counts = (any::<u64>(), of(1..=u64::MAX), of(any::<u64>()));
    (kind, of(0..=0x3fff_u16), of(op), of(lba), counts, of(p)).prop_map(
        |(kind, lun, op, lba, (after, every, times), p)| FaultRule {
            kind,
            lun: lun.and_then(Lun::new),
            op,
            lba: lba.flatten(),
            after,
            every: every.and_then(NonZeroU64::new),
            p: p.flatten(),
            times,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_survives_being_written_and_read(rules in prop::collection::vec(rule(), 0..5)) {
        let plan = FaultPlan { rules, ..FaultPlan::default() };
        prop_assert_eq!(plan.to_string().parse::<FaultPlan>(), Ok(plan));
    }

    #[test]
    fn any_text_is_a_plan_or_one_line_of_complaint(text in "[a-z=:;,.0-9 -]{0,40}|\\PC{0,40}") {
        if let Err(error) = text.parse::<FaultPlan>() {
            prop_assert_eq!(error.to_string().lines().count(), 1);
        }
    }
}
