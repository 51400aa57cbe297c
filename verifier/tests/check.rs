//! The builder for tests: what is clean passes, what is not says how to see it again.

#![allow(unsafe_code, reason = "a driver calls layer 1, as in C")]

use kernel_sim::safe::SpinLock;
use std::process::Command;
use verifier::{Check, REPLAY, check_model};

type Two = (SpinLock<u32>, SpinLock<u32>);

fn two() -> Two {
    (SpinLock::new(0), SpinLock::new(0))
}

fn ordered() -> Check {
    check_model(2, two, |(a, b): &Two, _| {
        let _outer = a.lock();
        *b.lock() += 1;
    })
}

fn inverted() -> Check {
    check_model(2, two, |(a, b): &Two, cpu| {
        let (first, second) = if cpu == 0 { (a, b) } else { (b, a) };
        let _outer = first.lock();
        *second.lock() += 1;
    })
}

#[test]
fn what_is_clean_passes() {
    assert!(ordered().is_clean().is_none());
    let coverage = ordered().exhaustive().is_clean().expect("an exhaustive search says what it covered");
    assert!(coverage.is_complete());
    assert_eq!(coverage.executions, 2);
}

#[test]
fn an_inversion_is_found_by_every_way() {
    inverted().exhaustive().fails_with("deadlock");
    for strategy in ["portfolio", "random", "urw", "pct:2"] {
        inverted().strategy(strategy).fails_with("deadlock");
    }
}

#[test]
#[should_panic(expected = "deadlock was expected")]
fn finding_nothing_is_told() {
    ordered().fails_with("deadlock");
}

/// Calls a routine that is not modelled.
fn at_a_limit() -> Check {
    check_model(
        1,
        || (),
        |(), _| {
            // SAFETY: the routine reads nothing: it is not modelled, and the call ends the run.
            unsafe { storport_sim::ddi::StorPortFreeHostMemoryBuffer(std::ptr::null_mut()) };
        },
    )
}

#[test]
#[should_panic(expected = "not modelled: StorPortFreeHostMemoryBuffer")]
fn a_limit_of_the_simulator_is_no_clean_result_of_a_strategy() {
    at_a_limit().is_clean();
}

#[test]
#[should_panic(expected = "not modelled: StorPortFreeHostMemoryBuffer")]
fn a_limit_of_the_simulator_is_no_clean_result_of_an_exhaustive_search() {
    at_a_limit().exhaustive().is_clean();
}

/// Fails on purpose.
#[test]
#[ignore = "it has to fail: the_line_makes_the_failure_again runs it and looks at what it prints"]
fn exhibit() {
    inverted().exhaustive().is_clean();
}

fn run_exhibit(replay: Option<&str>) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "exhibit", "--ignored", "--nocapture"])
        .env("RUST_BACKTRACE", "0")
        .env_remove(REPLAY);
    if let Some(line) = replay {
        command.env(REPLAY, line);
    }
    let output = command.output().unwrap();
    assert!(!output.status.success(), "the exhibit passed");
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_line_makes_the_failure_again() {
    let first = run_exhibit(None);
    let line = first.lines().find(|l| l.starts_with("reproduce: ")).expect("a line to see it again");
    let (_, rest) = line.split_once(&format!("{REPLAY}='")).unwrap();
    let (replay, command) = rest.split_once('\'').unwrap();
    assert_eq!(command, " cargo test -p verifier -- --exact exhibit");
    assert!(first.contains("wait for each other's spin locks"), "{first}");
    let report =
        |out: &str| out.split("error[").nth(1).map(|r| r.split("reproduce").next().unwrap().to_owned());
    assert_eq!(report(&run_exhibit(Some(replay))), report(&first));
    assert!(run_exhibit(Some("seed x")).contains("is not of the form"));
    // A line that no longer fits is no reason to pass.
    let stale = replay.replace("KeAcquireSpinLockRaiseToDpc", "KeStallExecutionProcessor");
    assert_ne!(stale, replay);
    assert!(run_exhibit(Some(&stale)).contains("the run never came to this"));
}
