//! Allocations that fail: the part of a plan that is about the machine's pool and not about commands.
//!
//! A rule names a place in the driver's source; what is allocated there fails, after so many, every
//! so-manyth, with a probability, so many times, as commands do. The kernel asks ([`AllocationPolicy`]); it
//! never hears of plans. Invariant: as for commands, the same plan, seed and allocations in the same order
//! give the same failures, and each rule counts and draws for itself.

use super::plan::{FaultPlan, Pace};
use super::random::of_rule;
use kernel_sim::allocation_failure::{AllocationPolicy, AllocationRequest};
use kernel_sim::split_mix::SplitMix64;

/// A place in the source: a file, or one line of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallSite {
    /// The file's path, or the end of it: whole parts, with slashes.
    pub file: String,
    /// The line, from 1; `None` for the whole file.
    pub line: Option<u32>,
}

impl CallSite {
    /// Reads `FILE` or `FILE:LINE`; `None` if it names no file, or line 0.
    pub(in crate::disk) fn read(text: &str) -> Option<Self> {
        let digits = |line: &str| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit());
        let (file, line) = match text.rsplit_once(':') {
            Some((file, line)) if digits(line) => (file, Some(line.parse().ok().filter(|line| *line > 0)?)),
            _ => (text, None),
        };
        (!file.is_empty() && !file.ends_with(['/', ':'])).then(|| Self { file: file.into(), line })
    }

    /// Whether a place in the source is this one.
    #[must_use]
    pub fn is_at(&self, file: &str, line: u32) -> bool {
        let rest = file.strip_suffix(self.file.as_str());
        self.line.is_none_or(|wanted| wanted == line)
            && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || self.file.starts_with('/'))
    }
}

impl std::fmt::Display for CallSite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// One rule about allocations: where, and which of those. What is `None` does not restrict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllocationRule {
    /// Those made here.
    pub site: CallSite,
    /// Which of them.
    pub pace: Pace,
}

/// The rules about allocations at work: for
/// [`Config::fail_allocations`](kernel_sim::machine::Config::fail_allocations).
#[derive(Clone, Debug)]
pub struct AllocationFaults(Vec<Armed>);

#[derive(Clone, Debug)]
struct Armed {
    rule: AllocationRule,
    matched: u64,
    failed: u64,
    random: SplitMix64,
}

impl FaultPlan {
    /// What the plan wants of the pool; `None` if it is about commands alone. The seed matters to rules with
    /// a probability only.
    #[must_use]
    pub fn allocation_policy(&self, seed: u64) -> Option<AllocationFaults> {
        let armed = |(place, rule): (u64, &AllocationRule)| Armed {
            rule: rule.clone(),
            matched: 0,
            failed: 0,
            random: of_rule(seed, place | 1 << 32),
        };
        (!self.allocations.is_empty())
            .then(|| AllocationFaults((0..).zip(&self.allocations).map(armed).collect()))
    }
}

impl AllocationPolicy for AllocationFaults {
    fn fails(&mut self, request: &AllocationRequest) -> bool {
        let mut fails = false;
        for Armed { rule, matched, failed, random } in &mut self.0 {
            if rule.site.is_at(request.site.file(), request.site.line()) {
                fails |= rule.pace.strikes(matched, failed, random, fails);
            }
        }
        fails
    }
}
