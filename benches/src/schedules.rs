//! A whole execution of a small model, as an exploration makes it by the million: `one-lock-2x3`, two
//! processors that take one lock three times each.

use crate::explorers::{explore, model};
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Config, Execution};
use std::ops::Range;
use std::time::Duration;
use verifier::driver::Kind;
use verifier::rules::{Selection, Sites};

const MODEL: &str = "one-lock-2x3";

/// How long the executions of these seeds take, called directly in a loop.
///
/// # Panics
/// Never, unless the simulator fails.
#[must_use]
pub fn direct(seeds: Range<u64>) -> Duration {
    let Kind::Model { cpus, run } = model(MODEL).driver.kind else { panic!("{MODEL} is no model") };
    let clock = HostClock::start();
    for seed in seeds {
        let config = Config::new(cpus, Execution::Seeded(seed)).expect("a model's processors");
        std::hint::black_box(run(config));
    }
    clock.elapsed()
}

/// How long `executions` take as an exploration with these rules on so many host threads.
///
/// # Panics
/// Never, unless the simulator fails.
#[must_use]
pub fn explored(executions: u64, rules: Selection, jobs: usize) -> Duration {
    let mut program = model(MODEL);
    program.setup.rules = rules;
    program.setup.sites = Sites::Kept;
    explore(&program, "random", executions, jobs).took
}
