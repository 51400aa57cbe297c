//! The strategy of a run, as the executor holds it.
//!
//! It knows two kinds and no more; what they do is in `choose` and in the implementations of `Choose`.

use crate::choose::{Choose, Enabled, RandomChoose, Transition};

/// Who chooses. The seeded strategy is spelled out so that its choice is made in line: it makes one
/// every few nanoseconds.
pub(crate) enum Strategy {
    Seeded(RandomChoose),
    Other(Box<dyn Choose>),
}

impl Strategy {
    #[inline(always)]
    pub(super) fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        match self {
            Strategy::Seeded(random) => random.choose(step, enabled),
            Strategy::Other(choose) => choose.choose(step, enabled),
        }
    }

    pub(super) fn as_dyn(&mut self) -> &mut dyn Choose {
        match self {
            Strategy::Seeded(random) => random,
            Strategy::Other(choose) => &mut **choose,
        }
    }
}
