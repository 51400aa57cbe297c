//! Probes: what a few executions under fixed seeds tell of a program.
//!
//! Strategies that need to know how long a program is, who takes how many steps, or which calls of
//! different parties meet at one object, ask here. Probes are made once, when a strategy is prepared,
//! and always under the same seeds: what they tell depends on the program and on nothing else, so an
//! execution still depends on program, strategy and seed alone. They are executions of their own
//! and are not counted as explored.

use super::actor::{ACTORS, actor};
use super::calls::Calls;
use super::conflicts::{Conflicts, Points};
use super::dice::Dice;
use super::{Chooser, Program};
use crate::finding::RunEnd;
use crate::rules;
use crate::run::{Executor, SetupError};
use kernel_sim::choose::{Choose, Enabled, Step, Transition};
use parking_lot::Mutex;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Executions made, where they are short.
const PROBES: u64 = 6;
/// Steps after which no further one is begun. Of a program that makes a step for each load and store one
/// probe costs as much as several of others, and shows as many calls that meet.
const STEPS_ENOUGH: u64 = 500_000;
/// Their seeds: far from those that people type.
const FIRST_SEED: u64 = 0x7072_6F62_6500_0000;

/// What the probes saw.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Choices of an execution, on average.
    pub choices: u32,
    /// Steps of an execution, on average.
    pub steps: u32,
    /// Steps of each actor, on average over the executions, rounded up.
    pub(super) by_actor: Arc<[u32; ACTORS]>,
    /// Calls that meet those of other parties.
    pub(super) points: Points,
}

impl Probe {
    /// Executes the program a few times under fixed seeds and watches.
    ///
    /// # Errors
    /// When the program cannot be run as asked.
    pub fn of(program: &Program) -> Result<Probe, SetupError> {
        let mut program = program.clone();
        program.setup.executor = Executor::Deterministic;
        let (mut sum, mut made) = (Sum::default(), 0);
        for n in 0..PROBES {
            let seen = Arc::new(Mutex::new(Seen::default()));
            let walk = ProbeChooser {
                dice: Dice::new(FIRST_SEED + n, SALT),
                calls: Calls::default(),
                seen: Arc::clone(&seen),
            };
            let execution = || program.execute(FIRST_SEED + n, Chooser::Strategy(Box::new(walk)));
            // Where the simulator itself came to grief, that is told of the seed to which it happens again.
            let Ok(run) = catch_unwind(AssertUnwindSafe(execution)) else { break };
            let run = run?;
            sum.add(&seen.lock());
            made += 1;
            if sum.steps >= STEPS_ENOUGH {
                break;
            }
            let has_run_away = run.end.stopped_by().is_some_and(|finding| finding.of == &rules::RUNAWAY);
            if has_run_away || matches!(run.end, RunEnd::Interrupted | RunEnd::Endless(_)) {
                // More of them would cost seconds each, or there is no time for them.
                break;
            }
        }
        let mean = |n: u64| u32::try_from(n.div_ceil(made.max(1))).unwrap_or(u32::MAX);
        Ok(Probe {
            choices: mean(sum.choices).max(1),
            steps: mean(sum.steps).max(1),
            by_actor: Arc::new(std::array::from_fn(|n| sum.by_actor.get(n).map_or(0, |steps| mean(*steps)))),
            points: sum.points,
        })
    }
}

const SALT: u64 = 0x50_52_4F_42;

/// What one execution showed.
#[derive(Default)]
struct Seen {
    choices: u64,
    steps: u64,
    by_actor: Vec<u64>,
    conflicts: Conflicts,
}

/// What all of them showed.
#[derive(Default)]
struct Sum {
    choices: u64,
    steps: u64,
    by_actor: Vec<u64>,
    points: Points,
}

impl Sum {
    fn add(&mut self, seen: &Seen) {
        self.choices += seen.choices;
        self.steps += seen.steps;
        self.by_actor.resize(ACTORS, 0);
        for (sum, n) in self.by_actor.iter_mut().zip(&seen.by_actor) {
            *sum += n;
        }
        self.points.add(&seen.conflicts.points());
    }
}

/// Uniform choice, watched.
struct ProbeChooser {
    dice: Dice,
    calls: Calls,
    seen: Arc<Mutex<Seen>>,
}

impl Choose for ProbeChooser {
    fn choose(&mut self, _step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        let chosen = enabled.nth(self.dice.below(enabled.len()));
        let mut seen = self.seen.lock();
        seen.choices += u64::from(enabled.len() > 1);
        seen.steps += 1;
        seen.by_actor.resize(ACTORS, 0);
        seen.by_actor[actor(chosen)] += 1;
        Some(chosen)
    }

    fn pick(&mut self, _step: u64, n: u32) -> Option<u32> {
        Some(self.dice.below(n))
    }

    fn follows(&self) -> bool {
        true
    }

    fn stepped(&mut self, step: &Step<'_>) {
        let made = self.calls.follow(step);
        self.seen.lock().conflicts.see(step, made.as_ref());
    }
}
