//! The page of a driver: what it is, what should be found in it, how to run it.

use super::page::Page;
use crate::driver::{Driver, Expects, Kind};
use crate::explore::EXHAUSTIVE;
use crate::program::program_name;
use crate::rules;

pub(super) fn page(drivers: &[&Driver], word: &str) -> Option<Page> {
    let driver = drivers.iter().find(|driver| driver.is_called(word))?;
    let Driver { name, aliases, summary, expects, kind, cancels: _, reads_registry: _, image, sources } =
        driver;
    let mut facts = vec![("kind", kind_of(kind))];
    if !aliases.is_empty() {
        facts.push(("also", aliases.join(", ")));
    }
    facts.push(("expected", expected(*expects)));
    facts.extend(exhibited(name).map(|text| ("exhibit", text)));
    if !sources.is_empty() {
        facts.push(("sources", sources.iter().map(|source| source.path).collect::<Vec<_>>().join(", ")));
    }
    let program = program_name();
    if let Some(file) = image {
        facts.push(("imports", file.image.imports().collect::<Vec<_>>().join(", ")));
        facts.push(("run", format!("{program} run {}", file.flags)));
        return Some(Page {
            name: (*name).into(),
            kind: "driver".into(),
            text: (*summary).into(),
            facts,
            url: None,
        });
    }
    facts.push(("run", format!("{program} run {name}")));
    facts.push(("stress", format!("{program} stress {name}")));
    if matches!(kind, Kind::Model { .. }) {
        facts.push(("exhaust", format!("{program} stress {name} --strategy {EXHAUSTIVE}")));
    }
    Some(Page { name: (*name).into(), kind: "driver".into(), text: (*summary).into(), facts, url: None })
}

fn kind_of(kind: &Kind) -> String {
    match kind {
        Kind::Wdm { device: Some(_), .. } => "a WDM driver of a disk controller".into(),
        Kind::Wdm { device: None, .. } => "a WDM driver above a disk that its bus driver serves".into(),
        Kind::VirtualMiniport { .. } => "a Storport virtual miniport".into(),
        Kind::Miniport { .. } => "a Storport miniport of a host adapter".into(),
        Kind::Model { cpus: 1, .. } => "a model: a program for one CPU, without a disk".into(),
        Kind::Model { cpus, .. } => format!("a model: a program for {cpus} CPUs, without a disk"),
    }
}

fn expected(expects: Expects) -> String {
    match expects {
        Expects::Clean => "nothing is found, under any schedule".into(),
        Expects::Breaks(rule) => format!("{rule}, in every run"),
        Expects::MayBreak(rule) => format!("{rule}, under some schedules"),
        Expects::Stops(how) => format!("the machine stops in every run: {how}"),
        Expects::MayStop(how) => format!("the machine stops under some schedules: {how}"),
    }
}

/// Which row it is an exhibit of.
fn exhibited(name: &str) -> Option<String> {
    let row = rules::row_of_exhibit(name)?;
    let is_breaker = row.exhibits.breaker == name;
    Some(if is_breaker {
        format!("of {}, which finds it", row.name)
    } else {
        format!("the near miss of {}", row.name)
    })
}
