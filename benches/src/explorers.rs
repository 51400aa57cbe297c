//! Our own explorers on the small programs that the peers run, with SpinLockSafe watching.
//!
//! The programs are the models of `drivers-examples` under the same names; the comparison with what
//! the peers make of theirs is the page's, not this file's.

use crate::programs::Program as Small;
use kernel_sim::host_clock::HostClock;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;
use verifier::driver::Driver;
use verifier::explore::exhaustive::{Control, Limits, exhaust};
use verifier::explore::findings::SiteKey;
use verifier::explore::stress::{Listener, Stress};
use verifier::explore::{Program, strategy};
use verifier::rules::{Selection, Sites};
use verifier::run::{Run, Setup};

/// What an exploration did.
#[derive(Clone, Copy, Debug)]
pub struct Explored {
    /// Executions made.
    pub executions: u64,
    /// Steps in all of them.
    pub steps: u64,
    /// How long it took.
    pub took: Duration,
}

/// Listens to nothing and never ends it.
struct Nobody;

impl Listener for Nobody {
    fn found(&mut self, _: u64, _: &SiteKey, _: Option<Run>) -> Result<(), String> {
        Ok(())
    }

    fn progress(&mut self, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// A model of the examples by its name, with SpinLockSafe counting.
///
/// # Panics
/// When there is none of that name.
#[must_use]
pub fn model(name: &str) -> Program {
    let driver: &'static Driver =
        drivers_examples::ALL.iter().copied().find(|d| d.is_called(name)).expect("a model of that name");
    let mut setup = Setup::of_model(driver);
    setup.rules = Selection::parse("SpinLockSafe").expect("the first rule there is");
    setup.sites = Sites::Counted;
    Program { driver, setup }
}

/// So many executions of a clean program, under the strategy of that word, on so many host threads.
///
/// # Panics
/// When the program finds something.
#[must_use]
pub fn seeded(small: Small, word: &str, executions: u64, jobs: usize) -> Explored {
    explore(&model(small.name()), word, executions, jobs)
}

/// As [`seeded`], of any program.
///
/// # Panics
/// When the program finds something.
#[must_use]
pub fn explore(program: &Program, word: &str, executions: u64, jobs: usize) -> Explored {
    let strategy = strategy(word, program).unwrap_or_else(|e| panic!("{e}"));
    let jobs = NonZeroUsize::new(jobs).expect("a job");
    let stress = Stress { program, strategy: &*strategy, seeds: 1..executions + 1, keep_going: false, jobs };
    let clock = HostClock::start();
    let explored = stress.run(&mut Nobody).unwrap_or_else(|e| panic!("{e}"));
    let took = clock.elapsed();
    assert!(explored.findings.is_empty(), "{} is not clean", program.driver.name);
    Explored { executions, steps: explored.steps, took }
}

/// Every schedule of a clean program.
///
/// # Panics
/// When the program finds something, or the search is not complete.
#[must_use]
pub fn exhaustive(small: Small) -> Explored {
    let program = model(small.name());
    let clock = HostClock::start();
    let coverage = exhaust(&program, 1, &Limits::default(), &Control::default(), &|run: Run| {
        panic!("{} is not clean: {:?}", small.name(), run.end);
    })
    .unwrap_or_else(|e| panic!("{e}"));
    let took = clock.elapsed();
    assert!(coverage.is_complete(), "{}", coverage.statement());
    Explored { executions: coverage.executions, steps: coverage.steps, took }
}
