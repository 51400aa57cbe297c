//! From a schedule that fails to the shortest one that fails in the same way.
//!
//! Short means few deviations from the default scheduler, few requests, and a plain environment. First what
//! was drawn of the environment is taken away and the requests are reduced, then all schedules with no
//! deviation and with one are tried, then what is not needed is left out of the known schedule, and of others
//! that fail (`sparse.rs`), and in the end all schedules that are shorter than what is left. If that comes to
//! its end, the result is minimal and says so: for the reduced program, nothing shorter fails like this. The
//! budget is counted in executions and steps, so the same failure shrinks to the same schedule everywhere,
//! however many cores execute (`ahead.rs`).
//!
//! What to call the *same* failure is our choice: the same rule or stop at the same call site.

mod ahead;
mod attempts;
mod bounding;
mod environment;
mod removal;
mod requests;
mod sparse;

use super::deviations::{Describing, Deviating, Deviation, Misfit};
use super::{Chooser, Failure, Program};
use crate::finding::RunEnd;
use crate::run::environment::Needs;
use crate::run::{MemoryChoice, Part, Parts, Run, Setup, SetupError};
use attempts::{Attempts, Spent};
use bounding::Tried;
use kernel_sim::choose::{Choice, Recorded};

/// Random schedules to try for an environment without something, at first and with the fewest requests.
const FEW_TRIES: u64 = 20;
const MANY_TRIES: u64 = 200;

/// What shrinking may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// Executions.
    pub executions: u64,
    /// Steps of all of them, where building a machine counts as some, too, and a step in guarded memory as
    /// several.
    pub steps: u64,
}

impl Default for Budget {
    /// A few seconds of a release build on two cores.
    fn default() -> Budget {
        Budget { executions: 50_000, steps: 16_000_000 }
    }
}

/// How large a failing execution is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Deviations from the default scheduler.
    pub deviations: usize,
    /// Steps.
    pub steps: u64,
    /// Requests asked for, where the program has a number of them.
    pub requests: Option<u64>,
}

/// Whether a shorter schedule could exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Minimality {
    /// None with fewer deviations fails: all `tried` were tried.
    Proved {
        /// How many there are.
        tried: u64,
    },
    /// The budget ended first.
    NotProved {
        /// All `tried` schedules with fewer deviations than this were tried.
        below: usize,
        /// How many there are.
        tried: u64,
    },
}

/// A failing execution, made small.
pub struct Shrunk {
    /// The program, with as few requests as were found to do; its seed is that of the execution.
    pub program: Program,
    /// The schedule: the default scheduler with these.
    pub deviations: Vec<Deviation>,
    /// The execution.
    pub run: Run,
    /// What it needs of the environment that was drawn, and what not; `None` if that was a plain one.
    pub needs: Option<Needs>,
    /// What it finds.
    pub failure: Failure,
    /// How large it was.
    pub from: Size,
    /// How large it is.
    pub to: Size,
    /// Whether there is a smaller one.
    pub minimality: Minimality,
    /// Executions that it took.
    pub executions: u64,
}

/// Why an execution could not be shrunk.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// The program could not be executed.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The choices are not those of this program and seed.
    #[error("step {step}: {why}")]
    Parted {
        /// Where they part.
        step: u64,
        /// How.
        why: String,
    },
    /// The execution finds nothing.
    #[error("the execution finds nothing, so there is nothing to shrink")]
    NothingFound,
    /// The execution came out differently when it was made again.
    #[error("the same choices do not fail again: the driver keeps state outside the machine")]
    NotRepeatable,
    /// It was ended from outside first.
    #[error("there was no time for it")]
    Interrupted,
}

/// Shrinks the failing execution of `program` with the operations of `seed` and these `choices`.
///
/// # Errors
/// When the choices do not make an execution that fails, twice.
pub fn shrink(
    program: &Program,
    seed: u64,
    choices: Vec<Choice>,
    budget: Budget,
) -> Result<Shrunk, ShrinkError> {
    shrink_while(program, seed, choices, budget, &|| true)
}

/// As [`shrink`], as long as `goes_on` says so: what is there when it does no longer is the result.
///
/// # Errors
/// As [`shrink`]; and when the end came too early for any result.
pub fn shrink_while(
    program: &Program,
    seed: u64,
    choices: Vec<Choice>,
    budget: Budget,
    goes_on: &dyn Fn() -> bool,
) -> Result<Shrunk, ShrinkError> {
    let (describing, description) = Describing::new(Box::new(Recorded::new(choices)), false);
    let first = program.execute(seed, Chooser::Strategy(Box::new(describing)))?;
    if let RunEnd::Parted(parted) = first.end {
        return Err(ShrinkError::Parted { step: parted.step, why: parted.why });
    }
    if let RunEnd::Interrupted = first.end {
        return Err(ShrinkError::Interrupted);
    }
    let failure = Failure::of(&first.end).ok_or(ShrinkError::NothingFound)?;
    let deviations = std::mem::take(&mut description.lock().deviations);
    let from =
        Size { deviations: deviations.len(), steps: first.steps, requests: requests::requests(program) };
    let each_steps_max = first.steps.saturating_mul(4).saturating_add(20_000);
    let attempts = Attempts::new(seed, failure.clone(), each_steps_max, budget, goes_on);
    let mut plain = program.setup.with_seed(seed);
    plain.environment.draws = Parts::NONE;
    let mut program = Program { driver: program.driver, setup: program.setup.of_seed(program.driver, seed) };
    program.setup.memory = first.memory;
    // How many requests are needed is looked for in any case.
    program.setup.environment.drawn.remove(Part::Requests);
    let drawn = program.setup.clone();
    let mut shrinking = Shrinking { attempts, program, plain, deviations, tried: Tried::default() };
    // What is there when the budget ends is a result, too.
    let _spent = shrinking.shrink();
    shrinking.finish(seed, failure, from, &drawn)
}

