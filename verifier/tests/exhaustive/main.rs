//! The exhaustive search against counts worked out by hand.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

use kernel_sim::ddi::types::LONG;
use kernel_sim::ddi::{InterlockedExchange, KeStallExecutionProcessor};
use kernel_sim::machine::{Config, Outcome};
use kernel_sim::safe::SpinLock;
use std::cell::UnsafeCell;
use std::sync::atomic::AtomicBool;
use verifier::driver::{Driver, Expects, Kind};
use verifier::explore::Program;
use verifier::explore::exhaustive::{Coverage, Limits, exhaust};
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
        sources: &[],
    }
}

/// Explores every schedule; returns the coverage and how many executions ended with a finding.
fn explore(driver: &'static Driver, jobs: usize) -> (Coverage, u64) {
    let program = Program { driver, setup: Setup::of_model(driver) };
    let found = std::sync::atomic::AtomicU64::new(0);
    let limits = Limits { jobs, keep_going: true, executions: 200_000, ..Limits::default() };
    let note = |_| {
        found.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    let coverage = exhaust(&program, 1, &limits, &AtomicBool::new(false), &note).unwrap();
    (coverage, found.into_inner())
}
