//! One JSON object a run, on one line.

use crate::finding::{Lock, Scene, Verdict, Violation, waiting};
use crate::rig::DisturbanceCounts;
use crate::session::{Run, Setup};
use serde_json::{Value, json};
use storport_sim::disk::fault::FaultCount;

/// The object. `schedule` is the file that replays the run, if one was written.
#[must_use]
pub fn to_json(driver: &str, setup: &Setup, run: &Run, schedule: Option<&str>) -> Value {
    let s = &run.statistics;
    let violations: Vec<Value> = match &run.verdict {
        Verdict::Violation(v) => vec![violation(v)],
        _ => Vec::new(),
    };
    let mut object = json!({
        "schema": 1,
        "driver": driver,
        "outcome": run.verdict.word(),
        "executor": setup.executor.word(),
        "cpus": setup.cpus,
        "seed": setup.seed,
        "trace_hash": run.trace_hash.map(|h| format!("{h:016x}")),
        "steps": run.trace_hash.map(|_| run.steps),
        "requests": s.requests(),
        "sectors_verified": s.sectors_verified,
        "violations": violations,
    });
    let mut set = |key: &str, value: Value| {
        object.as_object_mut().expect("built as an object").insert(key.into(), value);
    };
    if let Some(digest) = s.digest {
        set("sha256", hex(&digest).into());
    }
    if !run.failed_allocations.is_empty() {
        set("failed_allocations", run.failed_allocations.iter().map(ToString::to_string).collect());
    }
    if let Some(met) = &run.met {
        set("disturbances", disturbances(met, s.failed));
    }
    if let Some(schedule) = schedule {
        set("schedule", schedule.into());
    }
    match &run.verdict {
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
    object
}

fn disturbances(met: &DisturbanceCounts, failed: u64) -> Value {
    let fault =
        |c: &FaultCount| json!({ "rule": c.rule.to_string(), "matched": c.matched, "injected": c.injected });
    let (e, d) = (met.events, met.disk);
    json!({
        "failed": failed,
        "faults": met.faults.iter().map(fault).collect::<Vec<_>>(),
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
