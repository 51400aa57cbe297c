//! The strategy `random`: seeded uniform choice among all enabled transitions.

use super::{Chooser, Strategy};
use crate::topic::topic;
use kernel_sim::choose::{Choose, RandomChoose};

topic! {
    /// Every enabled transition is equally likely, at every step.
    ///
    /// ## What it chooses
    /// One of the enabled transitions: a processor goes on, takes an interrupt, drains its DPCs or switches
    /// threads; a device steps; a timer expires. It is the machine's own way to choose, what `run` does, and
    /// the cheapest. Each step is equally likely, each schedule is not: urw is for that.
    ///
    /// ## Bound
    /// None: a schedule in which an actor with many steps goes first is hardly ever chosen.
    ///
    /// ## Parameters
    /// None.
    TOPIC = "random"
}

/// Uniform choice at every step.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Random {
    /// The machine's own choices of `seed`, for a run whose operations come from another seed.
    #[must_use]
    pub fn choices(seed: u64) -> Box<dyn Choose> {
        Box::new(RandomChoose::new(seed))
    }
}

impl Strategy for Random {
    fn name(&self) -> String {
        "random".into()
    }

    fn chooser(&self, _seed: u64) -> Chooser {
        Chooser::Seeded
    }
}
