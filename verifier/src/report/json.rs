//! Results for programs: JSON Lines, an object a run, a finding, a summary or a page.

use super::output::Output;
use super::{Host, Invocation, Kept, Listing, Progress, Reporter, RunReport, Tally};
use super::{fit, listing, page, shrunk, timeline};
use crate::explain::Page;
use crate::explore::findings::SiteKey;
use crate::explore::summary::{SCHEMA, Summary};
use crate::finding::{Finding, RunEnd};
use crate::run::DisturbanceCounts;
use kernel_sim::held::HeldLock;
use kernel_sim::moment::Moment;
use kernel_sim::stack::StackFrame;
use serde_json::{Map, Value, json};
use std::time::Duration;
use storport_sim::disk::fault::{CallCount, FaultCount};

/// Prints JSON Lines.
pub(super) struct Json {
    out: Output,
}

impl Json {
    pub(super) fn new(interval: Duration) -> Json {
        Json { out: Output::new(interval) }
    }

    fn print(&self, line: &impl std::fmt::Display) {
        self.out.print(&format!("{line}\n"));
    }

    fn print_finding(&self, line: &Value) {
        self.out.print_finding(&format!("{line}\n"));
    }
}

impl Reporter for Json {
    fn begin(&mut self, _invocation: &Invocation) {}

    fn run(&mut self, report: &RunReport) {
        let mut object = run(report);
        insert_schedule(&mut object, report);
        self.print_finding(&Value::Object(object));
    }

    fn finding(&mut self, key: &SiteKey, report: &RunReport) {
        let mut object = object(json!({
            "schema": SCHEMA,
            "record": "finding",
            "driver": report.driver.name,
            "rule": key.rule,
            "call": key.call,
            "location": key.location,
            "waits": key.waits,
            "seed": report.setup.seed,
            "schedule": report.file(),
            "run": run(report),
        }));
        insert_schedule(&mut object, report);
        self.print_finding(&Value::Object(object));
    }

    fn progress(&mut self, progress: Progress) {
        self.out.show(progress);
    }

    fn summary(&mut self, summary: &Summary, _host: Host) {
        self.print(&serde_json::to_string(summary).expect("a summary is plain data"));
    }

    /// Nothing: a program counts for itself.
    fn tally(&mut self, _tally: &Tally) {}

    fn list(&mut self, listing: &Listing) {
        self.print(&listing::listing_to_json(listing));
    }

    fn explain(&mut self, pages: &[Page]) {
        pages.iter().for_each(|page| self.print(&page::page_to_json(page)));
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.out.end()
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => unreachable!("built as an object"),
    }
}

/// Adds what is known of the schedule.
fn insert_schedule(object: &mut Map<String, Value>, report: &RunReport) {
    let parts = [
        ("timeline", report.timeline.as_ref().map(|(t, d)| timeline::timeline_to_json(t, d))),
        ("environment", report.needs.as_ref().map(|needs| json!(needs))),
        ("shrunk", report.shrunk.as_ref().map(shrunk::shrunk_to_json)),
        ("fit", report.fit.as_ref().map(fit::fit_to_json)),
    ];
    object.extend(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))));
}

/// The object of a run.
fn run(report: &RunReport) -> Map<String, Value> {
    let RunReport { driver, setup, run, .. } = report;
    let s = &run.statistics;
    let mut object = object(json!({
        "schema": 1,
        "driver": driver.name,
        "outcome": run.end.word(),
        "executor": setup.executor.word(),
        "cpus": setup.cpus,
        "seed": setup.seed,
        "trace_hash": run.trace_hash.map(|h| format!("{h:016x}")),
        "steps": run.trace_hash.map(|_| run.steps),
        "requests": s.requests(),
        "sectors_verified": s.sectors_verified,
    }));
    let mut set = |key: &str, value: Value| {
        object.insert(key.into(), value);
    };
    if let Some(digest) = s.digest {
        set("sha256", hex(&digest).into());
    }
    if !run.failed_allocations.is_empty() {
        set("failed_allocations", run.failed_allocations.iter().map(ToString::to_string).collect());
    }
    for (key, counts) in [("allocations", &run.allocations), ("registry", &run.registry)] {
        let count =
            |c: &CallCount| json!({ "rule": c.rule.to_string(), "matched": c.matched, "failed": c.failed });
        if !counts.is_empty() {
            set(key, counts.iter().map(count).collect());
        }
    }
    if let Some(uncalled) = run.uncalled.as_ref().filter(|kinds| !kinds.is_empty()) {
        set("uncalled", uncalled.iter().map(|kind| kind.name).collect());
    }
    if !run.commands.is_empty() {
        set("commands", run.commands.iter().map(ToString::to_string).collect());
    }
    let drawn = setup.drawn_in_words();
    if !drawn.is_empty() {
        set("drawn", drawn.into());
    }
    if let Some(why) = &run.not_started {
        set("not_started", why.as_str().into());
    }
    if let Some(counts) = &run.disturbances {
        set("disturbances", disturbances(counts, s.failed));
    }
    if let Some(file) = report.file() {
        set("schedule", file.into());
    }
    if let Some(Kept::NotSaved { why, deviations }) = &report.schedule {
        set("schedule_not_saved", json!({ "why": why, "deviations": deviations }));
    }
    insert_ending(&mut object, &run.end);
    object
}

