//! `storsim list`: drivers, rules and checks, strategies, faults and events.

use super::args::ListArguments;
use super::{Found, Refusal};
use crate::driver::{Driver, Expects};
use crate::explore::STRATEGIES;
use crate::rules::{self, Origin};
use crate::run::Event;
use serde_json::json;
use storport_sim::disk::fault::FaultKind;

pub(super) fn list(drivers: &'static [&'static Driver], arguments: &ListArguments) -> Result<Found, Refusal> {
    if arguments.json {
        let rows: Vec<_> = drivers
            .iter()
            .map(|d| json!({ "name": d.name, "aliases": d.aliases, "summary": d.summary, "expects": expects(d) }))
            .collect();
        let rules: Vec<_> = rules::TABLE
            .iter()
            .map(|r| json!({ "name": r.name, "summary": r.summary(), "origin": origin(r.origin), "default": r.default }))
            .collect();
        let strategies: Vec<_> =
            STRATEGIES.iter().map(|(name, text)| json!({ "name": name, "summary": text })).collect();
        let faults: Vec<_> = FaultKind::all().map(FaultKind::name).collect();
        let events: Vec<_> = Event::NAMES.iter().map(|(name, _)| name).collect();
        anstream::println!(
            "{}",
            json!({
                "drivers": rows,
                "rules": rules,
                "strategies": strategies,
                "faults": faults,
                "events": events,
            })
        );
        return Ok(Found::Nothing);
    }
    let width = drivers.iter().map(|d| d.name.len()).max().unwrap_or(0);
    anstream::println!("drivers");
    for d in drivers {
        anstream::println!("  {:width$}  {}{}", d.name, d.summary, also(d.aliases));
    }
    anstream::println!("rules and checks");
    for r in rules::TABLE {
        anstream::println!(
            "  {:width$}  {} ({}{})",
            r.name,
            r.summary(),
            origin(r.origin),
            if r.default { "" } else { ", off by default" }
        );
    }
    anstream::println!("strategies");
    for (name, text) in STRATEGIES {
        anstream::println!("  {name:width$}  {text}");
    }
    let kinds: Vec<_> = FaultKind::all().map(FaultKind::name).collect();
    anstream::println!("faults (--fault)\n  {}", kinds.join(", "));
    let events: Vec<_> = Event::NAMES.iter().map(|(name, _)| *name).collect();
    anstream::println!("events (--event)\n  {}", events.join(", "));
    Ok(Found::Nothing)
}

/// The other names of a driver, as they stand behind its summary.
fn also(aliases: &[&str]) -> String {
    if aliases.is_empty() { String::new() } else { format!(" (also {})", aliases.join(", ")) }
}

fn expects(driver: &Driver) -> serde_json::Value {
    match driver.expects {
        Expects::Clean => json!("clean"),
        Expects::Breaks(rule) => json!({ "breaks": rule }),
        Expects::MayBreak(rule) => json!({ "may_break": rule }),
        Expects::Stops(how) => json!({ "stops": how }),
        Expects::MayStop(how) => json!({ "may_stop": how }),
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Rule => "rule of Microsoft's",
        Origin::Check => "check of ours",
    }
}
