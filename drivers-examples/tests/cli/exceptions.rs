//! `storsim.toml`: a rule is off for a driver, with a reason that every result tells.

use crate::storsim::Desk;
use serde_json::json;

const DRIVER: &str = "wdm-startio-complete-under-lock";
const REASON: &str = "the completion routines above take no lock";
const TOLD: &str = "1 row off by storsim.toml: SpinLockSafe (the completion routines above take no lock)";

fn file(driver: &str) -> String {
    format!("# Ours.\n[[exception]]\ndriver = \"{driver}\"\nrule = \"SpinLockSafe\"\nreason = \"{REASON}\"\n")
}

#[test]
fn a_rule_is_off_for_the_drivers_of_an_exception_only() {
    let desk = Desk::new();
    let run = format!("run {DRIVER} wdm-startio-next-under-lock --ios 20");
    assert_eq!(desk.storsim(&run).status, 1);
    desk.write("storsim.toml", file("*-complete-under-lock"));
    let said = desk.storsim(&run);
    assert_eq!(said.status, 1, "the other driver has no exception: {said:?}");
    assert!(said.out.contains(TOLD) && said.out.contains(&format!("clean: {DRIVER}")), "{said:?}");
    assert_eq!(said.out.matches("error[SpinLockSafe]").count(), 1, "{said:?}");
}

#[test]
fn a_summary_tells_the_reason_in_every_form() {
    let desk = Desk::new();
    desk.write("storsim.toml", file(DRIVER));
    let stress = format!("stress {DRIVER} --schedules 2 --ios 20 --plain");
    assert_eq!(desk.clean(&stress).field("rules "), TOLD);
    let json = desk.clean(&format!("{stress} --format json")).json();
    let told = json!([{ "rule": "SpinLockSafe", "reason": REASON, "file": "storsim.toml" }]);
    assert_eq!(
        (&json["options"]["exceptions"], &json["options"]["rules"]),
        (&told, &json!("default,-SpinLockSafe"))
    );
}

#[test]
fn a_file_may_be_named_and_the_rules_of_the_command_line_win() {
    let desk = Desk::new();
    desk.write("ours.toml", file(DRIVER));
    let run = format!("run {DRIVER} --ios 20");
    assert_eq!(desk.storsim(&run).status, 1, "no storsim.toml is here");
    let said = desk.clean(&format!("{run} --config ours.toml"));
    assert_eq!(said.field("rules "), TOLD.replace("storsim.toml", "ours.toml"));
    let said = desk.storsim(&format!("{run} --config ours.toml --rules default"));
    assert_eq!(said.status, 1, "{said:?}");
    assert!(!said.out.contains("ours.toml"), "{said:?}");
    assert_eq!(desk.storsim(&format!("{run} --rules default,-SpinLockSafe")).status, 0);
    assert_eq!(desk.storsim(&format!("{run} --rules all,-SpinLockSafe,SpinLockSafe")).status, 1);
}

#[test]
fn a_bad_file_is_one_line_that_names_file_and_line() {
    let desk = Desk::new();
    let run = format!("run {DRIVER}");
    desk.refused(&format!("{run} --config none.toml"), &["none.toml"]);
    desk.write("bytes.toml", [0xFF, 0xFE]);
    desk.refused(&format!("{run} --config bytes.toml"), &["bytes.toml", "UTF-8"]);
    for (text, names) in [
        (file(DRIVER).replace("reason", "why"), ["storsim.toml:5: ", "why"]),
        (
            file(DRIVER).replace("SpinLockSafe", "SpinLockSave"),
            ["storsim.toml:4: ", "did you mean 'SpinLockSafe'"],
        ),
        ("[[exception]]\ndriver = \"a\"\nrule = \"SpNoWait\"\n".to_owned(), ["storsim.toml:1: ", "reason"]),
        ("exception = 7\n".to_owned(), ["storsim.toml:1: ", "sequence"]),
        ("[[exception\n".to_owned(), ["storsim.toml:1: ", ""]),
    ] {
        desk.write("storsim.toml", text);
        desk.refused(&run, &names);
    }
}

#[test]
fn a_schedule_of_an_excepted_driver_replays_without_the_file() {
    let desk = Desk::new();
    let exception = "[[exception]]\ndriver = \"*\"\nrule = \"StorPortSpinLock\"\nreason = \"a test\"\n";
    desk.write("storsim.toml", exception);
    let said = desk.storsim(&format!("run {DRIVER} --ios 20"));
    let file = said.field("replay ").rsplit(' ').next().expect("a file").to_owned();
    assert!(desk.text(&file).contains("default,-StorPortSpinLock"), "{said:?}");
    std::fs::remove_file(desk.path("storsim.toml")).unwrap();
    assert_eq!(desk.storsim(&format!("replay {file} --quiet")).status, 1);
}
