//! The exhaustive search against counts worked out by hand.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

use kernel_sim::ddi::types::LONG;
use kernel_sim::ddi::{InterlockedExchange, KeStallExecutionProcessor};
use kernel_sim::machine::{Config, Outcome};
use kernel_sim::safe::SpinLock;
use std::cell::UnsafeCell;
use verifier::driver::{Driver, Expects, Kind};
use verifier::explore::Program;
use verifier::explore::exhaustive::{Control, Coverage, Limits, exhaust};
use verifier::run::Setup;

mod against_all;
mod counts;
mod findings;

/// A model with nothing to say but how it runs.
const fn model(cpus: u8, run: &'static verifier::driver::RunModel) -> Driver {
    Driver {
        name: "model",
        aliases: &[],
        summary: "",
        expects: Expects::Clean,
        kind: Kind::Model { cpus, run },
        cancels: false,
        reads_registry: false,
        image: None,
        sources: &[],
    }
}

/// Explores every schedule; returns the coverage and how many executions ended with a finding.
fn explore(driver: &'static Driver, jobs: usize) -> (Coverage, u64) {
    let program = Program { driver, setup: Setup::of_model(driver) };
    let found = std::sync::atomic::AtomicU64::new(0);
    let limits = Limits { jobs, keep_going: true, executions: 200_000, ..Limits::default() };
    let control = Control::default();
    let note = |_| {
        found.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        assert_ne!(
            control.executions.load(std::sync::atomic::Ordering::Relaxed),
            0,
            "the progress stands still"
        );
    };
    let coverage = exhaust(&program, 1, &limits, &control, &note).unwrap();
    assert_eq!(control.executions.into_inner(), coverage.executions, "the progress is what was done");
    (coverage, found.into_inner())
}