/// Adds how the run ended.
fn insert_ending(object: &mut Map<String, Value>, end: &RunEnd) {
    let mut set = |key: &str, value: Value| {
        object.insert(key.into(), value);
    };
    match end {
        RunEnd::Clean | RunEnd::Interrupted => {}
        RunEnd::Found(finding) => set("finding", finding_object(finding)),
        RunEnd::Ignored(finding) => set("ignored", finding_object(finding)),
        RunEnd::Limit(limit) => set("limit", json!({ "what": limit.what, "now": moment(&limit.now) })),
        RunEnd::Endless(endless) => {
            set("endless", json!({ "steps": endless.steps, "now": moment(&endless.place) }))
        }
        RunEnd::Parted(p) => set("parted", json!({ "step": p.step, "why": p.why })),
    }
}

fn disturbances(counts: &DisturbanceCounts, failed: u64) -> Value {
    let fault =
        |c: &FaultCount| json!({ "rule": c.rule.to_string(), "matched": c.matched, "injected": c.injected });
    let (e, d) = (counts.events, counts.disk);
    json!({
        "failed": failed,
        "faults": counts.faults.iter().map(fault).collect::<Vec<_>>(),
        "events": {
            "unit_resets": e.unit_resets,
            "bus_resets": e.bus_resets,
            "restarts": e.restarts,
            "plugged": e.plugged,
            "found": e.found,
            "removals": e.removals,
            "taken_back": e.taken_back,
            "sleeps": e.sleeps,
            "refused": e.refused,
            "rebalances": e.rebalances,
            "unit_queries": e.unit_queries,
            "unit_sleeps": e.unit_sleeps,
        },
        "disk": {
            "completed": d.completed,
            "unit_attentions": d.unit_attentions,
            "retries": d.retries,
            "timeouts": d.timeouts,
            "failures": d.failures,
        },
    })
}

fn finding_object(finding: &Finding) -> Value {
    let mut object = object(json!({
        "rule": finding.of.name,
        "set": finding.of.set.word(),
        "what": finding.what,
        "why": finding.why,
        "now": moment(&finding.now),
        "also": finding.also.iter().map(moment).collect::<Vec<_>>(),
        "earlier": finding.earlier.iter().map(moment).collect::<Vec<_>>(),
    }));
    if let Some(note) = &finding.note {
        object.insert("note".into(), note.as_ref().into());
    }
    if let Some(stop) = finding.stop {
        let parameters = stop.parameters.map(|all| all.map(|p| format!("{p:#x}")));
        object.insert(
            "stop".into(),
            json!({
                "code": format!("{:#x}", stop.code.code),
                "name": stop.code.name,
                "parameters": parameters,
            }),
        );
    }
    Value::Object(object)
}

fn moment(moment: &Moment) -> Value {
    let frame = |f: &StackFrame| json!({ "function": f.function, "file": f.file, "line": f.line });
    json!({
        "label": moment.label,
        "call": moment.routine(),
        "cpu": moment.device.is_none().then_some(moment.cpu),
        "device": moment.device,
        "thread": moment.thread,
        "irql": moment.irql.0,
        "step": moment.step,
        "time_ns": moment.time_ns,
        "location": moment.site.map(|site| site.to_string()),
        "callbacks": moment.callbacks.iter().map(|callback| callback.name).collect::<Vec<_>>(),
        "locks": moment.held.iter().map(lock).collect::<Vec<_>>(),
        "stack": moment.stack.driver_frames().iter().map(frame).collect::<Vec<_>>(),
    })
}

pub(super) fn lock(lock: &HeldLock) -> Value {
    json!({
        "location": lock.site.to_string(),
        "routine": lock.routine.name,
        "callback": lock.callback.name,
        "address": kernel_sim::report_address(lock.address),
        "step": (lock.step != 0).then_some(lock.step),
    })
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
