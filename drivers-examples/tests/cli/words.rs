//! What `storsim` says about itself and about what it found.

use crate::blessed;
use crate::storsim::Desk;
use drivers_examples::ALL;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use verifier::driver::{Expects, Source};
use verifier::rules;

fn names(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|row| row["name"].as_str().expect("a name")).collect()
}

#[test]
fn list_names_every_driver_and_every_rule() {
    let list: Value = Desk::new().clean("list --json").json();
    // A vandal may be an exhibit as well, and is listed as that.
    let is_listed = |name: &&str| rules::row_of_exhibit(name).is_none();
    let vandals = drivers_examples::vandals::ALL.iter().map(|driver| driver.name).filter(is_listed);
    let expected: Vec<_> = [
        "wdm-startio",
        "wdm-startio-complete-under-lock",
        "wdm-startio-next-under-lock",
        "wdm-startio-complete-under-cancel-lock",
        "wdm-startio-rare",
        "filter",
        "ramdisk",
        "ramdisk-service-irp-under-lock",
        "vioscsi",
        "ahci",
        "one-lock-2x3",
        "one-lock-3x2",
        "one-lock-2x6",
        "one-lock-3x3",
        "test-and-set",
        "one-lock-4x200",
        "lock-each-4x200",
        "lock-order",
        "lock-order-kept",
        "cancel-race",
        "cancel-race-locked",
        "lock-order-buried",
        "lock-order-buried-kept",
        "lock-order-skewed",
        "lock-order-skewed-kept",
        "isr-dpc-race",
        "isr-dpc-synchronized",
        "timer-remove-race",
        "timer-remove-flushed",
        "spins-on-register",
        "deadlocks-on-itself",
        "isr-never-returns",
        "panics",
    ]
    .into_iter()
    .chain(drivers_examples::museum::ALL.iter().map(|driver| driver.name))
    .chain(drivers_examples::suspects::ALL.iter().map(|driver| driver.name))
    .chain(vandals)
    .collect();
    assert_eq!(names(&list["drivers"]), expected);
    let rules: Vec<_> = rules::TABLE.iter().map(|r| r.name).collect();
    assert_eq!(names(&list["rules"]), rules);
    let exhibits: Vec<_> = rules::TABLE.iter().flat_map(|r| r.exhibits.names()).collect();
    let listed: BTreeSet<_> = names(&list["exhibits"]).into_iter().collect();
    assert_eq!(listed, exhibits.iter().copied().collect());
    let text = Desk::new().clean("list").out;
    for name in names(&list["drivers"]).into_iter().chain(rules).chain(exhibits) {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn list_has_the_exhibits_under_their_own_heading() {
    let text = Desk::new().storsim_at(Some(200), "list").out;
    let (_, below) = text.split_once("\nexhibits: ").expect("the heading");
    let (exhibits, _) = below.split_once("\nrules, checks and stops\n").expect("the next heading");
    let named = exhibits.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    assert_eq!(named.count(), 2 * rules::TABLE.len());
    let drivers = text.split_once("\nexhibits: ").expect("the heading").0;
    assert!(rules::TABLE.iter().flat_map(|r| r.exhibits.names()).all(|name| !drivers.contains(name)));
}

#[test]
fn a_row_is_explained_with_the_commands_that_run_its_exhibits() {
    for row in rules::TABLE {
        // So wide that no command is broken.
        let said = Desk::new().storsim_at(Some(400), &format!("explain {}", row.name)).out;
        for command in row.exhibits.commands() {
            assert!(said.contains(&command), "{command} is not in: {said}");
        }
    }
}

#[test]
fn a_driver_is_found_by_its_alias_and_called_by_its_name() {
    let list: Value = Desk::new().clean("list --json").json();
    let row = |name| list["drivers"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row("one-lock-2x3")["aliases"], serde_json::json!(["w1"]));
    assert_eq!(row("ahci")["aliases"], serde_json::json!([]));
    assert!(Desk::new().clean("list").out.contains("one lock (also w1)\n"));
    for words in ["w1", "one-lock-2x3", "w1 one-lock-2x3 w1*"] {
        let run = Desk::new().clean(&format!("run {words} --format json")).json();
        assert_eq!(run["driver"], "one-lock-2x3", "{words}");
    }
}

#[test]
fn no_two_drivers_share_a_name_or_an_alias() {
    let mut seen = BTreeSet::new();
    // The museum's have one word for all of them, and so have the suspects.
    let words = ["museum", "suspects"];
    for name in ALL.iter().flat_map(|driver| driver.names()).filter(|name| !words.contains(name)) {
        assert!(seen.insert(name), "{name} is given twice");
    }
}

#[test]
fn a_schedule_that_names_a_driver_by_its_alias_is_replayed() {
    let desk = Desk::new();
    assert_eq!(desk.storsim("stress w3a --seeds 0..4").status, 1);
    let text = desk.text("schedules/lock-order-seed0.schedule");
    assert!(text.contains("\ndriver lock-order\n"), "{text}");
    desk.write("old.schedule", text.replace("driver lock-order", "driver w3a"));
    let replay = desk.storsim("replay old.schedule");
    assert_eq!(replay.status, 1, "{replay:?}");
    assert!(replay.out.contains("\nlock-order  deterministic"), "{replay:?}");
}

#[test]
fn help_is_a_result() {
    for line in ["--help", "run --help", "replay --help", "explain --help", "list --help", "--version"] {
        let said = Desk::new().clean(line);
        assert!(said.err.is_empty() && said.out.contains("storsim"), "{line}: {said:?}");
    }
}

#[test]
fn the_report_of_a_violation_reads_as_it_was_blessed() {
    let desk = Desk::new();
    let said = desk.storsim("run wdm-startio-complete-under-lock --seed 1");
    assert_eq!((said.status, said.complaints().as_str()), (1, ""));
    blessed::check("complete_under_lock.txt", &said.out);
}

#[test]
fn the_report_of_a_layer_2_driver_reads_as_it_was_blessed() {
    let said = Desk::new().storsim("run ramdisk-service-irp-under-lock --seed 1");
    assert_eq!((said.status, said.complaints().as_str()), (1, ""));
    blessed::check("service_irp_under_lock.txt", &said.out);
}

#[test]
fn the_report_of_a_clean_run_reads_as_it_was_blessed() {
    blessed::check("clean.txt", &Desk::new().clean("run ramdisk --seed 1").out);
}

/// The calls of one source file that a report could quote: it names a routine of the table.
fn calls_a_routine(text: &str) -> bool {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let tables = || kernel_sim::ddi::TABLE.iter().chain(storport_sim::ddi::TABLE);
    code.into_iter().any(|line| tables().any(|ddi| line.contains(&format!("{}(", ddi.name))))
}

#[test]
fn reports_can_quote_every_file_of_the_drivers_that_calls_a_routine() {
    let sources: BTreeSet<&str> = ALL.iter().flat_map(|d| d.sources.iter().map(|s| s.path)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let name = path.strip_prefix(root.parent().unwrap()).unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            sources.contains(name) || !calls_a_routine(&text),
            "{name} is in no driver's sources, so a report could not quote it"
        );
    }
}

#[test]
fn the_quoted_sources_are_the_files_under_their_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for Source { path, text } in ALL.iter().flat_map(|d| d.sources) {
        assert_eq!(std::fs::read_to_string(root.join(path)).expect(path), *text, "{path}");
    }
}

#[test]
fn every_place_in_a_report_is_followed_by_its_source_line() {
    for driver in ALL.iter().filter(|d| !matches!(d.expects, Expects::MayBreak(_) | Expects::MayStop(_))) {
        for executor in ["deterministic", "parallel"] {
            // On real threads the minute after which a request is lost is a minute of the test's.
            if (driver.name, executor) == ("lost-request", "parallel") {
                continue;
            }
            let flags = rules::row_of_exhibit(driver.name).map_or("", |row| row.exhibits.flags);
            let line = format!("run {} {flags} --executor {executor} --ios 50", driver.name);
            let out = Desk::new().storsim(&line).out;
            let lines: Vec<_> = out.lines().collect();
            for (n, line) in lines.iter().enumerate() {
                let Some(location) = line.trim_start().strip_prefix("--> ") else { continue };
                let number = location.rsplit(':').nth(1).expect("a line number");
                let quoted = lines[n + 1].trim_start();
                assert!(quoted.starts_with(&format!("{number} |")), "{}: {line}\n{quoted}", driver.name);
            }
        }
    }
}
