//! The summary of an exploration for people: a table of findings and a line of figures.

use super::Host;
use super::statistics;
use super::style::Style;
use crate::explore::summary::{DRAWS, EXCEPTIONS, Finding, Summary};
use crate::explore::{FaultTotal, Totals, Unrepeatable};
use crate::run::{EventCounts, Part};
use serde_json::Value;
use std::fmt::{self, Write};

/// The table of what was found, and one line on what was done.
pub(super) fn stress(summary: &Summary, host: Host, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_stress(&mut out, summary, host, style);
    out
}

fn write_stress(out: &mut String, summary: &Summary, host: Host, style: Style) -> fmt::Result {
    let driver = &summary.head.driver;
    if summary.findings.is_empty() {
        let good = style.good;
        let schedules = plural(summary.executions, "schedule");
        if summary.complete {
            writeln!(out, "{good}clean{good:#}: {driver} broke no rule in {schedules}")?;
        } else if host.interrupted {
            let of = host.of.map(|of| format!(" of {of}")).unwrap_or_default();
            writeln!(
                out,
                "interrupted after {}{of} schedules: {driver} broke no rule so far",
                summary.executions
            )?;
        } else {
            writeln!(out, "nothing found so far: {driver} broke no rule in {schedules}")?;
        }
    } else {
        table(out, &summary.findings)?;
    }
    write!(out, "{driver}  {}, ", plural(summary.executions, "schedule"))?;
    if let Some(elapsed) = host.elapsed {
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
    let why = if host.interrupted { " (interrupted)" } else { " (not complete)" };
    writeln!(out, "{}", if summary.complete { "" } else { why })?;
    if let Some(uncalled) = summary.totals.uncalled.as_ref().filter(|names| !names.is_empty()) {
        writeln!(out, "  uncalled  {}", uncalled.join(", "))?;
    }
    let off = summary.head.options.get(EXCEPTIONS).and_then(Value::as_array);
    let off = off.into_iter().flatten().map(|off| {
        let text = |field: &str| off.get(field).and_then(Value::as_str).unwrap_or_default();
        (text("file"), text("rule"), text("reason"))
    });
    statistics::exceptions(out, off)?;
    let is_drawn = summary.head.options.contains_key(DRAWS);
    if is_drawn {
        drawn(out, summary)?;
    }
    if summary.head.options.contains_key("disturbances") || is_drawn {
        totals(out, &summary.totals, draws(summary, Part::Faults))?;
    }
    if let Some(Unrepeatable { seed, step, place }) = &summary.unrepeatable {
        let bad = style.error;
        let from = step.map(|step| format!(" from step {step} on")).unwrap_or_default();
        let place = place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
        writeln!(
            out,
            "{bad}not repeatable{bad:#}{from}{place}: seed {seed} gave two runs; the driver keeps state outside the \
             machine (a global, a hash map) or asks the host"
        )?;
    }
    if let Some(statement) = &summary.statement {
        writeln!(out, "{statement}")?;
    }
    Ok(())
}

/// Whether a part of the environment is drawn from each seed.
fn draws(summary: &Summary, part: Part) -> bool {
    let drawn = summary.head.options.get(DRAWS).and_then(Value::as_array);
    drawn.is_some_and(|all| all.iter().any(|word| word == part.word()))
}

/// In how many executions each part of the environment was drawn.
fn drawn(out: &mut String, summary: &Summary) -> fmt::Result {
    let each: Vec<_> = summary.totals.drawn.iter().map(|(part, n)| format!("{} {n}", part.word())).collect();
    if each.is_empty() { Ok(()) } else { writeln!(out, "  drawn     {}", each.join(", ")) }
}

/// What the executions did, where faults or events were asked for or drawn.
fn totals(out: &mut String, totals: &Totals, are_drawn: bool) -> fmt::Result {
    let Totals { requests, failed, sectors_verified, not_started, faults, events, .. } = totals;
    writeln!(out, "  requests  {requests}, {failed} of them failed, {sectors_verified} sectors verified")?;
    if are_drawn {
        // A line for each rule that some seed drew would be many.
        let struck = faults.iter().map(|fault| fault.struck).sum::<u64>();
        writeln!(out, "  faults    {struck}, by {}", plural(faults.len() as u64, "rule"))?;
    } else {
        for FaultTotal { rule, matched, struck } in faults {
            writeln!(out, "  fault     {rule}: {struck} of {matched}")?;
        }
    }
    if *not_started != 0 {
        writeln!(
            out,
            "  started   not in {}, {}",
            plural(*not_started, "schedule"),
            statistics::NOT_STARTED
        )?;
    }
    if *events == EventCounts::default() { Ok(()) } else { statistics::events(out, *events) }
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
