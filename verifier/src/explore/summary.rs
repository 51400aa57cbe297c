//! The result of an exploration, as one value, and how the parts of one are put together.
//!
//! A summary holds nothing that depends on the host: no times, no number of jobs, no directories. So
//! an exploration of a range of seeds gives one summary however it was split. Merging is associative
//! and commutative where it is possible at all, and a part counts once however often it is given.
//!
//! An exploration that stops at its first finding has nothing to say about later seeds, and those do
//! not matter to it: what lies behind a part that stopped is left out of the whole.

use super::findings::{Findings, SiteKey, Tally};
use super::{Totals, Unrepeatable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the form.
pub const SCHEMA: u32 = 1;

/// One finding of a summary.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// See [`SiteKey::rule`].
    pub rule: String,
    /// See [`SiteKey::call`].
    pub call: Option<String>,
    /// See [`SiteKey::location`].
    pub location: Option<String>,
    /// See [`SiteKey::waits`].
    pub waits: Vec<String>,
    /// The lowest seed that finds it.
    pub seed: u64,
    /// Executions that found it.
    pub count: u64,
    /// Name of the file that replays the lowest seed, without the directory it went to; none where
    /// the finding did not come again.
    pub schedule: Option<String>,
}

/// What is the same in all parts of an exploration of one driver.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Version of the form.
    pub schema: u32,
    /// "summary": what tells it from other lines of the output.
    pub record: Record,
    /// Version of storsim.
    pub storsim: String,
    /// The driver.
    pub driver: String,
    /// The strategy, as on the command line.
    pub strategy: String,
    /// What each execution was given.
    pub options: BTreeMap<String, Value>,
}

/// The kind of line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Record {
    /// A summary.
    Summary,
}

/// The option that says whether an exploration goes on after a finding.
pub const KEEP_GOING: &str = "keep_going";

/// The option that says which rows are off for the driver, why, and by which file.
pub const EXCEPTIONS: &str = "exceptions";

/// The option that says which parts of the environment are drawn from each seed.
pub const DRAWS: &str = "draws";

/// The result of an exploration.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Summary {
    /// What was explored.
    #[serde(flatten)]
    pub head: Head,
    /// The seeds executed: half-open ranges.
    pub seeds: Vec<[u64; 2]>,
    /// Of a shard, or of shards of which some are missing, the seeds asked for over all shards: a half-open
    /// range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<[u64; 2]>,
    /// How many executions that were.
    pub executions: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// Those of them that were given up because they did not end under their schedule.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub discarded: u64,
    /// What they did.
    #[serde(default)]
    pub totals: Totals,
    /// The lowest seed that was seen to give two runs: the driver keeps state outside the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrepeatable: Option<Unrepeatable>,
    /// Whether it ended as asked for: false where it was interrupted, its time ended before its seeds did,
    /// or it is put together of parts and one is missing.
    pub complete: bool,
    /// What was found, by lowest seed.
    pub findings: Vec<Finding>,
    /// What an exhaustive search has shown, as a sentence; none for other strategies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// Why summaries do not make one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MergeError {
    /// Parts of different explorations.
    #[error("{driver}: the parts differ in {what}: {a} and {b}")]
    Differ {
        /// The driver.
        driver: String,
        /// In what.
        what: String,
        /// In one.
        a: String,
        /// In another.
        b: String,
    },
    /// The same seeds in two parts.
    #[error("{driver}: seeds {from}..{to} are in two parts")]
    Overlap {
        /// The driver.
        driver: String,
        /// The first such seed.
        from: u64,
        /// The first seed that is not.
        to: u64,
    },
    /// The same seeds came out differently.
    #[error("{driver}: two parts executed seeds {from}..{to} and disagree on the results")]
    Disagree {
        /// The driver.
        driver: String,
        /// The first seed of the parts.
        from: u64,
        /// The seed after their last.
        to: u64,
    },
    /// Seeds that no part executed.
    #[error("{driver}: seeds {from}..{to} are in no part")]
    Hole {
        /// The driver.
        driver: String,
        /// The first missing seed.
        from: u64,
        /// The first seed that is there again.
        to: u64,
    },
    /// Sums beyond 64 bits.
    #[error("{driver}: the parts add up to more than a 64-bit number holds")]
    TooLarge {
        /// The driver.
        driver: String,
    },
}

impl Summary {
    /// The summary with these findings; `schedule` names the file of each that has one.
    #[must_use]
    pub fn findings(findings: Findings, schedule: impl Fn(u64) -> Option<String>) -> Vec<Finding> {
        let all = findings.by_seed().into_iter();
        all.map(|(SiteKey { rule, call, location, waits }, Tally { seed, count })| Finding {
            rule,
            call,
            location,
            waits,
            seed,
            count,
            schedule: schedule(seed),
        })
        .collect()
    }

    /// Whether it ended at a finding, as one does that was not told to keep going.
    fn stopped(&self) -> bool {
        !self.findings.is_empty() && self.head.options.get(KEEP_GOING) == Some(&Value::Bool(false))
    }

    /// The seeds asked for that it has not, though nothing stopped it before: of shards that are missing.
    #[must_use]
    pub fn missing(&self) -> Vec<[u64; 2]> {
        let Some([first, last]) = self.asked else { return Vec::new() };
        let [from, to] = self.range();
        let behind = if self.stopped() { last } else { to };
        [[first, from], [behind, last]].into_iter().filter(|[start, end]| start < end).collect()
    }

