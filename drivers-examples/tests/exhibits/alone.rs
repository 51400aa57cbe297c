//! A row needs no other: what it says with all others off is what it says among them.

use crate::{exhibits, finding, rows_with, setup};
use std::fmt::Write;
use verifier::rules::{Row, Selection, Sites, TABLE};
use verifier::run::{Executor, Setup};

/// The rows whose rules watch.
fn rules() -> impl Iterator<Item = &'static Row> {
    TABLE.iter().copied().filter(|row| row.make.is_some())
}

/// What is found in the row's breaker, in words; `None` for nothing.
fn said(row: &'static Row, rules: Selection, sites: Sites) -> Option<String> {
    let [bad, _] = exhibits(row);
    let setup = Setup { sites, ..setup(bad, row, Executor::Deterministic, rules) };
    let found = finding(bad, &setup, 0)?;
    let mut text = format!("{}: {}\n", found.of.name, found.what);
    for moment in found.earlier.iter().chain([&found.now]) {
        let (label, call, site) = (moment.label, moment.call.map(|call| call.name), moment.site);
        writeln!(text, "{label} {call:?} {site:?} at step {:?}", moment.step).expect("a string takes all");
    }
    Some(text)
}

#[test]
fn a_row_says_alone_what_it_says_among_others() {
    for row in rules() {
        let alone = Selection::none().with(row);
        let [alone, among] = [alone, rows_with(row)].map(|rules| said(row, rules, Sites::Kept));
        assert!(alone.is_some(), "{} finds nothing with all others off", row.name);
        assert_eq!(alone, among);
    }
}
