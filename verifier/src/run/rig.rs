//! The test rig: what a run does on the machine's boot thread.
//!
//! It loads the driver, starts its device or adapter, sends the workload with its disturbances, removes and
//! unloads. It is the system around a driver and no part of it; a driver that refuses to start is no finding.
//! Invariant: whatever was started is taken down again, unless the run ended before.

use super::device_events::{self, DeviceStage};
use super::disturbances::{DisturbanceCounts, Disturbances, Event};
use super::environment::{Environment, Part};
use super::events::{self, Cue, Stage};
use super::units::{self, Command, Sent};
use crate::driver::{Driver, Kind, Protocol};
use crate::workload::{
    self, Amount, Disk, Doorbell, LOST_AFTER_S, Mode, Options, PermittedErrors, Statistics, length_of,
    trims_of,
};
use kernel_sim::PnpDevice;
use kernel_sim::ddi::types::{
    NTSTATUS, PDEVICE_OBJECT, PDRIVER_INITIALIZE, PDRIVER_OBJECT, STATUS_INSUFFICIENT_RESOURCES, status_name,
};
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::sync::Arc;
use storport_sim::LowerDisk;
use storport_sim::disk::BackingStore;
use storport_sim::disk::fault::{FaultInjector, FaultKind, Phase, SharedFaults, SharedPhase};
use storport_sim::{Adapter, Medium, PciSlot, StartOptions};

/// Events in a run of a given number of requests, about.
const EVENTS: u64 = 8;
/// Requests between two events, on average, in a run of a given time.
const EVENT_EVERY: u64 = 500;

/// The results that the boot thread leaves for the caller.
#[derive(Default)]
pub(super) struct RigResult {
    pub statistics: Statistics,
    /// Faults and events that occurred; `None` if none were asked for.
    pub disturbances: Option<DisturbanceCounts>,
    /// Why the driver could not be started.
    pub refused: Option<String>,
    /// What the commands sent before the load came to.
    pub commands: Vec<Sent>,
    /// Its device told it lies, so that it need not start.
    pub was_lied_to: bool,
}

/// See the module page.
pub(super) struct Rig {
    pub driver: &'static Driver,
    /// Size of all disks together.
    pub bytes: u64,
    pub workload: Options,
    pub disturbances: Disturbances,
    pub environment: Environment,
    /// Sent to each disk before the load.
    pub commands: Vec<Command>,
    /// The medium behind a miniport.
    pub medium: Option<Arc<Medium>>,
    /// The contents of the disk below a driver without hardware.
    pub lower: Option<Box<dyn BackingStore>>,
    /// The faults that strike the device of a WDM driver.
    pub faults: SharedFaults,
    /// Told which part of its life the driver is in.
    pub phase: SharedPhase,
    pub result: Arc<Mutex<RigResult>>,
    /// What the jobs that have ended measured, until all have.
    pub so_far: Arc<Mutex<Statistics>>,
}

impl Rig {
    /// The whole of it; for the boot thread.
    pub(super) fn boot(mut self) {
        let machine = Machine::current().expect("booting happens on a machine");
        if let Err(why) = self.exercise(machine) {
            self.result.lock().refused = Some(why);
        }
    }

    fn exercise(&mut self, machine: &'static Machine) -> Result<(), String> {
        match self.driver.kind {
            Kind::Wdm { entry, .. } => {
                let object = load(machine, entry)?;
                let faults = FaultInjector::new(&self.disturbances.faults, self.workload.seed);
                *self.faults.lock() = faults.only_lying();
                let added = match self.lower.take() {
                    None => machine.add_device(object, 0),
                    Some(store) => match LowerDisk::new(machine, store, Arc::clone(&self.faults)) {
                        Some(lower) => machine.add_device_over(object, lower),
                        None => Err(STATUS_INSUFFICIENT_RESOURCES),
                    },
                };
                let device = match added {
                    Ok(device) => device,
                    Err(status) => {
                        return Err(self.not_started(
                            machine,
                            object,
                            refused("starting its device", status),
                        ));
                    }
                };
                let disk = self.disk(machine, vec![device.top()], None)?;
                if self.disturbances.is_none() {
                    self.work(machine, disk, &Arc::new(PermittedErrors::none()), || {});
                    device.remove();
                } else {
                    self.run_device_disturbed(machine, device, disk);
                }
                machine.unload_driver(object);
                Ok(())
            }
            Kind::VirtualMiniport { entry } => {
                self.attach_medium(machine);
                self.exercise_miniport(machine, entry, None)
            }
            Kind::Miniport { entry, slot, .. } => {
                self.attach_medium(machine);
                self.exercise_miniport(machine, entry, Some(slot()))
            }
            Kind::Model { .. } => unreachable!("a model has no rig"),
        }
    }

