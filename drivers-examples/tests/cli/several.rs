//! Several drivers in one command: what each is given, in which order, and what it all came to.

use crate::storsim::Desk;

fn names(out: &str) -> Vec<&str> {
    out.lines().filter_map(|line| line.split_once("  deterministic executor")).map(|(name, _)| name).collect()
}

#[test]
fn drivers_run_in_the_order_of_the_arguments() {
    let desk = Desk::new();
    let said = desk.clean("run wdm-startio ahci ramdisk --ios 5");
    assert_eq!(names(&said.out), ["wdm-startio", "ahci", "ramdisk"]);
    let said = desk.clean("run ahci vioscsi ahci --ios 5");
    assert_eq!(names(&said.out), ["ahci", "vioscsi"]);
}

#[test]
fn the_last_line_counts_the_drivers_and_names_those_with_findings() {
    let desk = Desk::new();
    for command in ["run", "stress --schedules 3"] {
        let said = desk.storsim(&format!("{command} ramdisk spin-lock-safe wdm-startio --ios 5"));
        assert_eq!(said.status, 1, "{said:?}");
        let last = said.out.lines().last();
        assert_eq!(last, Some("3 drivers: 2 clean; 1 with findings: spin-lock-safe"), "{said:?}");
        let said = desk.clean(&format!("{command} ramdisk wdm-startio --ios 5"));
        assert_eq!(said.out.lines().last(), Some("2 drivers: 2 clean"));
        let said = desk.clean(&format!("{command} ramdisk --ios 5"));
        assert!(!said.out.contains("drivers: "), "{}", said.out);
    }
}

#[test]
fn a_flag_that_some_drivers_do_not_take_is_left_out_for_them_with_a_note() {
    let desk = Desk::new();
    let said = desk.clean("run ramdisk wdm-startio lock-order-kept --ios 20 --event reset --fault all");
    assert!(said.out.contains("bus resets"), "{said:?}");
    for note in [
        "note: lock-order-kept runs without --event, --fault, --ios: a model",
        "note: wdm-startio runs without --event reset: reset, hotplug, rebalance and units need an adapter",
        "note: wdm-startio runs without --fault dropped, duplicate, hung: the rig of a WDM driver knows",
    ] {
        assert!(said.err.contains(note), "{note}: {}", said.err);
    }
    let all = desk.storsim("run all --event reset --ios 5 --rules none --runaway 1");
    assert_eq!(all.status, 0, "{}", all.err);
    assert!(all.err.contains("a model is a program of its own"), "{}", all.err);
    let all =
        desk.storsim("stress ramdisk wdm-startio lock-* --fault all --ios 5 --schedules 2 --rules none");
    assert_eq!(all.status, 0, "{}", all.err);
}

#[test]
fn a_flag_that_no_driver_takes_is_refused() {
    let desk = Desk::new();
    for (line, names) in [
        ("run lock-order --cpus 7", ["lock-order", "--cpus", "a model"]),
        ("run lock-order --ios 7 --rw trim", ["lock-order", "--ios", "a model"]),
        ("run lock-order --image nowhere.img", ["lock-order", "--image", "a model"]),
        ("stress lock-order cancel-race --cpus 2", ["lock-order", "cancel-race", "--cpus"]),
        ("run ramdisk --cancel 4", ["ramdisk", "--cancel", "cannot be cancelled"]),
        ("run wdm-startio --luns 2", ["wdm-startio", "--luns", "adapter"]),
        ("run wdm-startio lock-order --event reset", ["", "--event", ""]),
    ] {
        desk.refused(line, &names);
    }
    // Time is a limit of a stress, not of a machine: a model takes it.
    desk.clean("stress lock-order-kept --time 1s --schedules 5");
}

#[test]
fn one_that_cannot_be_run_does_not_keep_the_others_from_running() {
    let desk = Desk::new();
    let said = desk.storsim("run ramdisk wdm-startio ahci --size 4k --bs 64k");
    assert_eq!(said.status, 2, "{said:?}");
    assert_eq!(said.err.lines().filter(|line| line.starts_with("error: ")).count(), 3, "{said:?}");
    assert_eq!(said.out, "3 drivers: 0 clean; 3 not run to the end: ramdisk, wdm-startio, ahci\n");
}

#[test]
fn words_that_are_nearly_right_are_told_what_is() {
    let desk = Desk::new();
    for (line, tip) in [
        ("runn ramdisk", "did you mean 'run'?"),
        ("stress ramdisk --seed 5", "did you mean '--seeds'?"),
        ("run ramdisc", "did you mean 'ramdisk'"),
        ("run RAMDISK", "did you mean 'ramdisk'"),
        ("run ramdisk --executor parallell", "did you mean 'parallel'?"),
    ] {
        desk.refused(line, &[tip]);
    }
    assert!(desk.clean("help").out.contains("Usage:"));
    assert_eq!(desk.clean("list --format json").out, desk.clean("list --json").out);
}
