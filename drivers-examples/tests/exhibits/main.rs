//! Every pair of exhibits: the breaker is found by exactly its row, the near miss by none.

use drivers_examples::exhibits::ALL;
use verifier::driver::{Driver, Expects};
use verifier::finding::RunEnd;
use verifier::rules::{Selection, find};
use verifier::run::{Chooser, Executor, Setup, once};

/// The row that finds something in `driver` with these rows on.
fn found(driver: &'static Driver, executor: Executor, rules: Selection) -> Option<&'static str> {
    let setup = Setup { executor, rules, ..Setup::of_model(driver) };
    let run = once(driver, &setup, 1, Chooser::Seeded, None).expect("a model runs with its own setup");
    match run.end {
        RunEnd::Found(finding) => Some(finding.of.name),
        RunEnd::Clean | RunEnd::Ignored(_) => None,
        RunEnd::Limit(_) | RunEnd::Parted(_) => panic!("{}: the run could not be judged", driver.name),
    }
}

#[test]
fn a_breaker_is_found_by_its_row_alone_and_a_near_miss_by_none() {
    for executor in [Executor::Deterministic, Executor::Parallel] {
        for pair in ALL.chunks(2) {
            let (breaker, near_miss) = (pair[0], pair[1]);
            let Expects::Stops(name) = breaker.expects else { panic!("{}: expects nothing", breaker.name) };
            let row = find(name).expect("a breaker is named after a row");
            assert_eq!(row.exhibits, Some([breaker.name, near_miss.name]));
            assert_eq!(found(breaker, executor, Selection::all()), Some(name));
            assert_eq!(found(breaker, executor, Selection::all().without(row)), None, "{name} is off");
            assert_eq!(found(near_miss, executor, Selection::all()), None, "{}", near_miss.name);
        }
    }
}
