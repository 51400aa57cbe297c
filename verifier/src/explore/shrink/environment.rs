//! A plainer environment: what was drawn and is not needed for the finding is taken away.
//!
//! All of it is tried at once, then each part, then each event and each rule of faults alone. Program and
//! deviations always fail together, also when the budget ends.

use super::attempts::{Attempts, Spent};
use super::requests::refit;
use crate::explore::Program;
use crate::explore::deviations::Deviation;
use crate::run::{Part, Parts, Setup};

/// Of the random schedules tried for all of it, one in so many is tried for each part.
const OF_PARTS: u64 = 5;

/// Takes away what some schedule does without: no deviations, what fits of the known ones, or one of so many
/// random ones. `plain` is the setup with nothing drawn. Returns whether anything was taken away.
pub(super) fn reduce(
    attempts: &mut Attempts<'_>,
    program: &mut Program,
    deviations: &mut Vec<Deviation>,
    plain: &Setup,
    tries: u64,
) -> Result<bool, Spent> {
    let mut attempt = |program: &mut Program, setup: Setup, share: u64, tries: u64| -> Result<bool, Spent> {
        let simpler = Program { driver: program.driver, setup };
        let found =
            attempts.with_share(share, |attempts| refit(attempts, &simpler, deviations, tries)).flatten();
        let is_found = found.is_some();
        if let Some(found) = found {
            *deviations = found;
            *program = simpler;
        }
        Ok(is_found)
    };
    let drawn = program.setup.environment.drawn;
    if drawn.is_empty() {
        return Ok(false);
    }
    if attempt(program, without(&program.setup, drawn, plain), 6, tries)? {
        return Ok(true);
    }
    let mut is_any = false;
    for part in drawn.iter() {
        let parts = Parts::from_iter([part]);
        is_any |= attempt(program, without(&program.setup, parts, plain), 12, tries / OF_PARTS)?;
    }
    let mut n = 0;
    while let Some(simpler) = without_one(&program.setup, n, plain) {
        // What is behind one that was taken away comes to its place.
        if attempt(program, simpler, 12, tries / OF_PARTS)? {
            is_any = true;
        } else {
            n += 1;
        }
    }
    Ok(is_any)
}

/// The setup without the `n`-th of its drawn events and rules of faults; `None` if there are not so many.
fn without_one(setup: &Setup, n: usize, plain: &Setup) -> Option<Setup> {
    let mut setup = setup.clone();
    let drawn = setup.environment.drawn;
    let disturbances = &mut setup.disturbances;
    let events = if drawn.has(Part::Events) { disturbances.events.len() } else { 0 };
    let rules = if drawn.has(Part::Faults) { disturbances.faults.rules.len() } else { 0 };
    let all = [(Part::Events, events, n), (Part::Faults, rules, n.wrapping_sub(events))];
    let (part, of, n) = all.into_iter().find(|(_, of, n)| n < of)?;
    if of == 1 {
        return Some(without(&setup, Parts::from_iter([part]), plain));
    }
    if part == Part::Events {
        disturbances.events.remove(n);
    } else {
        disturbances.faults.rules.remove(n);
    }
    Some(setup)
}

/// The setup with plain `parts`.
fn without(setup: &Setup, parts: Parts, plain: &Setup) -> Setup {
    let mut setup = setup.clone();
    for part in parts.iter() {
        part.copy(plain, &mut setup);
        setup.environment.drawn.remove(part);
    }
    setup
}
