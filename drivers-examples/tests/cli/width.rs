//! Reports fit the terminal: only quoted source lines may be wider, and every width tells the same.

use crate::storsim::{Desk, soak};
use drivers_examples::ALL;
use std::collections::BTreeSet;
use std::thread;
use verifier::driver::Expects;

/// Commands whose text is long, and a driver of each row, and a clean one; under `STORSIM_SOAK` every driver
/// that reports something by itself, and those that may.
fn lines() -> Vec<String> {
    let words = ["SpinLockSafe", "0xC4", "pct", "late", "hotplug", "ahci", "StorPortNotification", "stops"];
    let mut lines = vec!["list".to_owned(), "run ramdisk --ios 50 --fault all".to_owned()];
    lines.extend(words.map(|word| format!("explain {word}")));
    // The museum's take long to find, and are reported like the others of the same row.
    let mut told = BTreeSet::new();
    let drivers = ALL.iter().filter(|driver| !driver.is_called("museum"));
    let drivers = drivers.filter(|driver| told.insert(format!("{:?}", driver.expects)) || soak(false, true));
    lines.extend(drivers.map(|driver| match driver.expects {
        Expects::MayBreak(_) | Expects::MayStop(_) => {
            format!("stress {} --ios 50 --schedules 200 --strategy random --runaway 1", driver.name)
        }
        Expects::Clean | Expects::Breaks(_) | Expects::Stops(_) => {
            format!("run {} --ios 50 --runaway 1", driver.name)
        }
    }));
    lines
}

/// Whether a line quotes a source: a number, a bar, the text.
fn is_quote(line: &str) -> bool {
    line.split_once(" |").is_some_and(|(number, _)| number.trim().parse::<u32>().is_ok())
}

/// The words of a report without its table, whose columns depend on the width, and without a rate.
fn words(text: &str) -> Vec<&str> {
    let is_table = |line: &&str| line.starts_with(['+', '|']);
    let words = text.lines().filter(|line| !is_table(line)).flat_map(str::split_whitespace);
    let words = words.filter(|word| !matches!(*word, "|" | "\\"));
    let mut words: Vec<_> = words.collect();
    if let Some(rate) = words.windows(3).position(|w| w[1..] == ["a", "second"]) {
        words.drain(rate..rate + 6);
    }
    words
}

#[test]
fn no_line_is_wider_than_the_terminal_but_source_quotes() {
    for line in lines() {
        let desk = Desk::new();
        let at = |width| {
            let text = desk.storsim_at(Some(width), &line).out;
            for printed in text.lines().filter(|printed| !is_quote(printed)) {
                let columns = printed.chars().count();
                assert!(columns <= width, "{line}, {columns} columns of {width}: {printed}");
            }
            text
        };
        let (narrow, wide) = thread::scope(|scope| {
            let narrow = scope.spawn(|| at(80));
            let wide = at(200);
            (narrow.join().expect("the lines fit into 80 columns"), wide)
        });
        // A word that is longer than a line, such as an address of a page, is broken within itself.
        assert_eq!(words(&narrow).concat(), words(&wide).concat(), "{line}");
    }
}
