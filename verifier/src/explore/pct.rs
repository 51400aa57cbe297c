//! The strategy `pct`: random priorities, and a few points at which the foremost actor loses its own.
//!
//! [`TOPIC`] says what it chooses and what that guarantees; what an actor is, [`actor`](super::actor) says.

use super::actor::{actor, each};
use super::dice::Dice;
use super::probe::Probe;
use super::{Chooser, Program, Strategy};
use crate::run::SetupError;
use crate::topic::topic;
use kernel_sim::choose::{Choose, Enabled, Transition};
use kernel_sim::machine::Machine;

/// Choices in a row for one actor before it is asked whether it polls.
const STREAK: u32 = 16;
/// Calls in a row that only look at something, which make an actor one that polls.
const POLLS: u64 = 8;
/// Highest depth: change points of one execution, plus one.
pub const DEPTH_MAX: u8 = 8;
const SALT: u64 = 0x50_43_54;

topic! {
    /// Priorities of all actors with few changes; pct:D for D - 1 of them, 3 without.
    ///
    /// ## What it chooses
    /// Probabilistic concurrency testing, after Burckhardt, Kothari, Musuvathi and Nagarakatti, "A Randomized
    /// Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010. Every actor (a processor, a
    /// timer, an interrupt line, a device) gets a random priority, and the one with the highest goes on. At
    /// D - 1 random choices the actor that would go on falls behind all others. A processor that only polls
    /// goes behind the others too, or its polling would be most of the execution; that is our extension.
    ///
    /// ## Bound
    /// A failure that needs D ordering constraints among n actors in k choices is found by one execution with
    /// probability 1/(n k^(D-1)) or more. k is estimated by probes, which run the program first.
    ///
    /// ## Parameters
    /// D, the depth, from 1 to 8: pct:2. Without it, 3.
    TOPIC = "pct"
}

/// The strategy.
#[derive(Clone, Copy, Debug)]
pub struct Pct {
    depth: u8,
    choices: u32,
}

impl Pct {
    /// The strategy of that depth for a program, whose length it estimates by probes. A depth outside
    /// 1 to [`DEPTH_MAX`] is brought there.
    ///
    /// # Errors
    /// When the program cannot be run as asked.
    pub fn prepare(depth: u8, program: &Program) -> Result<Pct, SetupError> {
        Ok(Pct::probed(depth, &Probe::of(program)?))
    }

    /// The strategy of that depth for a program of which a probe was made.
    #[must_use]
    pub fn probed(depth: u8, probe: &Probe) -> Pct {
        Pct { depth: depth.clamp(1, DEPTH_MAX), choices: probe.choices }
    }

    /// The choices for `seed`.
    pub(super) fn walk(&self, seed: u64) -> PctChooser {
        let mut dice = Dice::new(seed, SALT);
        let salt = dice.next();
        let mut changes = [u32::MAX; DEPTH_MAX as usize];
        let count = usize::from(self.depth) - 1;
        for change in &mut changes[..count] {
            *change = 1 + dice.below(self.choices);
        }
        changes[..count].sort_unstable();
        PctChooser {
            salt,
            demoted: [(usize::MAX, 0); DEMOTED_MAX],
            demotions: 0,
            run: std::array::from_fn(|n| priority(salt, n)),
            changes,
            change: 0,
            count: 0,
            last: usize::MAX,
            streak: 0,
            dice,
        }
    }
}

impl Strategy for Pct {
    fn name(&self) -> String {
        format!("pct:{}", self.depth)
    }

    fn chooser(&self, seed: u64) -> Chooser {
        Chooser::Strategy(Box::new(self.walk(seed)))
    }
}

/// Processors whose priorities are kept at hand.
const NEAR: usize = 8;
/// Demotions remembered; of earlier ones the oldest is forgotten.
const DEMOTED_MAX: usize = 16;

/// The priority an actor begins with: never among those that demotions give.
#[inline]
fn priority(salt: u64, actor: usize) -> u64 {
    Dice::new(salt, actor as u64).next() | 1 << 63
}

/// The choices of one execution.
pub(super) struct PctChooser {
    salt: u64,
    /// Actors that lost their priority, and the one they have now.
    demoted: [(usize, u64); DEMOTED_MAX],
    demotions: u32,
    /// The priorities of the first processors.
    run: [u64; NEAR],
    changes: [u32; DEPTH_MAX as usize],
    /// The next change point.
    change: usize,
    /// Choices made.
    count: u32,
    last: usize,
    streak: u32,
    dice: Dice,
}

impl PctChooser {
    #[inline]
    fn priority(&self, actor: usize) -> u64 {
        if actor < NEAR { self.run[actor] } else { self.far_priority(actor) }
    }

    #[cold]
    fn far_priority(&self, actor: usize) -> u64 {
        let demoted = self.demoted.iter().find(|(who, _)| *who == actor);
        demoted.map_or_else(|| priority(self.salt, actor), |(_, now)| *now)
    }

    #[inline]
    fn foremost(&self, enabled: &Enabled<'_>) -> Transition {
        let (mut best, mut best_priority) = (Transition::Timer, 0);
        each(enabled, |t| {
            let priority = self.priority(actor(t));
            if priority >= best_priority {
                (best, best_priority) = (t, priority);
            }
        });
        best
    }

    /// Puts an actor behind all others.
    #[cold]
    fn demote(&mut self, actor: usize) {
        self.demotions += 1;
        let now = (1 << 62) - u64::from(self.demotions);
        if actor < NEAR {
            self.run[actor] = now;
            return;
        }
        let oldest = self.demotions as usize % DEMOTED_MAX;
        let slot = self.demoted.iter().position(|(who, _)| *who == actor).unwrap_or(oldest);
        self.demoted[slot] = (actor, now);
    }

    /// Whether the processor that runs only looks at things.
    #[cold]
    fn is_polling(&mut self) -> bool {
        self.streak = 0;
        Machine::current().is_some_and(|machine| machine.polls() >= POLLS)
    }
}

impl Choose for PctChooser {
    #[inline]
    fn choose(&mut self, _step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        self.count += 1;
        let mut chosen = self.foremost(enabled);
        let mut who = actor(chosen);
        while self.count >= self.changes[self.change] {
            self.change += 1;
            self.demote(who);
            chosen = self.foremost(enabled);
            who = actor(chosen);
        }
        self.streak = if who == self.last { self.streak + 1 } else { 0 };
        self.last = who;
        if self.streak >= STREAK && self.is_polling() {
            self.demote(who);
            chosen = self.foremost(enabled);
            self.last = actor(chosen);
        }
        Some(chosen)
    }

    fn pick(&mut self, _step: u64, n: u32) -> Option<u32> {
        Some(self.dice.below(n))
    }
}
