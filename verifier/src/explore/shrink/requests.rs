//! Fewer requests: what fails with a thousand often fails with three, and those can be read.

use super::attempts::{Attempts, Spent};
use crate::driver::Kind;
use crate::explore::deviations::Deviation;
use crate::explore::{Program, Random};
use crate::workload::Amount;

/// Random schedules to try for a number of requests with which the known one does not fail any more.
const RANDOM_TRIES: u64 = 400;

/// The number of requests of a program, if it is a number.
pub(super) fn requests(program: &Program) -> Option<u64> {
    match (program.driver.kind, program.setup.workload.amount) {
        (Kind::Model { .. }, _) | (_, Amount::Once | Amount::TimeNs(_)) => None,
        (_, Amount::Ios(n)) => Some(n),
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
        let mut smaller = program.clone();
        smaller.setup.workload.amount = Amount::Ios(ios - fewer);
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
    for seed in 0..tries {
        let (fails, description) = attempts.describe(program, Random::choices(seed), false)?;
        if fails {
            return Ok(Some(description.deviations));
        }
    }
    Ok(None)
}
