//! Load, faults and events: a driver without a mistake survives them, and each mistake is found by its check.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

mod miniport;
mod turnstile;
mod wdm;

use miniport::{driver, mistake};
use verifier::driver::Driver;
use verifier::explore::Program;
use verifier::explore::shrink::{Budget, shrink};
use verifier::finding::RunEnd;
use verifier::run::{self, Chooser, Executor, Run, Setup};
use verifier::schedule::{Schedule, replay};
use verifier::workload::{Amount, Mode, Sizes};
use verifier::{Disturbances, Event};

static CLEAN: Driver = driver::<{ mistake::NONE }>("turnstile");
static COMPLETES_TWICE: Driver = driver::<{ mistake::COMPLETES_TWICE }>("completes-twice");
static LOSES_ON_RESET: Driver = driver::<{ mistake::LOSES_ON_RESET }>("loses-on-reset");
static SHORT_IS_SUCCESS: Driver = driver::<{ mistake::SHORT_IS_SUCCESS }>("short-is-success");
static LEAKS: Driver = driver::<{ mistake::LEAKS }>("leaks");
static STAYS_STOPPED: Driver = driver::<{ mistake::STAYS_STOPPED }>("stays-stopped");
static INVENTS_ERROR: Driver = driver::<{ mistake::INVENTS_ERROR }>("invents-error");
static IGNORES_REMOVAL: Driver = driver::<{ mistake::IGNORES_REMOVAL }>("ignores-removal");
static ANSWERS_EARLY: Driver = driver::<{ mistake::ANSWERS_EARLY }>("answers-early");
static MIXES_UNITS: Driver = driver::<{ mistake::MIXES_UNITS }>("mixes-units");

/// A mixed load, small enough for a test, with these disturbances.
fn setup(driver: &Driver, seed: u64, faults: &str, events: &[Event]) -> Setup {
    let mut setup = Setup::of_model(driver);
    setup.cpus = [1, 2, 4][seed as usize % 3];
    setup.contents = run::Contents::Memory { bytes: 1 << 20 };
    setup.workload.mode = Mode::Mixed;
    setup.workload.amount = Amount::Ios(120);
    setup.workload.block_bytes = Sizes { min: 512, max: 256 << 10 };
    setup.workload.depth = [1, 8, 64][(seed / 3) as usize % 3];
    setup.workload.flush_every = 16;
    let faults = faults.parse().expect("a plan of the test's");
    setup.disturbances = Disturbances { faults, events: events.to_vec(), timeout_s: None };
    setup.with_seed(seed)
}

