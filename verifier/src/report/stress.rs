//! The summary of an exploration for people: a table of findings and a line of figures.

use super::style::Style;
use crate::explore::summary::{Finding, Summary};
use std::fmt::{self, Write};
use std::time::Duration;

/// The table of what was found, and one line on what was done. `elapsed` is host time, for the rate.
pub(super) fn stress(summary: &Summary, elapsed: Option<Duration>, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_stress(&mut out, summary, elapsed, style);
    out
}

fn write_stress(out: &mut String, summary: &Summary, elapsed: Option<Duration>, style: Style) -> fmt::Result {
    let driver = &summary.head.driver;
    if summary.findings.is_empty() {
        let good = style.good;
        let schedules = plural(summary.executions, "schedule");
        if summary.complete {
            writeln!(out, "{good}clean{good:#}: {driver} broke no rule in {schedules}")?;
        } else {
            writeln!(out, "nothing found so far: {driver} broke no rule in {schedules}")?;
        }
    } else {
        table(out, &summary.findings)?;
    }
    write!(out, "{driver}  {}, ", plural(summary.executions, "schedule"))?;
    if let Some(elapsed) = elapsed {
        let seconds = elapsed.as_secs_f64();
        let rate = summary.executions as f64 / seconds.max(1e-9);
        write!(out, "{rate:.0} a second over {seconds:.2} s, ")?;
    }
    write!(out, "{}; strategy {}", plural(summary.steps, "step"), summary.head.strategy)?;
    for [from, to] in &summary.seeds {
        write!(out, ", seeds {from}..{to}")?;
    }
    if summary.discarded != 0 {
        write!(out, ", {} of them given up: without end under their schedule", summary.discarded)?;
    }
    writeln!(out, "{}", if summary.complete { "" } else { " (not complete)" })?;
    if let Some(statement) = &summary.statement {
        writeln!(out, "{statement}")?;
    }
    Ok(())
}

/// One row a finding, lowest seed first.
fn table(out: &mut String, findings: &[Finding]) -> fmt::Result {
    let width = findings.iter().map(|f| f.rule.len()).max().unwrap_or(0).max("found".len());
    writeln!(out, "{:width$}  {:>9}  {:>11}  where", "found", "times", "lowest seed")?;
    for f in findings {
        write!(
            out,
            "{:width$}  {:>9}  {:>11}  {}",
            f.rule,
            f.count,
            f.seed,
            f.call.as_deref().unwrap_or("-")
        )?;
        match (&f.location, f.waits.len()) {
            (Some(location), 0 | 1) => writeln!(out, " at {location}")?,
            (Some(location), n) => writeln!(out, " at {location} and {} more", n - 1)?,
            (None, _) => writeln!(out)?,
        }
    }
    Ok(())
}

fn plural(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}
