//! What a finding needs of its environment, and what not: words for a report and for a schedule file.
//!
//! It compares two setups and a plain one; which of them still finds something is for shrinking to say.
//! Invariant: a word is in one of the lists at most.

use super::{Part, Parts};
use crate::run::Setup;
use crate::run::memory::MemoryChoice;
use serde::{Deserialize, Serialize};

/// What a finding needs of the environment that was drawn for it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    /// Without each of these it was not found again, within the budget of shrinking.
    pub needs: Vec<String>,
    /// It was found without these as well.
    pub not: Vec<String>,
}

impl Needs {
    /// What is left of the environment of `from` in that of `to`; `None` if there was nothing but `plain`.
    #[must_use]
    pub fn between(plain: &Setup, from: &Setup, to: &Setup) -> Option<Needs> {
        let mut all = Needs::default();
        for part in parts(from).iter() {
            let plain = part.words(plain);
            let is_drawn = |word: &String| part == Part::Memory || !plain.contains(word);
            let left: Vec<_> = if parts(to).has(part) {
                part.words(to).into_iter().filter(is_drawn).collect()
            } else {
                Vec::new()
            };
            all.not
                .extend(part.words(from).into_iter().filter(|word| is_drawn(word) && !left.contains(word)));
            all.needs.extend(left);
        }
        (!all.needs.is_empty() || !all.not.is_empty()).then_some(all)
    }
}

impl std::fmt::Display for Needs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.needs[..], &self.not[..]) {
            ([], not) => write!(f, "needs no special environment; not: {}", not.join(", ")),
            (needs, []) => write!(f, "needs: {}", needs.join(", ")),
            (needs, not) => write!(f, "needs: {}; not: {}", needs.join(", "), not.join(", ")),
        }
    }
}

impl Setup {
    /// What was drawn for it, in words.
    #[must_use]
    pub fn drawn_in_words(&self) -> Vec<String> {
        self.environment.drawn.iter().flat_map(|part| part.words(self)).collect()
    }
}

/// The parts that are not those of a plain machine.
fn parts(setup: &Setup) -> Parts {
    let mut parts = setup.environment.drawn;
    if matches!(setup.memory, MemoryChoice::Guarded | MemoryChoice::GuardedEnds) {
        parts.insert(Part::Memory);
    }
    parts
}
