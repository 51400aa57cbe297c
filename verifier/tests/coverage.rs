//! The coverage page is generated from the tables, and the tables agree with the documented facts.
//!
//! `STORSIM_BLESS=1 cargo test -p verifier --test coverage` writes the page anew.
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use kernel_sim::irql::Irql;
use kernel_sim::routine::{Coverage, DdiInfo};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use verifier::explain;

const FACTS: &str = include_str!("../data/ddi.tsv");
const MUST_INSPECT: &str = include_str!("../data/must_inspect.tsv");
const TIERS: &str = include_str!("../data/tiers.tsv");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/DDI-COVERAGE.md");

/// Routines whose documented facts the list does not have: they are not in the storage drivers' set.
struct Fact<'a> {
    header: &'a str,
    irql: Option<(Irql, Irql)>,
}

fn level(word: &str, highest: bool) -> Irql {
    match word {
        "PASSIVE" => Irql::PASSIVE,
        "APC" => Irql::APC,
        "DISPATCH" => Irql::DISPATCH,
        "DIRQL" if highest => Irql::DEVICE_MAX,
        "DIRQL" => Irql::DEVICE_MIN,
        "HIGH" => Irql::HIGH,
        other => panic!("'{other}' is no level"),
    }
}

fn facts() -> BTreeMap<&'static str, Fact<'static>> {
    FACTS
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|line| {
            let [name, header, low, high] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let irql = (low != "-").then(|| (level(low, false), level(high, true)));
            (name, Fact { header, irql })
        })
        .collect()
}

fn tables() -> Vec<&'static DdiInfo> {
    kernel_sim::ddi::TABLE.iter().chain(storport_sim::ddi::TABLE).copied().collect()
}

#[test]
fn a_row_says_must_use_if_the_list_says_who_wants_its_result_inspected() {
    let listed = MUST_INSPECT.lines().filter(|line| !line.starts_with('#'));
    let listed: Vec<_> = listed.map(|line| line.split_once('\t').expect("a name and a source").0).collect();
    let mut marked: Vec<_> =
        tables().into_iter().filter(|ddi| ddi.must_inspect).map(|ddi| ddi.name).collect();
    marked.sort_unstable();
    assert_eq!(marked, listed);
}

#[test]
fn every_row_has_the_documented_irql_range() {
    let facts = facts();
    for ddi in tables() {
        if let Some(fact) = facts.get(ddi.name) {
            assert_eq!(ddi.irql, fact.irql, "{}", ddi.name);
        }
    }
}

#[test]
fn every_row_has_a_number_of_its_own() {
    let mut seen = BTreeMap::new();
    for ddi in tables() {
        assert_eq!(seen.insert(ddi.id, ddi.name), None, "{} shares its number", ddi.name);
    }
}

/// A routine that drivers need first.
struct Needed {
    name: &'static str,
    /// Why it is not modelled.
    reason: Option<&'static str>,
}

/// The routines that drivers need first, by tier.
fn tiers() -> BTreeMap<&'static str, Vec<Needed>> {
    let mut tiers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for line in TIERS.lines().filter(|l| !l.starts_with('#')) {
        let (tier, name, reason) = match line.split('\t').collect::<Vec<_>>()[..] {
            [tier, name] => (tier, name, None),
            [tier, name, reason] => (tier, name, Some(reason)),
            _ => panic!("{line}"),
        };
        tiers.entry(tier).or_default().push(Needed { name, reason });
    }
    tiers
}

#[test]
fn what_drivers_need_first_is_modelled_or_has_a_reason() {
    let tables = tables();
    for (tier, needed) in tiers().into_iter().flat_map(|(t, all)| all.into_iter().map(move |n| (t, n))) {
        let Needed { name, reason } = needed;
        let row = tables.iter().find(|ddi| ddi.name == name);
        let is_modelled = row.is_some_and(|ddi| ddi.coverage == Coverage::Modelled);
        assert!(is_modelled || reason.is_some(), "{name} of tier {tier} is not modelled, and has no reason");
        assert!(!is_modelled || reason.is_none(), "{name} of tier {tier} is modelled: {reason:?}");
        assert!(reason.is_none() || tier == "3", "{name} of tier {tier} is to be modelled");
    }
}

/// Whether a routine without a row is here as the function over a driver's own structures that it is in the
/// WDK: a macro or an inline.
fn is_inline(name: &str) -> bool {
    INLINES.iter().any(|text| {
        text.match_indices(&format!("fn {name}"))
            .any(|(at, found)| text[at + found.len()..].starts_with(['(', '<']))
    })
}