    /// Lets the miniport find the medium behind its adapter; one with hardware has no need to. A hostile
    /// device lies from now on.
    fn attach_medium(&self, machine: &Machine) {
        if let Some(medium) = &self.medium {
            machine.attach(Arc::clone(medium));
            let faults = &self.disturbances.faults;
            let lies =
                faults.is_hostile().then(|| FaultInjector::new(faults, self.workload.seed).only_lying());
            medium.with(|target| target.set_faults(lies));
        }
    }

    /// Whether the device has told a lie as the driver started.
    fn was_lied_to(&self) -> bool {
        let has_struck = |faults: &FaultInjector| faults.counts().any(|count| count.injected > 0);
        has_struck(&self.faults.lock())
            || self.medium.as_ref().is_some_and(|medium| medium.with(|t| t.faults().is_some_and(has_struck)))
    }

    /// Why a driver under test did not start: none of its mistakes if its device has told it lies, which the
    /// result says.
    fn not_started(&self, machine: &Machine, driver: PDRIVER_OBJECT, why: String) -> String {
        if self.was_lied_to() {
            self.result.lock().was_lied_to = true;
            machine.unload_driver(driver);
        } else {
            unload_unstarted(machine, driver);
        }
        why
    }

    fn exercise_miniport(
        &mut self,
        machine: &'static Machine,
        entry: PDRIVER_INITIALIZE,
        slot: Option<PciSlot>,
    ) -> Result<(), String> {
        let object = load(machine, entry)?;
        let options = StartOptions {
            completion: self.environment.completion,
            announces_starts: self.disturbances.events.contains(&Event::Units),
        };
        let adapter = match Adapter::start_with(object, slot, options) {
            Ok(adapter) => adapter,
            Err(why) => return Err(self.not_started(machine, object, why.to_string())),
        };
        let service = adapter.accepts_service_requests().then(|| adapter.device());
        let devices = adapter.disks().to_vec();
        let may_lack_some = self.environment.drawn.has(Part::Units) || self.disturbances.faults.is_hostile();
        if may_lack_some && !devices.is_empty() {
            self.do_with(devices.len());
        }
        if devices.len() < usize::from(self.workload.luns) {
            let luns = self.workload.luns;
            let found = devices.len();
            adapter.remove();
            let why = match found {
                0 => "the bus scan found no disk".into(),
                found => format!("the bus scan found {found} disks of {luns}"),
            };
            return Err(self.not_started(machine, object, why));
        }
        let sent = units::send(&self.commands, &devices);
        self.result.lock().commands = sent;
        let disk = self.disk(machine, devices, service)?;
        match &self.medium {
            Some(medium) if !self.disturbances.is_none() => {
                self.run_disturbed(machine, adapter, medium, disk)
            }
            _ => {
                self.work(machine, disk, &Arc::new(PermittedErrors::none()), || {});
                adapter.remove();
            }
        }
        machine.unload_driver(object);
        Ok(())
    }

    /// Sends requests to so many disks, if more were drawn than the driver finds.
    fn do_with(&mut self, disks: usize) {
        let luns = self.workload.luns;
        let found = u8::try_from(disks).unwrap_or(luns).min(luns);
        self.bytes = self.bytes / u64::from(luns) * u64::from(found);
        self.workload.luns = found;
    }

