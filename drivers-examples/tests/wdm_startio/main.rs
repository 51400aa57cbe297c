//! `wdm-startio` and its broken forms, under both executors.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

mod client;
mod plug_and_play;
mod requests;

use client::Workload;
use drivers_examples::wdm_startio;
use kernel_sim::bugcheck::{Ending, SPIN_LOCK_ALREADY_OWNED};
use kernel_sim::ddi::*;
use kernel_sim::hook::{DdiSet, Event, EventKind, Halt, Interest, Watcher};
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use storport_sim::controller::DiskController;
use storport_sim::disk::MemoryStore;

/// SpinLockSafe in its smallest form: ends the run with the name of the call made under a lock.
struct SpinLockSafe;

impl Watcher for SpinLockSafe {
    fn interest(&self) -> Interest {
        Interest {
            enter_holding: DdiSet::of(&[&row::IoCompleteRequest, &row::IoStartNextPacket]),
            lock_sites: true,
            ..Interest::NOTHING
        }
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        match event.kind {
            EventKind::Enter(ddi, _) => Some(Halt(Box::new(ddi.name))),
            _ => None,
        }
    }
}

/// How a run ended, how many requests succeeded, how many were cancelled.
struct Ran {
    outcome: Outcome,
    completed: u32,
    cancelled: u32,
}

impl Ran {
    fn is_clean(&self) -> bool {
        matches!(self.outcome.ending, Ending::Completed)
    }

    /// The call that the watcher stopped.
    fn caught(&self) -> Option<&'static str> {
        match &self.outcome.ending {
            Ending::Halted(name) => name.downcast_ref::<&'static str>().copied(),
            _ => None,
        }
    }
}

fn run(cpus: u8, execution: Execution, entry: PDRIVER_INITIALIZE, watched: bool, workload: Workload) -> Ran {
    let counts = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
    let store = MemoryStore::new(client::disk_bytes(&workload));
    let mut config =
        Config::new(cpus, execution).unwrap().hardware(Box::new(DiskController::new(Box::new(store))));
    if watched {
        config = config.watch(Arc::new(SpinLockSafe));
    }
    let out = Arc::clone(&counts);
    let outcome = config.run(move || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(entry).expect("the driver loads");
        let device = machine.add_device(driver, 0).expect("the device starts");
        let figures = client::run(device.top(), workload);
        out.0.store(figures.completed.load(SeqCst), SeqCst);
        out.1.store(figures.cancelled.load(SeqCst), SeqCst);
        device.remove();
        machine.unload_driver(driver);
    });
    Ran { outcome, completed: counts.0.load(SeqCst), cancelled: counts.1.load(SeqCst) }
}

fn workload(cpus: u8, seed: u64) -> Workload {
    Workload { threads: cpus.into(), depth: 8, requests: 200, seed, cancel_every: 16, cleanups: 0 }
}

const CLEAN: PDRIVER_INITIALIZE = Some(wdm_startio::driver_entry);

#[test]
fn the_clean_driver_serves_every_schedule() {
    let (mut completed, mut cancelled) = (0, 0);
    for seed in 0..240 {
        let cpus = (seed % 4 + 1) as u8;
        let ran = run(cpus, Execution::Seeded(seed), CLEAN, true, workload(cpus, seed));
        assert!(ran.is_clean(), "{cpus} CPUs, seed {seed}: {:?}", ran.outcome.ending);
        completed += ran.completed;
        cancelled += ran.cancelled;
    }
    assert!(cancelled > 100, "only {cancelled} requests were cancelled in time, {completed} completed");
}

#[test]
fn the_clean_driver_serves_real_threads() {
    for seed in 0..60 {
        let cpus = (seed % 4 + 1) as u8;
        let ran = run(cpus, Execution::Parallel, CLEAN, seed % 2 == 0, workload(cpus, seed));
        assert!(ran.is_clean(), "{cpus} CPUs, run {seed}: {:?}", ran.outcome.ending);
    }
}

