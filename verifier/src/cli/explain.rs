//! `storsim explain`: what a rule, a check or a bug check is about.

use super::args::ExplainArguments;
use super::{Found, Refusal};
use crate::rules::{self, Origin};

pub(super) fn explain(arguments: &ExplainArguments) -> Result<Found, Refusal> {
    let name = arguments.name.trim();
    let Some(row) = rules::find(name) else {
        return Err(Refusal(format!(
            "'{name}' is no rule, check or stop this storsim knows; see 'storsim list'"
        )));
    };
    let code = row.stop.filter(|_| row.origin == Origin::Stop).filter(|stop| stop.code.code != 0);
    let number = code.map(|stop| format!("{:#06X} ", stop.code.code)).unwrap_or_default();
    let default = if row.default { "" } else { ", off unless asked for" };
    anstream::println!("{number}{}  ({}, set {}{default})\n", row.name, row.origin.words(), row.set.word());
    anstream::print!("{}", unindented(row.text));
    if row.origin == Origin::Stop && !row.why.is_empty() && code.is_some() {
        anstream::println!("\nWhy it matters: {}.\n\nSource: Microsoft, bug check code reference.", row.why);
    }
    if let Some(stop) = row.stop.filter(|_| row.origin != Origin::Stop) {
        let parameter = stop.parameter.map(|p| format!(" ({p:#x}, ..)")).unwrap_or_default();
        anstream::println!("\nWindows stops with {:#X}{parameter} for it.", stop.code.code);
    }
    if let Some([breaker, near_miss]) = row.exhibits {
        anstream::println!("\nExhibits: {breaker} breaks it; {near_miss} does not.");
    }
    if let Some(url) = row.url {
        anstream::println!("\n{url}");
    }
    Ok(Found::Nothing)
}

/// The text of a doc comment without the space that follows its slashes.
fn unindented(text: &str) -> String {
    text.lines().map(|l| format!("{}\n", l.strip_prefix(' ').unwrap_or(l))).collect()
}
