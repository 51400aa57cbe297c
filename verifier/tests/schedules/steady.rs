//! The default scheduler runs programs to their end.

use crate::models::{LOCK_ORDER, POLLS, THREE_SWITCHES, program};
use verifier::explore::{Chooser, Steady};
use verifier::finding::RunEnd;
use verifier::run::Run;

fn steady(driver: &'static verifier::driver::Driver) -> Run {
    program(driver).execute(1, Chooser::Strategy(Box::new(Steady))).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn it_runs_one_thread_after_the_other() {
    for driver in [&LOCK_ORDER, &THREE_SWITCHES] {
        assert!(matches!(steady(driver).end, RunEnd::Clean), "{}", driver.name);
    }
}

#[test]
fn who_polls_gets_what_it_polls_for() {
    let run = steady(&POLLS);
    assert!(matches!(run.end, RunEnd::Clean), "{:?}", run.end);
    assert!(run.steps < 10_000, "{} steps", run.steps);
}

#[test]
fn it_is_the_same_every_time() {
    assert_eq!(steady(&POLLS).trace_hash, steady(&POLLS).trace_hash);
}
