//! What the executions of an exploration did, all together: requests, faults, events.
//!
//! Of an execution that something ended early nothing is known. Invariant: totals are sums over seeds, so the
//! totals of parts add up to those of the whole.

use crate::run::{EventCounts, Part, Run};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use storport_sim::disk::fault::FaultPlan;

/// How often one rule of a fault plan matched and struck.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultTotal {
    /// The rule, as the plan has it.
    pub rule: String,
    /// Commands, allocations or registry reads that it was about.
    pub matched: u64,
    /// Those of them that it struck.
    pub struck: u64,
}

/// The sums.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Requests that came back.
    pub requests: u64,
    /// Those of them that failed, as they may.
    pub failed: u64,
    /// Sectors whose contents were compared.
    pub sectors_verified: u64,
    /// Executions in which the driver did not start for lack of memory.
    #[serde(default)]
    pub not_started: u64,
    /// Callbacks that a miniport registered and that no execution which came to its end called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncalled: Option<Vec<String>>,
    /// The rules of the fault plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultTotal>,
    /// The events.
    #[serde(default)]
    pub events: EventCounts,
    /// Executions whose environment had a part drawn otherwise than plain, by part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub drawn: BTreeMap<Part, u64>,
}

impl Totals {
    /// The totals of one execution.
    #[must_use]
    pub fn of(run: &Run) -> Totals {
        let s = &run.statistics;
        let commands = run.disturbances.iter().flat_map(|counts| &counts.faults);
        let commands = commands.map(|count| FaultTotal {
            rule: count.rule.to_string(),
            matched: count.matched,
            struck: count.injected,
        });
        let calls = run.allocations.iter().chain(&run.registry).map(|count| FaultTotal {
            rule: count.rule.to_string(),
            matched: count.matched,
            struck: count.failed,
        });
        Totals {
            requests: s.requests(),
            failed: s.failed,
            sectors_verified: s.sectors_verified,
            not_started: u64::from(run.not_started.is_some()),
            uncalled: run
                .uncalled
                .as_ref()
                .map(|kinds| kinds.iter().map(|kind| kind.name.to_owned()).collect()),
            faults: commands.chain(calls).collect(),
            events: run.disturbances.as_ref().map(|counts| counts.events).unwrap_or_default(),
            drawn: run.drawn.iter().map(|part| (part, 1)).collect(),
        }
    }

    /// Adds another's.
    pub fn add(&mut self, other: &Totals) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failed = self.failed.saturating_add(other.failed);
        self.sectors_verified = self.sectors_verified.saturating_add(other.sectors_verified);
        self.not_started = self.not_started.saturating_add(other.not_started);
        match (&mut self.uncalled, &other.uncalled) {
            (Some(none), Some(more)) => none.retain(|name| more.contains(name)),
            (None, Some(more)) => self.uncalled = Some(more.clone()),
            (_, None) => {}
        }
        for fault in &other.faults {
            match self.faults.iter_mut().find(|known| known.rule == fault.rule) {
                Some(known) => {
                    known.matched = known.matched.saturating_add(fault.matched);
                    known.struck = known.struck.saturating_add(fault.struck);
                }
                None => self.faults.push(fault.clone()),
            }
        }
        self.events.add(&other.events);
        for (part, executions) in &other.drawn {
            let sum = self.drawn.entry(*part).or_default();
            *sum = sum.saturating_add(*executions);
        }
    }

    /// What is to be said of rules that were about nothing that happened: a line each. Of those
    /// that were drawn there is nothing to say.
    #[must_use]
    pub fn unmatched(&self) -> Vec<String> {
        if [Part::Faults, Part::Allocations, Part::Registry].iter().any(|part| self.drawn.contains_key(part))
        {
            return Vec::new();
        }
        let idle = self.faults.iter().filter(|fault| fault.matched == 0);
        idle.map(|fault| {
            let plan = fault.rule.parse::<FaultPlan>().unwrap_or_default();
            let why = match (&plan.allocations[..], &plan.registry[..]) {
                ([rule, ..], _) => format!("the driver makes no allocation {}", rule.in_words()),
                ([], [rule, ..]) => format!("the driver reads no registry {}", rule.in_words()),
                ([], []) => "no command was of that kind".to_owned(),
            };
            format!("--fault {}: {}", fault.rule, why.trim_end())
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: &str, matched: u64) -> Totals {
        let fault = FaultTotal { rule: rule.into(), matched, struck: matched / 2 };
        Totals { requests: 10, faults: vec![fault], ..Totals::default() }
    }

    #[test]
    fn parts_add_up() {
        let mut sum = of("busy", 4);
        sum.add(&of("busy", 6));
        sum.add(&of("late", 0));
        assert_eq!(sum.requests, 30);
        assert_eq!(sum.faults[0], FaultTotal { rule: "busy".into(), matched: 10, struck: 5 });
        assert_eq!(sum.unmatched(), ["--fault late: no command was of that kind"]);
    }

    #[test]
    fn a_place_without_allocations_is_named() {
        let unmatched = of("allocation:site=nosuch.rs,when=io,p=0.1", 0).unmatched();
        let expected = "--fault allocation:site=nosuch.rs,when=io,p=0.1: the driver makes no allocation at a site \
                        like nosuch.rs during io";
        assert_eq!(unmatched, [expected]);
    }
}
