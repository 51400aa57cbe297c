//! Every row of the table has its exhibits: the breaker is found by that row, the near miss by none.

mod alone;

use drivers_examples::ALL;
use std::collections::BTreeSet;
use std::time::Duration;
use verifier::driver::{Driver, Kind};
use verifier::finding::{Finding, RunEnd};
use verifier::rules::{Row, Selection, TABLE, find, row_of_exhibit};
use verifier::run::{Chooser, Contents, Event, Executor, MemoryChoice, Setup, SetupError, once};
use verifier::workload::Amount;

/// Runs that are made of each exhibit in the deterministic executor, and on real threads.
const RUNS: [u64; 2] = [20, 5];

/// Rows whose breakers are not run in the parallel executor, and why.
const DETERMINISTIC_ONLY: [(&str, &str); 3] = [
    ("LostRequest", "the sixty seconds after which a request is lost would be sixty seconds of the test's"),
    ("LockIrql", "the interrupt may come while its processor holds the lock: then the machine stops"),
    ("DataRace", "what orders accesses is known in the deterministic executor only"),
];

/// Runs of breakers that the host's clock ends.
const TIMED_RUNS: u64 = 1;

/// The flag with which a row says that others have to be off, or that it is off itself.
const RULES: &str = "--rules ";

/// The rows that are on when the breaker of a row is run: all, unless its flags say that another row looks at
/// the same calls and speaks first.
fn rows_with(row: &Row) -> Selection {
    match row.exhibits.flags.strip_prefix(RULES) {
        Some(words) => Selection::parse(words).expect("a row's flags name rows"),
        None => Selection::all(),
    }
}

/// The run of `storsim run NAME` with the flags that the row names, but of fewer requests.
fn setup(driver: &Driver, row: &Row, executor: Executor, rules: Selection) -> Setup {
    let patience = Duration::from_secs(1);
    let mut setup = Setup { executor, rules, patience, ..Setup::of_model(driver) };
    if !matches!(driver.kind, Kind::Model { .. }) {
        setup.cpus = 2;
        setup.contents = Contents::Memory { bytes: 1 << 20 };
        setup.workload.amount = Amount::Ios(40);
        setup.workload.block_bytes = 4096.into();
        setup.workload.depth = 4;
    }
    match row.exhibits.flags {
        // The selection is the caller's.
        "" => {}
        flags if flags.starts_with(RULES) => {}
        "--event rebalance" => setup.disturbances.events = vec![Event::Rebalance],
        "--event stop-restart" => setup.disturbances.events = vec![Event::StopRestart],
        "--fault allocation:when=io" => {
            setup.disturbances.faults = "allocation:when=io".parse().expect("a plan");
        }
        "--memory guarded" => setup.memory = MemoryChoice::Guarded,
        "--memory guarded-ends" => setup.memory = MemoryChoice::GuardedEnds,
        other => panic!("{}: this test does not know the flags {other}", row.name),
    }
    setup
}

/// The row that finds something in one run of `driver` with these rows on.
fn found(driver: &'static Driver, setup: &Setup, seed: u64) -> Option<&'static str> {
    finding(driver, setup, seed).map(|finding| finding.of.name)
}

/// What is found in one run of `driver` with these rows on.
fn finding(driver: &'static Driver, setup: &Setup, seed: u64) -> Option<Box<Finding>> {
    let run = match once(driver, setup, seed, Chooser::Seeded, None) {
        Ok(run) => run,
        // With its row off a breaker may be found wanting by Storport, and by no row.
        Err(SetupError::NotStarted { .. }) => return None,
        Err(why) => panic!("{}: {why}", driver.name),
    };
    match run.end {
        RunEnd::Found(finding) => Some(finding),
        RunEnd::Clean | RunEnd::Ignored(_) => None,
        RunEnd::Interrupted | RunEnd::Endless(_) | RunEnd::Limit(_) | RunEnd::Parted(_) => {
            panic!("{}: the run could not be judged", driver.name)
        }
    }
}

/// The exhibits of a row: the breaker, the near miss.
fn exhibits(row: &Row) -> [&'static Driver; 2] {
    let driver = |name| ALL.iter().copied().find(|driver| driver.name == name);
    row.exhibits.names().map(|name| driver(name).unwrap_or_else(|| panic!("{}: no driver {name}", row.name)))
}

fn check(executor: Executor, runs: u64) {
    let mut wrong = BTreeSet::new();
    for row in TABLE {
        if executor == Executor::Parallel && DETERMINISTIC_ONLY.iter().any(|(name, _)| *name == row.name) {
            continue;
        }
        let [bad, good] = exhibits(row);
        let runs = if row.name == "runaway" { TIMED_RUNS } else { runs };
        let setup = |driver, rules| setup(driver, row, executor, rules);
        let (all, off) = (Selection::all(), Selection::all().without(row));
        for seed in 0..runs {
            let mut check =
                |driver: &'static Driver, rules, is_right: fn(Option<&str>, &str) -> bool, what| {
                    let found = found(driver, &setup(driver, rules), seed);
                    if !is_right(found, row.name) {
                        wrong.insert(format!("{}{what}: {found:?}", driver.name));
                    }
                };
            check(bad, rows_with(row), |found, name| found == Some(name), "");
            check(bad, off.clone(), |found, name| found != Some(name), " with its row off");
            check(good, all.clone(), |found, _| found.is_none(), "");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_breaker_is_found_by_its_row_and_a_near_miss_by_none() {
    check(Executor::Deterministic, RUNS[0]);
}

#[test]
fn so_it_is_on_real_threads() {
    check(Executor::Parallel, RUNS[1]);
}

#[test]
fn every_exhibit_is_named_by_a_row() {
    for exhibit in drivers_examples::exhibits::ALL {
        assert!(row_of_exhibit(exhibit.name).is_some(), "no row names {}", exhibit.name);
    }
}

#[test]
fn what_is_not_run_on_real_threads_is_a_row() {
    assert!(DETERMINISTIC_ONLY.iter().all(|(name, why)| find(name).is_some() && !why.is_empty()));
}
