//! The strategy `urw`, uniform random walk: every schedule about equally likely, instead of every step.

use super::actor::{ACTORS, actor, each};
use super::dice::Dice;
use super::probe::Probe;
use super::{Chooser, Program, Strategy};
use crate::run::SetupError;
use crate::topic::topic;
use kernel_sim::choose::{Choose, Enabled, Transition};
use std::sync::Arc;

const SALT: u64 = 0x55_52_57;

topic! {
    /// Uniform random walk: actors by their share of what is still to come.
    ///
    /// ## What it chooses
    /// Where every step is a fair coin, an actor with much to do is overtaken by all others early, and
    /// schedules in which it goes first are hardly ever seen. Here an actor is chosen in proportion to the
    /// steps it has still to make, as probes estimate them; an actor that has made them all, or that no probe
    /// saw, counts as having one more. After Zhao, Wolff, Mathur and Roychoudhury, "Selectively Uniform
    /// Concurrency Testing", ASPLOS 2025; the selective part of it is not done here.
    ///
    /// ## Bound
    /// None is promised. Where actors only interleave and the estimates are right, all interleavings are
    /// equally likely.
    ///
    /// ## Parameters
    /// None.
    TOPIC = "urw"
}

/// The strategy.
#[derive(Clone, Debug)]
pub struct Urw {
    by_actor: Arc<[u32; ACTORS]>,
}

impl Urw {
    /// The strategy for a program, whose actors it counts by probes.
    ///
    /// # Errors
    /// When the program cannot be run as asked.
    pub fn prepare(program: &Program) -> Result<Urw, SetupError> {
        Ok(Urw::probed(&Probe::of(program)?))
    }

    /// The strategy for a program of which a probe was made.
    #[must_use]
    pub fn probed(probe: &Probe) -> Urw {
        Urw { by_actor: Arc::clone(&probe.by_actor) }
    }
}

impl Strategy for Urw {
    fn name(&self) -> String {
        "urw".into()
    }

    fn chooser(&self, seed: u64) -> Chooser {
        let walk = UrwChooser { dice: Dice::new(seed, SALT), left: *self.by_actor };
        Chooser::Strategy(Box::new(walk))
    }
}

/// The choices of one execution.
struct UrwChooser {
    dice: Dice,
    /// Steps that each actor has still to make.
    left: [u32; ACTORS],
}

impl Choose for UrwChooser {
    fn choose(&mut self, _step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        let weight = |left: &[u32; ACTORS], t| left[actor(t)].max(1);
        let mut total = 0_u32;
        each(enabled, |t| total = total.saturating_add(weight(&self.left, t)));
        let mut at = self.dice.below(total);
        let mut chosen = None;
        each(enabled, |t| {
            let weight = weight(&self.left, t);
            if chosen.is_none() && at < weight {
                chosen = Some(t);
            }
            at = at.saturating_sub(weight);
        });
        // The weights may saturate, with billions of steps to go: then the first will do.
        let chosen = chosen.unwrap_or_else(|| enabled.nth(0));
        let left = &mut self.left[actor(chosen)];
        *left = left.saturating_sub(1);
        Some(chosen)
    }

    fn pick(&mut self, _step: u64, n: u32) -> Option<u32> {
        Some(self.dice.below(n))
    }
}
