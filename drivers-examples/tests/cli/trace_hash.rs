//! A seed is a run: the same trace with any watchers, after any earlier run, in any build.

use crate::blessed;
use crate::clean::{run, setup};
use crate::storsim::{CLEAN, Desk};
use std::fmt::Write as _;
use verifier::run::Executor;

fn hash(driver: &str, seed: u64, ios: u64) -> u64 {
    run(driver, &setup(driver, Executor::Deterministic, seed, ios)).trace_hash.expect("deterministic")
}

#[test]
fn rules_watch_and_never_steer() {
    for driver in CLEAN {
        for seed in 1..=10 {
            let with = |rules: &str, sites: &str| {
                let line = format!(
                    "run {driver} --seed {seed} --ios 100 --rules {rules} --sites {sites} --format json"
                );
                Desk::new().clean(&line).json()["trace_hash"].clone()
            };
            let all = with("all", "kept");
            assert!(all.is_string());
            assert_eq!(with("none", "kept"), all, "{driver}, seed {seed}");
            assert_eq!(with("all", "counted"), all, "{driver}, seed {seed}, without sites");
        }
    }
}

#[test]
fn a_hundred_machines_before_it_change_nothing() {
    let first: Vec<u64> = CLEAN.iter().map(|driver| hash(driver, 7, 100)).collect();
    for seed in 0..100 {
        // Broken ones too: a machine that stopped in the middle leaves nothing behind either.
        for driver in ["wdm-startio-rare", "ramdisk-service-irp-under-lock"] {
            run(driver, &setup(driver, Executor::Deterministic, seed, 30));
        }
    }
    run("wdm-startio", &setup("wdm-startio", Executor::Parallel, 1, 100));
    let again: Vec<u64> = CLEAN.iter().map(|driver| hash(driver, 7, 100)).collect();
    assert_eq!(again, first);
    let alone = Desk::new().clean("run ramdisk --seed 7 --ios 100 --format json").json();
    assert_eq!(alone["trace_hash"], format!("{:016x}", first[1]));
}

#[test]
fn seeds_differ() {
    for driver in CLEAN {
        let mut hashes: Vec<u64> = (1..=20).map(|seed| hash(driver, seed, 50)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 20, "{driver}");
    }
}

/// The blessed hashes are the same file for debug and release builds, so whichever runs this test
/// agrees with the other.
#[test]
fn every_build_gives_the_blessed_traces() {
    let mut table = String::new();
    for (driver, seed, ios) in [
        ("wdm-startio", 1, 100),
        ("wdm-startio", 2, 100),
        ("ramdisk", 1, 100),
        ("wdm-startio-complete-under-cancel-lock", 3, 100),
    ] {
        let _ = writeln!(table, "{driver} --seed {seed} --ios {ios}: {:016x}", hash(driver, seed, ios));
    }
    blessed::check("trace_hashes.txt", &table);
}
