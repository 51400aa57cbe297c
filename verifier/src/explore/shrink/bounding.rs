//! Every schedule with at most so many deviations: what there is to find, and the proof that there is
//! no more.
//!
//! Schedules with one deviation more begin with those that have one fewer: at each of their choices
//! after the last deviation, everything that could have been taken instead. So each schedule is made
//! exactly once.

use super::attempts::{Attempts, Spent};
use crate::explore::Program;
use crate::explore::deviations::{Deviating, Deviation, Misfit, Point};

/// A schedule that fails, with the fewest deviations there are.
pub(super) type Found = Option<Vec<Deviation>>;

/// Which schedules were all tried, and how many they were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tried {
    /// All with fewer deviations than this.
    pub(super) below: usize,
    /// How many.
    pub(super) schedules: u64,
}

/// Tries every schedule with fewer than `below` deviations, the fewest first. `tried` says which ones
/// need no trying any more, and is brought forward.
pub(super) fn search(
    attempts: &mut Attempts<'_>,
    program: &Program,
    below: usize,
    tried: &mut Tried,
) -> Result<Found, Spent> {
    while tried.below < below {
        let given_up = attempts.given_up;
        let mut level = Level { attempts: &mut *attempts, program, schedules: 0 };
        if let Some(found) = level.extend(&mut Vec::new(), tried.below)? {
            return Ok(Some(found));
        }
        let schedules = level.schedules;
        // An execution that was given up may or may not have failed, so nothing is proved.
        if attempts.given_up != given_up {
            return Err(Spent);
        }
        tried.below += 1;
        tried.schedules += schedules;
    }
    Ok(None)
}

/// The schedules with a certain number of deviations.
struct Level<'a, 'b> {
    attempts: &'a mut Attempts<'b>,
    program: &'a Program,
    schedules: u64,
}

impl Level<'_, '_> {
    /// Tries every schedule that begins with `prefix` and has `more` deviations more.
    fn extend(&mut self, prefix: &mut Vec<Deviation>, more: usize) -> Result<Found, Spent> {
        if more == 0 {
            self.schedules += 1;
            let fails = self.attempts.fails(self.program, prefix)?;
            return Ok(fails.then(|| prefix.clone()));
        }
        let chooser = Deviating::new(prefix.clone(), Misfit::Parts);
        let points = self.attempts.describe(self.program, Box::new(chooser))?.points;
        let after = match prefix.last() {
            Some(last) => points.iter().position(|p| p.is_for(last)).map_or(points.len(), |at| at + 1),
            None => 0,
        };
        if more == 1 {
            return self.try_each(prefix, points[after..].iter().flat_map(Point::deviations).collect());
        }
        for point in &points[after..] {
            for deviation in point.deviations() {
                prefix.push(deviation);
                let found = self.extend(prefix, more - 1)?;
                prefix.pop();
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Tries every schedule that has one deviation more than `prefix`.
    fn try_each(&mut self, prefix: &[Deviation], last: Vec<Deviation>) -> Result<Found, Spent> {
        let extended = |n: usize| prefix.iter().chain([&last[n]]).cloned().collect::<Vec<_>>();
        let candidate = |attempts: &Attempts<'_>, n: usize| attempts.exactly(self.program, extended(n));
        let found = self.attempts.first(last.len(), candidate, |_| true)?;
        self.schedules += found.as_ref().map_or(last.len(), |(n, _)| n + 1) as u64;
        Ok(found.map(|(n, _)| extended(n)))
    }
}
