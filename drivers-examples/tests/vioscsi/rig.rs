//! A machine with the virtio adapter and the driver loaded.

use drivers_examples::vioscsi;
use kernel_sim::machine::{Config, Execution, Outcome};
use storport_sim::client::{self, Rig};
pub use storport_sim::client::{Bench, Burst, Load, Request, assert_completed, sleep_us};
use storport_sim::disk::ScsiDisk;
use storport_sim::hba::virtio_scsi::{Options, VirtioScsi, slot};

const DISK_BYTES: u64 = 1 << 20;

/// One machine.
#[derive(Clone)]
pub struct Setup {
    pub cpus: u8,
    pub options: Options,
    /// The system grants the line only, whatever the device has.
    pub line_only: bool,
    /// At work once the adapter has started.
    pub plan: &'static str,
    pub disks: usize,
}

impl Setup {
    pub fn new(cpus: u8) -> Setup {
        Setup { cpus, options: Options::for_processors(cpus), line_only: false, plan: "", disks: 1 }
    }

    pub fn plan(self, plan: &'static str) -> Setup {
        Setup { plan, ..self }
    }
}

pub fn disk() -> ScsiDisk {
    client::disk(DISK_BYTES)
}

/// A load without flushes.
pub fn load(threads: u32, rounds: u32) -> Load {
    Load { flush_every: 0, ..Load::of(threads, rounds) }
}

/// Sends a read of the burst's own block.
pub fn send_read(burst: &mut Burst, bench: &Bench) {
    let offset = (burst.count() % 64 * Load::BLOCK_BYTES) as i64;
    burst.send(bench.disk(0), Request::Read { offset, bytes: Load::BLOCK_BYTES }, 0);
}

/// Boots a machine, starts the adapter and runs `body`.
pub fn run(
    setup: &Setup,
    execution: Execution,
    seed: u64,
    body: impl FnOnce(&mut Bench, u64) + Send + 'static,
) -> Outcome {
    let (options, plan) = (setup.options, setup.plan);
    let place = slot(&options);
    let place = if setup.line_only { place.line_only() } else { place };
    Rig::new(Some(vioscsi::driver_entry), setup.disks, DISK_BYTES)
        .device(|medium| Box::new(VirtioScsi::new(medium, options)), place)
        .run(Config::new(setup.cpus, execution).unwrap(), move |bench| {
            bench.faults(plan, seed);
            body(bench, seed);
        })
}

/// Runs `body` under that many schedules; every run has to complete.
pub fn seeds(setup: &Setup, count: u64, body: impl Fn(&mut Bench, u64) + Send + Sync + Clone + 'static) {
    for seed in 0..soak(count, count * 10) {
        let outcome = run(setup, Execution::Seeded(seed), seed, body.clone());
        assert_completed(&outcome, &format!("{} CPUs, seed {seed}, {}", setup.cpus, setup.plan));
    }
}

/// As [`seeds`], on real threads.
pub fn parallel(setup: &Setup, count: u64, body: impl Fn(&mut Bench, u64) + Send + Sync + Clone + 'static) {
    for seed in 0..soak(count, count * 10) {
        let outcome = run(setup, Execution::Parallel, seed, body.clone());
        assert_completed(&outcome, &format!("{} CPUs, parallel {seed}, {}", setup.cpus, setup.plan));
    }
}

pub fn soak(small: u64, large: u64) -> u64 {
    if std::env::var_os("STORSIM_SOAK").is_some() { large } else { small }
}