    /// The disk under test; a workload of trims needs one that takes them.
    fn disk(
        &mut self,
        machine: &Machine,
        mut devices: Vec<PDEVICE_OBJECT>,
        service: Option<PDEVICE_OBJECT>,
    ) -> Result<Disk, String> {
        devices.truncate(self.workload.luns.into());
        let mode = self.workload.mode;
        // Asked before faults start: the class driver keeps the first reply.
        let asked = devices.iter().filter(|_| mode.trims()).map(|device| trims_of(machine, *device));
        let trims = asked.reduce(|one, other| if one == other { one } else { None }).flatten();
        if mode.only_trims() && trims.is_none() && self.environment.drawn.has(Part::Mix) {
            // They were drawn, not asked for: a mix writes where it would trim.
            self.workload.mode = Mode::Mixed;
        } else if mode.only_trims() && trims.is_none() {
            return Err(format!("its disk takes no trims, and --rw {} sends nothing else", mode.word()));
        }
        let bytes = self.bytes_of(machine, &devices);
        // Of a WDM driver: the disk class driver has no use for handles.
        let has_handles = matches!(self.driver.kind, Kind::Wdm { .. });
        Ok(Disk { devices, service, has_handles, bytes, trims })
    }

    /// Bytes of the disks that the load is spread over. A virtual miniport from a file has disks of its own,
    /// and they may be shorter than the medium.
    fn bytes_of(&self, machine: &Machine, devices: &[PDEVICE_OBJECT]) -> u64 {
        let is_own = self.driver.image.is_some() && matches!(self.driver.kind, Kind::VirtualMiniport { .. });
        let lengths = devices.iter().filter(|_| is_own).filter_map(|device| length_of(machine, *device));
        let shortest = lengths.min().unwrap_or(u64::MAX);
        self.bytes.min(shortest.saturating_mul(devices.len() as u64))
    }

    fn work(
        &self,
        machine: &Machine,
        disk: Disk,
        permitted: &Arc<PermittedErrors>,
        end_disturbances: impl FnOnce(),
    ) {
        self.phase.set(Phase::Io);
        workload::run(machine, disk, &self.workload, permitted, &self.so_far, end_disturbances);
        self.phase.set(Phase::Unload);
        self.result.lock().statistics = std::mem::take(&mut *self.so_far.lock());
    }

    /// The workload of a WDM driver with faults of its device and events, and the end of the device. Faults
    /// begin after the start; both end before what was written is read back.
    fn run_device_disturbed(&self, machine: &'static Machine, device: PnpDevice, disk: Disk) {
        self.faults.lock().let_go();
        let (bell, ended) = (Doorbell::new(machine, 0), Doorbell::new(machine, 0));
        let permitted = Arc::new(PermittedErrors::of_device(Arc::clone(&self.faults), bell));
        let stage = Arc::new(DeviceStage {
            device,
            permitted: Arc::clone(&permitted),
            cue: Cue::new(bell),
            counts: Mutex::default(),
        });
        let has_events = !self.disturbances.events.is_empty();
        if has_events {
            let (stage, gap) = (Arc::clone(&stage), self.gap());
            let (events, seed) = (self.disturbances.events.clone(), self.workload.seed);
            machine.start_thread(None, move || {
                device_events::run(&stage, &events, seed, gap);
                // The rig removes the device when it is the only one that has it.
                drop(stage);
                ended.ring();
            });
        }
        let mut counts = DisturbanceCounts::default();
        self.work(machine, disk, &permitted, || {
            stage.cue.end();
            if has_events {
                ended.wait();
            }
            permitted.note_lies();
            counts.faults = std::mem::take(&mut *self.faults.lock()).counts().collect();
        });
        bell.free(machine);
        ended.free(machine);
        let stage = Arc::into_inner(stage).expect("the thread has ended, and dropped its own");
        counts.events = stage.counts.into_inner();
        self.result.lock().disturbances = Some(counts);
        stage.device.remove();
    }

