//! The WDM driver in C: the two files that are checked in, made of `c/wdisk`.

use super::made_again::tools_are_here;
use super::{line, stdout, storsim};
use tempfile::TempDir;

const CLEAN: &[u8] = include_bytes!("../../c/wdisk.sys");
/// The same sources with COMPLETE_UNDER_LOCK.
const BROKEN: &[u8] = include_bytes!("../../c/wdisk-complete-under-lock.sys");

/// A directory of its own with the two files in it, and the sources where they were when the files were made.
fn desk() -> TempDir {
    let desk = tempfile::tempdir().expect("a directory for temporary files");
    for (name, bytes) in [("wdisk.sys", CLEAN), ("broken.sys", BROKEN)] {
        std::fs::write(desk.path().join(name), bytes).expect("room for a file");
    }
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::os::unix::fs::symlink(format!("{root}/drivers-examples"), desk.path().join("drivers-examples"))
        .expect("a link");
    desk
}

/// The directory of the sources, which its storsim-cc.toml names.
const SOURCES: &str = "drivers-examples/c/wdisk";

#[test]
fn a_clean_wdm_driver_in_c_is_clean_in_both_executors_and_under_many_schedules() {
    let desk = desk();
    // That it is a WDM driver the file tells.
    let report = stdout(&storsim(&desk, "run --sys wdisk.sys --ios 200 --cancel 8").success());
    assert!(report.contains("clean: wdisk.sys broke no rule in this run"), "{report}");
    storsim(&desk, "run --sys wdisk.sys --ios 2000 --executor parallel").success();
    // Environments are drawn: it is stopped, put to sleep, pulled out, lied to.
    storsim(&desk, "stress --sys wdisk.sys --schedules 200 --ios 50").success();
}

#[test]
fn the_same_seed_of_a_wdm_driver_gives_the_same_trace_in_two_processes() {
    let desk = desk();
    let run = "run --sys wdisk.sys --seed 7 --ios 100 --cancel 8";
    let runs = [1, 2].map(|_| stdout(&storsim(&desk, run).success()));
    assert_eq!(line(&runs[0], "trace "), line(&runs[1], "trace "));
}

#[test]
fn a_completion_under_a_lock_in_a_wdm_driver_is_found_with_its_lines_and_replayed() {
    let desk = desk();
    let found = stdout(&storsim(&desk, "run --sys broken.sys").code(1));
    let verdict = "error[SpinLockSafe]: IoCompleteRequest called while the driver holds a spin lock";
    assert!(found.contains(verdict), "{found}");
    let source = include_str!("../../c/wdisk/requests.c");
    let number_of = |text: &str| source.lines().position(|line| line == text).expect("a line") + 1;
    for text in [
        "    IoCompleteRequest(Irp, IO_DISK_INCREMENT);",
        "    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);",
    ] {
        let place = format!("drivers-examples/c/wdisk/requests.c:{}:5", number_of(text));
        assert!(found.contains(&place), "{place}\n{found}");
        assert!(found.contains(&format!("| {}", text.trim())), "{text}\n{found}");
    }
    let again = "replay schedules/broken.sys-seed1.schedule --sys broken.sys";
    assert!(line(&found, "replay ").ends_with(&format!("storsim {again}")), "{found}");
    let replayed = stdout(&storsim(&desk, &format!("{again} -q")).code(1));
    assert!(replayed.contains(verdict), "{replayed}");
    assert_eq!(line(&found, "trace "), line(&replayed, "trace "));
}

#[test]
fn the_checked_in_files_are_what_the_sources_of_the_wdm_driver_make() {
    if !tools_are_here() {
        return;
    }
    let desk = desk();
    for (define, checked_in, status) in
        [("NOTHING", "wdisk.sys", 0), ("COMPLETE_UNDER_LOCK", "broken.sys", 1)]
    {
        storsim(&desk, &format!("cc {SOURCES} -D {define} -o again.sys")).success();
        let runs = [checked_in, "again.sys"]
            .map(|sys| stdout(&storsim(&desk, &format!("run --sys {sys} --ios 100 --seed 3")).code(status)));
        assert_eq!(line(&runs[0], "trace "), line(&runs[1], "trace "));
    }
}

#[test]
fn every_load_and_store_of_the_wdm_driver_is_ordered() {
    if !tools_are_here() {
        return;
    }
    let desk = desk();
    storsim(&desk, &format!("cc {SOURCES} --race -o seen.sys")).success();
    storsim(&desk, "stress --sys seen.sys --schedules 60 --ios 50").success();
}
