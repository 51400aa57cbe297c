//! Drivers that break the rule are caught, at the right line, with the lock and who took it.

use crate::storsim::{BROKEN, Broken, Desk, soak};
use drivers_examples::ALL;
use serde_json::Value;
use std::path::Path;
use verifier::rules::{Row, TABLE, row_of_exhibit};

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("'{key}' is no text in {object}"))
}

/// The source line at a location such as `drivers-examples/src/x.rs:10:5`.
fn line_at(location: &str) -> String {
    let [column, line, file] = location.rsplitn(3, ':').collect::<Vec<_>>()[..] else { panic!("{location}") };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let source = std::fs::read_to_string(root.join(file)).expect("a source file of the workspace");
    let line = source.lines().nth(line.parse::<usize>().unwrap() - 1).expect("a line of the file");
    line[column.parse::<usize>().unwrap() - 1..].to_owned()
}

fn assert_caught(broken: &Broken, flags: &str) -> Value {
    let said = Desk::new().storsim(&format!("run {} {flags} --format json", broken.driver));
    assert_eq!(said.status, 1, "{said:?}");
    let run = said.json();
    assert_eq!(run["driver"], broken.driver);
    assert_eq!(run["outcome"], "finding");
    assert_eq!(run["seed"], 1);
    assert_eq!(run["finding"]["rule"], "SpinLockSafe");
    let now = &run["finding"]["now"];
    assert_eq!(now["call"], broken.call);
    assert!(now["cpu"].as_u64().unwrap() < 4);
    assert_eq!(now["irql"], 2);
    assert!(text(now, "location").starts_with(broken.file), "{now}");
    let locks = now["locks"].as_array().expect("a list");
    assert_eq!(locks.len(), 1, "{now}");
    assert_eq!(locks[0]["routine"], broken.routine);
    assert!(text(&locks[0], "location").starts_with(broken.file), "{now}");
    // Layer 1 names both calls at their places.
    if broken.driver.starts_with("wdm") {
        assert!(line_at(text(now, "location")).starts_with(broken.call), "{now}");
        assert!(line_at(text(&locks[0], "location")).starts_with(broken.routine), "{now}");
    }
    run
}

#[test]
fn each_broken_driver_is_caught_by_the_deterministic_executor() {
    for broken in &BROKEN {
        let run = assert_caught(broken, "--executor deterministic --seed 1");
        assert!(!text(&run, "trace_hash").is_empty());
        let finding = &run["finding"];
        let (now, earlier) = (&finding["now"], &finding["earlier"][0]);
        assert!(now["step"].as_u64() > earlier["step"].as_u64(), "{finding}");
        assert_eq!(earlier["label"], "taken");
    }
}

#[test]
fn each_broken_driver_is_caught_by_the_parallel_executor() {
    for _ in 0..soak(3, 100) {
        for broken in &BROKEN {
            let run = assert_caught(broken, "--executor parallel --cpus 4");
            assert_eq!(run["trace_hash"], Value::Null);
        }
    }
}

#[test]
fn a_broken_driver_goes_unnoticed_when_the_rule_is_off() {
    for broken in BROKEN.iter().filter(|b| b.call == "IoCompleteRequest") {
        for flags in ["", "--executor parallel"] {
            let line = format!("run {} --rules none --cancel 0 --format json {flags}", broken.driver);
            assert_eq!(Desk::new().clean(&line).json()["outcome"], "clean");
        }
    }
}

#[test]
fn without_sites_the_locks_are_counted_and_the_call_still_named() {
    for broken in &BROKEN {
        let line = format!("run {} --sites counted --executor parallel --format json", broken.driver);
        let said = Desk::new().storsim(&line);
        assert_eq!(said.status, 1);
        let run = said.json();
        assert_eq!(run["finding"]["now"]["call"], broken.call);
        assert_eq!(run["finding"]["earlier"], serde_json::json!([]));
    }
}

#[test]
fn several_drivers_print_a_line_each_and_one_finding_decides_the_status() {
    let said = Desk::new().storsim("run all --ios 50 --runaway 1 --format json");
    assert_eq!(said.status, 1);
    let drivers = ALL.iter().filter(|driver| row_of_exhibit(driver.name).is_none());
    assert_eq!(said.out.lines().count(), drivers.count());
    let said = Desk::new().clean("run wdm-startio ramdisk --ios 50 --format json");
    assert_eq!(said.out.lines().count(), 2);
}

#[test]
fn the_word_exhibits_runs_every_exhibit_and_no_other_driver() {
    let said = Desk::new().storsim("run exhibits --ios 50 --rules all --no-shrink --format json");
    assert_eq!(said.status, 1);
    let runs: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = runs.iter().map(|run| text(run, "driver")).collect();
    let exhibits = ALL.iter().map(|driver| driver.name).filter(|name| row_of_exhibit(name).is_some());
    assert_eq!(names, exhibits.collect::<Vec<_>>());
    let found = runs.iter().filter(|run| run["outcome"] == "finding").count();
    let is_found = |row: &&&Row| row.exhibits.flags.is_empty() || row.exhibits.flags.starts_with("--rules");
    assert_eq!(
        found,
        TABLE.iter().filter(is_found).count(),
        "the others need flags that this command has not"
    );
}
