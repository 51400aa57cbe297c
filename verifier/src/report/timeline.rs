//! Who ran when, as a table: a column a processor, a row a stretch of steps.

use super::source;
use super::wrap::{fitted, flow};
use crate::driver::Driver;
use crate::explore::deviations::Deviation;
use crate::timeline::{Cycle, Ended, Repeated, Row, Spot, Stopped, Stretch, Timeline};
use comfy_table::{ContentArrangement, Table, presets};
use kernel_sim::choose::Transition;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Characters that a processor's column has at least: room for the longest names of routines. Where there is
/// less, all processors share one column.
const COLUMN_MIN: usize = 32;
/// Characters that the column of the steps has at most.
const STEPS_MAX: usize = 24;
/// Deviations that are listed at most.
const LISTED_MAX: usize = 20;

/// The schedule: its deviations, and the stretches around them.
pub(super) fn timeline(
    driver: &Driver,
    timeline: &Timeline,
    deviations: &[Deviation],
    width: usize,
) -> String {
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
    let mut out = fitted(&out, width);
    if timeline.rows().is_empty() {
        out += "  stopped before the first step\n";
        return out;
    }
    for line in table(driver, timeline, width).lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn table(driver: &Driver, timeline: &Timeline, width: usize) -> Table {
    let rows = timeline.rows();
    let cpus: BTreeSet<u8> = rows.iter().filter_map(shown).filter_map(Stretch::cpu).collect();
    let mut table = Table::new();
    table.load_preset(presets::ASCII_FULL_CONDENSED);
    // Lines are wrapped here, with what belongs together indented.
    table.set_content_arrangement(ContentArrangement::Disabled);
    let first = rows.iter().map(steps).flat_map(|s| s.lines().map(str::len).collect::<Vec<_>>()).max();
    // Each column has a border and a space on either side; the last border is one more.
    let room = width.saturating_sub(1 + 3 + first.unwrap_or(0).max("steps".len()));
    let width = (room / cpus.len().max(1)).saturating_sub(3);
    if width < COLUMN_MIN && cpus.len() > 1 {
        let width = room.saturating_sub(3 + "CPU".len() + 3);
        table.set_header(["steps", "CPU", "what it does"]);
        for row in &rows {
            let stretch = shown(row).filter(|stretch| stretch.cpu().is_some());
            let cpu = stretch.and_then(Stretch::cpu).map(|cpu| cpu.to_string()).unwrap_or_default();
            let what = stretch.map(|stretch| wrapped(&cell(driver, stretch), width)).unwrap_or_default();
            table.add_row([steps(row), cpu, what]);
        }
        return table;
    }
    let names = cpus.iter().map(|cpu| format!("CPU {cpu}"));
    table.set_header(std::iter::once("steps".to_owned()).chain(names));
    for row in &rows {
        let mut cells = vec![steps(row)];
        cells.extend(cpus.iter().map(|cpu| match row {
            Row::Stretch(stretch) if stretch.cpu() == Some(*cpu) => wrapped(&cell(driver, stretch), width),
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
    for run in stretch.deviations.chunk_by(|one, next| one + 1 == *next) {
        let _ = match run {
            [first, _, .., last] => write!(text, " [{first}-{last}]"),
            _ => run.iter().try_for_each(|number| write!(text, " [{number}]")),
        };
    }
    let mut text = flow("", &text, 0, "", STEPS_MAX).join("\n");
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
fn cell(driver: &Driver, stretch: &Stretch) -> Vec<String> {
    let mut lines = Vec::new();
    match stretch.began {
        Transition::Interrupt(_) => lines.push("accepts an interrupt".to_owned()),
        Transition::Dpc(_) => lines.push("drains its DPCs".to_owned()),
        Transition::Switch(_) => lines.push("switches threads".to_owned()),
        _ => {}
    }
    let (first, skipped, last) = stretch.cycles();
    let mut callback = None;
    add_calls(driver, &mut lines, &mut callback, &first);
    if skipped != 0 {
        lines.push(format!("  ({skipped} more)"));
        add_calls(driver, &mut lines, &mut callback, &last);
    }
    let end = stretch.end();
    if let Some(end) = end.filter(|end| end.call.is_some() && callback != Some(end.callback)) {
        lines.push(end.callback.to_owned());
    }
    let call = end.and_then(|end| call(driver, end));
    if let Some(Stopped { callback: Some(new), .. }) = &stretch.stopped
        && callback != Some(*new)
    {
        lines.push((*new).to_owned());
    }
    let how = match (stretch.ended, &call) {
        _ if stretch.stopped.is_some() => stretch.stopped.as_ref().map(stopped),
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
        let name = source::lock(driver, lock);
        let (file, line) = (file(lock.site.file()), lock.site.line());
        lines.push(format!("  holds {name} since {file}:{line}"));
    }
    lines
}

/// The lines, each broken between words where it is longer than `width`; what follows a break is
/// indented further.
fn wrapped(lines: &[String], width: usize) -> String {
    let fit = |line: &String| {
        let indent = line.len() - line.trim_start().len();
        flow(&" ".repeat(indent.min(width / 2)), line, indent + 2, "", width)
    };
    lines.iter().flat_map(fit).collect::<Vec<_>>().join("\n")
}

/// One line a call; one more where the callback changes, and one below calls that were made in turn.
fn add_calls(
    driver: &Driver,
    lines: &mut Vec<String>,
    callback: &mut Option<&'static str>,
    cycles: &[Cycle<'_>],
) {
    for cycle in cycles {
        for Repeated { spot, times } in cycle.calls {
            let Some(mut call) = call(driver, spot) else { continue };
            if *times > 1 {
                call += &format!(" x {times}");
            }
            if *callback != Some(spot.callback) {
                lines.push(spot.callback.to_owned());
                *callback = Some(spot.callback);
            }
            lines.push(format!("  {call}"));
        }
        if cycle.times > 1 {
            lines.push(format!("  (these {} calls x {})", cycle.calls.len(), cycle.times));
        }
    }
}

/// A call and where it stands; of a `Shared` field its name in the source, and its value where it is known.
fn call(driver: &Driver, spot: &Spot) -> Option<String> {
    let call = spot.call?;
    let Some(site) = spot.site else { return Some(call.to_owned()) };
    let text = source::line(driver, site.file(), site.line());
    let field = text.and_then(|text| source::receiver(text, site.column()));
    let what = match (call, field, spot.value) {
        ("Shared::get", Some(field), Some(value)) => format!("{field} is {value}"),
        ("Shared::get", Some(field), None) => format!("reads {field}"),
        ("Shared::set", Some(field), Some(value)) => format!("{field} = {value}"),
        ("Shared::set", Some(field), None) => format!("sets {field}"),
        _ => call.to_owned(),
    };
    Some(format!("{what} {}:{}", file(site.file()), site.line()))
}

/// Where the run was stopped. The column is left out, as elsewhere in the table.
fn stopped(stopped: &Stopped) -> String {
    let place = file(&stopped.location);
    let place = place.rsplit_once(':').map_or(place, |(line, _)| line);
    match stopped.call {
        Some(call) => format!("ends at {call} {place}"),
        None => format!("stops at {place}"),
    }
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
    let spots = |spots: &[Repeated]| spots.iter().map(repeated).collect::<Vec<_>>();
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
        "ended_at": stretch.stopped.as_ref().map(|s| json!({ "callback": s.callback, "call": s.call, "location": s.location })).or_else(|| stretch.end().map(spot)),
        "holds": stretch.holds.iter().map(super::json::lock).collect::<Vec<_>>(),
    })
}

/// A call, and how often it was made in a row if more than once.
fn repeated(Repeated { spot: made, times }: &Repeated) -> Value {
    let mut value = spot(made);
    if *times > 1 {
        value["times"] = (*times).into();
    }
    value
}

fn spot(spot: &Spot) -> Value {
    let location = spot.site.map(|site| site.to_string());
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
