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

/// The drivers that `patterns` name, each once, in the order of the patterns and, where one names several, of
/// the list: by name, alias or glob of either, by `all` or by `exhibits`.
pub(super) fn drivers(
    all: &'static [&'static Driver],
    patterns: &[String],
) -> Result<Vec<&'static Driver>, Refusal> {
    let mut chosen: Vec<&'static Driver> = Vec::new();
    for pattern in patterns {
        let mut named = all.iter().copied().filter(|driver| is_named(driver, pattern)).peekable();
        if pattern != ALL && named.peek().is_none() {
            return Err(unknown(all, pattern));
        }
        for driver in named {
            if !chosen.iter().any(|before| before.name == driver.name) {
                chosen.push(driver);
            }
        }
    }
    Ok(chosen)
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
