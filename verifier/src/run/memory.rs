//! Which memory a run has: plain, or guarded, or as its seed draws it.
//!
//! Guarded memory shows each misuse where it happens and costs some microseconds for each block, so one seed
//! in sixteen has it. A plain run notices some misuse too, but late: then the seed is run again, guarded.
//! Invariant: what is drawn depends on the seed alone.

use super::{Chooser, Program, Run, SetupError};
use crate::finding::Stop;
use kernel_sim::bugcheck::{
    DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL,
    DRIVER_VERIFIER_DETECTED_VIOLATION, REQUEST_TOUCHED_AFTER_COMPLETION,
};
use kernel_sim::guard::{Memory, Placement};
use kernel_sim::split_mix::{SplitMix64, mix};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// One seed in so many is guarded.
const DRAWN_ONE_IN: u32 = 16;
/// Sets these draws apart from others of the same seed.
const SALT: u64 = 0x4755_4152_4445_4401;

/// Which memory a run has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryChoice {
    /// As the seed draws it: one in sixteen is guarded.
    #[default]
    Drawn,
    /// Blocks side by side; what is freed is filled with a pattern.
    Plain,
    /// Each block on pages of its own, at their end or at their beginning as the seed draws it.
    Guarded,
    /// The same, always at their end: what reaches past a block is always seen.
    GuardedEnds,
}

impl MemoryChoice {
    /// Every choice, in the order of the list.
    pub const ALL: [MemoryChoice; 4] =
        [MemoryChoice::Drawn, MemoryChoice::Plain, MemoryChoice::Guarded, MemoryChoice::GuardedEnds];

    /// Its word on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            MemoryChoice::Drawn => "drawn",
            MemoryChoice::Plain => "plain",
            MemoryChoice::Guarded => "guarded",
            MemoryChoice::GuardedEnds => "guarded-ends",
        }
    }

    /// What it means, in a sentence.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            MemoryChoice::Drawn => {
                "Guarded for one seed in sixteen, and where a plain run shows that memory was misused."
            }
            MemoryChoice::Plain => "Blocks side by side: fast, and misuse is seen late or not at all.",
            MemoryChoice::Guarded => {
                "Each block on pages of its own, closed when it is freed or its request completed: every use after \
                 that, and every access past its end or before its beginning, stops the run."
            }
            MemoryChoice::GuardedEnds => "As guarded, with every block at the end of its pages.",
        }
    }

    /// The choice that is not drawn any more.
    #[must_use]
    pub fn under(self, seed: u64) -> MemoryChoice {
        match self {
            MemoryChoice::Drawn if SplitMix64::new(seed ^ SALT).below(DRAWN_ONE_IN) == 0 => {
                MemoryChoice::Guarded
            }
            MemoryChoice::Drawn => MemoryChoice::Plain,
            chosen => chosen,
        }
    }

    /// What the machine is told.
    pub(super) fn of_machine(self, seed: u64) -> Memory {
        match self.under(seed) {
            MemoryChoice::Plain | MemoryChoice::Drawn => Memory::Plain,
            MemoryChoice::Guarded => Memory::Guarded(Placement::Drawn(mix(seed ^ SALT))),
            MemoryChoice::GuardedEnds => Memory::Guarded(Placement::AtEnd),
        }
    }
}

impl Program {
    /// As [`Program::execute`]; where a plain run found that memory had been misused, and the memory was not
    /// asked for, the result is that of a guarded run of the same seed, if that shows where. So it is if the
    /// simulator itself came to grief, which what a driver wrote over may explain. `chooser` makes the
    /// choices anew for each.
    ///
    /// # Errors
    /// When the run could not be made as asked.
    ///
    /// # Panics
    /// Where the simulator did, unless a driver is to blame.
    pub fn execute_closely(&self, seed: u64, chooser: &dyn Fn() -> Chooser) -> Result<Run, SetupError> {
        let first = catch_unwind(AssertUnwindSafe(|| self.execute(seed, chooser())));
        let is_suspicious = match &first {
            Ok(Ok(run)) => run.shows_misuse_late(),
            Ok(Err(_)) => false,
            Err(_) => true,
        };
        if self.setup.memory == MemoryChoice::Drawn && is_suspicious {
            for memory in [MemoryChoice::GuardedEnds, MemoryChoice::Guarded] {
                let again = self.with_memory(memory).execute(seed, chooser())?;
                if again.shows_misuse() {
                    return Ok(again);
                }
            }
        }
        first.unwrap_or_else(|failure| resume_unwind(failure))
    }

    /// The same with other memory.
    #[must_use]
    pub fn with_memory(&self, memory: MemoryChoice) -> Program {
        let mut program = self.clone();
        program.setup.memory = memory;
        program
    }
}

impl Run {
    fn stop(&self) -> Option<Stop> {
        self.end.finding()?.stop
    }

    /// Whether memory was found to have been misused, some time before.
    fn shows_misuse_late(&self) -> bool {
        self.memory == MemoryChoice::Plain
            && self.stop().is_some_and(|stop| {
                let first = stop.parameters.map(|parameters| parameters[0]);
                stop.code == DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL
                    || stop.code == DRIVER_VERIFIER_DETECTED_VIOLATION && first == Some(0x51)
            })
    }

    /// Whether memory was found to be misused, where it was.
    fn shows_misuse(&self) -> bool {
        self.stop().is_some_and(|stop| {
            [
                DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL,
                DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION,
                REQUEST_TOUCHED_AFTER_COMPLETION,
            ]
            .contains(&stop.code)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_seeds_are_guarded_and_the_first_is_not() {
        assert_eq!(MemoryChoice::Drawn.under(1), MemoryChoice::Plain);
        let guarded =
            (1..=1600).filter(|seed| MemoryChoice::Drawn.under(*seed) == MemoryChoice::Guarded).count();
        assert!((60..140).contains(&guarded), "{guarded} of 1600");
        assert_eq!(MemoryChoice::Plain.under(4), MemoryChoice::Plain);
    }
}
