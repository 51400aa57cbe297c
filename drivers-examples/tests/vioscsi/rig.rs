//! A machine with the adapter, the driver loaded, and what a test may do meanwhile.

use drivers_examples::vioscsi;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use std::sync::Arc;
use storport_sim::disk::fault::FaultInjector;
use storport_sim::disk::{Geometry, Identity, MemoryStore, ScsiDisk, Target};
use storport_sim::hba::virtio_scsi::{Options, VirtioScsi, slot};
use storport_sim::scsi::Lun;
use storport_sim::{Adapter, Medium, PciSlot};

pub const DISK_BYTES: u64 = 1 << 20;

/// One machine.
#[derive(Clone)]
pub struct Setup {
    pub cpus: u8,
    pub options: Options,
    /// The system grants the line only, whatever the device has.
    pub line_only: bool,
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

/// What a test has in its hands.
pub struct Bench {
    pub adapter: Adapter,
    pub medium: Arc<Medium>,
    pub seed: u64,
}

pub fn disk() -> ScsiDisk {
    ScsiDisk::new(Box::new(MemoryStore::new(DISK_BYTES)), Geometry::default(), Identity::default()).unwrap()
}

pub fn unit(number: u16) -> Lun {
    Lun::new(number).unwrap()
}

/// Starts the fault plan: after the bus scan, so that the driver has come up.
fn start_faults(medium: &Medium, plan: &str, seed: u64) {
    if !plan.is_empty() {
        let plan = plan.parse().unwrap();
        medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, seed))));
    }
}

/// Boots a machine, starts the adapter, runs `body`, which takes it down, and unloads the driver.
pub fn run(
    setup: &Setup,
    execution: Execution,
    seed: u64,
    body: impl FnOnce(Bench) + Send + 'static,
) -> Outcome {
    let medium = Arc::new(Medium::new((0..setup.disks).map(|_| disk()).collect::<Target>()));
    let model = VirtioScsi::new(Arc::clone(&medium), setup.options);
    let setup = setup.clone();
    Config::new(setup.cpus, execution).unwrap().hardware(Box::new(model)).run(move || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(vioscsi::driver_entry)).expect("the driver loads");
        let place: PciSlot = slot(&setup.options);
        let place = if setup.line_only { place.line_only() } else { place };
        let adapter = Adapter::start_device(driver, place).expect("the adapter starts");
        start_faults(&medium, setup.plan, seed);
        body(Bench { adapter, medium, seed });
        machine.unload_driver(driver);
        assert_eq!(machine.dma_faults(0), [], "the device was sent where nothing is for it");
    })
}

/// Runs `body` under that many schedules; every run has to complete.
pub fn seeds(setup: &Setup, count: u64, body: impl Fn(Bench) + Send + Sync + Clone + 'static) {
    for seed in 0..soak(count, count * 10) {
        let outcome = run(setup, Execution::Seeded(seed), seed, body.clone());
        assert_completed(&outcome, &format!("{} CPUs, seed {seed}, {}", setup.cpus, setup.plan));
    }
}

/// As [`seeds`], on real threads.
pub fn parallel(setup: &Setup, count: u64, body: impl Fn(Bench) + Send + Sync + Clone + 'static) {
    for seed in 0..soak(count, count * 10) {
        let outcome = run(setup, Execution::Parallel, seed, body.clone());
        assert_completed(&outcome, &format!("{} CPUs, parallel {seed}, {}", setup.cpus, setup.plan));
    }
}

pub fn soak(small: u64, large: u64) -> u64 {
    if std::env::var_os("STORSIM_SOAK").is_some() { large } else { small }
}

#[track_caller]
pub fn assert_completed(outcome: &Outcome, which: &str) {
    assert!(matches!(outcome.ending, Ending::Completed), "{which}: {:#?}", outcome.ending);
}

pub fn sleep_us(us: i64) {
    let mut interval = LARGE_INTEGER::new(-10 * us);
    // SAFETY: PASSIVE_LEVEL.
    unsafe { KeDelayExecutionThread(KernelMode, FALSE, &raw mut interval) };
}
