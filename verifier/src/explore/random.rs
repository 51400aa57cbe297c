//! Seeded uniform choice among all enabled transitions.
//!
//! The machine's own way to choose, and therefore the cheapest. Each step is equally likely, each
//! schedule is not: uniform random walks are for that.

use super::{Chooser, Strategy};
use kernel_sim::choose::{Choose, RandomChoose};

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
