//! Any run can be told as deviations, and made again from them.

use crate::models::{
    LOCK_ORDER, POLLS, THREE_SWITCHES, THREE_SWITCHES_EDITED, THREE_SWITCHES_LONGER, THREE_SWITCHES_REPAIRED,
    program,
};
use verifier::driver::Driver;
use verifier::explore::Chooser;
use verifier::explore::shrink::{Budget, shrink};
use verifier::finding::RunEnd;
use verifier::schedule::{Base, Replay, Schedule, replay};

fn again(driver: &'static Driver, schedule: &Schedule) -> Replay {
    replay(driver, schedule, None).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_random_run_is_told_exactly() {
    for driver in [&LOCK_ORDER, &THREE_SWITCHES, &POLLS] {
        for seed in 0..100 {
            let program = program(driver);
            let setup = program.setup.with_seed(seed);
            let run = program.execute(seed, Chooser::Seeded).unwrap_or_else(|e| panic!("{e}"));
            let told = Schedule::of_choices(driver, &setup, run.choices).unwrap_or_else(|e| panic!("{e}"));
            let told = told.expect("the choices are that program's");
            assert_eq!(Some(told.trace_hash), run.trace_hash, "{}, seed {seed}", driver.name);
            let read = Schedule::parse(&told.to_text()).unwrap_or_else(|e| panic!("{e:?}"));
            let replay = again(driver, &read);
            assert_eq!(replay.run.trace_hash, run.trace_hash, "{}, seed {seed}", driver.name);
            assert!(replay.fit.is_exact() && replay.fit.unused.is_empty(), "{:?}", replay.fit);
        }
    }
}

#[test]
fn choices_of_another_program_are_not_told() {
    let run = program(&POLLS).execute(1, Chooser::Seeded).unwrap_or_else(|e| panic!("{e}"));
    let told = Schedule::of_choices(&LOCK_ORDER, &program(&LOCK_ORDER).setup, run.choices);
    assert!(told.unwrap_or_else(|e| panic!("{e}")).is_none());
}

/// The shortest schedule of a model that fails.
fn failing() -> Schedule {
    let program = program(&THREE_SWITCHES);
    let choices = (0..1000).find_map(|seed| {
        let run = program.execute(seed, Chooser::Seeded).unwrap_or_else(|e| panic!("{e}"));
        run.end.is_finding().then_some(run.choices)
    });
    let shrunk = shrink(&program, 1, choices.expect("some seed fails"), Budget::default());
    Schedule::of_shrunk(&shrunk.unwrap_or_else(|e| panic!("{e}")))
}

#[test]
fn an_edit_of_the_sources_alone_is_told_and_changes_nothing() {
    let replay = again(&THREE_SWITCHES_EDITED, &failing());
    assert!(replay.fit.sources_changed && replay.fit.same_trace && replay.fit.same_finding);
    assert!(!replay.fit.is_exact());
}

#[test]
fn calls_added_elsewhere_leave_a_schedule_valid() {
    let replay = again(&THREE_SWITCHES_LONGER, &failing());
    assert!(replay.run.end.is_finding(), "{:?}", replay.run.end);
    let fit = replay.fit;
    assert!(fit.sources_changed && !fit.same_trace && fit.same_finding && fit.unused.is_empty(), "{fit:?}");
}

#[test]
fn a_repaired_program_does_not_fit_and_it_is_told_where() {
    let replay = again(&THREE_SWITCHES_REPAIRED, &failing());
    assert!(!replay.run.end.is_finding());
    let why = replay.fit.parted.expect("it cannot be made");
    assert!(why.starts_with("step ") && why.contains("never applied: cpu 1"), "{why}");
}

#[test]
fn a_deviation_that_never_applies_is_named() {
    let mut schedule = failing();
    let never = "cpu 1 before KeSetEvent #7 in DpcRoutine: run cpu 0".parse().expect("a deviation");
    let Base::Steady(deviations) = &mut schedule.base else { panic!("shrunk schedules are steady") };
    deviations.push(never);
    let replay = again(&THREE_SWITCHES, &schedule);
    assert!(replay.fit.same_finding && replay.fit.parted.is_none());
    assert_eq!(replay.fit.unused, schedule.deviations()[3..]);
    let Base::Steady(deviations) = &mut schedule.base else { panic!("shrunk schedules are steady") };
    deviations.drain(..3);
    let why = again(&THREE_SWITCHES, &schedule).fit.parted.expect("it finds nothing now");
    assert!(why.contains("never applied: cpu 1 before KeSetEvent #7 in DpcRoutine"), "{why}");
}

#[test]
fn a_transition_that_is_not_there_ends_the_run_with_the_reason() {
    let mut schedule = failing();
    for (take, word) in [
        ("run cpu 7", "only 2 processors"),
        ("interrupt cpu 0", "nothing is pended"),
        ("drain dpcs of cpu 0", "empty or masked"),
        ("step device 0", "nothing to do"),
        ("expire a timer", "none is due"),
    ] {
        let line = schedule.deviations()[0].to_string();
        let (place, _) = line.split_once(": ").expect("a place");
        let wrong = format!("{place}: {take}").parse().expect("a deviation");
        let Base::Steady(deviations) = &mut schedule.base else { panic!("shrunk schedules are steady") };
        let right = std::mem::replace(&mut deviations[0], wrong);
        let replay = again(&THREE_SWITCHES, &schedule);
        let RunEnd::Parted(parted) = &replay.run.end else { panic!("{take}: {:?}", replay.run.end) };
        assert!(parted.why.contains(word), "{take}: {}", parted.why);
        let Base::Steady(deviations) = &mut schedule.base else { panic!("shrunk schedules are steady") };
        deviations[0] = right;
    }
}
