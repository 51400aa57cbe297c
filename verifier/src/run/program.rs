//! A driver and its setup, to be executed many times under different choices.

use super::{Run, Setup, SetupError, once};
use crate::driver::Driver;
use kernel_sim::choose::Choose;

/// A driver and how it is run.
#[derive(Clone)]
pub struct Program {
    /// The driver.
    pub driver: &'static Driver,
    /// How it is run. The seed in it is that of the operations sent to the driver; an execution
    /// under another seed replaces it.
    pub setup: Setup,
}

/// What makes the choices of one execution.
pub enum Chooser {
    /// The machine's own seeded choices: the fastest.
    Seeded,
    /// A strategy's.
    Strategy(Box<dyn Choose>),
}

impl Program {
    /// The same, for the run that a report is made of; see [`Setup::evidence`].
    #[must_use]
    pub fn with_evidence(&self) -> Program {
        Program { driver: self.driver, setup: Setup { evidence: true, ..self.setup.clone() } }
    }

    /// Executes the program once with the operations of `seed`, in its environment.
    ///
    /// # Errors
    /// When the run could not be made as asked.
    pub fn execute(&self, seed: u64, chooser: Chooser) -> Result<Run, SetupError> {
        if self.setup.environment.draws.is_empty() {
            return once(self.driver, &self.setup, seed, chooser, None);
        }
        once(self.driver, &self.setup.of_seed(self.driver, seed), seed, chooser, None)
    }
}
