//! A row needs no other: what it says with all others off is what it says among them.

use crate::DETERMINISTIC_ONLY;
use crate::{exhibits, finding, rows_with, setup};
use std::fmt::Write;
use verifier::finding::Finding;
use verifier::rules::{Row, Selection, Sites, TABLE};
use verifier::run::{Executor, Setup};

/// The rows whose rules watch.
fn rules() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().copied().filter(|row| row.make.is_some())
}

/// What is found in the row's breaker.
fn found(row: &'static Row, executor: Executor, rules: Selection, sites: Sites) -> Option<Box<Finding>> {
    let [bad, _] = exhibits(row);
    finding(bad, &Setup { sites, ..setup(bad, row, executor, rules) }, 0)
}

/// A finding in words: what, and each moment that it shows.
fn in_words(found: &Finding) -> String {
    let mut text = format!("{}: {}\n", found.of.name, found.what);
    for moment in found.earlier.iter().chain([&found.now]) {
        let (label, call, site) = (&moment.label, moment.call.map(|call| call.name), moment.site);
        writeln!(text, "{label} {call:?} {site:?} at step {:?}", moment.step).expect("a string takes all");
    }
    text
}

#[test]
fn a_row_says_alone_what_it_says_among_others() {
    for row in rules() {
        let alone = Selection::none().with(row);
        let [alone, among] = [alone, rows_with(row)].map(|rules| {
            let found = found(row, Executor::Deterministic, rules, Sites::Kept);
            found.map(|found| in_words(&found))
        });
        assert!(alone.is_some(), "{} finds nothing with all others off", row.name);
        assert_eq!(alone, among);
    }
}

/// There the machine keeps nothing of locks that no rule asks for.
#[test]
fn so_it_does_on_real_threads() {
    for row in rules().filter(|row| DETERMINISTIC_ONLY.iter().all(|(name, _)| *name != row.name)) {
        let alone = Selection::none().with(row);
        let [alone, among] = [alone, rows_with(row)].map(|rules| {
            let found = found(row, Executor::Parallel, rules, Sites::Kept);
            found.map(|found| (found.of.name, found.earlier.len()))
        });
        assert_eq!(alone, among);
    }
}