/// A program and a schedule of it that fails, on their way to smaller ones.
struct Shrinking<'a> {
    attempts: Attempts<'a>,
    program: Program,
    /// The setup with nothing drawn.
    plain: Setup,
    deviations: Vec<Deviation>,
    tried: Tried,
}

impl Shrinking<'_> {
    fn shrink(&mut self) -> Result<(), Spent> {
        self.use_plain_memory()?;
        // Executions of few requests cost next to nothing; most findings need more, or another schedule.
        self.try_few_requests(0);
        // Where executions are dear, most of this is left for when there are fewer requests.
        self.use_plain_environment(FEW_TRIES, 2);
        self.try_few_requests(requests::RANDOM_TRIES);
        self.reduce_requests()?;
        // With few requests there is time for more tries.
        if self.use_plain_environment(MANY_TRIES, 1) {
            self.reduce_requests()?;
        }
        let shallow = self.deviations.len().min(2);
        if self.search(4, shallow).is_some_and(|found| found) {
            return Ok(());
        }
        removal::remove(&mut self.attempts, &self.program, &mut self.deviations)?;
        self.start_again();
        self.search(1, self.deviations.len());
        Ok(())
    }

    /// Looks for other schedules that become shorter, with half of the budget.
    fn start_again(&mut self) {
        let Shrinking { attempts, program, deviations, .. } = self;
        let _spent = attempts.with_share(2, |attempts| sparse::start_again(attempts, program, deviations));
    }

    fn try_few_requests(&mut self, tries: u64) {
        requests::try_few(&mut self.attempts, &mut self.program, &mut self.deviations, tries);
    }

    fn reduce_requests(&mut self) -> Result<(), Spent> {
        requests::reduce(&mut self.attempts, &mut self.program, &mut self.deviations)
    }

    /// Does without what was drawn of the environment, as far as that fails as well, with a `part`-th of the
    /// budget. Returns whether the program may be another now: so it may where that part was not enough.
    fn use_plain_environment(&mut self, tries: u64, part: u64) -> bool {
        let Shrinking { attempts, program, plain, deviations, .. } = self;
        let reduced = attempts
            .with_share(part, |attempts| environment::reduce(attempts, program, deviations, plain, tries));
        reduced.unwrap_or(true)
    }

    /// Does without guarded memory if that fails as well.
    fn use_plain_memory(&mut self) -> Result<(), Spent> {
        if self.program.setup.memory == MemoryChoice::Plain {
            return Ok(());
        }
        let plain = self.program.with_memory(MemoryChoice::Plain);
        if let Some(found) = self.attempts.still_fails(&plain, self.deviations.clone())? {
            (self.program, self.deviations) = (plain, found);
        }
        Ok(())
    }

    /// Looks for a schedule with fewer than `below` deviations, with a `part`-th of the budget. Returns
    /// whether there is one, or `None` if the budget ended.
    fn search(&mut self, part: u64, below: usize) -> Option<bool> {
        let Shrinking { attempts, program, tried, .. } = self;
        let found =
            attempts.with_share(part, |attempts| bounding::search(attempts, program, below, tried))?;
        let is_found = found.is_some();
        if let Some(found) = found {
            self.deviations = found;
        }
        Some(is_found)
    }

    fn finish(self, seed: u64, failure: Failure, from: Size, drawn: &Setup) -> Result<Shrunk, ShrinkError> {
        let Shrinking { attempts, program, plain, deviations, tried } = self;
        let chooser = Deviating::new(deviations.clone(), Misfit::Parts);
        let run = program.with_evidence().execute(seed, Chooser::Strategy(Box::new(chooser)))?;
        if let RunEnd::Interrupted = run.end {
            return Err(ShrinkError::Interrupted);
        }
        if Failure::of(&run.end).as_ref() != Some(&failure) {
            return Err(ShrinkError::NotRepeatable);
        }
        let minimality = if tried.below >= deviations.len() {
            Minimality::Proved { tried: tried.schedules }
        } else {
            Minimality::NotProved { below: tried.below, tried: tried.schedules }
        };
        let to =
            Size { deviations: deviations.len(), steps: run.steps, requests: requests::requests(&program) };
        let executions = attempts.executions + 2;
        let needs = Needs::between(&plain, drawn, &program.setup);
        Ok(Shrunk { program, deviations, run, needs, failure, from, to, minimality, executions })
    }
}
