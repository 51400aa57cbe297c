//! Which findings are the same, and how often each was made.
//!
//! Two executions found the same thing if the same rule broke at the same call site; a standstill is
//! told by the set of sites at which its processors and threads wait, a panic by its place. How they got
//! there, which processor it was and which addresses were involved do not matter. Invariant: what is kept
//! grows with the number of distinct findings, not with the number of executions.

use super::Failure;
use crate::finding::RunEnd;
use crate::rules;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The site key of a finding: findings with equal keys are the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct SiteKey {
    /// The rule or check, the bug check's name, "deadlock" or "livelock".
    pub rule: String,
    /// The call it happened in; of a deadlock, the call of the first of the sites.
    pub call: Option<String>,
    /// Where that was called, or where the driver panicked, as the compiler names it.
    pub location: Option<String>,
    /// Of a deadlock, every wait: its call and where, in order, each once. Empty for others.
    pub waits: Vec<String>,
}

impl SiteKey {
    /// What a run found, if anything.
    #[must_use]
    pub fn of(end: &RunEnd) -> Option<SiteKey> {
        let failure = Failure::of(end)?;
        let sites: BTreeSet<_> =
            failure.sites.iter().map(|site| (site.call.map(str::to_owned), site.location.clone())).collect();
        let waits = if failure.name == rules::DEADLOCK.name { waits(&sites) } else { Vec::new() };
        let (call, location) = sites.into_iter().next().unwrap_or_default();
        Some(SiteKey { rule: failure.name, call, location, waits })
    }
}

/// The waits of a deadlock, as text.
fn waits(sites: &BTreeSet<(Option<String>, Option<String>)>) -> Vec<String> {
    let wait = |(call, location): &(Option<String>, Option<String>)| {
        let call = call.as_deref().unwrap_or("a wait");
        location.as_ref().map_or_else(|| call.to_owned(), |at| format!("{call} at {at}"))
    };
    sites.iter().map(wait).collect()
}

/// How often something was found, and the lowest seed that finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tally {
    /// The lowest seed.
    pub seed: u64,
    /// Executions that found it.
    pub count: u64,
}

/// The distinct findings of some executions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings(BTreeMap<SiteKey, Tally>);

impl Findings {
    /// Adds what the execution of one seed found.
    pub fn add(&mut self, key: SiteKey, seed: u64) {
        self.tally(key, Tally { seed, count: 1 });
    }

    /// Adds what other executions found. Returns whether it was new.
    pub fn tally(&mut self, key: SiteKey, more: Tally) -> bool {
        let mut is_new = false;
        self.0
            .entry(key)
            .and_modify(|known| {
                known.seed = known.seed.min(more.seed);
                known.count = known.count.saturating_add(more.count);
            })
            .or_insert_with(|| {
                is_new = true;
                more
            });
        is_new
    }

    /// How many are distinct.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The findings, those with the lowest seeds first.
    #[must_use]
    pub fn by_seed(self) -> Vec<(SiteKey, Tally)> {
        let mut all: Vec<_> = self.0.into_iter().collect();
        // Stable: equal seeds stay in the order of their identities.
        all.sort_by_key(|(_, tally)| tally.seed);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Selection;
    use kernel_sim::bugcheck::{Deadlock, Ending, Waiter};
    use kernel_sim::ddi::row;
    use kernel_sim::moment::Moment;
    use kernel_sim::routine::DdiInfo;
    use kernel_sim::site::Site;

    #[track_caller]
    fn waiter(cpu: u8, call: &'static DdiInfo) -> Waiter {
        let place = Moment { call: Some(call), site: Some(Site::caller()), ..Moment::on(cpu) };
        Waiter { place, waits_for: "a lock".into(), holder: None }
    }

    fn deadlock(waiters: Vec<Waiter>) -> Option<SiteKey> {
        let deadlock = Ending::Deadlock(Box::new(Deadlock { what: "a cycle".into(), waiters }));
        SiteKey::of(&RunEnd::of(deadlock, &Selection::all()))
    }

    #[test]
    fn a_deadlock_is_told_by_where_its_processors_wait_whichever_waits_there() {
        let [a, b] = [|cpu| waiter(cpu, &row::KeAcquireSpinLock), |cpu| waiter(cpu, &row::KeAcquireSpinLock)];
        let one = deadlock(vec![a(0), b(1)]);
        assert_eq!(deadlock(vec![b(0), a(1)]), one);
        assert_eq!(deadlock(vec![b(0), a(3), b(2)]), one);
        assert_ne!(deadlock(vec![a(0)]), one);
        assert_eq!(one.unwrap().waits.len(), 2);
    }

    #[test]
    fn tallies_add_up_in_any_order() {
        let key = deadlock(vec![waiter(0, &row::KeAcquireSpinLock)]).unwrap();
        let tallies = [Tally { seed: 7, count: 2 }, Tally { seed: 3, count: 1 }, Tally { seed: 9, count: 4 }];
        let mut up = Findings::default();
        let mut down = Findings::default();
        for (a, b) in tallies.iter().zip(tallies.iter().rev()) {
            up.tally(key.clone(), *a);
            down.tally(key.clone(), *b);
        }
        assert_eq!(up, down);
        assert_eq!(up.by_seed(), [(key, Tally { seed: 3, count: 7 })]);
    }
}
