//! Everything there is to choose from, as `storsim list` prints it.

use crate::driver::{Driver, Expects};
use crate::rules::Row;
use crate::topic::Topic;
use serde_json::{Value, json};

/// Everything there is to choose from.
pub struct Listing {
    /// The drivers.
    pub drivers: Vec<&'static Driver>,
    /// The exhibits of rules, checks and stops.
    pub exhibits: Vec<&'static Driver>,
    /// The rules, checks and stops.
    pub rules: &'static [&'static Row],
    /// The strategies.
    pub strategies: &'static [&'static Topic],
    /// The words of the faults.
    pub faults: Vec<&'static str>,
    /// The words of the events.
    pub events: Vec<&'static str>,
}

impl Listing {
    /// Nothing to choose from.
    pub const EMPTY: Listing = Listing {
        drivers: Vec::new(),
        exhibits: Vec::new(),
        rules: &[],
        strategies: &[],
        faults: Vec::new(),
        events: Vec::new(),
    };
}

/// The list for people. A part with nothing in it has no heading.
pub(super) fn listing(listing: &Listing) -> String {
    let Listing { drivers, exhibits, rules, strategies, faults, events } = listing;
    let drivers = lines(drivers.iter().map(|d| (d.name, format!("{}{}", d.summary, also(d.aliases)))));
    let exhibits = lines(exhibits.iter().map(|d| (d.name, d.summary.to_owned())));
    let rules = lines(rules.iter().map(|r| {
        let default = if r.default { "" } else { ", off by default" };
        let scope = if r.scope.words().is_empty() { "" } else { ", " };
        let about = format!("{}, {}{scope}{}{default}", r.set.word(), r.origin.words(), r.scope.words());
        (r.name, format!("{} ({about})", r.summary()))
    }));
    let strategies = lines(strategies.iter().map(|topic| (topic.name, topic.summary())));
    let words =
        |words: &[&str]| if words.is_empty() { String::new() } else { format!("  {}\n", words.join(", ")) };
    let parts = [
        ("drivers", drivers),
        ("exhibits: what a rule, check or stop finds, and a near miss that none finds", exhibits),
        ("rules, checks and stops", rules),
        ("strategies", strategies),
        ("faults (--fault)", words(faults)),
        ("events (--event)", words(events)),
    ];
    let filled = parts.into_iter().filter(|(_, text)| !text.is_empty());
    filled.map(|(heading, text)| format!("{heading}\n{text}")).collect()
}

/// A line for each name with its text, in two columns.
fn lines<'a>(rows: impl Iterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, text)| format!("  {name:width$}  {text}\n")).collect()
}

/// The other names of a driver, as they stand behind its summary.
fn also(aliases: &[&str]) -> String {
    if aliases.is_empty() { String::new() } else { format!(" (also {})", aliases.join(", ")) }
}

/// The list for programs.
pub(super) fn listing_to_json(listing: &Listing) -> Value {
    let Listing { drivers, exhibits, rules, strategies, faults, events } = listing;
    let driver = |d: &&Driver| json!({ "name": d.name, "aliases": d.aliases, "summary": d.summary, "expects": expects(d) });
    let rule = |r: &&Row| {
        json!({
            "name": r.name,
            "set": r.set.word(),
            "summary": r.summary(),
            "origin": r.origin.words(),
            "default": r.default,
            "scope": r.scope.words(),
            "exhibits": r.exhibits.names(),
            "url": r.link(),
        })
    };
    json!({
        "drivers": drivers.iter().map(driver).collect::<Vec<_>>(),
        "exhibits": exhibits.iter().map(driver).collect::<Vec<_>>(),
        "rules": rules.iter().map(rule).collect::<Vec<_>>(),
        "strategies": strategies.iter().map(|t| json!({ "name": t.name, "summary": t.summary() })).collect::<Vec<_>>(),
        "faults": faults,
        "events": events,
    })
}

fn expects(driver: &Driver) -> Value {
    match driver.expects {
        Expects::Clean => json!("clean"),
        Expects::Breaks(rule) => json!({ "breaks": rule }),
        Expects::MayBreak(rule) => json!({ "may_break": rule }),
        Expects::Stops(how) => json!({ "stops": how }),
        Expects::MayStop(how) => json!({ "may_stop": how }),
    }
}
