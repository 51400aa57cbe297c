//! Whether a seed gives one run: some are executed twice, and their traces compared.
//!
//! A driver that keeps state outside the machine (a global, a hash map, the host's time) makes another run
//! each time, and nothing that is found in it can be shown again. Which seeds are tried is a matter of their
//! numbers. Where the traces part is looked for in two more executions. Invariant: nothing that is compared
//! here comes from the host's clock, so a driver that keeps to its machine is never accused.

use super::{Chooser, Program, Random, Strategy};
use crate::finding::RunEnd;
use crate::run::{Run, SetupError};
use kernel_sim::choose::{Choose, Enabled, Parted, Transition};
use kernel_sim::machine::Machine;
use kernel_sim::split_mix::mix;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Of the seeds behind the first, one in so many is executed twice.
const ONE_IN: u64 = 128;
/// Steps of a run that are compared one by one.
const STEPS_MAX: usize = 1 << 20;

/// A seed that gave two runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unrepeatable {
    /// The lowest seed that was seen to.
    pub seed: u64,
    /// The step from which on they differed; none where two more executions were alike.
    pub step: Option<u64>,
    /// The call made in that step, and where.
    pub place: Option<String>,
}

/// Whether a seed is executed twice, in an exploration that begins with `first`.
pub(super) fn is_tried(seed: u64, first: u64) -> bool {
    seed == first || mix(seed).is_multiple_of(ONE_IN)
}

/// Executes the seed of a run once more; what there is to tell if another run comes of it.
pub(super) fn compare(
    program: &Program,
    strategy: &dyn Strategy,
    seed: u64,
    run: &Run,
) -> Result<Option<Unrepeatable>, SetupError> {
    let again = program.execute(seed, strategy.chooser(seed))?;
    let is_comparable = |run: &Run| matches!(run.end, RunEnd::Clean | RunEnd::Endless(_) | RunEnd::Found(_));
    let is_same = (run.trace_hash, run.steps) == (again.trace_hash, again.steps);
    if is_same || !is_comparable(run) || !is_comparable(&again) {
        return Ok(None);
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    for is_second in [false, true] {
        seen.lock().is_second = is_second;
        let inner: Box<dyn Choose> = match strategy.chooser(seed) {
            Chooser::Seeded => Random::choices(seed),
            Chooser::Strategy(inner) => inner,
        };
        program.execute(seed, Chooser::Strategy(Box::new(Looking { inner, seen: Arc::clone(&seen) })))?;
    }
    let parted = seen.lock().parted.take();
    Ok(Some(match parted {
        Some((step, place)) => Unrepeatable { seed, step: Some(step), place },
        None => Unrepeatable { seed, step: None, place: None },
    }))
}

/// The traces of two executions, as far as they have been made.
#[derive(Default)]
struct Seen {
    /// The hash before each step of the first.
    hashes: Vec<u64>,
    is_second: bool,
    /// How far the second is, and what it was about to call last.
    at: usize,
    last: Option<(u64, Option<String>)>,
    /// The first step in which the second was otherwise.
    parted: Option<(u64, Option<String>)>,
}

impl Seen {
    fn step(&mut self, step: u64, machine: &Machine) {
        let hash = machine.trace_hash_so_far();
        if !self.is_second {
            if self.hashes.len() < STEPS_MAX {
                self.hashes.push(hash);
            }
            return;
        }
        if self.parted.is_some() || self.at >= self.hashes.len() {
            return;
        }
        if self.hashes[self.at] != hash {
            self.parted = self.last.take().or(Some((step, None)));
            return;
        }
        self.at += 1;
        let call = machine.position(machine.running()).1;
        let place = call.map(|(ddi, site)| format!("{} at {}:{}", ddi.name, site.file(), site.line()));
        self.last = Some((step, place));
    }
}

/// A strategy that is looked at while it chooses.
struct Looking {
    inner: Box<dyn Choose>,
    seen: Arc<Mutex<Seen>>,
}

impl Choose for Looking {
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        if let Some(machine) = Machine::current() {
            self.seen.lock().step(step, machine);
        }
        // The strategy is asked where it would be asked without being looked at, and nowhere else.
        if enabled.len() == 1 { Some(enabled.nth(0)) } else { self.inner.choose(step, enabled) }
    }

    fn pick(&mut self, step: u64, n: u32) -> Option<u32> {
        self.inner.pick(step, n)
    }

    fn parted(&self) -> Parted {
        self.inner.parted()
    }

    fn follows(&self) -> bool {
        true
    }
}
