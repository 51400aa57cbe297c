//! The pages of rules, checks and stops, and of their sets.

use super::page::Page;
use super::routine;
use crate::rules::{self, Origin, Row, Set};

/// The page of the row that `word` names: by name, or a stop by its number, with its first parameter or
/// without (`0xF1/0x1007`).
pub(super) fn page(word: &str) -> Option<Page> {
    let (word, parameter) = match word.split_once('/') {
        Some((word, parameter)) => (word, Some(number(parameter)?)),
        None => (word, None),
    };
    let row = rules::find(word)?;
    let mut kind = format!("{}, set {}", row.origin.words(), row.set.word());
    let mut facts = Vec::new();
    let code = row.stop.map(|stop| stop.code.code).filter(|code| *code != 0);
    match code {
        Some(code) if row.origin == Origin::Stop => {
            kind += &format!(", bug check {code:#06X}");
            facts.extend(parameter.map(|parameter| ("parameter 1", said_of(row, parameter))));
        }
        // Only a stop has parameters to ask about.
        _ if parameter.is_some() => return None,
        Some(code) => {
            let parameter = row.stop.and_then(|stop| stop.parameter);
            let parameter = parameter.map(|p| format!(" ({p:#x}, ..)")).unwrap_or_default();
            facts.push(("on Windows", format!("bug check {code:#X}{parameter}")));
        }
        None => {}
    }
    if !row.scope.words().is_empty() {
        kind += &format!(", {}", row.scope.words());
    }
    if !row.default {
        kind += ", off unless asked for";
    }
    let [breaker, near_miss] = row.exhibits.commands();
    facts.push(("found", breaker));
    facts.push(("near miss", format!("{near_miss}: looks guilty and is not")));
    let watched = routine::watched_of(row);
    if !watched.is_empty() {
        facts.push(("watches", watched.join(", ")));
    }
    Some(Page { name: row.name.into(), kind, text: row.body(), facts, url: row.link() })
}

/// What a stop's first parameter says.
fn said_of(row: &Row, parameter: u64) -> String {
    let why = row.stop.map(|stop| rules::why_of_stop(&stop.code, [parameter, 0, 0, 0]));
    match why.filter(|why| *why != row.why) {
        Some(why) => format!("{parameter:#x}: {why}"),
        None => format!("{parameter:#x}: see Microsoft's page"),
    }
}

/// A number as stops have them: `0x1007`.
fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    u64::from_str_radix(digits, 16).ok()
}

/// The page of a set of rows.
pub(super) fn page_of_set(word: &str) -> Option<Page> {
    let set = Set::ALL.into_iter().find(|set| set.word().eq_ignore_ascii_case(word))?;
    let rows = rules::TABLE.iter().filter(|row| row.set == set);
    let lines = rows.map(|row| format!("- {}  {}\n", row.name, row.summary()));
    Some(Page {
        name: set.word().into(),
        kind: "set of rules, checks or stops, for --rules".into(),
        text: lines.collect(),
        facts: Vec::new(),
        url: None,
    })
}

pub(super) fn words() -> impl Iterator<Item = &'static str> {
    rules::TABLE.iter().map(|row| row.name).chain(Set::ALL.into_iter().map(Set::word))
}
