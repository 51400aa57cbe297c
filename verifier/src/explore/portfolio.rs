//! The strategy `portfolio`: spends its executions where probes say it pays.
//!
//! How an execution is steered is in [`steer`](super::steer), what probes see in [`Probe`]. Invariant: which
//! kind of execution it is follows from the seed and from what fixed probes told; it learns nothing from
//! other executions, so seeds can be split over shards as with any strategy.

use super::calls::Place;
use super::dice::Dice;
use super::pct::Pct;
use super::probe::Probe;
use super::steer::{self, Steering};
use super::{Chooser, Program, Strategy};
use crate::run::SetupError;
use crate::topic::topic;
use std::collections::BTreeSet;

const SALT: u64 = 0x50_4F_52_54;

topic! {
    /// Spends most executions where probes say it pays.
    ///
    /// ## What it chooses
    /// The program is run a few times first. Most executions are then steered towards orders that these
    /// probes saw to be possible and that seldom happen by themselves: inverted lock orders first, then
    /// another party's use of an object between two uses that belong together, then any meeting. The rest are
    /// random choices and pct:3 in equal parts, for what the probes did not see. Splitting all executions
    /// evenly over several strategies would make each as good as a fraction of itself.
    ///
    /// ## Bound
    /// None is promised. About one execution in nine is not steered (all, where probes saw nothing to steer
    /// to), and half of those are pct:3 with its bound.
    ///
    /// ## Parameters
    /// None.
    TOPIC = "portfolio"
}

/// Shares of the executions that are steered to points of each kind, where there are any, and of those
/// that are not steered. By experience with small races; none is so small that what only it finds would
/// wait for long.
const INVERSIONS: u32 = 8;
const AGAIN: u32 = 6;
const MEETS: u32 = 2;
const UNSTEERED: u32 = 2;
/// Of so many arrivals at a point that is no inversion, one goes on unheld: the first need not be the one.
const UNHELD: u32 = 8;
/// Steps for which a processor is held at least, if no other party uses the object.
const PATIENCE_MIN: u64 = 100;

/// The strategy.
#[derive(Clone, Debug)]
pub struct Portfolio {
    probe: Probe,
    pct: Pct,
}

impl Portfolio {
    /// The portfolio for a program, of which it makes a probe.
    ///
    /// # Errors
    /// When the program cannot be run as asked.
    pub fn prepare(program: &Program) -> Result<Portfolio, SetupError> {
        Ok(Portfolio::probed(&Probe::of(program)?))
    }

    /// The portfolio for a program of which a probe was made.
    #[must_use]
    pub fn probed(probe: &Probe) -> Portfolio {
        Portfolio { probe: probe.clone(), pct: Pct::probed(3, probe) }
    }

    /// The points that an execution is steered to, if it is.
    fn steering(&self, dice: &mut Dice) -> Option<Steering> {
        let points = &self.probe.points;
        let kinds = [(&points.inversions, INVERSIONS), (&points.again, AGAIN), (&points.meets, MEETS)];
        let kinds = kinds.map(|(places, weight)| (places, if places.is_empty() { 0 } else { weight }));
        let mut at = dice.below(UNSTEERED + kinds.iter().map(|(_, weight)| weight).sum::<u32>());
        let (places, _) = kinds.into_iter().find(|(_, weight)| {
            let found = at < *weight;
            at = at.saturating_sub(*weight);
            found
        })?;
        // A cycle of lock orders closes only if all who could be on it are held.
        let is_cycle = std::ptr::eq(places, &raw const points.inversions);
        Some(Steering {
            points: if is_cycle { places.iter().copied().collect() } else { some(places, dice) },
            unheld: if is_cycle { 0 } else { UNHELD },
            world_waits: dice.chance(2, 3),
            patience: u64::from(self.probe.steps) * 2 + PATIENCE_MIN,
        })
    }
}

/// A few of a set: one, or two, or half, or all.
fn some(set: &BTreeSet<Place>, dice: &mut Dice) -> Vec<Place> {
    let mut places: Vec<Place> = set.iter().copied().collect();
    let wanted = match dice.below(4) {
        0 => 1,
        1 => 2,
        2 => places.len().div_ceil(2),
        _ => places.len(),
    };
    while places.len() > wanted {
        places.swap_remove(dice.below(places.len() as u32) as usize);
    }
    places
}

impl Strategy for Portfolio {
    fn name(&self) -> String {
        "portfolio".into()
    }

    fn chooser(&self, seed: u64) -> Chooser {
        let mut dice = Dice::new(seed, SALT);
        match self.steering(&mut dice) {
            Some(steering) => Chooser::Strategy(Box::new(steer::SteeredChooser::new(dice, steering))),
            None if dice.chance(1, 2) => Chooser::Seeded,
            None => self.pct.chooser(seed),
        }
    }
}
