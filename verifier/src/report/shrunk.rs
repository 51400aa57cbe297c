//! The result of shrinking, in two lines.

use crate::explore::shrink::{Minimality, Shrunk, Size};
use serde_json::{Value, json};

/// How much smaller it is, and whether it could be smaller still.
pub(super) fn shrunk(shrunk: &Shrunk) -> String {
    let (from, to) = (size(&shrunk.from), size(&shrunk.to));
    format!("shrunk from {from} to {to}, in {} executions\n{}\n", shrunk.executions, minimality(shrunk))
}

fn size(size: &Size) -> String {
    let deviations = count(size.deviations as u64, "deviation");
    let steps = count(size.steps, "step");
    let requests = size.requests.map(|n| format!(", {}", count(n, "request"))).unwrap_or_default();
    format!("{deviations}, {steps}{requests}")
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn minimality(shrunk: &Shrunk) -> String {
    // What was tried was tried with the requests that are left.
    let with = shrunk.to.requests.map(|n| format!("with {}, ", count(n, "request"))).unwrap_or_default();
    match shrunk.minimality {
        Minimality::Proved { .. } if shrunk.to.deviations == 0 => {
            "minimal: it needs no deviation at all".into()
        }
        Minimality::Proved { tried } => {
            format!("minimal: {with}no schedule with fewer deviations fails ({} tried)", all(tried))
        }
        Minimality::NotProved { below: 0, .. } => {
            "not proved minimal: a schedule with fewer deviations may fail".into()
        }
        Minimality::NotProved { below, tried } => format!(
            "not proved minimal: {with}no schedule with fewer than {} fails ({} tried), others were not all tried",
            count(below as u64, "deviation"),
            all(tried)
        ),
    }
}

fn all(tried: u64) -> String {
    if tried == 1 { "the one there is was".into() } else { format!("all {tried}") }
}

/// The same as an object.
pub(super) fn shrunk_to_json(shrunk: &Shrunk) -> Value {
    let size = |s: &Size| json!({ "deviations": s.deviations, "steps": s.steps, "requests": s.requests });
    let (proved, below, tried) = match shrunk.minimality {
        Minimality::Proved { tried } => (true, shrunk.to.deviations, tried),
        Minimality::NotProved { below, tried } => (false, below, tried),
    };
    json!({
        "from": size(&shrunk.from),
        "to": size(&shrunk.to),
        "executions": shrunk.executions,
        "minimal": proved,
        "tried_below": below,
        "tried": tried,
    })
}