    /// The seeds asked for, as far as it knows.
    fn asked_for(&self) -> [u64; 2] {
        self.asked.unwrap_or_else(|| self.range())
    }

    /// The range it covers; a summary of ours covers one.
    fn range(&self) -> [u64; 2] {
        self.seeds.first().copied().unwrap_or_default()
    }

    /// Whether it holds together, as far as that can be seen; else what does not.
    ///
    /// # Errors
    /// With one phrase that says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if self.head.schema != SCHEMA {
            return Err(format!("a summary of schema {}; this storsim reads {SCHEMA}", self.head.schema));
        }
        let [[from, to]] = self.seeds[..] else { return Err("'seeds' is not one range".into()) };
        if from >= to || to - from != self.executions {
            return Err(format!("{} executions of seeds {from}..{to}", self.executions));
        }
        if let Some([first, last]) = self.asked
            && (from < first || to > last)
        {
            return Err(format!("seeds {from}..{to} where {first}..{last} were asked for"));
        }
        for finding in &self.findings {
            if !(from..to).contains(&finding.seed) || finding.count == 0 || finding.count > to - from {
                return Err(format!("a finding of seed {}, {} times", finding.seed, finding.count));
            }
        }
        Ok(())
    }
}

/// Puts the parts of explorations together: one summary a driver, by name.
///
/// # Errors
/// When parts of one driver overlap without being the same, leave a hole, or belong to different
/// explorations.
pub fn merge(parts: Vec<Summary>) -> Result<Vec<Summary>, MergeError> {
    let mut by_driver: BTreeMap<String, Vec<Summary>> = BTreeMap::new();
    for part in parts {
        by_driver.entry(part.head.driver.clone()).or_default().push(part);
    }
    by_driver.into_values().map(join).collect()
}

/// Joins the parts of one driver; there is at least one.
fn join(mut parts: Vec<Summary>) -> Result<Summary, MergeError> {
    parts.sort_by_key(Summary::range);
    let mut parts = parts.into_iter();
    let first = parts.next().expect("a driver is known by its parts");
    let driver = || first.head.driver.clone();
    let mut whole = first.clone();
    let mut findings = Findings::default();
    let mut schedules = BTreeMap::new();
    let mut last = first.clone();
    let mut asked = first.asked_for();
    note(&first, &mut findings, &mut schedules);
    for part in parts {
        agree(&first.head, &part.head)?;
        asked = [asked[0].min(part.asked_for()[0]), asked[1].max(part.asked_for()[1])];
        whole.asked = whole.asked.or(part.asked);
        let ([from, to], [start, end]) = (last.range(), part.range());
        if [from, to] == [start, end] {
            if part != last {
                return Err(MergeError::Disagree { driver: driver(), from, to });
            }
            continue;
        }
        if start < to {
            return Err(MergeError::Overlap { driver: driver(), from: start, to: to.min(end) });
        }
        if last.stopped() {
            // Behind it nothing matters, a hole neither. The differences were looked at all the same.
            continue;
        }
        if start > to {
            return Err(MergeError::Hole { driver: driver(), from: to, to: start });
        }
        let sum = |a: u64, b: u64| a.checked_add(b).ok_or_else(|| MergeError::TooLarge { driver: driver() });
        whole.seeds[0][1] = end;
        whole.executions = sum(whole.executions, part.executions)?;
        whole.steps = sum(whole.steps, part.steps)?;
        whole.discarded = sum(whole.discarded, part.discarded)?;
        whole.totals.add(&part.totals);
        whole.unrepeatable = whole.unrepeatable.or(part.unrepeatable.clone());
        // What follows an interrupted part makes up for what it left out.
        whole.complete = part.complete;
        note(&part, &mut findings, &mut schedules);
        last = part;
    }
    whole.findings = Summary::findings(findings, |seed| schedules.get(&seed).cloned().flatten());
    whole.asked = whole.asked.map(|_| asked);
    if whole.missing().is_empty() {
        // However the seeds were split, the whole says the same.
        whole.asked = None;
    } else {
        whole.complete = false;
    }
    Ok(whole)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Adds a part's findings to the whole's.
fn note(part: &Summary, findings: &mut Findings, schedules: &mut BTreeMap<u64, Option<String>>) {
    for f in part.findings.iter().cloned() {
        let Finding { rule, call, location, waits, seed, count, schedule } = f;
        schedules.insert(seed, schedule);
        findings.tally(SiteKey { rule, call, location, waits }, Tally { seed, count });
    }
}

/// Whether two parts belong to one exploration.
fn agree(a: &Head, b: &Head) -> Result<(), MergeError> {
    let differ = |what: &str, one: String, other: String| {
        Err(MergeError::Differ { driver: a.driver.clone(), what: what.to_owned(), a: one, b: other })
    };
    if a.storsim != b.storsim {
        return differ("the version of storsim", a.storsim.clone(), b.storsim.clone());
    }
    if a.strategy != b.strategy {
        return differ("strategy", a.strategy.clone(), b.strategy.clone());
    }
    // A flag that one part was given pins a part of the environment, too: what it says is told first.
    let (draws, said): (Vec<_>, Vec<_>) =
        a.options.keys().chain(b.options.keys()).partition(|name| *name == DRAWS);
    for name in said.into_iter().chain(draws) {
        let of = |head: &Head| head.options.get(name).map_or_else(|| "none".into(), ToString::to_string);
        if a.options.get(name) != b.options.get(name) {
            return differ(&format!("option {name}"), of(a), of(b));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
