//! Standard output that takes nothing more: one line, no panic, and no finding is lost.

use assert_cmd::Command;
use std::fs::File;
use std::process::Stdio;

/// Runs `storsim` with a full disk for its standard output; its status and standard error.
fn on_full_disk(line: &str) -> (i32, String) {
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let program = Command::cargo_bin("storsim").expect("the program was built with the tests");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = std::process::Command::new(program.get_program())
        .args(line.split_whitespace())
        .current_dir(directory.path())
        .env("NO_COLOR", "1")
        .stdout(Stdio::from(full))
        .stderr(Stdio::piped())
        .output()
        .expect("the program starts");
    (output.status.code().expect("it ends by itself"), String::from_utf8(output.stderr).expect("text"))
}

const ERROR: &str = "error: standard output: No space left on device (os error 28)\n";

#[test]
fn a_full_disk_is_one_line() {
    for line in ["list", "list --json", "explain SpinLockSafe", "run ramdisk --ios 5"] {
        assert_eq!(on_full_disk(line), (2, ERROR.to_owned()), "{line}");
    }
    for line in ["stress ramdisk --ios 5 --schedules 5", "stress ramdisk --ios 5 --schedules 5 --format json"]
    {
        assert_eq!(on_full_disk(line), (2, ERROR.to_owned()), "{line}");
    }
}

#[test]
fn a_finding_goes_to_standard_error_instead() {
    for (line, found) in [
        ("run spin-lock-safe", "error[SpinLockSafe]"),
        ("stress lock-order --schedules 50", "error[deadlock]"),
        ("stress lock-order --schedules 50 --format json", "\"rule\":\"deadlock\""),
    ] {
        let (status, said) = on_full_disk(line);
        assert_eq!(status, 1, "{line}: {said}");
        assert!(said.contains(found) && said.ends_with(ERROR), "{line}: {said}");
    }
}
