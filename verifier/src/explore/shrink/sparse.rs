//! Random schedules near the default one: it is followed but for one choice in so many.
//!
//! Such a schedule that fails has few deviations from the start, where one with random choices throughout has
//! hundreds, most of them needed by nothing but each other.

use super::attempts::{Attempts, Spent};
use super::removal;
use crate::explore::deviations::Deviation;
use crate::explore::dice::Dice;
use crate::explore::steady::Steady;
use crate::explore::{Program, Random};
use kernel_sim::choose::{Choose, Enabled, Transition};

/// One choice in so many is random, in turn.
const ONE_IN: [u32; 3] = [16, 4, 1];

/// Random schedules to try for one that may become shorter than the one that is there.
const TRIES: usize = 400;

/// How often in a row none may become shorter.
const ROUNDS: u32 = 4;

const SALT: u64 = 0x5BA2_5E00;

/// No shorter schedule is looked for where so few deviations are left.
const FEW: usize = 3;

/// Follows the default scheduler, but for one choice in so many.
struct Sparse {
    dice: Dice,
    one_in: u32,
    random: Box<dyn Choose>,
}

/// The `n`-th of the random schedules.
pub(super) fn choices(n: u64) -> Box<dyn Choose> {
    let one_in = ONE_IN[n as usize % ONE_IN.len()];
    Box::new(Sparse { dice: Dice::new(n, SALT), one_in, random: Random::choices(n) })
}

impl Sparse {
    fn is_random(&mut self) -> bool {
        self.dice.below(self.one_in) == 0
    }
}

impl Choose for Sparse {
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        if self.is_random() { self.random.choose(step, enabled) } else { Steady.choose(step, enabled) }
    }

    fn pick(&mut self, step: u64, n: u32) -> Option<u32> {
        if self.is_random() { self.random.pick(step, n) } else { Steady.pick(step, n) }
    }
}

/// Looks for other schedules that fail and become shorter than `deviations` once what they do not need is
/// left out. The list is always one that fails, also when the budget ends.
pub(super) fn start_again(
    attempts: &mut Attempts<'_>,
    program: &Program,
    deviations: &mut Vec<Deviation>,
) -> Result<(), Spent> {
    let (mut first, mut in_vain) = (TRIES, 0);
    while deviations.len() > FEW && in_vain < ROUNDS {
        let near = |attempts: &Attempts<'_>, n: usize| {
            attempts.candidate(program, choices((first + n) as u64), Some(false))
        };
        let Some((n, made)) = attempts.first(TRIES, near, |_| true)? else { return Ok(()) };
        first += n + 1;
        let mut other = made.description.deviations;
        let removed = removal::remove(attempts, program, &mut other);
        in_vain += 1;
        if other.len() < deviations.len() {
            (*deviations, in_vain) = (other, 0);
        }
        removed?;
    }
    Ok(())
}