/// `STORSIM_SOAK=N` makes it N times as many seeds.
fn seeds(seeds: u64) -> std::ops::Range<u64> {
    let soak = std::env::var("STORSIM_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    0..seeds * soak
}

fn run(driver: &'static Driver, setup: &Setup) -> Run {
    run::once(driver, setup, setup.seed, Chooser::Seeded, None).expect("the run can be made")
}

/// What a run came to: a rule's name, or a bug check's with its first parameter.
fn found(run: &Run) -> String {
    match &run.end {
        RunEnd::Clean => "nothing".into(),
        RunEnd::Found(finding) => {
            match finding.stop.and_then(|stop| Some((stop.code.code, stop.parameters?))) {
                Some((code, parameters)) => format!("{code:#X}/{:#X}", parameters[0]),
                None => finding.of.name.into(),
            }
        }
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn is_clean(driver: &'static Driver, setup: &Setup) -> Run {
    let run = run(driver, setup);
    assert!(matches!(run.end, RunEnd::Clean), "seed {}: {:?}", setup.seed, run.end);
    run
}

/// Some seed finds this, and none anything else.
#[track_caller]
fn finds(driver: &'static Driver, expected: &str, faults: &str, events: &[Event]) {
    let mut times = 0;
    for seed in 0..40 {
        let found = found(&run(driver, &setup(driver, seed, faults, events)));
        times += u32::from(found == expected);
        assert!(found == expected || found == "nothing", "seed {seed}: {found} instead of {expected}");
    }
    assert!(times > 0, "never found {expected}");
}

#[test]
fn a_clean_driver_passes_a_mixed_load_and_everything_is_verified() {
    for seed in seeds(30) {
        let run = is_clean(&CLEAN, &setup(&CLEAN, seed, "", &[]));
        let s = run.statistics;
        assert!(s.reads > 0 && s.writes > 0 && s.trims > 0 && s.sectors_verified > 0);
        assert_eq!((s.failed, s.bytes_read), (0, s.sectors_verified * 512));
    }
}

#[test]
fn a_clean_driver_passes_under_every_fault() {
    let mut failed = 0;
    let mut injected = [0; 12];
    for seed in seeds(60) {
        let run = is_clean(&CLEAN, &setup(&CLEAN, seed, "all:p=0.02", &[]));
        failed += run.statistics.failed;
        let counts = run.disturbances.expect("a plan was at work");
        assert_eq!(counts.faults.len(), injected.len());
        for (sum, count) in injected.iter_mut().zip(counts.faults) {
            *sum += count.injected;
        }
    }
    assert!(injected.iter().all(|n| *n > 0), "{injected:?}");
    assert!(failed > 0);
}

#[test]
fn a_clean_driver_passes_every_event() {
    for (name, event) in Event::NAMES.into_iter().filter(|(_, event)| event.is_about_adapters()) {
        let mut sum = verifier::EventCounts::default();
        let mut retries = 0;
        for seed in seeds(30) {
            let mut setup = setup(&CLEAN, seed, "", &[event]);
            setup.workload.amount = Amount::Ios(400);
            let run = is_clean(&CLEAN, &setup);
            let counts = run.disturbances.expect("an event was asked for");
            sum.unit_resets += counts.events.unit_resets;
            sum.bus_resets += counts.events.bus_resets;
            sum.restarts += counts.events.restarts;
            sum.found += counts.events.found;
            sum.removals += counts.events.removals;
            sum.rebalances += counts.events.rebalances;
            retries += counts.disk.retries;
        }
        let happened = match event {
            Event::Reset => sum.unit_resets > 0 && sum.bus_resets > 0 && retries > 0,
            Event::StopRestart => sum.restarts > 30,
            Event::Hotplug => sum.found > 30,
            Event::Removal => sum.removals >= 25,
            Event::Rebalance => sum.rebalances > 30,
            // It has no HwStorUnitControl.
            Event::Units => sum.unit_queries + sum.unit_sleeps == 0,
            Event::QueryRemove | Event::Power => unreachable!("of devices"),
        };
        assert!(happened, "{name}: {sum:?}");
    }
}

#[test]
fn a_clean_driver_passes_all_of_it_together_and_a_fault_that_removes_the_device() {
    for seed in seeds(40) {
        let events = [Event::Reset, Event::StopRestart, Event::Removal];
        is_clean(&CLEAN, &setup(&CLEAN, seed, "all:p=0.02", &events));
        is_clean(&CLEAN, &setup(&CLEAN, seed, "all:p=0.02;removal:after=50", &[]));
    }
}

#[test]
fn the_same_seed_meets_the_same() {
    let events = [Event::Reset, Event::StopRestart];
    let once = || run(&CLEAN, &setup(&CLEAN, 5, "all:p=0.02", &events));
    let (one, two) = (once(), once());
    assert_eq!((one.trace_hash, one.steps), (two.trace_hash, two.steps));
    assert_eq!(one.disturbances, two.disturbances);
}

#[test]
fn real_threads_pass_too() {
    // A unit that is plugged in is busy for seconds of the host's clock, as the class driver waits after a
    // unit attention: few requests do.
    for (faults, events, ios) in [
        ("", vec![], 2000),
        ("medium-error:p=0.02;aborted:p=0.02;busy:p=0.002;short:p=0.02;duplicate:p=0.02", vec![], 2000),
        ("", vec![Event::Reset, Event::StopRestart, Event::Hotplug], 300),
        ("", vec![Event::Removal], 2000),
    ] {
        let mut setup = setup(&CLEAN, 8, faults, &events);
        setup.executor = Executor::Parallel;
        setup.workload.amount = Amount::Ios(ios);
        is_clean(&CLEAN, &setup);
    }
}

#[test]
fn real_threads_recover_what_is_lost_on_the_way() {
    let faults = "dropped:after=100,every=100,times=2;late:p=0.05;hung:after=600,times=1";
    let mut setup = setup(&CLEAN, 8, faults, &[]);
    setup.executor = Executor::Parallel;
    setup.workload.amount = Amount::Ios(1000);
    setup.disturbances.timeout_s = Some(1);
    let counts = is_clean(&CLEAN, &setup).disturbances.expect("a plan was at work");
    assert!(counts.disk.timeouts >= 3, "{counts:?}");
}

#[test]
fn a_request_that_is_completed_twice_is_found() {
    finds(&COMPLETES_TWICE, "0xF1/0x2004", "", &[]);
}

#[test]
fn a_request_that_a_reset_forgets_is_found() {
    finds(&LOSES_ON_RESET, "0xF1/0x1007", "", &[Event::Reset]);
}

#[test]
fn a_short_transfer_that_passes_for_a_whole_one_is_found() {
    finds(&SHORT_IS_SUCCESS, "DataIntegrity", "short:p=0.1,op=read", &[]);
    finds(&SHORT_IS_SUCCESS, "DataIntegrity", "short:p=0.1,op=write", &[]);
}

#[test]
fn a_leak_is_found_at_unload_whatever_happened_before() {
    finds(&LEAKS, "0xC4/0x62", "", &[]);
    finds(&LEAKS, "0xC4/0x62", "", &[Event::Removal]);
}

#[test]
fn an_adapter_that_does_not_start_again_is_found() {
    finds(&STAYS_STOPPED, "AdapterRestart", "", &[Event::StopRestart]);
}

#[test]
fn an_error_that_no_fault_explains_is_found() {
    finds(&INVENTS_ERROR, "RequestStatus", "aborted:p=0.05", &[]);
}

#[test]
fn a_removal_that_ends_nothing_is_found() {
    finds(&IGNORES_REMOVAL, "0xF1/0x1007", "", &[Event::Removal]);
}

#[test]
fn data_that_is_not_there_yet_is_found() {
    finds(&ANSWERS_EARLY, "DataIntegrity", "", &[]);
}

#[test]
fn requests_of_two_units_that_are_mixed_up_are_found() {
    let mut times = 0;
    for seed in 0..40 {
        let mut setup = setup(&MIXES_UNITS, seed, "", &[Event::Hotplug]);
        setup.workload.amount = Amount::Ios(400);
        setup.workload.depth = 64;
        let found = found(&run(&MIXES_UNITS, &setup));
        times += u32::from(found != "nothing");
    }
    assert!(times > 0);
}

#[test]
fn an_irp_that_is_completed_twice_is_found() {
    for seed in 0..12 {
        let mut setup = setup(&wdm::ENDS_TWICE, seed, "", &[]);
        setup.workload.mode = Mode::RandRead;
        let run = run(&wdm::ENDS_TWICE, &setup);
        assert!(found(&run).starts_with("0x44/"), "seed {seed}: {}", found(&run));
    }
}

#[test]
fn a_finding_under_load_is_shrunk_and_replayed_from_its_file() {
    let setup = setup(&SHORT_IS_SUCCESS, 7, "short:p=0.3", &[Event::Reset]);
    let first = run(&SHORT_IS_SUCCESS, &setup);
    assert_eq!(found(&first), "DataIntegrity");
    let program = Program { driver: &SHORT_IS_SUCCESS, setup: setup.clone() };
    let shrunk = shrink(&program, setup.seed, first.choices, Budget::default()).expect("it fails again");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("found.schedule");
    Schedule::of_shrunk(&shrunk).save(&file).unwrap();
    let schedule = Schedule::load(&file).unwrap();
    assert_eq!(schedule.setup.disturbances, setup.disturbances);
    let again = replay(&SHORT_IS_SUCCESS, &schedule, None).unwrap();
    assert!(again.fit.is_exact());
    assert_eq!(found(&again.run), "DataIntegrity");
}
