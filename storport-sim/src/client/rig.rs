//! A machine with a medium and an adapter: booted, used by a test, taken down, and looked at afterwards.
//!
//! What the machine is built from is the caller's to say (processors, execution, watchers, failing
//! allocations: a [`Config`]); what an adapter's life is about stays in the test ([`Bench::adapter`]). Here
//! is what every such test does before and after.

use super::{Device, machine};
use crate::disk::fault::FaultInjector;
use crate::disk::{Geometry, Identity, MemoryStore, ScsiDisk};
use crate::scsi::Lun;
use crate::{Adapter, Medium, Parameter, PciSlot};
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::PDRIVER_INITIALIZE;
use kernel_sim::hardware::HardwareModel;
use kernel_sim::machine::{Config, Execution, Outcome};
use std::sync::Arc;

/// A disk of `bytes` zeros in memory, with blocks of 512 bytes.
#[must_use]
pub fn disk(bytes: u64) -> ScsiDisk {
    numbered_disk(0, bytes)
}

/// The `n`th of several such disks: each has an identity of its own.
fn numbered_disk(n: usize, bytes: u64) -> ScsiDisk {
    let store = Box::new(MemoryStore::new(bytes));
    ScsiDisk::new(store, Geometry::default(), Identity::numbered(n)).expect("whole blocks")
}

/// How many times as many seeds as usual tests should try: the environment's `STORSIM_SOAK`, or 1.
#[must_use]
pub fn soak() -> u64 {
    std::env::var("STORSIM_SOAK").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// So many seeds ([`soak`] times as many) on each of these numbers of processors.
pub fn seeds<const N: usize>(cpus: [u8; N], count: u64) -> impl Iterator<Item = (u8, u64)> {
    cpus.into_iter().flat_map(move |cpus| (0..count * soak()).map(move |seed| (cpus, seed)))
}

/// Every execution a property should hold under: so many seeds on one to four processors, and real threads on
/// each; with a name to say which it was.
pub fn executions(count: u64) -> impl Iterator<Item = (u8, Execution, String)> {
    let seeded = seeds([1, 2, 3, 4], count)
        .map(|(cpus, seed)| (cpus, Execution::Seeded(seed), format!("{cpus} CPUs, seed {seed}")));
    seeded.chain((1..=4).map(|cpus| (cpus, Execution::Parallel, format!("{cpus} CPUs, parallel"))))
}

/// The same with real threads on two processors only: for what is busy for seconds of the host's clock, as a
/// unit that was plugged in.
pub fn slow_executions(count: u64) -> impl Iterator<Item = (u8, Execution, String)> {
    executions(count).filter(|(cpus, execution, _)| *cpus == 2 || matches!(execution, Execution::Seeded(_)))
}

/// Asserts that a run ended by itself.
#[track_caller]
pub fn assert_completed(outcome: &Outcome, what: &str) {
    assert!(matches!(outcome.ending, Ending::Completed), "{what}: {:?}", outcome.ending);
}

/// The stop code and the first parameter of a run that ended in a bug check.
///
/// # Panics
/// When it ended otherwise.
#[track_caller]
#[must_use]
pub fn stopped(outcome: &Outcome) -> (u32, u64) {
    let Ending::BugCheck(check) = &outcome.ending else { panic!("{:?}", outcome.ending) };
    (check.stop.code, check.parameters[0])
}

/// Loads a driver of a virtual miniport, starts its adapter, runs `body`, and takes both down again.
#[track_caller]
pub fn with_adapter(entry: PDRIVER_INITIALIZE, body: impl FnOnce(&Adapter)) {
    with_started(entry, None, body);
}

/// As [`with_adapter`], for a miniport of the device in this slot, which must not have reached for memory
/// that it was not given.
#[track_caller]
pub fn with_device(entry: PDRIVER_INITIALIZE, slot: PciSlot, body: impl FnOnce(&Adapter)) {
    with_started(entry, Some(slot), body);
}

#[track_caller]
fn with_started(entry: PDRIVER_INITIALIZE, slot: Option<PciSlot>, body: impl FnOnce(&Adapter)) {
    let driver = machine().load_driver(entry).expect("the driver loads");
    let adapter = match slot {
        Some(slot) => Adapter::start_device(driver, slot),
        None => Adapter::start(driver),
    };
    let adapter = adapter.expect("the adapter starts");
    body(&adapter);
    adapter.remove();
    machine().unload_driver(driver);
}

/// A driver and the medium it serves, to be booted.
pub struct Rig {
    entry: PDRIVER_INITIALIZE,
    medium: Arc<Medium>,
    device: Option<(Box<dyn HardwareModel>, PciSlot)>,
    parameters: Vec<(String, Parameter)>,
}

/// A running adapter with its disks, for the body of a test.
pub struct Bench {
    medium: Arc<Medium>,
    adapter: Option<Adapter>,
    has_device: bool,
}

impl Rig {
    /// The entry point of a virtual miniport, and a medium of `disks` disks of `bytes` zeros in memory, where
    /// [`Medium::of`] finds it.
    #[must_use]
    pub fn new(entry: PDRIVER_INITIALIZE, disks: usize, bytes: u64) -> Rig {
        let medium = Arc::new(Medium::new((0..disks).map(|n| numbered_disk(n, bytes)).collect()));
        Rig { entry, medium, device: None, parameters: Vec::new() }
    }

    /// Makes it the miniport of a device: the machine's device 0, in that slot, with the medium behind it.
    #[must_use]
    pub fn device(mut self, model: impl FnOnce(Arc<Medium>) -> Box<dyn HardwareModel>, slot: PciSlot) -> Rig {
        self.device = Some((model(Arc::clone(&self.medium)), slot));
        self
    }

    /// A value under the adapter's `Parameters` key in the registry.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: Parameter) -> Rig {
        self.parameters.push((name.to_owned(), value));
        self
    }

    /// Puts a fault plan to work before the adapter starts, with seed 1; [`Bench::faults`] does after.
    ///
    /// # Panics
    /// When it is no fault plan.
    #[track_caller]
    #[must_use]
    pub fn faults(self, plan: &str) -> Rig {
        set_faults(&self.medium, plan, 1);
        self
    }

    /// Boots the machine, loads the driver, starts the adapter and runs `body`; removes the adapter, unless
    /// the body did, and unloads the driver.
    ///
    /// # Panics
    /// When the machine came to its end and the medium still has an owner. On the machine, where it ends the
    /// run: when the driver does not load or its adapter does not start, leaves pool behind, or its device
    /// reached for memory that it was not given.
    #[track_caller]
    pub fn run(self, config: Config, body: impl FnOnce(&mut Bench) + Send + 'static) -> Outcome {
        let Rig { entry, medium, device, parameters } = self;
        let kept = Arc::downgrade(&medium);
        let (config, slot) = match device {
            Some((model, slot)) => {
                let with_parameters =
                    |slot: PciSlot, (name, value): (String, Parameter)| slot.parameter(&name, value);
                (config.hardware(model), Some(parameters.iter().cloned().fold(slot, with_parameters)))
            }
            None => (config, None),
        };
        let outcome = config.run(move || {
            let machine = machine();
            machine.attach(Arc::clone(&medium));
            let driver = machine.load_driver(entry).expect("the driver loads");
            let has_device = slot.is_some();
            let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.clone()));
            let adapter = match slot {
                Some(slot) => Adapter::start_device(driver, slot),
                None => Adapter::start_with_parameters(driver, parameters),
            };
            let adapter = Some(adapter.expect("the adapter starts"));
            let mut bench = Bench { medium, adapter, has_device };
            body(&mut bench);
            if let Some(adapter) = bench.adapter.take() {
                adapter.remove();
            }
            machine.unload_driver(driver);
            assert!(machine.leaks().is_empty(), "the driver left pool behind: {:?}", machine.leaks());
        });
        if matches!(outcome.ending, Ending::Completed) {
            assert!(kept.upgrade().is_none(), "the medium is still owned after the machine has gone");
        }
        outcome
    }
}

