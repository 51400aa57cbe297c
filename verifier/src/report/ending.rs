//! A finding laid out for a report in text: marks in the source, and what stands below them.
//!
//! Marks are numbered in the order in which they happened; what broke comes first, then what made it so,
//! latest first. Of a standstill each that waits is a part of its own. It decides what is said, not how wide
//! it is.

use super::source;
use crate::driver::Driver;
use crate::finding::{Finding, Stop};
use kernel_sim::held::HeldLock;
use kernel_sim::moment::Moment;
use kernel_sim::site::Site;
use std::borrow::Cow;

/// A finding, ready to be printed.
pub(super) struct Layout<'a> {
    /// The name of the row, which the report has in brackets.
    pub name: &'a str,
    /// One sentence: what was found.
    pub what: &'a str,
    /// Where: one part, or of a standstill one for each that waits.
    pub parts: Vec<Part>,
    /// The lines below, by their labels.
    pub trailers: Vec<(&'static str, Cow<'a, str>)>,
}

/// One place where something stopped, and what made it so.
pub(super) struct Part {
    /// The heading, if there are several parts.
    pub heading: Option<String>,
    /// Where it stopped.
    pub now: Mark,
    /// Earlier moments, latest first.
    pub earlier: Vec<Mark>,
}

/// A call, and what to say of it.
pub(super) struct Mark {
    /// Where it stands; `None` between calls.
    pub site: Option<Site>,
    /// The routine.
    pub call: Option<&'static str>,
    /// The text beside the mark.
    pub text: String,
    /// Who called the function it stands in, innermost first: "name file:line".
    pub callers: Vec<String>,
}

impl<'a> Layout<'a> {
    /// The layout of a finding; `program` is the one that explains it.
    pub(super) fn of(driver: &Driver, finding: &'a Finding, program: &str) -> Layout<'a> {
        let Finding { of, what, now, also, earlier, .. } = finding;
        let parts = if also.is_empty() {
            let heading = (!now.label.is_empty()).then(|| now.label.to_string());
            vec![part(driver, heading, now, earlier)]
        } else {
            let each = |place: &Moment| {
                let taken: Vec<Moment> =
                    place.held.iter().map(|lock| Moment::of_taking(place.cpu, lock)).collect();
                part(driver, Some(place.label.to_string()), place, &taken)
            };
            finding.places().map(each).collect()
        };
        let mut trailers: Vec<(&'static str, Cow<'a, str>)> = vec![("why", finding.why.into())];
        trailers.extend(finding.note.as_deref().map(|note| ("note", note.into())));
        trailers.extend(finding.stop.map(|stop| ("stop", shown(stop).into())));
        match of.url {
            Some(url) => trailers.push(("rule", url.into())),
            None => {
                let word = finding.stop.map_or(of.name.to_owned(), |stop| format!("{:#X}", stop.code.code));
                trailers.push(("explain", format!("{program} explain {}", word.replace("0X", "0x")).into()));
            }
        }
        Layout { name: of.name, what, parts, trailers }
    }
}

/// A stop as the blue screen has it.
fn shown(stop: Stop) -> String {
    let code = stop.code.code;
    match (stop.parameters, stop.parameter) {
        (Some([p1, p2, p3, p4]), _) => format!("{code:#06X} ({p1:#x}, {p2:#x}, {p3:#x}, {p4:#x})"),
        (None, Some(parameter)) => format!("{code:#06X} ({parameter:#x}, ..) on Windows"),
        (None, None) => format!("{code:#06X} on Windows"),
    }
}

fn part(driver: &Driver, heading: Option<String>, now: &Moment, earlier: &[Moment]) -> Part {
    let number = if earlier.is_empty() { String::new() } else { format!("({}) ", earlier.len() + 1) };
    let mark = |moment: &Moment, text| Mark {
        site: moment.site,
        call: moment.routine(),
        text,
        callers: callers(driver, moment),
    };
    let text = format!("{number}{}{}", step(now), place(now));
    let before = earlier.iter().enumerate().rev();
    let earlier = before.map(|(n, moment)| mark(moment, before_it(driver, n + 1, now, moment)));
    Part { heading, now: mark(now, text), earlier: earlier.collect() }
}

fn step(moment: &Moment) -> String {
    moment.step.map(|step| format!("step {step}, ")).unwrap_or_default()
}

/// Where it was: which processor in which callback at which IRQL, or which device.
fn place(moment: &Moment) -> String {
    match moment.device {
        Some(device) => format!("device {device}"),
        None => format!("CPU {}{}, at {}", moment.cpu, inside(moment), moment.irql),
    }
}

fn inside(moment: &Moment) -> String {
    moment.callback().map(|callback| format!(", in {}", callback.name)).unwrap_or_default()
}

/// The text beside the mark of the `n`-th moment before the one that broke.
fn before_it(driver: &Driver, n: usize, now: &Moment, moment: &Moment) -> String {
    let routine = moment.routine().unwrap_or("the system");
    let step = step(moment);
    match moment.held.first().filter(|_| moment.label == "taken") {
        Some(lock) => {
            let name = source::lock(driver, lock);
            let name = if name == source::CANCEL_LOCK { name } else { format!("spin lock {name}") };
            // The same acquire: the lock may have been given back and taken again since.
            let is_it = |held: &HeldLock| (held.address, held.step) == (lock.address, lock.step);
            let held = if now.held.iter().any(is_it) { ", still held" } else { "" };
            format!("({n}) {step}{name} taken by {routine} in {}{held}", lock.callback.name)
        }
        None => {
            let by = moment.routine().map(|routine| format!(" by {routine}")).unwrap_or_default();
            format!("({n}) {step}{}{by}, {}", moment.label, place(moment))
        }
    }
}

/// Callers shown of one place.
const CALLERS_MAX: usize = 6;

/// The driver's functions around the one that a moment's line stands in.
fn callers(driver: &Driver, moment: &Moment) -> Vec<String> {
    let frames = moment.stack.driver_frames();
    let shown = frames.iter().map(|frame| (source::known(driver, &frame.file), frame));
    let is_site = |file: &str, line: u32| {
        moment.site.is_some_and(|site| site.line() == line && site.file().ends_with(file))
    };
    let outer = shown.filter(|(file, frame)| !is_site(file, frame.line));
    let text = outer.map(|(file, frame)| {
        let name = frame.function.rsplit("::").find(|part| !part.starts_with('{')).unwrap_or("a closure");
        format!("{name} {file}:{}", frame.line)
    });
    text.take(CALLERS_MAX).collect()
}
