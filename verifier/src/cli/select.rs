//! Which drivers and rules a command line means.

use super::ended::Refusal;
use crate::driver::Driver;
use crate::explain::did_you_mean;
use crate::program::program_name;
use crate::rules::Selection;
use wildmatch::WildMatch;

/// The drivers that `patterns` name, by name, alias or glob of either, in the order of the list, each once.
pub(super) fn drivers(
    all: &'static [&'static Driver],
    patterns: &[String],
) -> Result<Vec<&'static Driver>, Refusal> {
    for pattern in patterns {
        if pattern != "all" && !all.iter().any(|d| is_named(d, pattern)) {
            return Err(unknown(all, pattern));
        }
    }
    let named = |d: &Driver| patterns.iter().any(|p| p == "all" || is_named(d, p));
    Ok(all.iter().copied().filter(|d| named(d)).collect())
}

fn is_named(driver: &Driver, pattern: &str) -> bool {
    driver.names().any(|name| WildMatch::new(pattern).matches(name))
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