#[track_caller]
fn set_faults(medium: &Medium, plan: &str, seed: u64) {
    let plan = plan.parse().expect("a fault plan");
    medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, seed))));
}

impl Bench {
    /// The medium behind the adapter.
    #[must_use]
    pub fn medium(&self) -> &Medium {
        &self.medium
    }

    /// The adapter.
    ///
    /// # Panics
    /// After [`Bench::end`].
    #[track_caller]
    #[must_use]
    pub fn adapter(&self) -> &Adapter {
        self.adapter.as_ref().expect("the adapter has been taken away")
    }

    /// The `n`th disk that the adapter started with.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    #[must_use]
    pub fn disk(&self, n: usize) -> Device {
        self.adapter().disks()[n].into()
    }

    /// Lets commands meet the faults of a plan from now on.
    ///
    /// # Panics
    /// When it is no fault plan.
    #[track_caller]
    pub fn faults(&self, plan: &str, seed: u64) {
        set_faults(&self.medium, plan, seed);
    }

    /// How many commands have met a fault of the plan that is at work.
    #[must_use]
    pub fn faults_met(&self) -> u64 {
        let injected = |f: &FaultInjector| f.counts().map(|c| c.injected).sum();
        self.medium.with(|target| target.faults().map_or(0, injected))
    }

    /// Plugs a disk in, so that the adapter notices.
    ///
    /// # Panics
    /// When there can be no unit of that number.
    #[track_caller]
    pub fn plug_in(&self, unit: u16, disk: ScsiDisk) {
        self.medium.plug_in(Lun::new(unit).expect("the number of a unit"), disk);
        self.touch();
    }

    /// Pulls a disk out, so that the adapter notices; `None` if there is none.
    ///
    /// # Panics
    /// When there can be no unit of that number.
    #[track_caller]
    pub fn unplug(&self, unit: u16) -> Option<ScsiDisk> {
        let disk = self.medium.unplug(Lun::new(unit).expect("the number of a unit"));
        self.touch();
        disk
    }

    fn touch(&self) {
        if self.has_device {
            machine().touch_device(0);
        }
    }

    /// Takes the adapter away, in one of the ways there are: [`Adapter::remove`],
    /// [`Adapter::surprise_remove`].
    ///
    /// # Panics
    /// The second time.
    #[track_caller]
    pub fn end(&mut self, end: impl FnOnce(Adapter)) {
        end(self.adapter.take().expect("the adapter has been taken away"));
    }
}
