//! Every pair of exhibits: the breaker is found by its row, the near miss by none. And what rows say of them.

use drivers_examples::ALL;
use drivers_examples::exhibits::pairs;
use verifier::driver::{Driver, Kind};
use verifier::finding::RunEnd;
use verifier::rules::{Selection, TABLE, find};
use verifier::run::{Chooser, Contents, Executor, Setup, once};
use verifier::workload::Amount;

/// Runs that are made of each exhibit in each executor.
const RUNS: u64 = 20;

fn setup(driver: &Driver, executor: Executor, rules: Selection) -> Setup {
    let mut setup = Setup { executor, rules, ..Setup::of_model(driver) };
    if !matches!(driver.kind, Kind::Model { .. }) {
        setup.cpus = 2;
        setup.contents = Contents::Memory { bytes: 1 << 20 };
        setup.workload.amount = Amount::Ios(40);
        setup.workload.block_bytes = 4096.into();
        setup.workload.depth = 4;
    }
    setup
}

/// The row that finds something in one run of `driver` with these rows on.
fn found(driver: &'static Driver, executor: Executor, rules: &Selection, seed: u64) -> Option<&'static str> {
    let setup = setup(driver, executor, rules.clone());
    let run = once(driver, &setup, seed, Chooser::Seeded, None).expect("an exhibit runs");
    match run.end {
        RunEnd::Found(finding) => Some(finding.of.name),
        RunEnd::Clean | RunEnd::Ignored(_) => None,
        RunEnd::Interrupted | RunEnd::Endless(_) | RunEnd::Limit(_) | RunEnd::Parted(_) => {
            panic!("{}: the run could not be judged", driver.name)
        }
    }
}

#[test]
fn a_breaker_is_found_by_its_row_and_a_near_miss_by_none() {
    for executor in [Executor::Deterministic, Executor::Parallel] {
        for (name, breaker, near_miss) in pairs() {
            let row = find(name).expect("a pair names a row");
            assert_eq!(row.exhibits, Some([breaker.name, near_miss.name]));
            let (all, off) = (Selection::all(), Selection::all().without(row));
            for seed in 0..RUNS {
                assert_eq!(found(breaker, executor, &all, seed), Some(*name));
                assert_ne!(found(breaker, executor, &off, seed), Some(*name), "{name} is off");
                assert_eq!(found(near_miss, executor, &all, seed), None, "{}", near_miss.name);
            }
        }
    }
}

#[test]
fn what_a_row_names_as_its_exhibits_is_there() {
    for row in TABLE {
        for exhibit in row.exhibits.into_iter().flatten() {
            assert!(ALL.iter().any(|driver| driver.name == exhibit), "{}: no driver {exhibit}", row.name);
        }
    }
}
