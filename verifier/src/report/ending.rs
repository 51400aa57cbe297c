//! How a run ended, as the one value that the text report prints.
//!
//! This is the only place of the text reports that knows what can be found; its counterpart for JSON is
//! `json::insert_ending`. Marks are numbered in the order in which they happened.

use super::source;
use crate::driver::Driver;
use crate::finding::{Location, Lock, Scene, Verdict, waiting};
use crate::rules;
use std::borrow::Cow;

/// A finding, ready to be printed.
pub(super) struct Ending<'a> {
    /// What the report has in brackets.
    pub name: &'a str,
    /// One sentence: what was found.
    pub what: Cow<'a, str>,
    /// Where: one part, or of a deadlock one for each that waits.
    pub parts: Vec<Part>,
    /// What stands below, by its label.
    pub trailers: Vec<(&'static str, Cow<'a, str>)>,
}

/// One place where something stopped, and what made it so.
pub(super) struct Part {
    /// What stands above, if there are several.
    pub heading: Option<String>,
    /// Where it stopped.
    pub now: Mark,
    /// What was before, latest first.
    pub earlier: Vec<Mark>,
}

/// A call, and what to say of it.
pub(super) struct Mark {
    /// Where it stands; `None` between calls.
    pub location: Option<Location>,
    /// The routine.
    pub call: Option<&'static str>,
    /// What to say.
    pub text: String,
}

impl<'a> Ending<'a> {
    /// What was found, if anything was.
    pub(super) fn of(driver: &Driver, verdict: &'a Verdict) -> Option<Ending<'a>> {
        Some(match verdict {
            Verdict::Clean | Verdict::Parted(_) => return None,
            Verdict::Violation(v) => {
                let mut trailers = vec![("why", v.why.into())];
                trailers.extend(v.note.map(|note| ("note", note.into())));
                trailers
                    .extend(rules::find(v.rule).and_then(|rule| rule.url).map(|url| ("rule", url.into())));
                Ending {
                    name: v.rule,
                    what: (&*v.what).into(),
                    parts: vec![part(driver, None, &v.scene)],
                    trailers,
                }
            }
            Verdict::BugCheck(b) => {
                let [p1, p2, p3, p4] = b.parameters;
                let stop = format!("{:#06X} ({p1:#x}, {p2:#x}, {p3:#x}, {p4:#x})", b.stop.code);
                Ending {
                    name: b.stop.name,
                    what: (&*b.what).into(),
                    parts: vec![part(driver, None, &Scene::from(&b.place))],
                    trailers: vec![("stop", stop.into())],
                }
            }
            Verdict::Deadlock(d) => {
                let waiters =
                    d.waiters.iter().map(|w| part(driver, Some(waiting(w)), &Scene::from(&w.place)));
                Ending {
                    name: "deadlock",
                    what: (&*d.what).into(),
                    parts: waiters.collect(),
                    trailers: vec![(
                        "why",
                        "on hardware these processors spin, or these threads sleep, for ever".into(),
                    )],
                }
            }
            Verdict::Livelock(l) => {
                let (cpu, call) = (l.place.cpu, l.place.call.unwrap_or("its registers"));
                let what =
                    format!("CPU {cpu} polls {call} for what will never come ({} polls in a row)", l.polls);
                Ending {
                    name: "livelock",
                    what: what.into(),
                    parts: vec![part(driver, None, &Scene::from(&l.place))],
                    trailers: vec![(
                        "why",
                        "nothing else can happen any more: no interrupt, DPC, timer or device step is pending"
                            .into(),
                    )],
                }
            }
        })
    }
}

fn part(driver: &Driver, heading: Option<String>, scene: &Scene) -> Part {
    let number = if scene.locks.is_empty() { String::new() } else { format!("({}) ", scene.locks.len() + 1) };
    let step = scene.step.map(|s| format!("step {s}, ")).unwrap_or_default();
    let callback = scene.callback().map(|c| format!(", in {c}")).unwrap_or_default();
    let text = format!("{number}{step}CPU {}{callback}, at {}", scene.cpu, scene.irql);
    let now = Mark { location: scene.location.clone(), call: scene.call, text };
    let earlier = scene.locks.iter().enumerate().rev().map(|(n, lock)| taken(driver, n + 1, lock));
    Part { heading, now, earlier: earlier.collect() }
}

fn taken(driver: &Driver, n: usize, lock: &Lock) -> Mark {
    let step = lock.step.map(|s| format!("step {s}, ")).unwrap_or_default();
    let name = source::lock(driver, lock);
    let text =
        format!("({n}) {step}spin lock {name} taken by {} in {}, still held", lock.routine, lock.callback);
    Mark { location: Some(lock.location.clone()), call: Some(lock.routine), text }
}
