//! Strategies of a program whose environment is drawn: one for the plain seeds, one for the others.
//!
//! What probes see of the plain machine says little about one with other processors and events, and the
//! other way round. So the strategy is prepared twice, and a plain seed has the schedule that it has where
//! nothing is drawn. Invariant: which of the two it is depends on the seed alone.

use super::{Chooser, Program, Strategy};
use crate::run::environment::is_plain;
use crate::run::{Parts, SetupError};

/// Prepares a strategy for a program.
pub(super) type Prepare<'a> = dyn Fn(&Program) -> Result<Box<dyn Strategy>, SetupError> + 'a;

/// A strategy for each of the two.
pub(super) struct ByEnvironment {
    plain: Box<dyn Strategy>,
    drawn: Box<dyn Strategy>,
}

impl ByEnvironment {
    /// Prepares a strategy for the program; twice, if its environment is drawn.
    pub(super) fn prepare(program: &Program, prepare: &Prepare<'_>) -> Result<Box<dyn Strategy>, SetupError> {
        if program.setup.environment.draws.is_empty() {
            return prepare(program);
        }
        let mut plain = program.clone();
        plain.setup.environment.draws = Parts::NONE;
        Ok(Box::new(ByEnvironment { plain: prepare(&plain)?, drawn: prepare(program)? }))
    }
}

impl Strategy for ByEnvironment {
    fn name(&self) -> String {
        self.plain.name()
    }

    fn chooser(&self, seed: u64) -> Chooser {
        if is_plain(seed) { self.plain.chooser(seed) } else { self.drawn.chooser(seed) }
    }
}
