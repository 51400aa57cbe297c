//! `storsim list`: drivers, rules and checks, strategies, faults and events.

use super::args::ListArguments;
use super::ended::{Found, Refusal};
use crate::driver::{Driver, Expects};
use crate::explore::STRATEGIES;
use crate::report;
use crate::rules;
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
            .map(|r| {
                json!({
                    "name": r.name,
                    "set": r.set.word(),
                    "summary": r.summary(),
                    "origin": r.origin.words(),
                    "default": r.default,
                    "exhibits": r.exhibits.names(),
                })
            })
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
    anstream::print!("{}", report::fitted(&text(drivers)));
    Ok(Found::Nothing)
}

fn text(drivers: &[&Driver]) -> String {
    let names = drivers.iter().map(|d| d.name).chain(rules::TABLE.iter().map(|r| r.name));
    let width = names.map(str::len).max().unwrap_or(0);
    let row = |name: &str, text: &str| format!("  {name:width$}  {text}\n");
    let mut out = "drivers\n".to_owned();
    out.extend(drivers.iter().map(|d| row(d.name, &format!("{}{}", d.summary, also(d.aliases)))));
    out += "rules, checks and stops\n";
    out.extend(rules::TABLE.iter().map(|r| {
        let default = if r.default { "" } else { ", off by default" };
        row(r.name, &format!("{} ({}{default})", r.summary(), r.origin.words()))
    }));
    out += "strategies\n";
    out.extend(STRATEGIES.iter().map(|(name, text)| row(name, text)));
    let kinds: Vec<_> = FaultKind::all().map(FaultKind::name).collect();
    let events: Vec<_> = Event::NAMES.iter().map(|(name, _)| *name).collect();
    out + &format!("faults (--fault)\n  {}\nevents (--event)\n  {}\n", kinds.join(", "), events.join(", "))
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
