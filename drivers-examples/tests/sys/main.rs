//! Drivers from files: the two that are checked in, made of `c/vmini.c`, run, are stressed and replayed.
//!
//! The files are as `storsim cc` makes them, so no compiler is needed here; where clang and lld are found,
//! they are made again and must run alike.

mod bad_files;
mod drives;
mod made_again;
mod wdm;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// A directory of its own with the two files in it.
fn desk() -> TempDir {
    let desk = tempfile::tempdir().expect("a directory for temporary files");
    for (name, bytes) in [("vmini.sys", CLEAN), ("broken.sys", BROKEN)] {
        std::fs::write(desk.path().join(name), bytes).expect("room for a file");
    }
    desk
}

const CLEAN: &[u8] = include_bytes!("../../c/vmini.sys");
/// The same sources with COMPLETE_UNDER_LOCK.
const BROKEN: &[u8] = include_bytes!("../../c/vmini-complete-under-lock.sys");

fn storsim(desk: &TempDir, words: &str) -> Assert {
    let mut command = Command::cargo_bin("storsim").expect("the binary");
    command.current_dir(desk).env("NO_COLOR", "1").args(words.split(' ')).assert()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
}

/// The line of a report that begins so.
fn line<'a>(text: &'a str, begins: &str) -> &'a str {
    let found = text.lines().find(|line| line.trim_start().starts_with(begins));
    found.unwrap_or_else(|| panic!("no line begins with {begins:?} in\n{text}"))
}

#[test]
fn a_clean_miniport_in_c_is_clean_in_both_executors_and_under_many_schedules() {
    let desk = desk();
    let report = stdout(&storsim(&desk, "run --sys vmini.sys --ios 200").success());
    assert!(report.contains("clean: vmini.sys broke no rule in this run"), "{report}");
    storsim(&desk, "run --sys vmini.sys --ios 2000 --executor parallel").success();
    // Every execution begins with the globals as they are in the file: DriverEntry refuses a second load.
    storsim(&desk, "stress --sys vmini.sys --schedules 40 --ios 50").success();
}

#[test]
fn requests_stay_within_the_disk_that_the_file_brings() {
    // Its disk has 16 MiB, whatever the flag says.
    storsim(&desk(), "run --sys vmini.sys --ios 100 --size 64m").success();
    storsim(&desk(), "run --sys vmini.sys --ios 100 --size 1m").success();
}

#[test]
fn the_same_seed_of_a_file_gives_the_same_trace_in_two_processes() {
    let desk = desk();
    let runs = [1, 2].map(|_| stdout(&storsim(&desk, "run --sys vmini.sys --seed 7 --ios 100").success()));
    assert_eq!(line(&runs[0], "trace "), line(&runs[1], "trace "));
}

#[test]
fn a_completion_under_a_lock_in_c_is_found_with_its_lines_and_replayed() {
    let desk = desk();
    let found = stdout(&storsim(&desk, "run --sys broken.sys").code(1));
    let verdict = "error[SpinLockSafe]: IoCompleteRequest called while the driver holds a spin lock";
    assert!(found.contains(verdict), "{found}");
    // Both calls, by their lines in the C source.
    let source = include_str!("../../c/vmini.c");
    let number_of = |text: &str| source.lines().position(|line| line.contains(text)).expect("a line") + 1;
    let complete = number_of("    IoCompleteRequest(Irp, IO_NO_INCREMENT);");
    assert!(found.contains(&format!("drivers-examples/c/vmini.c:{complete}:5")), "{found}");
    // The report says how to see it again.
    let again = "replay schedules/broken.sys-seed1.schedule --sys broken.sys";
    assert!(line(&found, "replay ").ends_with(&format!("storsim {again}")), "{found}");
    let replayed = stdout(&storsim(&desk, &format!("{again} -q")).code(1));
    assert!(replayed.contains(verdict), "{replayed}");
    assert_eq!(line(&found, "trace "), line(&replayed, "trace "));
}

#[test]
fn reports_quote_sources_that_are_found() {
    let desk = desk();
    let c = concat!(env!("CARGO_MANIFEST_DIR"), "/c");
    let found = stdout(&storsim(&desk, &format!("run --sys broken.sys --source {c}")).code(1));
    assert!(found.contains("| IoCompleteRequest(Irp, IO_NO_INCREMENT);"), "{found}");
    assert!(found.contains("spin lock Extension->Lock taken by KeAcquireSpinLock"), "{found}");
}

#[test]
fn a_schedule_wants_the_file_that_it_was_recorded_with() {
    let desk = desk();
    storsim(&desk, "run --sys broken.sys").code(1);
    let schedule = "schedules/broken.sys-seed1.schedule";
    let without = storsim(&desk, &format!("replay {schedule}")).code(2);
    let stderr = String::from_utf8_lossy(&without.get_output().stderr).into_owned();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("no driver is called 'broken.sys' here"), "{stderr}");
}

#[test]
fn the_page_of_a_file_says_what_it_imports() {
    let desk = desk();
    let page = stdout(&storsim(&desk, "explain --sys vmini.sys").success());
    assert!(page.contains("StorPortInitialize"), "{page}");
}

#[test]
fn generated_headers_are_up_to_date() {
    let desk = desk();
    storsim(&desk, "headers .").success();
    for name in ["wdm_numbers.h", "wdm_routines.h", "storport_numbers.h", "storport_routines.h"] {
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).expect("a header");
        let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/wdk/generated");
        let (made, kept) = (read(desk.path().join(name)), read([checked_in, name].iter().collect()));
        assert!(made == kept, "{name} is stale: storsim headers drivers-examples/wdk/generated");
    }
}
