//! Fault plans from the command line: what they struck, where they strike nothing, and memory that is denied.

use crate::storsim::Desk;

#[test]
fn a_plan_that_is_about_nothing_is_told() {
    let desk = Desk::new();
    for command in ["run", "stress --schedules 3"] {
        let said = desk.clean(&format!("{command} ramdisk --ios 20 --fault allocation:site=nosuch.rs,p=0.1"));
        let note = "the driver makes no allocation at a site like nosuch.rs";
        assert!(said.err.contains(note), "{}", said.err);
        let said = desk.clean(&format!("{command} ramdisk --ios 20 --fault busy:lun=9"));
        assert!(said.err.contains("no command was of that kind"), "{}", said.err);
        let said = desk.clean(&format!("{command} ramdisk --ios 20 --fault busy:p=0.1"));
        assert_eq!(said.err, "", "it is about the commands there are");
    }
}

#[test]
fn a_stress_says_what_the_faults_and_events_came_to() {
    let said = Desk::new().clean("stress ramdisk --ios 50 --schedules 20 --fault busy:p=0.1 --event reset");
    for label in ["  requests  ", "  fault     busy:p=0.1: ", "  events    "] {
        assert!(said.out.contains(label), "{label}: {}", said.out);
    }
    let said = Desk::new().clean("stress ramdisk --ios 50 --schedules 20 --fault busy:p=0.1 --format json");
    let totals = &said.json()["totals"];
    assert!(totals["faults"][0]["struck"].as_u64() > Some(10), "{totals}");
    assert!(totals["requests"].as_u64() >= Some(1000), "{totals}");
}

#[test]
fn memory_denied_at_start_ends_the_run_and_not_the_stress() {
    let desk = Desk::new();
    for driver in ["ramdisk", "ahci", "vioscsi", "wdm-startio"] {
        let said = desk
            .clean(&format!("stress {driver} --ios 20 --schedules 40 --fault allocation:when=start,p=0.05"));
        assert!(said.out.contains("  started   not in "), "{driver}: {}", said.out);
        let said = desk.clean(&format!("run {driver} --ios 20 --fault allocation:when=start"));
        assert!(
            said.out.contains("  started   no, for what was denied to it or for a lie of its device: "),
            "{driver}: {}",
            said.out
        );
        for when in ["io", "unload"] {
            desk.clean(&format!(
                "stress {driver} --ios 20 --schedules 20 --fault allocation:when={when},p=0.1"
            ));
        }
    }
    desk.refused("run ramdisk --fault allocation:when=boot", &["when=boot", "start, io or unload"]);
}
