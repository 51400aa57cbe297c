//! The same from the command line: `storsim` ends with the finding, in time, and with a status of its own.

use crate::VANDALS;
use assert_cmd::Command;
use std::path::Path;
use std::process::{Child, Output, Stdio};

fn storsim(directory: &Path, line: &str) -> Command {
    let mut command = Command::cargo_bin("storsim").expect("the program was built with the tests");
    command.args(line.split_whitespace()).current_dir(directory).env("NO_COLOR", "1").env("COLUMNS", "300");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_stress_of_each_prints_the_row_and_the_line() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (driver, row, file, _) in VANDALS {
        let line = format!("stress {} --time 10s --jobs 2 --runaway 1", driver.name);
        let output = storsim(directory.path(), &line).output().expect("it starts");
        let out = text(&output.stdout);
        assert_eq!(output.status.code(), Some(1), "{line}: {out}\n{}", text(&output.stderr));
        assert!(out.contains(&format!("error[{row}]")), "{line}: {out}");
        assert!(out.contains(&format!("drivers-examples/src/vandals/{file}:")), "{line}: {out}");
    }
}

#[test]
fn a_schedule_of_a_fault_is_replayed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let status = storsim(directory.path(), "run vandal-wild-write").output().expect("it starts").status;
    assert_eq!(status.code(), Some(1));
    let replay = "replay schedules/vandal-wild-write-seed1.schedule --quiet";
    let output = storsim(directory.path(), replay).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("error[DRIVER_IRQL_NOT_LESS_OR_EQUAL]"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn all_of_them_run_in_one_process() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let line = "stress vandal-* --keep-going --schedules 3 --runaway 1 --no-shrink --format json";
    let output = storsim(directory.path(), line).output().expect("it starts");
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}\n{}", text(&output.stderr));
    for (driver, row, ..) in VANDALS {
        let summary = |l: &&str| {
            l.contains("\"record\":\"summary\"") && l.contains(&format!("\"driver\":\"{}\"", driver.name))
        };
        let summary = out.lines().find(summary).unwrap_or_else(|| panic!("{}: {out}", driver.name));
        assert!(summary.contains(&format!("\"rule\":\"{row}\"")), "{summary}");
    }
}

fn start(directory: &Path, line: &str) -> Child {
    std::process::Command::new(assert_cmd::cargo::cargo_bin("storsim"))
        .args(line.split_whitespace())
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts")
}

/// Sends the signal after a second; returns what it said.
#[expect(clippy::disallowed_methods, reason = "a process of its own is waited for")]
fn signalled(line: &str, signal: &str) -> Output {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let child = start(directory.path(), line);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args([signal, &id]).status().expect("kill").success());
    child.wait_with_output().expect("it ends")
}

#[test]
fn a_signal_ends_a_run_with_its_figures() {
    for (signal, status) in [("-INT", 130), ("-TERM", 143)] {
        let output = signalled("run ramdisk --ios 1000000000", signal);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{out}\n{err}");
        assert!(err.contains("interrupted"), "{err}");
        assert!(out.contains("requests  ") && out.contains("interrupted: ramdisk"), "{out}");
    }
}

#[test]
fn an_interrupted_command_says_what_was_not_begun() {
    let output = signalled("run ramdisk wdm-startio --ios 1000000000", "-INT");
    let out = text(&output.stdout);
    assert_eq!(
        out.lines().last(),
        Some("2 drivers: 0 clean; 1 interrupted: ramdisk; 1 not begun: wdm-startio")
    );
    let output = signalled("stress ramdisk wdm-startio ahci --ios 50 --schedules 100000000", "-INT");
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{out}\n{}", text(&output.stderr));
    let line = out.lines().next().expect("a line");
    assert!(line.starts_with("interrupted after ") && line.ends_with("broke no rule so far"), "{out}");
    assert!(line.contains(" of 100000000 schedules: ramdisk"), "{out}");
    let tally = "3 drivers: 0 clean; 1 interrupted: ramdisk; 2 not begun: wdm-startio, ahci";
    assert_eq!(out.lines().last(), Some(tally), "{out}");
}

#[test]
fn a_signal_ends_driver_code_that_does_not_come_back() {
    let output = signalled("stress vandal-spin --runaway 100", "-TERM");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(err.contains("interrupted"), "{err}");
    // It was looping when the signal came: that is what there is to tell.
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    assert!(out.contains("error[runaway]"), "{out}");
}

#[test]
fn a_stress_ends_in_time_whatever_the_driver_does() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for driver in ["vandal-spin", "vandal-host-mutex", "ahci"] {
        let clock = kernel_sim::host_clock::HostClock::start();
        let line = format!("stress {driver} --time 3s --jobs 2 --runaway 100");
        let status = storsim(directory.path(), &line).output().expect("it starts").status.code();
        assert!(matches!(status, Some(0 | 1)), "{driver}: {status:?}");
        assert!(clock.elapsed().as_secs() < 9, "{driver}: {:?}", clock.elapsed());
    }
}
