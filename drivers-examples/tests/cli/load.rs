//! Mixed loads, faults and events on the command line.
//!
//! That each check can fail is shown in `verifier/tests/load`, with drivers made for it.

use crate::storsim::{CLEAN, Desk, soak};

/// Every kind of fault that a miniport sees as an answer of the disk.
const FAULTS: &str =
    "medium-error:p=0.02;aborted:p=0.02;busy:p=0.01;task-set-full:p=0.01;short:p=0.02;bad-sense:p=0.02";

#[test]
fn clean_drivers_bear_a_mixed_load_of_all_sizes_and_depths() {
    let ios = soak(300, 3000);
    for driver in CLEAN {
        for depth in [1, 32, 256] {
            let flags = format!("--rw mixed --bs 512..1m --iodepth {depth} --ios {ios}");
            Desk::new().clean(&format!("run {driver} {flags}"));
            Desk::new().clean(&format!("run {driver} {flags} --executor parallel"));
        }
        Desk::new().clean(&format!(
            "stress {driver} --rw mixed --bs 512..64k --ios 60 --seeds 0..{} --cpus 2",
            soak(50, 5000)
        ));
    }
}

#[test]
fn a_run_tells_what_it_bore_in_both_formats() {
    let desk = Desk::new();
    let line = format!("run ramdisk --rw mixed --bs 512..8k --fault {FAULTS} --event reset,stop-restart");
    let said = desk.clean(&line);
    for label in ["fault     medium-error:p=0.02:", "events", "recovery"] {
        assert_ne!(said.field(label), "", "{label}");
    }
    let run = desk.clean(&format!("{line} --format json")).json();
    let disturbances = &run["disturbances"];
    assert_eq!(disturbances["faults"].as_array().map(Vec::len), Some(6));
    assert!(disturbances["faults"][0]["injected"].as_u64() > Some(0));
    assert!(disturbances["failed"].as_u64() > Some(0));
    assert!(disturbances["disk"]["retries"].as_u64() > Some(0));
    assert!(disturbances["events"]["restarts"].as_u64() > Some(0));
    // Nothing is said of it where nothing was asked for.
    assert!(desk.clean("run ramdisk --ios 10 --format json").json().get("disturbances").is_none());
}

#[test]
fn faults_given_one_by_one_are_the_plan_they_make() {
    let disturbed = |flags: &str| {
        let run = Desk::new().clean(&format!("run ramdisk --ios 100 {flags} --format json")).json();
        (run["trace_hash"].clone(), run["disturbances"].clone())
    };
    let joined = disturbed("--fault aborted:p=0.1;short:p=0.1");
    assert_eq!(joined, disturbed("--fault aborted:p=0.1 --fault short:p=0.1"));
    assert_ne!(joined, disturbed("--fault aborted:p=0.1"));
}

#[test]
fn a_virtual_miniport_bears_every_event() {
    for event in ["reset", "stop-restart", "hotplug", "removal", "reset,stop-restart,hotplug,removal"] {
        let flags = format!("--rw mixed --bs 512..16k --ios 200 --event {event}");
        Desk::new().clean(&format!("stress ramdisk {flags} --seeds 0..{} --cpus 2", soak(50, 1000)));
        Desk::new().clean(&format!("run ramdisk {flags} --executor parallel"));
    }
}

#[test]
fn a_disk_is_trimmed_from_end_to_end() {
    let run = Desk::new().clean("run ramdisk --rw trim --bs 512..64k --size 1m --format json").json();
    // Every sector is read back as zeros.
    assert_eq!(run["sectors_verified"], 2048);
}

/// The miniports, each with every fault; the WDM driver with those that still answer.
#[test]
fn every_clean_driver_bears_the_faults_its_rig_can_recover() {
    for driver in CLEAN {
        let faults = if driver == "wdm-startio" { "answers" } else { "all" };
        let flags = format!("--rw mixed --bs 512..64k --iodepth 16 --ios 60 --fault {faults}:p=0.03");
        let line = format!("stress {driver} {flags} --seeds 0..{} --cpus 2", soak(40, 5000));
        Desk::new().clean(&line);
    }
    Desk::new().refused("run wdm-startio --fault hung:p=0.1", &["--fault answers is every other kind"]);
}

/// Whatever a device reports: requests may fail, and nothing crashes, hangs or is lost.
#[test]
fn every_clean_driver_bears_a_hostile_device() {
    for driver in CLEAN {
        let line = format!("stress {driver} --fault hostile --seeds 0..{} --format json", soak(60, 5000));
        let said = Desk::new().clean(&line);
        let summary = said.json();
        let struck = |kind: &str| {
            let rules = summary["totals"]["faults"].as_array().expect("the rules of the plan");
            let rule = rules.iter().find(|rule| rule["rule"].as_str().is_some_and(|r| r.starts_with(kind)));
            rule.unwrap_or_else(|| panic!("{kind}: {summary}"))["struck"].as_u64().expect("a number")
        };
        for kind in ["stray", "unknown-status", "long-sense", "shrunk-capacity", "lying-inquiry"] {
            assert!(struck(kind) > 0, "{driver}: {kind}: {summary}");
        }
    }
}

#[test]
fn units_come_and_go_while_commands_fail_and_devices_lie() {
    for driver in ["ramdisk", "vioscsi", "ahci"] {
        for faults in ["all:p=0.03", "hostile"] {
            let flags = format!("--rw mixed --bs 512..16k --ios 200 --event hotplug --fault {faults}");
            Desk::new().clean(&format!("stress {driver} {flags} --seeds 0..{} --cpus 2", soak(20, 1000)));
        }
    }
}

