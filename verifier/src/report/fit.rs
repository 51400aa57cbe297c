//! How a replay compares with the run it repeats.

use crate::schedule::Fit;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// One line, and one more for each deviation that was of no use.
pub(super) fn fit(fit: &Fit) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", verdict(fit));
    for unused in &fit.unused {
        let _ = writeln!(out, "never applied: {unused}");
    }
    out
}

fn verdict(fit: &Fit) -> String {
    let changed = match (fit.sources_changed, fit.same_trace) {
        (false, true) => return "the schedule fits exactly: sources, choices and trace are the recorded ones".into(),
        (true, true) => return "the driver's sources have changed since, but not what it did: the trace is the recorded one".into(),
        (true, false) => "the driver's sources have changed since",
        (false, false) => "the trace is not the recorded one, although the driver's sources are: its setup or storsim has changed",
    };
    let finding = if fit.same_finding {
        "the schedule still reproduces the same finding"
    } else {
        "the schedule no longer reproduces the finding"
    };
    format!("{changed}; {finding}")
}

/// The same as an object.
pub(super) fn fit_to_json(fit: &Fit) -> Value {
    let unused: Vec<String> = fit.unused.iter().map(ToString::to_string).collect();
    json!({
        "exact": fit.is_exact(),
        "sources_changed": fit.sources_changed,
        "same_trace": fit.same_trace,
        "same_finding": fit.same_finding,
        "never_applied": unused,
    })
}
