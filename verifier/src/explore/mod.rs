//! Many schedules of one program: strategies that make them, and what they found.
//!
//! A [`Program`] is a driver and how it is run; executed once under some strategy it gives one
//! [`Run`]. A [`Strategy`] turns a seed into the choices of one execution. Invariant: an execution
//! depends on the program, the strategy and the seed, and on nothing that happened in other
//! executions; so seeds can be split over jobs, machines and days, and put together again.

pub mod budget;
pub mod deviations;
pub mod exhaustive;
mod failure;
pub mod findings;
mod ledger;
mod random;
pub mod shard;
pub mod shrink;
mod steady;
pub mod stress;
pub mod summary;

use crate::driver::Driver;
use crate::session::{self, Run, Setup, SetupError};
use kernel_sim::choose::Choose;
use kernel_sim::hook::Watcher;
use std::sync::Arc;

pub use failure::{CallSite, Failure};
pub use random::Random;
pub use steady::{PATIENCE, Steady, steady};

/// A driver and how it is run.
#[derive(Clone)]
pub struct Program {
    /// The driver.
    pub driver: &'static Driver,
    /// How it is run. The seed in it is that of the operations sent to the driver; an execution
    /// under another seed replaces it.
    pub setup: Setup,
}

/// Who makes the choices of one execution.
pub enum Chooser {
    /// The machine's own seeded choices: the fastest.
    Seeded,
    /// A strategy's.
    Strategy(Box<dyn Choose>),
}

impl Program {
    /// Executes the program once with the operations of `seed`.
    ///
    /// # Errors
    /// When the run could not be made as asked.
    pub fn execute(&self, seed: u64, chooser: Chooser) -> Result<Run, SetupError> {
        self.execute_watched(seed, chooser, None)
    }

    /// As [`Program::execute`], with one more watcher.
    ///
    /// # Errors
    /// When the run could not be made as asked.
    pub fn execute_watched(
        &self,
        seed: u64,
        chooser: Chooser,
        watcher: Option<Arc<dyn Watcher>>,
    ) -> Result<Run, SetupError> {
        let choose = match chooser {
            Chooser::Seeded => None,
            Chooser::Strategy(choose) => Some(choose),
        };
        session::run_seed(self.driver, &self.setup, seed, choose, watcher)
    }
}

/// A way to choose schedules by seed.
pub trait Strategy: Send + Sync {
    /// Its word on the command line: `random`, `pct:3`.
    fn name(&self) -> String;

    /// Who chooses in the execution of `seed`. Equal seeds give equal choosers, always.
    fn chooser(&self, seed: u64) -> Chooser;
}

/// Every strategy's word, for those who ask for another.
const STRATEGIES: &str = "random";

/// The strategy of that word, for a program.
///
/// # Errors
/// When there is none, with the words there are.
pub fn strategy(name: &str, _program: &Program) -> Result<Box<dyn Strategy>, String> {
    match name {
        "random" => Ok(Box::new(Random)),
        _ => Err(format!("no strategy is called '{name}'; there is {STRATEGIES}")),
    }
}
