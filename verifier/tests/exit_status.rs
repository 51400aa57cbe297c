//! The exit status of the command line, for drivers that no product has.
//!
//! What `storsim` itself does with its drivers is tested where they are, in `drivers-examples/tests/cli`.

#![allow(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![allow(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use std::process::ExitCode;
use std::ptr::null_mut;
use verifier::cli::main_with;
use verifier::driver::{Driver, Expects, Kind, RunModel};

const fn model(name: &'static str, run: &'static RunModel) -> Driver {
    let kind = Kind::Model { cpus: 1, run };
    Driver {
        name,
        aliases: &[],
        summary: "a model",
        expects: Expects::Clean,
        kind,
        cancels: false,
        reads_registry: false,
        image: None,
        sources: &[],
    }
}

/// Calls a routine that is known by name and not modelled.
static AT_A_LIMIT: Driver = model("at-a-limit", &|config| {
    // SAFETY: the routine reads nothing: it is not modelled, and the call ends the run.
    config.run(|| unsafe {
        storport_sim::ddi::StorPortFreeHostMemoryBuffer(null_mut());
    })
});

static DOES_NOTHING: Driver = model("does-nothing", &|config| config.run(|| {}));

static PANICS: Driver = model("panics", &|config| config.run(|| panic!("on purpose")));

static ALL: &[&Driver] = &[&AT_A_LIMIT, &DOES_NOTHING, &PANICS];

/// The status of `storsim` with these words, over the drivers above.
fn status(words: &str) -> ExitCode {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().display().to_string();
    let given = ["storsim"].into_iter().chain(words.split_whitespace());
    if words.starts_with("run") || words.starts_with("stress") {
        return main_with(ALL, given.chain(["--schedule-dir", &path]));
    }
    main_with(ALL, given)
}

#[test]
fn a_run_that_ends_at_a_limit_of_the_simulator_has_status_2() {
    assert_eq!(status("run at-a-limit"), ExitCode::from(2));
    assert_eq!(status("run at-a-limit --format json"), ExitCode::from(2));
}

#[test]
fn a_limit_does_not_hide_what_another_driver_shows() {
    assert_eq!(status("run does-nothing"), ExitCode::SUCCESS);
    assert_eq!(status("run at-a-limit does-nothing"), ExitCode::from(2));
    assert_eq!(status("run at-a-limit panics"), ExitCode::from(1));
    assert_eq!(status("run panics at-a-limit"), ExitCode::from(1));
}

#[test]
fn a_stress_whose_executions_end_at_a_limit_is_not_clean() {
    assert_eq!(status("stress does-nothing --schedules 3"), ExitCode::SUCCESS);
    assert_eq!(status("stress at-a-limit --schedules 3"), ExitCode::from(2));
    assert_eq!(status("stress does-nothing --strategy exhaustive"), ExitCode::SUCCESS);
    assert_eq!(status("stress at-a-limit --strategy exhaustive"), ExitCode::from(2));
}

#[test]
fn a_word_without_a_meaning_has_status_2() {
    assert_eq!(status("explain at-a-limit"), ExitCode::SUCCESS);
    assert_eq!(status("explain at-a-limt"), ExitCode::from(2));
}
