//! What was written is read back: by the verifier's own workload, over adapters of several builds.

use drivers_examples::vioscsi;
use storport_sim::hba::virtio_scsi::{Options, VirtioScsi, slot};
use verifier::Disturbances;
use verifier::driver::{Driver, Expects, Kind};
use verifier::finding::RunEnd;
use verifier::rules::{Selection, Sites};
use verifier::run::{self, Chooser, Contents, Executor, Setup};
use verifier::workload::{Amount, Mode, Options as Workload, Sizes};

use crate::rig::soak;

/// A driver description over an adapter of another build.
macro_rules! over {
    ($change:expr, $place:expr) => {{
        fn options(cpus: u8) -> Options {
            let change: fn(Options) -> Options = $change;
            change(Options::for_processors(cpus))
        }
        static DRIVER: Driver = Driver {
            name: "vioscsi",
            aliases: &[],
            summary: "",
            expects: Expects::Clean,
            kind: Kind::Miniport {
                entry: Some(vioscsi::driver_entry),
                device: |medium, cpus| Box::new(VirtioScsi::new(medium, options(cpus))),
                protocol: verifier::driver::Protocol::Scsi,
                slot: || {
                    let place: fn(storport_sim::PciSlot) -> storport_sim::PciSlot = $place;
                    place(slot(&options(4)))
                },
            },
            cancels: false,
            reads_registry: false,
            image: None,
            sources: &[],
        };
        &DRIVER
    }};
}

fn setup(cpus: u8, executor: Executor, seed: u64, depth: u32, ios: u64) -> Setup {
    Setup {
        cpus,
        executor,
        seed,
        workload: Workload {
            mode: Mode::RandRw,
            amount: Amount::Ios(ios),
            block_bytes: Sizes::of(4096),
            depth,
            flush_every: 16,
            cancel_every: 0,
            service_every: 0,
            luns: 1,
            seed,
            zeroed: true,
        },
        disturbances: Disturbances::default(),
        contents: Contents::Memory { bytes: 4 << 20 },
        units: Default::default(),
        memory: run::MemoryChoice::Plain,
        environment: Default::default(),
        rules: Selection::all(),
        exceptions: Vec::new(),
        sites: Sites::Kept,
        evidence: false,
        patience: kernel_sim::machine::PATIENCE,
    }
}

fn is_clean(driver: &'static Driver, setup: &Setup) {
    let run = run::once(driver, setup, setup.seed, Chooser::Seeded, None).expect("the driver starts");
    assert!(
        matches!(run.end, RunEnd::Clean),
        "{} CPUs, seed {}, depth {}: {:?}",
        setup.cpus,
        setup.seed,
        setup.workload.depth,
        run.end
    );
}

/// Under many seeds and on real threads, with one to four processors.
fn serves(driver: &'static Driver, depth: u32, ios: u64, count: u64) {
    for seed in 0..soak(count, count * 10) {
        let cpus = (seed % 4 + 1) as u8;
        is_clean(driver, &setup(cpus, Executor::Deterministic, seed, depth, ios));
        if seed % 16 == 0 {
            is_clean(driver, &setup(cpus, Executor::Parallel, seed, depth, ios));
        }
    }
}

#[test]
fn everything_on_offer() {
    serves(over!(|o| o, |s| s), 8, 100, 300);
}

#[test]
fn many_requests_at_once() {
    serves(over!(|o| o, |s| s), 256, 400, 40);
}

#[test]
fn a_ring_that_is_always_full() {
    // One processor issues more than its ring has room for: busy answers, which come round again.
    let small = over!(|o| Options { queue_size: 8, request_queues: 4, ..o }, |s| s);
    for seed in 0..soak(60, 1000) {
        let cpus = (seed % 4 + 1) as u8;
        is_clean(small, &setup(cpus, Executor::Deterministic, seed, 256, 300));
    }
}

#[test]
fn descriptors_in_the_ring_itself() {
    serves(over!(|o| Options { indirect: false, ..o }, |s| s), 16, 100, 200);
    serves(
        over!(|o| Options { indirect: false, queue_size: 32, event_index: false, ..o }, |s| s),
        16,
        100,
        100,
    );
}

#[test]
fn flags_instead_of_event_indices() {
    serves(over!(|o| Options { event_index: false, ..o }, |s| s), 16, 100, 200);
}

#[test]
fn the_line_only() {
    serves(over!(|o| Options { has_messages: false, ..o }, |s| s), 16, 100, 200);
    serves(over!(|o| o, |s| s.line_only()), 16, 100, 100);
}

#[test]
fn fewer_queues_than_processors() {
    serves(over!(|o| Options { request_queues: 2, ..o }, |s| s), 16, 100, 200);
    serves(over!(|o| o, |s| s.without_performance_options()), 16, 100, 100);
}
