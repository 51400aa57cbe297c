//! Calls of the driver that fail: the part of a plan that is about the machine's pool and its registry, and
//! not about commands.
//!
//! A rule names a place in the driver's source, a part of the driver's life, or both; what is allocated there
//! and then fails, or what is read from the registry, after so many, every so-manyth, with a probability, so
//! many times, as commands do. The kernel asks ([`AllocationPolicy`], [`RegistryPolicy`]); it never hears of
//! plans. The rig that starts and stops the driver says which part of its life it is in. Invariant: as for
//! commands, the same plan, seed and calls in the same order give the same failures, and each rule counts and
//! draws for itself.

use super::plan::{FaultKind, FaultPlan, Pace};
use super::random::of_rule;
use kernel_sim::allocation_failure::{AllocationPolicy, AllocationRequest};
use kernel_sim::registry_failure::{RegistryPolicy, RegistryRead};
use kernel_sim::site::Site;
use kernel_sim::split_mix::SplitMix64;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

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

/// A part of a driver's life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// From its entry point until its device or adapter has started.
    #[default]
    Start,
    /// While it is sent requests, restarts of its adapter among them.
    Io,
    /// From the removal of its device or adapter on.
    Unload,
}

impl Phase {
    /// Every part, by its word.
    pub const NAMES: [(&'static str, Phase); 3] =
        [("start", Phase::Start), ("io", Phase::Io), ("unload", Phase::Unload)];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Phase::NAMES[self as usize].0
    }
}

/// The part of its life that a driver is in: told by the rig, looked at by the rules.
#[derive(Clone, Debug, Default)]
pub struct SharedPhase(Arc<AtomicU8>);

impl SharedPhase {
    /// It comes to this part.
    pub fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Relaxed);
    }

    /// The part it is in.
    #[must_use]
    pub fn get(&self) -> Phase {
        Phase::NAMES[usize::from(self.0.load(Relaxed))].1
    }
}

/// One rule about allocations or registry reads: where and when, and which of those. What is `None` does not
/// restrict; one of place and time is there if it is about allocations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallRule {
    /// [`FaultKind::AllocationFailure`] or [`FaultKind::RegistryRead`].
    pub kind: FaultKind,
    /// Those made here.
    pub site: Option<CallSite>,
    /// Those made then.
    pub when: Option<Phase>,
    /// Which of them.
    pub pace: Pace,
}

impl CallRule {
    /// Where and when, as a sentence part: "at a site like queue.rs during start".
    #[must_use]
    pub fn in_words(&self) -> String {
        let site = self.site.as_ref().map(|site| format!(" at a site like {site}")).unwrap_or_default();
        let when = self.when.map(|when| format!(" during {}", when.word())).unwrap_or_default();
        format!("{site}{when}").trim_start().to_owned()
    }
}

/// How often a rule about calls matched and struck.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallCount {
    /// The rule.
    pub rule: CallRule,
    /// Calls that it was about.
    pub matched: u64,
    /// Those of them that it made fail.
    pub failed: u64,
}

/// The rules of one kind at work: for
/// [`Config::fail_allocations`](kernel_sim::machine::Config::fail_allocations) or
/// [`Config::fail_registry_reads`](kernel_sim::machine::Config::fail_registry_reads). A clone counts with it.
#[derive(Clone, Debug)]
pub struct CallFaults {
    armed: Arc<Mutex<Vec<Armed>>>,
    phase: SharedPhase,
}

#[derive(Clone, Debug)]
struct Armed {
    rule: CallRule,
    matched: u64,
    failed: u64,
    random: SplitMix64,
}

impl FaultPlan {
    /// What the plan wants of the pool; `None` if it wants nothing. The seed matters to rules with a
    /// probability only. `phase` is told which part of the driver's life it is.
    #[must_use]
    pub fn allocation_policy(&self, seed: u64, phase: &SharedPhase) -> Option<CallFaults> {
        CallFaults::of(&self.allocations, seed, 1 << 32, phase)
    }

    /// The same of the registry.
    #[must_use]
    pub fn registry_policy(&self, seed: u64, phase: &SharedPhase) -> Option<CallFaults> {
        CallFaults::of(&self.registry, seed, 1 << 33, phase)
    }
}

impl CallFaults {
    /// `kind` sets the draws of these rules apart from those of others.
    fn of(rules: &[CallRule], seed: u64, kind: u64, phase: &SharedPhase) -> Option<CallFaults> {
        let armed = |(place, rule): (u64, &CallRule)| Armed {
            rule: rule.clone(),
            matched: 0,
            failed: 0,
            random: of_rule(seed, place | kind),
        };
        (!rules.is_empty()).then(|| CallFaults {
            armed: Arc::new(Mutex::new((0..).zip(rules).map(armed).collect())),
            phase: phase.clone(),
        })
    }

    /// Whether a call at that place fails now.
    fn strike(&self, site: Site) -> bool {
        let mut fails = false;
        let now = self.phase.get();
        for Armed { rule, matched, failed, random } in self.armed.lock().iter_mut() {
            let is_here = |wanted: &CallSite| wanted.is_at(site.file(), site.line());
            if rule.site.as_ref().is_none_or(is_here) && rule.when.is_none_or(|when| when == now) {
                fails |= rule.pace.strikes(matched, failed, random, fails);
            }
        }
        fails
    }

    /// How often each rule matched and struck so far, in the order of the plan.
    #[must_use]
    pub fn counts(&self) -> Vec<CallCount> {
        let count = |armed: &Armed| CallCount {
            rule: armed.rule.clone(),
            matched: armed.matched,
            failed: armed.failed,
        };
        self.armed.lock().iter().map(count).collect()
    }
}

impl AllocationPolicy for CallFaults {
    fn fails(&mut self, request: &AllocationRequest) -> bool {
        self.strike(request.site)
    }
}

impl RegistryPolicy for CallFaults {
    fn fails(&mut self, read: &RegistryRead) -> bool {
        self.strike(read.site)
    }
}
