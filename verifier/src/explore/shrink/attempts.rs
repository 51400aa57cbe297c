//! Executions made while shrinking: each is counted, and none is made past the budget.

use super::Budget;
use crate::explore::deviations::{Describing, Description, Deviating, Deviation, Misfit};
use crate::explore::{Chooser, Failure, Program};
use crate::finding::RunEnd;
use kernel_sim::choose::Choose;

/// What one more execution costs besides its steps: a machine is built and taken down.
const OVERHEAD_STEPS: u64 = 200;

/// The budget is used up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spent;

/// The executions of one shrinking.
pub(super) struct Attempts<'a> {
    seed: u64,
    /// What must be found again.
    failure: Failure,
    /// Steps after which one execution is given up.
    each_steps_max: u64,
    budget: Budget,
    goes_on: &'a dyn Fn() -> bool,
    pub(super) executions: u64,
    pub(super) steps: u64,
    /// Executions that were given up: whether they fail is unknown.
    pub(super) given_up: u64,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        seed: u64,
        failure: Failure,
        each_steps_max: u64,
        budget: Budget,
        goes_on: &'a dyn Fn() -> bool,
    ) -> Attempts<'a> {
        Attempts { seed, failure, each_steps_max, budget, goes_on, executions: 0, steps: 0, given_up: 0 }
    }

    /// Does `body` with no more than one `part`-th of what is left of the budget. `None` if that was
    /// not enough.
    pub(super) fn with_share<T>(
        &mut self,
        part: u64,
        body: impl FnOnce(&mut Attempts<'a>) -> Result<T, Spent>,
    ) -> Option<T> {
        let whole = self.budget;
        self.budget = Budget {
            executions: self.executions + whole.executions.saturating_sub(self.executions) / part,
            steps: self.steps + whole.steps.saturating_sub(self.steps) / part,
        };
        let answer = body(self);
        self.budget = whole;
        answer.ok()
    }

    /// Whether the default scheduler with `deviations` fails in the same way.
    pub(super) fn fails(&mut self, program: &Program, deviations: &[Deviation]) -> Result<bool, Spent> {
        let chooser = Deviating::new(deviations.to_vec(), Misfit::Parts).at_most(self.each_steps_max);
        self.execute(program, Box::new(chooser))
    }

    /// As [`Attempts::fails`], but deviations that do not fit are left out; returns those that were made, if
    /// it fails.
    pub(super) fn still_fails(
        &mut self,
        program: &Program,
        deviations: Vec<Deviation>,
    ) -> Result<Option<Vec<Deviation>>, Spent> {
        let chooser = Deviating::new(deviations, Misfit::IsSkipped).at_most(self.each_steps_max);
        let (fails, description) = self.describe(program, Box::new(chooser), false)?;
        Ok(fails.then_some(description.deviations))
    }

    /// Executes with any strategy and describes what it chose; returns whether it fails, too.
    pub(super) fn describe(
        &mut self,
        program: &Program,
        chooser: Box<dyn Choose>,
        with_points: bool,
    ) -> Result<(bool, Description), Spent> {
        let (describing, description) = Describing::new(chooser, with_points);
        let fails = self.execute(program, Box::new(describing))?;
        let description = std::mem::take(&mut *description.lock());
        Ok((fails, description))
    }

    fn execute(&mut self, program: &Program, chooser: Box<dyn Choose>) -> Result<bool, Spent> {
        let is_spent = self.executions >= self.budget.executions || self.steps >= self.budget.steps;
        if is_spent || !(self.goes_on)() {
            return Err(Spent);
        }
        self.executions += 1;
        self.steps += OVERHEAD_STEPS;
        // A driver that does not start under this schedule found something else, if anything.
        let Ok(run) = program.execute(self.seed, Chooser::Strategy(chooser)) else { return Ok(false) };
        self.steps += run.steps;
        self.given_up += u64::from(matches!(run.end, RunEnd::Parted(_)));
        Ok(Failure::of(&run.end).as_ref() == Some(&self.failure))
    }
}
