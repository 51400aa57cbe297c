//! A setup as JSON, one line of a schedule file.
//!
//! An edited setup has to keep the limits of the command line.

use crate::rules::{Selection, Sites};
use crate::run::environment::{STEP_NS_MAX, TIMERS_EVERY_MAX};
use crate::run::{
    Contents, Disturbances, Environment, Executor, MEMORY_BYTES_MAX, MemoryChoice, Parts, Setup, Units,
};
use crate::workload::{Amount, DEPTH_MAX, LUNS_MAX, Options};
use kernel_sim::machine::PROCESSORS_MAX;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The setup of a run in the deterministic executor.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetupText {
    cpus: u8,
    seed: u64,
    workload: Options,
    #[serde(default, skip_serializing_if = "Disturbances::is_none")]
    disturbances: Disturbances,
    #[serde(default = "plain", skip_serializing_if = "is_plain")]
    memory: MemoryChoice,
    #[serde(default, skip_serializing_if = "Environment::is_plain")]
    environment: Environment,
    size: Option<u64>,
    image: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Units::is_plain")]
    units: Units,
    rules: RulesText,
    sites: bool,
}

/// Which rows were on.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RulesText {
    /// In the words of `--rules`.
    Words(String),
    /// Names of rules and checks: files from before the ways in which the machine stops were rows.
    Names(Vec<String>),
}

impl RulesText {
    fn words(&self) -> String {
        match self {
            RulesText::Words(words) => words.clone(),
            RulesText::Names(names) => {
                format!("{},stops", names.join(",")).trim_start_matches(',').to_owned()
            }
        }
    }
}

fn plain() -> MemoryChoice {
    MemoryChoice::Plain
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_plain(memory: &MemoryChoice) -> bool {
    *memory == MemoryChoice::Plain
}

impl SetupText {
    pub(super) fn of(setup: &Setup) -> SetupText {
        let (size, image) = match &setup.contents {
            Contents::Memory { bytes } => (Some(*bytes), None),
            Contents::Image { path, .. } => (None, Some(path.clone())),
        };
        SetupText {
            cpus: setup.cpus,
            seed: setup.seed,
            workload: setup.workload.clone(),
            disturbances: setup.disturbances.clone(),
            memory: setup.memory.under(setup.seed),
            environment: Environment { draws: Parts::NONE, ..setup.environment },
            size,
            image,
            units: setup.units.clone(),
            rules: RulesText::Words(setup.rules.to_string()),
            sites: setup.sites == Sites::Kept,
        }
    }

    pub(super) fn into_setup(self) -> Result<Setup, String> {
        self.check()?;
        let rules = Selection::parse(&self.rules.words()).map_err(|why| format!("setup: {why}"))?;
        let contents = match (self.size, self.image) {
            (Some(bytes), None) => Contents::Memory { bytes },
            (None, Some(path)) => Contents::Image { path, writes: !self.workload.mode.only_reads() },
            _ => return Err("setup: either a size or an image".into()),
        };
        Ok(Setup {
            cpus: self.cpus,
            executor: Executor::Deterministic,
            seed: self.seed,
            workload: self.workload,
            disturbances: self.disturbances,
            contents,
            units: self.units,
            memory: self.memory,
            environment: self.environment,
            rules,
            exceptions: Vec::new(),
            sites: if self.sites { Sites::Kept } else { Sites::Counted },
            evidence: false,
            patience: kernel_sim::machine::PATIENCE,
        })
    }

    /// The limits of the command line: a file that was edited meets them too.
    fn check(&self) -> Result<(), String> {
        let Options { block_bytes, depth, amount, luns, .. } = self.workload;
        let refuse = |what: String| Err(format!("setup: {what}"));
        if !(1..=PROCESSORS_MAX).contains(&self.cpus) {
            return refuse(format!("a machine has 1 to {PROCESSORS_MAX} processors, not {}", self.cpus));
        }
        block_bytes.check().map_err(|what| format!("setup: {what}"))?;
        if !(1..=DEPTH_MAX).contains(&depth) {
            return refuse(format!("a depth of {depth}; 1 to {DEPTH_MAX}"));
        }
        if !(1..=LUNS_MAX).contains(&luns) {
            return refuse(format!("{luns} disks; 1 to {LUNS_MAX}"));
        }
        if matches!(amount, Amount::TimeNs(_) | Amount::Ios(0)) {
            return refuse("a number of requests is needed".into());
        }
        if self.environment.step_ns > STEP_NS_MAX {
            return refuse(format!("steps of {} ns; at most {STEP_NS_MAX}", self.environment.step_ns));
        }
        if self.environment.timers_every > TIMERS_EVERY_MAX {
            let steps = self.environment.timers_every;
            return refuse(format!("a timer every {steps} steps; at most every {TIMERS_EVERY_MAX}"));
        }
        match self.size {
            Some(size) if size == 0 || size % 4096 != 0 || size > MEMORY_BYTES_MAX => {
                refuse(format!("a size of {size} bytes; a multiple of 4096 up to {MEMORY_BYTES_MAX}"))
            }
            _ => Ok(()),
        }
    }
}
