//! `storsim list`: drivers, exhibits, rules and checks, strategies, faults and events.

use super::args::ListArguments;
use super::ended::{Found, Refusal};
use crate::driver::{Driver, Expects};
use crate::explore::STRATEGIES;
use crate::report;
use crate::rules::{self, row_of_exhibit};
use crate::run::Event;
use serde_json::json;
use storport_sim::disk::fault::FaultKind;

pub(super) fn list(drivers: &'static [&'static Driver], arguments: &ListArguments) -> Result<Found, Refusal> {
    let (exhibits, drivers): (Vec<_>, Vec<_>) =
        drivers.iter().partition(|d| row_of_exhibit(d.name).is_some());
    if arguments.json {
        let described = |drivers: &[&Driver]| -> Vec<_> {
            let row = |d: &&Driver| json!({ "name": d.name, "aliases": d.aliases, "summary": d.summary, "expects": expects(d) });
            drivers.iter().map(row).collect()
        };
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
                "drivers": described(&drivers),
                "exhibits": described(&exhibits),
                "rules": rules,
                "strategies": strategies,
                "faults": faults,
                "events": events,
            })
        );
        return Ok(Found::Nothing);
    }
    anstream::print!("{}", report::fitted(&text(&drivers, &exhibits)));
    Ok(Found::Nothing)
}

fn text(drivers: &[&Driver], exhibits: &[&Driver]) -> String {
    let drivers = drivers.iter().map(|d| (d.name, format!("{}{}", d.summary, also(d.aliases))));
    let mut out = "drivers\n".to_owned() + &lines(drivers);
    if !exhibits.is_empty() {
        out += "exhibits: what a rule, check or stop finds, and a near miss that none finds\n";
        out += &lines(exhibits.iter().map(|d| (d.name, d.summary.to_owned())));
    }
    out += "rules, checks and stops\n";
    out += &lines(rules::TABLE.iter().map(|r| {
        let default = if r.default { "" } else { ", off by default" };
        (r.name, format!("{} ({}{default})", r.summary(), r.origin.words()))
    }));
    out += "strategies\n";
    out += &lines(STRATEGIES.iter().map(|(name, text)| (*name, (*text).to_owned())));
    let kinds: Vec<_> = FaultKind::all().map(FaultKind::name).collect();
    let events: Vec<_> = Event::NAMES.iter().map(|(name, _)| *name).collect();
    out + &format!("faults (--fault)\n  {}\nevents (--event)\n  {}\n", kinds.join(", "), events.join(", "))
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

fn expects(driver: &Driver) -> serde_json::Value {
    match driver.expects {
        Expects::Clean => json!("clean"),
        Expects::Breaks(rule) => json!({ "breaks": rule }),
        Expects::MayBreak(rule) => json!({ "may_break": rule }),
        Expects::Stops(how) => json!({ "stops": how }),
        Expects::MayStop(how) => json!({ "may_stop": how }),
    }
}
