//! The environment of a driver in a run: everything that a stress draws from the seed besides the schedule.
//!
//! Its [`Part`]s are fields of a [`Setup`]: this folder says which, and is the one place that draws them
//! (`draw.rs`), compares them with those of the plain machine and puts plain ones in their place (`part.rs`,
//! `needs.rs`). What a driver of some kind can be given is in `bears.rs`. It does not say how a run is made
//! of it. Invariant: the environment of a seed depends on the setup that was asked for, the driver's kind and
//! the seed alone.

mod bears;
mod draw;
mod needs;
mod part;

pub use bears::Bears;
pub(crate) use draw::is_plain;
pub use needs::Needs;
pub use part::{Part, Parts};

use super::Setup;
use crate::driver::Driver;
use serde::{Deserialize, Serialize};
use storport_sim::CompleteWhere;

/// Longest machine time of a step, in nanoseconds: a millisecond.
pub const STEP_NS_MAX: u32 = 1_000_000;

/// Most steps between two leaps to the next timer.
pub const TIMERS_EVERY_MAX: u32 = 1_000_000;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_never(steps: &u32) -> bool {
    *steps == 0
}

/// The parts of the environment that no other field of a [`Setup`] holds, and which of all parts are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Where requests are completed that a virtual miniport has finished.
    #[serde(default)]
    pub completion: CompleteWhere,
    /// Machine time that a step takes, in nanoseconds.
    #[serde(default)]
    pub step_ns: u32,
    /// Steps after which machine time leaps to the next timer; 0: never.
    #[serde(default, skip_serializing_if = "is_never")]
    pub timers_every: u32,
    /// The parts that a seed drew, and drew otherwise than they were.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub drawn: Parts,
    /// The parts that each seed is to draw; none in the setup of one run.
    #[serde(skip)]
    pub draws: Parts,
}

impl Environment {
    /// Whether it is that of the plain machine, and nothing is drawn.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Environment::default()
    }
}

impl Setup {
    /// The setup of the run of one seed: what is to be drawn is drawn.
    #[must_use]
    pub fn of_seed(&self, driver: &Driver, seed: u64) -> Setup {
        let mut setup = self.with_seed(seed);
        setup.environment.draws = Parts::NONE;
        if !is_plain(seed) {
            draw::draw(&mut setup, self.environment.draws, driver, seed);
        }
        setup
    }
}
