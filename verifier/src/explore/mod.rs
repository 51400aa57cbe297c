//! Many schedules of one program: strategies that make them, and what they found.
//!
//! A [`Program`] is a driver and how it is run; executed once under some strategy it gives one
//! [`Run`]. A [`Strategy`] turns a seed into the choices of one execution. Invariant: an execution
//! depends on the program, the strategy and the seed, and on nothing that happened in other
//! executions; so seeds can be split over jobs, machines and days, and put together again.

mod actor;
mod calls;
mod conflicts;
mod dice;
pub mod exhaustive;
mod pct;
mod portfolio;
mod probe;
mod random;
mod steer;
mod urw;

use crate::driver::Driver;
use crate::session::{self, Run, Setup, SetupError};
use kernel_sim::choose::Choose;
use kernel_sim::hook::Watcher;
use std::sync::Arc;

pub use pct::{DEPTH_MAX, Pct};
pub use portfolio::Portfolio;
pub use probe::Probe;
pub use random::Random;
pub use urw::Urw;

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
        session::run(self.driver, &self.setup.with_seed(seed), choose, watcher)
    }
}

/// A way to choose schedules by seed.
pub trait Strategy: Send + Sync {
    /// Its word on the command line: `random`, `pct:3`.
    fn name(&self) -> String;

    /// Who chooses in the execution of `seed`. Equal seeds give equal choosers, always.
    fn chooser(&self, seed: u64) -> Chooser;
}
