//! What a stress and an exhaustive search have in common: their host threads, and the head of a summary.

use super::args::StressArguments;
use crate::explore::Program;
use crate::explore::summary::{DRAWS, EXCEPTIONS, Head, KEEP_GOING, Record, SCHEMA};
use crate::rules::{Exception, Sites};
use crate::run::{Environment, Parts};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Host threads that execute. How many there are changes no result.
pub(super) fn jobs(arguments: &StressArguments) -> NonZeroUsize {
    let asked = arguments.jobs.and_then(|n| NonZeroUsize::new(n.into()));
    // A host that does not say how many cores it has gets one job.
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// The head of a summary: what all parts of an exploration have in common.
pub(super) fn head(program: &Program, strategy: &str, arguments: &StressArguments) -> Head {
    let setup = &program.setup;
    let mut options: BTreeMap<String, Value> = BTreeMap::new();
    options.insert("cpus".into(), setup.cpus.into());
    options.insert(KEEP_GOING.into(), arguments.keep_going.into());
    options.insert("rules".into(), setup.rules.to_string().into());
    if !setup.exceptions.is_empty() {
        let told = |off: &Exception| json!({ "rule": off.row.name, "reason": off.reason, "file": off.file });
        options.insert(EXCEPTIONS.into(), setup.exceptions.iter().map(told).collect());
    }
    let sites = if setup.sites == Sites::Kept { "kept" } else { "counted" };
    options.insert("sites".into(), sites.into());
    options.insert("size".into(), arguments.program.size.into());
    if !setup.disturbances.is_none() {
        options.insert("disturbances".into(), json!(setup.disturbances));
    }
    let asked = Environment { draws: Parts::NONE, ..setup.environment };
    if !asked.is_plain() {
        options.insert("environment".into(), json!(asked));
    }
    if !setup.environment.draws.is_empty() {
        options.insert(DRAWS.into(), json!(setup.environment.draws));
    }
    let mut workload = json!(setup.workload);
    if let Some(fields) = workload.as_object_mut() {
        // Each execution has its own.
        fields.remove("seed");
    }
    options.insert("workload".into(), workload);
    Head {
        schema: SCHEMA,
        record: Record::Summary,
        storsim: env!("CARGO_PKG_VERSION").into(),
        driver: program.driver.name.into(),
        strategy: strategy.into(),
        options,
    }
}
