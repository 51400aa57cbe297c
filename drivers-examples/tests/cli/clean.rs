//! A clean driver never hears from any rule.

use crate::storsim::{CLEAN, Desk, soak};
use drivers_examples::ALL;
use verifier::finding::RunEnd;
use verifier::rules::{Selection, Sites};
use verifier::run::{self, Chooser, Contents, Executor, Setup};
use verifier::workload::{Amount, Mode, Options};

/// What `storsim run --seed` means without any other flag, but for the number of requests.
pub fn setup(driver: &str, executor: Executor, seed: u64, ios: u64) -> Setup {
    Setup {
        cpus: 4,
        executor,
        seed,
        workload: Options {
            mode: Mode::RandRw,
            amount: Amount::Ios(ios),
            block_bytes: 4096.into(),
            depth: 8,
            flush_every: 16,
            cancel_every: if driver.starts_with("wdm") { 16 } else { 0 },
            service_every: 32,
            luns: 1,
            seed,
            zeroed: true,
        },
        disturbances: Default::default(),
        contents: Contents::Memory { bytes: 16 << 20 },
        units: Default::default(),
        memory: run::MemoryChoice::Drawn,
        environment: Default::default(),
        rules: Selection::all(),
        exceptions: Vec::new(),
        sites: Sites::Kept,
        evidence: false,
        patience: kernel_sim::machine::PATIENCE,
    }
}

pub fn run(driver: &str, setup: &Setup) -> run::Run {
    let driver = ALL.iter().copied().find(|d| d.is_called(driver)).expect("a driver of this crate");
    run::once(driver, setup, setup.seed, Chooser::Seeded, None).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn clean_drivers_are_clean_under_every_seed() {
    for driver in CLEAN {
        for seed in 1..=soak(60, 1000) {
            let run = run(driver, &setup(driver, Executor::Deterministic, seed, 300));
            assert!(matches!(run.end, RunEnd::Clean), "{driver}, seed {seed}: {:?}", run.end);
            assert!(run.statistics.sectors_verified > 1000, "{driver}, seed {seed}");
        }
    }
}

/// What repaired drivers do rightly and were once told of: a service request that is kept as long as others
/// come back, in a machine whose time leaps; one that comes to an adapter which did not start again; and a
/// request that met a unit attention for each of five units that came and went.
#[test]
fn what_others_do_in_the_meantime_is_not_the_drivers_fault() {
    for line in [
        "r17-fixed --step-time 100us --timers-every 101 --seeds 1..21",
        "r17-fixed --event stop-restart --fault allocation:when=io,p=0.2 --seeds 1..21",
        "r16-fixed --luns 8 --event hotplug --seeds 9..11",
    ] {
        Desk::new().clean(&format!("stress {line} --plain --rules all"));
    }
}

#[test]
fn clean_drivers_are_clean_on_real_threads() {
    for driver in CLEAN {
        let line =
            format!("run {driver} --executor parallel --cpus 4 --time {} --format json", soak("1s", "30s"));
        let run = Desk::new().clean(&line).json();
        assert_eq!(run["outcome"], "clean");
        assert!(run["sectors_verified"].as_u64() > Some(1000), "{run}");
    }
}

#[test]
fn clean_drivers_are_clean_on_any_number_of_processors() {
    for driver in CLEAN {
        for executor in ["deterministic", "parallel"] {
            for cpus in [1, 2, 3, 64] {
                Desk::new().clean(&format!("run {driver} --cpus {cpus} --executor {executor} --ios 200"));
            }
        }
    }
}

/// Where every schedule is made, a device is not kept waiting while its driver looks whether it is ready,
/// until that gives up: reading registers through Storport is polling. And the search of a small driver ends.
#[test]
fn clean_drivers_are_clean_under_every_schedule() {
    for driver in CLEAN {
        let line = format!("stress {driver} --strategy exhaustive --cpus 1 --ios 1 --schedules 1000");
        let said = Desk::new().clean(&line);
        let is_small = driver == "wdm-startio";
        assert_eq!(said.out.contains("\ncomplete: "), is_small, "{line}: {}", said.out);
    }
}

#[test]
fn every_workload_and_block_size_is_served() {
    for driver in CLEAN {
        for mode in ["read", "write", "randread", "randwrite", "randrw"] {
            for size in ["512", "4k", "64k", "1m"] {
                let line = format!("run {driver} --rw {mode} --bs {size} --size 4m --ios 40 --format json");
                let run = Desk::new().clean(&line).json();
                assert!(run["sectors_verified"].as_u64() > Some(0), "{line}: {run}");
            }
        }
    }
}

#[test]
fn a_clean_run_leaves_no_file_behind() {
    let desk = Desk::new();
    desk.clean("run ramdisk wdm-startio --ios 20");
    assert_eq!(std::fs::read_dir(desk.path(".")).unwrap().count(), 0);
}
