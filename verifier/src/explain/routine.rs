//! The page of a routine of the WDK: how far it is modelled, at which IRQL it may be called, which rules
//! watch it.

use super::page::Page;
use crate::rules::{self, Row, Sites};
use kernel_sim::irql::Irql;
use kernel_sim::routine::{Coverage, DdiInfo};

/// The routines that storage drivers may call, from Microsoft's pages: name, header, IRQLs.
const DOCUMENTED: &str = include_str!("../../data/ddi.tsv");

/// Every row of every table.
fn table() -> impl Iterator<Item = &'static DdiInfo> {
    kernel_sim::ddi::TABLE.iter().chain(storport_sim::ddi::TABLE).copied()
}

/// The name and the header of every documented routine.
fn documented() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = DOCUMENTED.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| {
        let mut fields = line.split('\t');
        Some((fields.next()?, fields.next()?))
    })
}

/// Microsoft's page about a routine; `None` for one whose page is not known.
#[must_use]
pub fn link(routine: &str) -> Option<String> {
    let (name, header) = documented().find(|(name, _)| *name == routine)?;
    let header = header.trim_end_matches(".h");
    let page = format!("nf-{header}-{}", name.to_lowercase());
    Some(format!("learn.microsoft.com/windows-hardware/drivers/ddi/{header}/{page}"))
}

/// The rules that look at calls of a routine.
pub fn watched_by(routine: &DdiInfo) -> impl Iterator<Item = &'static Row> {
    rules::TABLE.iter().copied().filter(move |row| {
        let interest = rules::watcher(row, Sites::Kept).map(|watcher| watcher.interest());
        interest.is_some_and(|i| {
            let calls = [i.enter, i.exit, i.enter_holding, i.enter_outside_irql, i.enter_unusual];
            calls.iter().any(|calls| calls.has(routine))
        })
    })
}

/// Routines that a page of a rule lists; of more it says how many there are.
const LISTED_MAX: usize = 100;

/// The routines whose calls a row's rule looks at.
pub(super) fn watched_of(row: &'static Row) -> Vec<String> {
    let is_watched = |routine: &&DdiInfo| watched_by(routine).any(|other| other == row);
    let watched: Vec<String> = table().filter(is_watched).map(|routine| routine.name.to_owned()).collect();
    match watched.len() {
        all if all == table().count() => vec!["every routine".into()],
        many if many > LISTED_MAX => vec![format!("{many} routines")],
        _ => watched,
    }
}

pub(super) fn page(word: &str) -> Option<Page> {
    let row = table().find(|row| row.name.eq_ignore_ascii_case(word));
    let Some(row) = row else { return unknown(word) };
    let parameters: Vec<_> = row.params.iter().map(|(name, of)| format!("{name}: {of}")).collect();
    let mut facts = vec![
        ("call", format!("{}({})", row.name, parameters.join(", "))),
        ("header", row.header.into()),
        ("IRQL", row.irql.map_or_else(|| "undocumented".into(), |(low, high)| irqls(low, high))),
        ("status", status(row.coverage).into()),
    ];
    let rules: Vec<_> = watched_by(row).map(|rule| rule.name).collect();
    let watched = if rules.is_empty() { "no rule".to_owned() } else { rules.join(", ") };
    facts.push(("watched by", watched));
    Some(Page {
        name: row.name.into(),
        kind: "routine".into(),
        text: row.summary.into(),
        facts,
        url: link(row.name),
    })
}

/// The page of a routine that no table has a row for.
fn unknown(word: &str) -> Option<Page> {
    let (name, header) = documented().find(|(name, _)| name.eq_ignore_ascii_case(word))?;
    Some(Page {
        name: name.into(),
        kind: "routine".into(),
        text: "Not in the tables: a driver that calls it cannot be built for this simulator yet.".into(),
        facts: vec![("header", header.into())],
        url: link(name),
    })
}

pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let rest = documented().map(|(name, _)| name).filter(|name| table().all(|row| row.name != *name));
    table().map(|row| row.name).chain(rest)
}

fn status(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Modelled => "modelled",
        Coverage::Ignored => "accepted and ignored",
        Coverage::NotHereYet => "not modelled: a call ends the run at a limit of the simulator",
    }
}

/// A range of IRQLs in words.
#[must_use]
pub fn irqls(low: Irql, high: Irql) -> String {
    if (low, high) == (Irql::PASSIVE, Irql::HIGH) {
        "any".into()
    } else if low == high {
        low.name()
    } else if low == Irql::DEVICE_MIN {
        "DIRQL".into()
    } else if high == Irql::DEVICE_MAX {
        format!("{low} to DIRQL")
    } else {
        format!("{low} to {high}")
    }
}
