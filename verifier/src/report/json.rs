//! Results for programs: JSON Lines, an object a run, a finding or a summary.

use super::bars::Bars;
use super::{Invocation, Kept, Progress, Reporter, RunReport, fit, shrunk, timeline};
use crate::explore::findings::Identity;
use crate::explore::summary::{SCHEMA, Summary};
use crate::finding::{Lock, Scene, Verdict, Violation, waiting};
use crate::run::DisturbanceCounts;
use serde_json::{Map, Value, json};
use std::time::Duration;
use storport_sim::disk::fault::FaultCount;

/// Prints JSON Lines.
pub(super) struct Json {
    bars: Bars,
}

impl Json {
    pub(super) fn new() -> Json {
        Json { bars: Bars::default() }
    }

    fn print(&self, line: &impl std::fmt::Display) {
        self.bars.around(|| anstream::println!("{line}"));
    }
}

impl Reporter for Json {
    fn begin(&mut self, _invocation: &Invocation) {}

    fn run(&mut self, report: &RunReport) {
        let mut object = run(report);
        insert_schedule(&mut object, report);
        self.print(&Value::Object(object));
    }

    fn finding(&mut self, identity: &Identity, report: &RunReport) {
        let mut object = object(json!({
            "schema": SCHEMA,
            "record": "finding",
            "driver": report.driver.name,
            "rule": identity.rule,
            "call": identity.call,
            "location": identity.location,
            "waits": identity.waits,
            "seed": report.setup.seed,
            "schedule": report.file(),
            "run": run(report),
        }));
        insert_schedule(&mut object, report);
        self.print(&Value::Object(object));
    }

    fn progress(&mut self, progress: Progress) {
        self.bars.show(progress);
    }

    fn summary(&mut self, summary: &Summary, _elapsed: Option<Duration>) {
        self.print(&serde_json::to_string(summary).expect("a summary is plain data"));
    }

    fn end(&mut self) {}
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
        ("shrunk", report.shrunk.as_ref().map(shrunk::shrunk_to_json)),
        ("fit", report.fit.as_ref().map(fit::fit_to_json)),
    ];
    object.extend(parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?))));
}

/// The object of a run.
fn run(report: &RunReport) -> Map<String, Value> {
    let RunReport { driver, setup, run, .. } = report;
    let s = &run.statistics;
    let violations: Vec<Value> = match &run.verdict {
        Verdict::Violation(v) => vec![violation(v)],
        _ => Vec::new(),
    };
    let mut object = object(json!({
        "schema": 1,
        "driver": driver.name,
        "outcome": run.verdict.word(),
        "executor": setup.executor.word(),
        "cpus": setup.cpus,
        "seed": setup.seed,
        "trace_hash": run.trace_hash.map(|h| format!("{h:016x}")),
        "steps": run.trace_hash.map(|_| run.steps),
        "requests": s.requests(),
        "sectors_verified": s.sectors_verified,
        "violations": violations,
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
    if let Some(counts) = &run.disturbances {
        set("disturbances", disturbances(counts, s.failed));
    }
    if let Some(file) = report.file() {
        set("schedule", file.into());
    }
    if let Some(Kept::NotSaved { why, deviations }) = &report.schedule {
        set("schedule_not_saved", json!({ "why": why, "deviations": deviations }));
    }
    insert_ending(&mut object, &run.verdict);
    object
}

/// Adds how the run ended.
fn insert_ending(object: &mut Map<String, Value>, verdict: &Verdict) {
    let mut set = |key: &str, value: Value| {
        object.insert(key.into(), value);
    };
    match verdict {
        Verdict::BugCheck(b) => set(
            "bugcheck",
            json!({
                "code": format!("{:#x}", b.stop.code),
                "name": b.stop.name,
                "parameters": b.parameters.map(|p| format!("{p:#x}")),
                "what": b.what,
                "scene": scene(&Scene::from(&b.now)),
            }),
        ),
        Verdict::Deadlock(d) => {
            let waiters: Vec<Value> = d
                .waiters
                .iter()
                .map(|w| json!({ "waits": waiting(w), "holder": w.holder, "scene": scene(&Scene::from(&w.place)) }))
                .collect();
            set("deadlock", json!({ "what": d.what, "waiters": waiters }));
        }
        Verdict::Livelock(l) => {
            set("livelock", json!({ "polls": l.polls, "scene": scene(&Scene::from(&l.place)) }))
        }
        Verdict::Parted(p) => set("parted", json!({ "step": p.step, "why": p.why })),
        Verdict::Clean | Verdict::Violation(_) => {}
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

fn violation(v: &Violation) -> Value {
    let mut object = scene(&v.scene);
    let o = object.as_object_mut().expect("built as an object");
    o.insert("rule".into(), v.rule.into());
    o.insert("what".into(), v.what.clone().into());
    o.insert("why".into(), v.why.into());
    if v.held_count != 0 {
        o.insert("held".into(), v.held_count.into());
    }
    if let Some(note) = v.note {
        o.insert("note".into(), note.into());
    }
    object
}

fn scene(s: &Scene) -> Value {
    json!({
        "call": s.call,
        "cpu": s.cpu,
        "irql": s.irql.0,
        "step": s.step,
        "location": s.location.as_ref().map(ToString::to_string),
        "callbacks": s.callbacks,
        "locks": s.locks.iter().map(lock).collect::<Vec<_>>(),
    })
}

pub(super) fn lock(l: &Lock) -> Value {
    json!({
        "location": l.location.to_string(),
        "routine": l.routine,
        "callback": l.callback,
        "address": kernel_sim::report_address(l.address),
        "step": l.step,
    })
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
