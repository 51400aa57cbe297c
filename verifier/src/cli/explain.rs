//! `storsim explain`: what a rule, a check or a bug check is about.

use super::args::ExplainArguments;
use super::{Found, Refusal};
use crate::program::program_name;
use crate::rules;
use kernel_sim::bugcheck::STOP_CODES;

pub(super) fn explain(arguments: &ExplainArguments) -> Result<Found, Refusal> {
    let name = arguments.name.trim();
    if let Some(rule) = rules::find(name) {
        anstream::println!("{}\n", rule.name);
        anstream::print!("{}", unindented(rule.text));
        if let Some(url) = rule.url {
            anstream::println!("\n{url}");
        }
        return Ok(Found::Nothing);
    }
    let code = name
        .strip_prefix("0x")
        .or_else(|| name.strip_prefix("0X"))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let stop = STOP_CODES.iter().find(|s| Some(s.code) == code || s.name.eq_ignore_ascii_case(name));
    match stop {
        Some(stop) => {
            anstream::println!("{:#06X} {}\n", stop.code, stop.name);
            anstream::print!("{}", unindented(stop.text));
            anstream::println!("\nSource: Microsoft, bug check code reference.");
            Ok(Found::Nothing)
        }
        None => Err(Refusal(format!(
            "'{name}' is no rule, check or bug check that is known here; see '{} list'",
            program_name()
        ))),
    }
}

/// The text of a doc comment without the space that follows its slashes.
fn unindented(text: &str) -> String {
    text.lines().map(|l| format!("{}\n", l.strip_prefix(' ').unwrap_or(l))).collect()
}
