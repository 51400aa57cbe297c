//! Seeded uniform choice among all enabled transitions.
//!
//! The machine's own way to choose, and therefore the cheapest. Each step is equally likely, each
//! schedule is not: uniform random walks are for that.

use super::{Chooser, Strategy};

/// Uniform choice at every step.
#[derive(Clone, Copy, Debug)]
pub struct Random;

impl Strategy for Random {
    fn name(&self) -> String {
        "random".into()
    }

    fn chooser(&self, _seed: u64) -> Chooser {
        Chooser::Seeded
    }
}
