//! Fewer requests: what fails with a thousand often fails with three, and those can be read.
//!
//! Few are tried first, since an execution of few costs little: a hundred random schedules of four requests
//! take no longer than one of a thousand requests. What is left is reduced by halves.

use super::attempts::{Attempts, Spent};
use super::sparse;
use crate::driver::Kind;
use crate::explore::Program;
use crate::explore::deviations::Deviation;
use crate::workload::Amount;

/// Random schedules to try for a number of requests with which the known one does not fail any more.
pub(super) const RANDOM_TRIES: u64 = 400;

/// Numbers of requests to try before others, the fewest first.
const FEW: [u64; 3] = [4, 16, 64];

/// The number of requests of a program, if it is a number.
pub(super) fn requests(program: &Program) -> Option<u64> {
    match (program.driver.kind, program.setup.workload.amount) {
        (Kind::Model { .. }, _) | (_, Amount::Once | Amount::TimeNs(_)) => None,
        (_, Amount::Ios(n)) => Some(n),
    }
}

/// Tries whether few requests of `program` are enough: with the known schedule, as far as it fits, or one of
/// so many random ones. Program and deviations always fail together.
pub(super) fn try_few(
    attempts: &mut Attempts<'_>,
    program: &mut Program,
    deviations: &mut Vec<Deviation>,
    tries: u64,
) {
    let Some(ios) = requests(program) else { return };
    for few in FEW.into_iter().filter(|few| *few < ios / 2 && !deviations.is_empty()) {
        let smaller = with_requests(program, few);
        let found = attempts.with_share(16, |attempts| refit(attempts, &smaller, deviations, tries));
        if let Some(found) = found.flatten() {
            (*program, *deviations) = (smaller, found);
            return;
        }
    }
}

/// Reduces the requests of `program` while some schedule of it fails: by halves, then by less.
/// Program and deviations always fail together, also when the budget ends.
pub(super) fn reduce(
    attempts: &mut Attempts<'_>,
    program: &mut Program,
    deviations: &mut Vec<Deviation>,
) -> Result<(), Spent> {
    let Some(mut ios) = requests(program) else { return Ok(()) };
    let mut fewer = ios / 2;
    while fewer > 0 {
        let smaller = with_requests(program, ios - fewer);
        // Where no deviation is needed, it is the requests that count, and no other schedule helps.
        let tries = if fewer == ios / 2 && !deviations.is_empty() { RANDOM_TRIES } else { 0 };
        let found = attempts.with_share(8, |attempts| refit(attempts, &smaller, deviations, tries)).flatten();
        match found {
            Some(found) => {
                *deviations = found;
                *program = smaller;
                ios -= fewer;
                fewer = ios / 2;
            }
            None => fewer /= 2,
        }
    }
    Ok(())
}

fn with_requests(program: &Program, ios: u64) -> Program {
    let mut smaller = program.clone();
    smaller.setup.workload.amount = Amount::Ios(ios);
    smaller
}

/// A schedule of `program` that fails: without any deviation, with what still fits of `known`, or one
/// of so many random ones.
pub(super) fn refit(
    attempts: &mut Attempts<'_>,
    program: &Program,
    known: &[Deviation],
    tries: u64,
) -> Result<Option<Vec<Deviation>>, Spent> {
    if attempts.fails(program, &[])? {
        return Ok(Some(Vec::new()));
    }
    if let Some(found) = attempts.still_fails(program, known.to_vec())? {
        return Ok(Some(found));
    }
    let random = |attempts: &Attempts<'_>, n: usize| {
        attempts.candidate(program, sparse::choices(n as u64), Some(false))
    };
    let found = attempts.first(tries as usize, random, |_| true)?;
    Ok(found.map(|(_, made)| made.description.deviations))
}