    /// The workload with faults and events, and the end of the adapter. Faults begin after the start and end
    /// before what was written is read back.
    fn run_disturbed(&self, machine: &'static Machine, adapter: Adapter, medium: &Arc<Medium>, disk: Disk) {
        let Disturbances { faults, events, timeout_s } = &self.disturbances;
        if let Some(timeout_s) = timeout_s {
            adapter.set_timeout_s(*timeout_s);
        }
        let bell = Doorbell::new(machine, 0);
        let timeout_s = timeout_s.unwrap_or(LOST_AFTER_S);
        let permitted = PermittedErrors::planned(Some(Arc::clone(medium)), bell, timeout_s);
        let protocol = match self.driver.kind {
            Kind::Miniport { protocol, .. } => protocol,
            _ => Protocol::Scsi,
        };
        let permitted = Arc::new(permitted.over(protocol).with_pauses(events.contains(&Event::Hotplug)));
        let stage = Arc::new(Stage {
            adapter,
            medium: Arc::clone(medium),
            luns: self.workload.luns,
            protocol,
            permitted: Arc::clone(&permitted),
            cue: Cue::new(bell),
            counts: Mutex::default(),
            elsewhere: Mutex::default(),
        });
        let ended = Doorbell::new(machine, 0);
        let mut threads = 0;
        let mut start = |body: Box<dyn FnOnce(&Stage) + Send>| {
            let stage = Arc::clone(&stage);
            threads += 1;
            machine.start_thread(None, move || {
                body(&stage);
                // The rig takes the adapter down when it is the only one that has it.
                drop(stage);
                ended.ring();
            });
        };
        if !events.is_empty() {
            let (events, seed, gap) = (events.clone(), self.workload.seed, self.gap());
            start(Box::new(move |stage| events::run(stage, &events, seed, gap)));
        }
        if faults.names(FaultKind::SurpriseRemoval) {
            start(Box::new(events::watch_for_removal));
        }
        if !faults.is_empty() {
            medium.with(|target| match target.faults_mut() {
                Some(injector) => injector.let_go(),
                None => target.set_faults(Some(FaultInjector::new(faults, self.workload.seed))),
            });
        }
        let mut counts = DisturbanceCounts::default();
        let device = disk.devices[0];
        self.work(machine, disk, &permitted, || {
            stage.cue.end();
            (0..threads).for_each(|_| ended.wait());
            permitted.note_lies();
            medium.with(|target| {
                counts.faults = target.faults().map_or_else(Vec::new, |f| f.counts().collect());
                target.set_faults(None);
            });
        });
        bell.free(machine);
        ended.free(machine);
        let stage = Arc::into_inner(stage).expect("the threads have ended, and dropped theirs");
        counts.disk = stage.adapter.statistics(device).unwrap_or_default();
        counts.events = stage.counts.into_inner();
        {
            let mut result = self.result.lock();
            result.statistics.add(&stage.elsewhere.into_inner());
            result.disturbances = Some(counts);
        }
        if permitted.is_gone() {
            stage.adapter.surprise_remove();
        } else {
            stage.adapter.remove();
        }
    }

    /// How many requests apart two events are at most.
    fn gap(&self) -> u64 {
        match self.workload.amount {
            Amount::Ios(n) => (2 * n / EVENTS).max(1),
            Amount::Once => (2 * self.bytes / u64::from(self.workload.block_bytes.max) / EVENTS).max(1),
            Amount::TimeNs(_) => 2 * EVENT_EVERY,
        }
    }
}

fn load(machine: &'static Machine, entry: PDRIVER_INITIALIZE) -> Result<PDRIVER_OBJECT, String> {
    machine.load_driver(entry).map_err(|s| refused("DriverEntry", s))
}

/// How often the plan has denied something to the driver: memory, or what is in the registry.
pub(super) fn denied(machine: &Machine) -> usize {
    machine.failed_allocations() + machine.failed_registry_reads()
}

/// Unloads a driver that did not start because something was denied to it: what it had allocated by then must
/// have been given back. One that did not start by itself is no driver under test.
fn unload_unstarted(machine: &Machine, driver: PDRIVER_OBJECT) {
    if denied(machine) != 0 {
        machine.unload_driver(driver);
    }
}

/// Which step a driver refused, and how.
fn refused(step: &str, status: NTSTATUS) -> String {
    let status = status_name(status).map_or_else(|| format!("{status:#010x}"), str::to_owned);
    format!("{step} returned {status}")
}