/// The files that have them.
const INLINES: &[&str] = &[
    include_str!("../../kernel-sim/src/ddi/inline.rs"),
    include_str!("../../storport-sim/src/ddi/convert.rs"),
];

#[test]
fn the_coverage_page_is_fresh() {
    let page = page();
    if std::env::var_os("STORSIM_BLESS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let found = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        found == page,
        "DDI-COVERAGE.md is stale: run STORSIM_BLESS=1 cargo test -p verifier --test coverage"
    );
}

fn page() -> String {
    let (facts, tables) = (facts(), tables());
    let have: BTreeMap<&str, &DdiInfo> = tables.iter().map(|d| (d.name, *d)).collect();
    let others = facts.iter().filter(|(name, _)| !have.contains_key(*name));
    let (inlines, missing): (Vec<_>, Vec<_>) = others.partition(|(name, _)| is_inline(name));
    let count = |c| tables.iter().filter(|d| d.coverage == c).count();
    let mut page = String::from(
        "# DDI coverage\n\nGenerated from the tables in `kernel-sim` and `storport-sim`; do not edit.\n\n",
    );
    let _ = writeln!(
        page,
        "{} modelled, {} accepted and ignored, {} not here yet.\n",
        count(Coverage::Modelled),
        count(Coverage::Ignored),
        missing.len() + count(Coverage::NotHereYet)
    );
    page.push_str("What drivers need first (`data/tiers.tsv` names them and says why):\n\n");
    for (tier, all) in tiers() {
        let modelled = all.iter().filter(|needed| needed.reason.is_none()).count();
        let _ = writeln!(page, "- tier {tier}: {modelled} of {} modelled", all.len());
        for Needed { name, reason } in all {
            if let Some(reason) = reason {
                let _ = writeln!(page, "  - {} is not: {reason}", linked(name));
            }
        }
    }
    page.push_str(
        "\n| routine | header | IRQL | status | watched by | what it does |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for (name, ddi) in &have {
        let irql = ddi.irql.map_or_else(|| "undocumented".into(), |(low, high)| explain::irqls(low, high));
        let status = match ddi.coverage {
            Coverage::Modelled => "modelled",
            Coverage::Ignored => "accepted and ignored",
            Coverage::NotHereYet => "not here yet",
        };
        let summary: Vec<_> = ddi.summary.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        let rules: Vec<_> = explain::watched_by(ddi).map(|rule| rule.name).collect();
        let (rules, summary) = (rules.join(", "), summary.join(" "));
        let _ =
            writeln!(page, "| {} | {} | {irql} | {status} | {rules} | {summary} |", linked(name), ddi.header);
    }
    page.push_str(
        "\n## Here without a row\n\nMacros and inlines of the WDK over structures of the driver's own: a call \
         is no call of the system, so nothing watches it.\n\n",
    );
    for (name, fact) in inlines {
        let _ = writeln!(page, "- {} ({})", linked(name), fact.header);
    }
    page.push_str("\n## Not in the tables\n\nRoutines storage drivers are documented to call that this storsim has no row for.\n\n");
    for (name, fact) in missing {
        let irql =
            fact.irql.map_or_else(|| "IRQL undocumented".into(), |(low, high)| explain::irqls(low, high));
        let _ = writeln!(page, "- {} ({}, {irql})", linked(name), fact.header);
    }
    page
}

/// A routine's name, with a link to Microsoft's page where its address is known.
fn linked(name: &str) -> String {
    explain::link(name).map_or_else(|| name.to_owned(), |link| format!("[{name}](https://{link})"))
}

#[test]
fn a_routine_that_a_rule_watches_says_so() {
    let watched = |name: &str| {
        let row = tables().into_iter().find(|row| row.name == name).unwrap();
        explain::watched_by(row).map(|rule| rule.name).collect::<Vec<_>>()
    };
    assert!(watched("IoCompleteRequest").contains(&"SpinLockSafe"));
    assert_eq!(
        watched("StorPortReleaseSpinLock"),
        ["StorPortSpinLock", "StorPortSpinLock3", "StorPortSpinLock4"]
    );
    assert!(watched("KeEnterCriticalRegion").contains(&"IrqlKeApcLte2"));
    assert!(watched("KeFlushQueuedDpcs").contains(&"CallIrql"));
    assert!(watched("StorPortPause").is_empty());
}
