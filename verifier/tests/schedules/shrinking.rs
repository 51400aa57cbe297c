//! What fails is made small, and small means smallest.

use crate::models::{LOCK_ORDER, POLLS, THREE_SWITCHES, program};
use verifier::driver::Driver;
use verifier::explore::shrink::{Budget, Minimality, ShrinkError, Shrunk, shrink};
use verifier::explore::{Chooser, Failure};
use verifier::schedule::{Schedule, replay};
use verifier::timeline::Ended;

/// Shrinks the first failing runs of a model, each.
fn shrink_all(driver: &'static Driver, budget: Budget) -> Vec<Shrunk> {
    let program = program(driver);
    let failing = (0..2000).filter_map(|seed| {
        let run = program.execute(seed, Chooser::Seeded).unwrap_or_else(|e| panic!("{e}"));
        run.end.is_finding().then_some((seed, run))
    });
    let all: Vec<_> = failing
        .take(10)
        .map(|(seed, run)| {
            let failure = Failure::of(&run.end).expect("a finding");
            let shrunk = shrink(&program, seed, run.choices, budget).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(shrunk.failure, failure, "it shrank to something else");
            assert!(shrunk.to.deviations <= shrunk.from.deviations);
            shrunk
        })
        .collect();
    assert!(!all.is_empty(), "{} never fails", driver.name);
    all
}

#[test]
fn a_deadlock_needs_one_switch() {
    for shrunk in shrink_all(&LOCK_ORDER, Budget::default()) {
        assert_eq!(shrunk.deviations.len(), 1, "{:?}", shrunk.deviations);
        assert_eq!(shrunk.minimality, Minimality::Proved { tried: 1 });
        assert_eq!(shrunk.failure.name, "deadlock");
    }
}

#[test]
fn three_switches_are_the_fewest_and_it_is_proved() {
    let all = shrink_all(&THREE_SWITCHES, Budget::default());
    for shrunk in &all {
        assert_eq!(shrunk.deviations.len(), 3, "{:?}", shrunk.deviations);
        assert!(matches!(shrunk.minimality, Minimality::Proved { tried } if tried > 10));
    }
    assert!(all.iter().any(|shrunk| shrunk.from.deviations > 3), "there was nothing to shrink");
}

#[test]
fn without_a_budget_what_failed_is_kept_and_nothing_is_claimed() {
    for shrunk in shrink_all(&THREE_SWITCHES, Budget { executions: 0, steps: 0 }) {
        assert_eq!(shrunk.deviations.len(), shrunk.from.deviations);
        assert_eq!(shrunk.minimality, Minimality::NotProved { below: 0, tried: 0 });
    }
}

#[test]
fn a_short_budget_ends_between_two_executions() {
    for executions in 1..40 {
        let budget = Budget { executions, steps: u64::MAX };
        for shrunk in shrink_all(&THREE_SWITCHES, budget) {
            assert!(shrunk.executions <= executions + 2);
            assert!(shrunk.deviations.len() >= 3, "fewer cannot fail");
        }
    }
}

#[test]
fn what_finds_nothing_is_not_shrunk() {
    let program = program(&POLLS);
    let run = program.execute(1, Chooser::Seeded).unwrap_or_else(|e| panic!("{e}"));
    let refused = shrink(&program, 1, run.choices, Budget::default());
    assert!(matches!(refused.err(), Some(ShrinkError::NothingFound)));
    let refused = shrink(&program, 1, Vec::new(), Budget::default());
    assert!(matches!(refused.err(), Some(ShrinkError::Parted { .. })));
}

#[test]
fn shrinking_is_the_same_every_time() {
    let once = |_| -> Vec<_> {
        shrink_all(&THREE_SWITCHES, Budget::default())
            .iter()
            .map(|s| (Schedule::of_shrunk(s).to_text(), s.executions))
            .collect()
    };
    assert_eq!(once(1), once(2));
}

#[test]
fn the_timeline_has_every_step_and_every_deviation() {
    for shrunk in shrink_all(&THREE_SWITCHES, Budget::default()) {
        let replay =
            replay(&THREE_SWITCHES, &Schedule::of_shrunk(&shrunk), None).unwrap_or_else(|e| panic!("{e}"));
        assert!(replay.fit.is_exact());
        let stretches = replay.timeline.expect("of a steady schedule").stretches;
        assert_eq!(stretches[0].steps.start, 1);
        assert!(stretches.windows(2).all(|w| w[0].steps.end == w[1].steps.start));
        assert_eq!(stretches.last().unwrap().steps.end, replay.run.steps + 1);
        let deviations: Vec<_> = stretches.iter().flat_map(|s| s.deviations.clone()).collect();
        assert_eq!(deviations, [1, 2, 3]);
        for pair in stretches.windows(2) {
            // The processor that runs where a deviation begins took it from another.
            assert!(pair[1].deviations.is_empty() || pair[0].ended == Ended::Preempted, "{pair:?}");
        }
        assert_eq!(stretches.last().unwrap().ended, Ended::Over);
    }
}