/// A broken form: its name, its entry point, the call that breaks the rule in every run.
const BROKEN: [(&str, PDRIVER_INITIALIZE, &str); 3] = [
    ("complete-under-lock", Some(wdm_startio::complete_under_lock::driver_entry), "IoCompleteRequest"),
    ("next-under-lock", Some(wdm_startio::next_under_lock::driver_entry), "IoStartNextPacket"),
    (
        "complete-under-cancel-lock",
        Some(wdm_startio::complete_under_cancel_lock::driver_entry),
        "IoCompleteRequest",
    ),
];

const RARE: PDRIVER_INITIALIZE = Some(wdm_startio::rare::driver_entry);

#[test]
fn each_broken_form_is_caught_at_its_call_in_every_run() {
    for (name, entry, call) in BROKEN {
        for seed in 0..40 {
            let cpus = (seed % 4 + 1) as u8;
            let ran = run(cpus, Execution::Seeded(seed), entry, true, workload(cpus, seed));
            assert_eq!(ran.caught(), Some(call), "{name}, seed {seed}: {:?}", ran.outcome.ending);
            let ran = run(cpus, Execution::Parallel, entry, true, workload(cpus, seed));
            assert_eq!(ran.caught(), Some(call), "{name}, parallel: {:?}", ran.outcome.ending);
        }
    }
}

/// Runs the rare form under a seed. Returns whether it was caught; anything but that or a clean end
/// is a failure.
fn rare_is_caught(cpus: u8, seed: u64) -> bool {
    let ran = run(cpus, Execution::Seeded(seed), RARE, true, workload(cpus, seed));
    let caught = ran.caught();
    assert!(caught == Some("IoCompleteRequest") || ran.is_clean(), "seed {seed}: {:?}", ran.outcome.ending);
    caught.is_some()
}

#[test]
fn the_rare_form_is_caught_by_some_seeds_and_never_on_one_processor() {
    assert!((1..=100).all(|seed| !rare_is_caught(1, seed)));
    let caught = (1..=200).filter(|seed| rare_is_caught(4, *seed)).count();
    assert!((10..=120).contains(&caught), "caught by {caught} of 200 seeds");
}

#[test]
fn unwatched_broken_forms_still_serve_a_client_that_only_sets_events() {
    let rare = ("rare", RARE, "");
    for (name, entry, _) in BROKEN.into_iter().chain([rare]).filter(|(name, ..)| *name != "next-under-lock") {
        for seed in 0..20 {
            let ran = run(4, Execution::Seeded(seed), entry, false, workload(4, seed));
            assert!(ran.is_clean(), "{name}, seed {seed}: {:?}", ran.outcome.ending);
        }
    }
}

#[test]
fn next_under_lock_waits_for_itself_once_a_request_is_cancelled_late() {
    let (_, entry, _) = BROKEN[1];
    let hangs = (0..200).filter(|seed| {
        let often = Workload { cancel_every: 2, ..workload(4, *seed) };
        let ran = run(4, Execution::Seeded(*seed), entry, false, often);
        matches!(&ran.outcome.ending, Ending::BugCheck(check) if check.stop == SPIN_LOCK_ALREADY_OWNED)
    });
    assert!(hangs.count() > 0);
}

#[test]
fn a_seed_gives_one_trace_with_any_watchers() {
    for seed in 0..10 {
        let hash =
            |watched| run(4, Execution::Seeded(seed), CLEAN, watched, workload(4, seed)).outcome.trace_hash;
        let first = hash(false);
        assert_eq!(first, hash(false), "seed {seed}, run again");
        assert_eq!(first, hash(true), "seed {seed}, watched");
    }
}

#[test]
fn cleanups_cancel_what_is_queued_and_nothing_else() {
    let mut cancelled = 0;
    for seed in 0..60 {
        let cpus = (seed % 4 + 1) as u8;
        for execution in [Execution::Seeded(seed), Execution::Parallel] {
            let ran = run(cpus, execution, CLEAN, true, Workload { cleanups: 10, ..workload(cpus, seed) });
            assert!(ran.is_clean(), "{cpus} CPUs, seed {seed}: {:?}", ran.outcome.ending);
            cancelled += ran.cancelled;
        }
    }
    assert!(cancelled > 100, "only {cancelled} requests were cancelled");
}
