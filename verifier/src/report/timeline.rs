//! Who ran when, as a table: a column a processor, a row a stretch of steps.

use crate::explore::deviations::Deviation;
use crate::finding::Location;
use crate::timeline::{Ended, Row, Spot, Stretch, Timeline};
use comfy_table::{ContentArrangement, Table, presets};
use kernel_sim::choose::Transition;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Characters that all processors' columns take together, where that leaves each enough.
const WIDTH: usize = 100;
/// Characters that a processor's column may always take: room for the longest names of routines.
const COLUMN_MIN: usize = 32;
/// Deviations that are listed at most.
const LISTED_MAX: usize = 20;

/// The schedule: its deviations, and the stretches around them.
pub(super) fn timeline(timeline: &Timeline, deviations: &[Deviation]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = match deviations.len() {
        0 => writeln!(out, "schedule: each processor goes on while it can"),
        1 => writeln!(out, "schedule: each processor goes on while it can, but for one thing"),
        n => writeln!(out, "schedule: each processor goes on while it can, but for {n} things"),
    };
    for (n, deviation) in deviations.iter().enumerate().take(LISTED_MAX) {
        let _ = writeln!(out, "  [{}] {deviation}", n + 1);
    }
    if let Some(more) = deviations.len().checked_sub(LISTED_MAX).filter(|more| *more != 0) {
        let _ = writeln!(out, "  and {more} more");
    }
    for line in table(timeline).lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn table(timeline: &Timeline) -> Table {
    let rows = timeline.rows();
    let cpus: BTreeSet<u8> = rows.iter().filter_map(shown).filter_map(Stretch::cpu).collect();
    let mut table = Table::new();
    table.load_preset(presets::ASCII_FULL_CONDENSED);
    // Lines are wrapped here, with what belongs together indented.
    table.set_content_arrangement(ContentArrangement::Disabled);
    let width = (WIDTH / cpus.len().max(1)).max(COLUMN_MIN);
    let names = cpus.iter().map(|cpu| format!("CPU {cpu}"));
    table.set_header(std::iter::once("steps".to_owned()).chain(names));
    for row in &rows {
        let mut cells = vec![steps(row)];
        cells.extend(cpus.iter().map(|cpu| match row {
            Row::Stretch(stretch) if stretch.cpu() == Some(*cpu) => wrapped(&cell(stretch), width),
            Row::Stretch(_) | Row::Folded(_) => String::new(),
        }));
        table.add_row(cells);
    }
    table
}

fn shown<'a>(row: &Row<'a>) -> Option<&'a Stretch> {
    match row {
        Row::Stretch(stretch) => Some(stretch),
        Row::Folded(_) => None,
    }
}

/// The first column: which steps, which deviation, and who made them if no processor did.
fn steps(row: &Row<'_>) -> String {
    let stretch = match row {
        Row::Folded(stretches) => {
            let (first, last) = (&stretches[0], &stretches[stretches.len() - 1]);
            let what = if stretches.len() == 1 { "stretch" } else { "stretches" };
            return format!("{}\n({} {what})", range(first.steps.start, last.steps.end), stretches.len());
        }
        Row::Stretch(stretch) => stretch,
    };
    let mut text = range(stretch.steps.start, stretch.steps.end);
    for number in &stretch.deviations {
        let _ = write!(text, " [{number}]");
    }
    match stretch.began {
        Transition::Device(n) => {
            let _ = write!(text, "\ndevice {n}");
        }
        Transition::Timer => text.push_str("\ntimer"),
        _ => {}
    }
    text
}

fn range(start: u64, end: u64) -> String {
    let last = end.saturating_sub(1);
    if start >= last { start.to_string() } else { format!("{start}-{last}") }
}

/// What a processor did in a stretch: the callbacks it was in, the calls it made there, and how it
/// ended.
fn cell(stretch: &Stretch) -> Vec<String> {
    let mut lines = Vec::new();
    match stretch.began {
        Transition::Interrupt(_) => lines.push("accepts an interrupt".to_owned()),
        Transition::Dpc(_) => lines.push("drains its DPCs".to_owned()),
        Transition::Switch(_) => lines.push("switches threads".to_owned()),
        _ => {}
    }
    let (first, skipped, last) = stretch.calls();
    let mut callback = None;
    add_calls(&mut lines, &mut callback, first);
    if skipped != 0 {
        lines.push(format!("  ({skipped} more)"));
        add_calls(&mut lines, &mut callback, last);
    }
    let end = stretch.end();
    if let Some(end) = end.filter(|end| end.call.is_some() && callback != Some(end.callback)) {
        lines.push(end.callback.to_owned());
    }
    let call = end.and_then(call);
    let how = match (stretch.ended, &call) {
        (Ended::Preempted, Some(call)) => Some(format!("preempted before {call}")),
        (Ended::Preempted, None) => Some("preempted".to_owned()),
        (Ended::Interrupted, Some(call)) => Some(format!("interrupted before {call}")),
        (Ended::Waits, Some(call)) => Some(format!("waits at {call}")),
        (Ended::Waits, None) => Some("idle".to_owned()),
        (Ended::Over, Some(call)) => Some(format!("ends at {call}")),
        (Ended::Over, None) => Some("the run ends".to_owned()),
        (Ended::Interrupted, None) | (Ended::Done, _) => None,
    };
    lines.extend(how.map(|how| format!("  {how}")));
    for lock in &stretch.holds {
        let address = kernel_sim::report_address(lock.address);
        let (file, line) = (file(&lock.location.file), lock.location.line);
        lines.push(format!("  holds {address} since {file}:{line}"));
    }
    lines
}