#[test]
fn physical_miniports_bear_every_event() {
    for driver in ["vioscsi", "ahci"] {
        for event in ["reset", "stop-restart", "hotplug", "removal"] {
            let flags = format!("--rw mixed --bs 512..16k --ios 100 --event {event}");
            Desk::new().clean(&format!("stress {driver} {flags} --seeds 0..{} --cpus 2", soak(15, 1000)));
        }
    }
}

/// A stop waits for what the miniport has, and that for recovery; a scan waits for both.
#[test]
fn a_stop_in_the_middle_of_a_recovery_comes_to_its_end() {
    for driver in ["ramdisk", "vioscsi", "ahci"] {
        for strategy in ["pct", "random"] {
            let flags =
                "--rw mixed --bs 512..16k --ios 60 --event reset,stop-restart --fault all:p=0.03 --cpus 2";
            let seeds = soak(40, 1000);
            let said = Desk::new()
                .clean(&format!("stress {driver} {flags} --strategy {strategy} --seeds 0..{seeds}"));
            assert!(!said.out.contains("given up"), "{driver}, {strategy}: {}", said.out);
        }
    }
}

#[test]
fn a_wdm_driver_bears_every_event_of_a_device() {
    let all = "stop-restart,query-remove,power,removal";
    for event in all.split(',').chain([all]) {
        let flags = format!("--rw mixed --bs 512..16k --ios 100 --event {event}");
        Desk::new().clean(&format!("stress wdm-startio {flags} --seeds 0..{} --cpus 2", soak(40, 5000)));
        Desk::new().clean(&format!("run wdm-startio {flags} --executor parallel"));
    }
    Desk::new().clean("run wdm-startio --rw mixed --event stop-restart,power --fault answers:p=0.05");
    Desk::new().refused("run wdm-startio --event reset", &["need an adapter"]);
    Desk::new().refused("run ramdisk --event power", &["stop-restart is what a miniport sees of it"]);
}

#[test]
fn every_miniport_finds_what_is_plugged_in() {
    for driver in ["ramdisk", "vioscsi", "ahci"] {
        let line = format!("run {driver} --rw mixed --ios 1000 --event hotplug --format json");
        let run = Desk::new().clean(&line).json();
        let events = &run["disturbances"]["events"];
        assert!(events["plugged"].as_u64() > Some(0), "{driver}: {events}");
        assert_eq!(events["found"], events["plugged"], "{driver}: {events}");
    }
}

#[test]
fn allocations_fail_where_the_plan_says_and_the_run_names_them() {
    let line =
        "run ramdisk --ios 200 --fault late:p=0.3 --fault allocation:site=ramdisk/outstanding.rs,p=0.5";
    let said = Desk::new().clean(line);
    assert!(said.field("low").contains("outstanding.rs"), "{}", said.field("low"));
    let run = Desk::new().clean(&format!("{line} --format json")).json();
    assert!(run["failed_allocations"].as_array().is_some_and(|failed| !failed.is_empty()));
    // No code allocates there.
    let run =
        Desk::new().clean("run ramdisk --ios 50 --fault allocation:site=nowhere.rs --format json").json();
    assert!(run.get("failed_allocations").is_none());
}

#[test]
fn requests_go_to_every_disk_there_is() {
    for driver in ["ramdisk", "vioscsi"] {
        let flags = "--luns 8 --size 256k --rw mixed --bs 512..64k --iodepth 16";
        Desk::new().clean(&format!("run {driver} {flags} --fault all"));
        let line = format!("run {driver} --luns 8 --size 64k --rw write --format json");
        // Once over all of them, eight disks of 16 requests; every sector is read back.
        assert_eq!(Desk::new().clean(&line).json()["sectors_verified"], 8 * 128);
    }
    Desk::new().refused("run wdm-startio --luns 2", &["only an adapter has several disks"]);
    Desk::new().refused("run ahci --luns 5", &["found 4 disks of 5"]);
    Desk::new()
        .refused("run ramdisk --luns 2 --bs 64k --size 100k", &["whole number of the smallest requests"]);
}

#[test]
fn disks_have_the_names_they_were_given_and_take_commands_of_a_client() {
    let desk = Desk::new();
    let flags = "--vendor ACME --product Anvil --serial A7 --luns 2 --read-only --ios 20";
    let commands = "--cdb 120000002400:in=36 --cdb 120180001000:in=16 --cdb 2a000000000000000100:out=00";
    for driver in ["ramdisk", "vioscsi"] {
        let said = desk.clean(&format!("run {driver} {flags} {commands}")).out;
        // "ACME    Anvil           " in INQUIRY data; the serial numbers on page 80h.
        assert!(said.contains("disk 0, 120000002400: GOOD, 36 bytes"), "{said}");
        assert!(said.contains("41434d4520202020416e76696c"), "{said}");
        assert!(
            said.contains("disk 0, 120180001000: ") && said.contains("00800002") && said.contains("4137")
        );
        assert!(said.contains("disk 1, 120180001000: ") && said.contains("41372d32"), "{said}");
        assert!(said.contains("disk 1, 2a000000000000000100: CHECK CONDITION"), "{said}");
    }
    let plain = desk.clean("stress ramdisk --read-only --schedules 20").out;
    assert!(plain.contains("clean"), "{plain}");
}
