//! Executions made while shrinking: each is counted, and none is counted past the budget.

use super::Budget;
use super::ahead::{Candidate, Made, Others};
use crate::explore::deviations::{Description, Deviating, Deviation, Misfit};
use crate::explore::{Failure, Program};
use kernel_sim::choose::Choose;

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
    others: Others,
    pub(super) executions: u64,
    /// What they cost, in steps.
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
        let others = Others::new();
        Attempts {
            seed,
            failure,
            each_steps_max,
            budget,
            goes_on,
            others,
            executions: 0,
            steps: 0,
            given_up: 0,
        }
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
        self.may_go_on()?;
        let made = self.exactly(program, deviations.to_vec()).make();
        Ok(self.count(&made))
    }

    /// As [`Attempts::fails`], but deviations that do not fit are left out; returns those that were made, if
    /// it fails.
    pub(super) fn still_fails(
        &mut self,
        program: &Program,
        deviations: Vec<Deviation>,
    ) -> Result<Option<Vec<Deviation>>, Spent> {
        self.may_go_on()?;
        let made = self.as_far_as_it_fits(program, deviations).make();
        Ok(self.count(&made).then_some(made.description.deviations))
    }

    /// Executes with any strategy and describes what it chose, and what it did not.
    pub(super) fn describe(
        &mut self,
        program: &Program,
        chooser: Box<dyn Choose>,
    ) -> Result<Description, Spent> {
        self.may_go_on()?;
        let made = self.candidate(program, chooser, Some(true)).make();
        self.count(&made);
        Ok(made.description)
    }

    /// The default scheduler with `deviations`, and with nothing else.
    pub(super) fn exactly(&self, program: &Program, deviations: Vec<Deviation>) -> Candidate {
        let chooser = Deviating::new(deviations, Misfit::Parts).at_most(self.each_steps_max);
        self.candidate(program, Box::new(chooser), None)
    }

    /// The default scheduler with those of `deviations` that fit.
    pub(super) fn as_far_as_it_fits(&self, program: &Program, deviations: Vec<Deviation>) -> Candidate {
        let chooser = Deviating::new(deviations, Misfit::IsSkipped).at_most(self.each_steps_max);
        self.candidate(program, Box::new(chooser), Some(false))
    }

    /// Any strategy.
    pub(super) fn candidate(
        &self,
        program: &Program,
        chooser: Box<dyn Choose>,
        described: Option<bool>,
    ) -> Candidate {
        Candidate { program: program.clone(), seed: self.seed, chooser, described }
    }

    /// Executes candidates from the first on, until one is `wanted`: its number and what was made of it.
    /// Those behind it do not count, though some may have been executed meanwhile.
    pub(super) fn first(
        &mut self,
        candidates: usize,
        candidate: impl Fn(&Attempts<'a>, usize) -> Candidate,
        wanted: impl Fn(&Made) -> bool,
    ) -> Result<Option<(usize, Made)>, Spent> {
        let is_best_alone = candidates != 0 && candidate(self, 0).is_best_alone();
        let at_once = if is_best_alone { 1 } else { self.others.at_once() };
        for start in (0..candidates).step_by(at_once) {
            self.may_go_on()?;
            let end = (start + at_once).min(candidates);
            let ahead: Vec<_> = (start + 1..end).map(|n| self.others.send(candidate(self, n))).collect();
            let here = candidate(self, start).make();
            let made = std::iter::once(Some(here)).chain(ahead.into_iter().map(|made| made.recv().ok()));
            for (n, made) in (start..).zip(made) {
                if n != start {
                    self.may_go_on()?;
                }
                let made = made.expect("a thread that executes answers, or has panicked");
                if self.count(&made) && wanted(&made) {
                    return Ok(Some((n, made)));
                }
            }
        }
        Ok(None)
    }

    fn may_go_on(&self) -> Result<(), Spent> {
        let is_spent = self.executions >= self.budget.executions || self.steps >= self.budget.steps;
        if is_spent || !(self.goes_on)() { Err(Spent) } else { Ok(()) }
    }

    /// Counts an execution; returns whether it fails.
    fn count(&mut self, made: &Made) -> bool {
        self.executions += 1;
        self.steps += made.cost;
        self.given_up += u64::from(made.is_given_up);
        made.failure.as_ref() == Some(&self.failure)
    }
}