/// The lines, each broken between words where it is longer than `width`; what follows a break is
/// indented further.
fn wrapped(lines: &[String], width: usize) -> String {
    let mut out = Vec::new();
    for line in lines {
        let indent = line.len() - line.trim_start().len();
        let mut now = " ".repeat(indent);
        for word in line.split_whitespace() {
            if now.trim().is_empty() {
                now.push_str(word);
            } else if now.len() + 1 + word.len() <= width {
                now.push(' ');
                now.push_str(word);
            } else {
                out.push(std::mem::replace(&mut now, format!("{}{word}", " ".repeat(indent + 2))));
            }
        }
        out.push(now);
    }
    out.join("\n")
}

/// One line a call; one more where the callback changes.
fn add_calls(lines: &mut Vec<String>, callback: &mut Option<&'static str>, spots: &[Spot]) {
    for spot in spots {
        let Some(call) = call(spot) else { continue };
        if *callback != Some(spot.callback) {
            lines.push(spot.callback.to_owned());
            *callback = Some(spot.callback);
        }
        lines.push(format!("  {call}"));
    }
}

fn call(spot: &Spot) -> Option<String> {
    let site = spot.site.map(|site| format!(" {}:{}", file(site.file()), site.line())).unwrap_or_default();
    spot.call.map(|call| format!("{call}{site}"))
}

/// A file without its directories: they would not fit.
fn file(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The same rows as JSON, with whole paths.
pub(super) fn timeline_to_json(timeline: &Timeline, deviations: &[Deviation]) -> Value {
    let rows: Vec<Value> = timeline.rows().iter().map(row).collect();
    let deviations: Vec<String> = deviations.iter().map(ToString::to_string).collect();
    json!({ "deviations": deviations, "rows": rows })
}

fn row(row: &Row<'_>) -> Value {
    let stretch = match row {
        Row::Folded(stretches) => {
            let (first, last) = (stretches[0].steps.start, stretches[stretches.len() - 1].steps.end - 1);
            return json!({ "first": first, "last": last, "folded": stretches.len() });
        }
        Row::Stretch(stretch) => stretch,
    };
    let (who, number) = match stretch.began {
        Transition::Run(n) => ("run", Some(n)),
        Transition::Interrupt(n) => ("interrupt", Some(n)),
        Transition::Dpc(n) => ("dpcs", Some(n)),
        Transition::Switch(n) => ("switch", Some(n)),
        Transition::Device(n) => ("device", Some(n)),
        Transition::Timer => ("timer", None),
    };
    let ended = match stretch.ended {
        Ended::Preempted => "preempted",
        Ended::Waits => "waits",
        Ended::Interrupted => "interrupted",
        Ended::Done => "done",
        Ended::Over => "over",
    };
    let spots = |spots: &[Spot]| spots.iter().map(spot).collect::<Vec<_>>();
    let (calls, skipped, last) = stretch.calls();
    json!({
        "first": stretch.steps.start,
        "last": stretch.steps.end.saturating_sub(1),
        "began": who,
        "number": number,
        "cpu": stretch.cpu(),
        "deviations": stretch.deviations,
        "calls": spots(calls),
        "calls_skipped": skipped,
        "calls_last": spots(last),
        "ended": ended,
        "ended_at": stretch.end().map(spot),
        "holds": stretch.holds.iter().map(super::json::lock).collect::<Vec<_>>(),
    })
}

fn spot(spot: &Spot) -> Value {
    let location = spot.site.map(|site| Location::from(site).to_string());
    json!({ "callback": spot.callback, "call": spot.call, "location": location })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_indented() {
        let lines =
            ["DpcRoutine".to_owned(), "  preempted before KeSetEvent file.rs:7".to_owned(), String::new()];
        assert_eq!(wrapped(&lines, 22), "DpcRoutine\n  preempted before\n    KeSetEvent\n    file.rs:7\n");
        assert_eq!(wrapped(&lines, 80), lines.join("\n"));
    }

    #[test]
    fn a_range_of_one_step_is_that_step() {
        assert_eq!((range(7, 8), range(7, 10)), ("7".into(), "7-9".into()));
    }
}
