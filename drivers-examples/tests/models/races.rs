//! Models that fail under some schedules, and their near misses.

use crate::program::{run, soak};
use drivers_examples::ALL;
use verifier::driver::{Driver, Expects, Kind};
use verifier::finding::{Finding, RunEnd};
use verifier::run::Executor;

fn models(wanted: impl Fn(Expects) -> bool) -> Vec<&'static str> {
    // Vandals have tests of their own.
    let is_model = |d: &Driver| matches!(d.kind, Kind::Model { .. }) && !d.name.starts_with("vandal-");
    let names: Vec<_> = ALL.iter().filter(|d| is_model(d) && wanted(d.expects)).map(|d| d.name).collect();
    assert!(!names.is_empty());
    names
}

#[test]
fn clean_models_are_clean_under_every_seed() {
    for name in models(|e| e == Expects::Clean) {
        for seed in 0..500 {
            let run = run(name, Executor::Deterministic, seed);
            assert!(matches!(run.end, RunEnd::Clean), "{name}, seed {seed}: {:?}", run.end);
        }
    }
}

#[test]
fn clean_models_are_clean_on_real_threads() {
    for name in models(|e| e == Expects::Clean) {
        for _ in 0..soak(20, 500) {
            let run = run(name, Executor::Parallel, 1);
            assert!(matches!(run.end, RunEnd::Clean), "{name}: {:?}", run.end);
        }
    }
}

/// What a finding is called in a descriptor.
fn name_of(end: &RunEnd) -> Option<&'static str> {
    end.finding().map(|finding| finding.of.name)
}

#[test]
fn each_race_fails_under_some_seeds_and_not_under_others() {
    // The skewed inversion is for better strategies.
    for name in
        models(|e| matches!(e, Expects::MayStop(_))).into_iter().filter(|name| *name != "lock-order-skewed")
    {
        let Expects::MayStop(expected) = crate::program::driver(name).expects else { unreachable!() };
        let seeds = 3000;
        let runs: Vec<_> = (0..seeds).map(|seed| run(name, Executor::Deterministic, seed).end).collect();
        let as_expected = runs.iter().filter(|end| name_of(end) == Some(expected)).count();
        assert!(as_expected > 0, "{name} never ended in {expected}");
        assert!(runs.iter().any(|end| matches!(end, RunEnd::Clean)), "{name} always fails");
    }
}

#[test]
fn a_removed_timers_dpc_is_found_queued_and_running() {
    let stops = |wanted: fn(&Finding) -> bool| {
        let end = |seed| run("timer-remove-race", Executor::Deterministic, seed).end;
        (0..3000).any(|seed| matches!(end(seed), RunEnd::Found(check) if wanted(&check)))
    };
    assert!(stops(|check| check.what.contains("frees memory that holds a queued DPC")));
    assert!(stops(|check| check.now.callbacks.last().is_some_and(|c| c.name == "DpcRoutine")));
}
