//! Which drivers and rules a command line means.

use super::ended::Refusal;
use crate::driver::Driver;
use crate::explain::did_you_mean;
use crate::program::program_name;
use crate::rules::{Selection, row_of_exhibit};
use wildmatch::WildMatch;

/// Every driver that is no exhibit.
const ALL: &str = "all";
/// Every exhibit.
const EXHIBITS: &str = "exhibits";

/// The drivers that `patterns` name, in the order of the list, each once: by name, alias or glob of either,
/// by `all` or by `exhibits`.
pub(super) fn drivers(
    all: &'static [&'static Driver],
    patterns: &[String],
) -> Result<Vec<&'static Driver>, Refusal> {
    for pattern in patterns {
        if pattern != ALL && !all.iter().any(|d| is_named(d, pattern)) {
            return Err(unknown(all, pattern));
        }
    }
    let named = |d: &Driver| patterns.iter().any(|p| is_named(d, p));
    Ok(all.iter().copied().filter(|d| named(d)).collect())
}

fn is_named(driver: &Driver, pattern: &str) -> bool {
    match pattern {
        ALL => row_of_exhibit(driver.name).is_none(),
        EXHIBITS => row_of_exhibit(driver.name).is_some(),
        _ => driver.names().any(|name| WildMatch::new(pattern).matches(name)),
    }
}

fn unknown(all: &[&Driver], name: &str) -> Refusal {
    let hint = did_you_mean(name, all.iter().flat_map(|driver| driver.names()));
    let hint = hint.unwrap_or_else(|| format!("see '{} list'", program_name()));
    Refusal(format!("no driver is called '{name}'; {hint}"))
}

/// The rows that `--rules` turns on.
pub(super) fn rules(text: &str) -> Result<Selection, Refusal> {
    Selection::parse(text).map_err(|why| Refusal(format!("--rules: {why}")))
}
