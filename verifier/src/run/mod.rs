//! One run of one driver on one machine, from power-on to unload.
//!
//! [`once`] is the only place where a machine is powered on for a driver; a [`Program`] is a driver with its
//! setup, to be executed many times. `setup.rs` says how to run, `rig.rs` is what happens on the machine,
//! `disturbances.rs` what goes wrong meanwhile, made by `events.rs`, `hotplug.rs` and `device_events.rs`;
//! `environment/` is what a stress draws of all that from the seed.
//! What was found is described in [`finding`](crate::finding), not here. Invariant: on the deterministic
//! executor a run is a function of driver, setup, seed and choices.

mod device_events;
mod disturbances;
pub mod environment;
mod events;
mod hotplug;
mod memory;
mod program;
mod registered;
mod rig;
mod runaways;
pub(crate) use runaways::has_taken_memory;
mod setup;
#[cfg(test)]
mod tests;
mod units;

pub use disturbances::{DisturbanceCounts, Disturbances, Event, EventCounts};
pub use environment::{Environment, Part, Parts};
pub use memory::MemoryChoice;
pub use program::{Chooser, Program};
pub use setup::{Contents, Executor, MEMORY_BYTES_MAX, Setup, SetupError};
pub use units::{Command, Sent, Units};

pub(crate) use setup::check_size;

use crate::driver::{Driver, Kind};
use crate::finding::RunEnd;
use crate::rules::{self, Selection};
use crate::workload::{Options, Statistics};
use kernel_sim::allocation_failure::FailedAllocation;
use kernel_sim::bugcheck::Ending;
use kernel_sim::choose::Choice;
use kernel_sim::hook::Watcher;
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Config, Execution, Outcome, reserve_memory};
use kernel_sim::processor::ProcessorStats;
use kernel_sim::routine::Callback;
use parking_lot::Mutex;
use registered::Registered;
use rig::{Rig, RigResult};
use setup::{check_disturbances, check_luns};
use std::sync::Arc;
use std::time::Duration;
use storport_sim::disk::fault::{CallCount, SharedFaults, SharedPhase};
use storport_sim::disk::{BackingStore, FileStore, Geometry, MemoryStore, ScsiDisk, StoreError, Target};
use storport_sim::medium::Medium;

/// The result of a run.
pub struct Run {
    /// Its outcome.
    pub end: RunEnd,
    /// Hash over all events (deterministic executor).
    pub trace_hash: Option<u64>,
    /// Steps made (deterministic executor).
    pub steps: u64,
    /// The choices made.
    pub choices: Vec<Choice>,
    /// Machine time at the end.
    pub time_ns: u64,
    /// What the workload measured; empty if the run ended early.
    pub statistics: Statistics,
    /// Faults and events that occurred; `None` if none were asked for, or if the run ended early.
    pub disturbances: Option<DisturbanceCounts>,
    /// Allocations of the driver that a fault plan made fail, oldest first.
    pub failed_allocations: Vec<FailedAllocation>,
    /// Which memory it had; not [`MemoryChoice::Drawn`].
    pub memory: MemoryChoice,
    /// How often each rule of the plan about allocations matched and struck.
    pub allocations: Vec<CallCount>,
    /// The same of each rule about the registry.
    pub registry: Vec<CallCount>,
    /// Callbacks that a miniport registered and that were not called; of a run that came to its end.
    pub uncalled: Option<Vec<&'static Callback>>,
    /// The parts of its environment that were drawn otherwise than asked for.
    pub drawn: Parts,
    /// Why the driver did not start, because memory was denied to it or its device told it lies: no finding,
    /// and no requests were sent.
    pub not_started: Option<String>,
    /// Commands that were sent to the disks before the load, as asked for.
    pub commands: Vec<Sent>,
    /// Counters of the processors.
    pub processors: Vec<ProcessorStats>,
    /// Time on the host, for people only; none is taken of a model, which is over in microseconds.
    pub elapsed: Duration,
}

/// Opens what the disk holds.
fn open(contents: &Contents) -> Result<Box<dyn BackingStore>, StoreError> {
    match contents {
        Contents::Memory { bytes } => Ok(Box::new(MemoryStore::new(*bytes))),
        Contents::Image { path, writes } => Ok(Box::new(FileStore::open(path, !writes)?)),
    }
}

/// Runs `driver` once. `seed` gives the operations, and the choices if `chooser` says so; the seeds in the
/// setup are not looked at. `watcher` watches besides the rules.
///
/// # Errors
/// When the run could not be made as asked. Nothing was written to an image then.
pub fn once(
    driver: &'static Driver,
    setup: &Setup,
    seed: u64,
    chooser: Chooser,
    watcher: Option<Arc<dyn Watcher>>,
) -> Result<Run, SetupError> {
    crate::register_sources();
    let is_fair = matches!(chooser, Chooser::Seeded);
    let execution = match setup.executor {
        Executor::Deterministic => match chooser {
            Chooser::Seeded => Execution::Seeded(seed),
            Chooser::Strategy(choose) => Execution::Chosen(choose),
        },
        Executor::Parallel => Execution::Parallel,
    };
    let mut config = Config::new(setup.cpus, execution)?;
    reserve_memory().map_err(SetupError::Memory)?;
    // First, so that it sees the very event at which a rule ends the run.
    if let Some(watcher) = watcher {
        config = config.watch(watcher);
    }
    for row in setup.rules.iter().filter(|row| row.is_about(&driver.kind)) {
        if let Some(watcher) = rules::watcher(row, setup.sites) {
            config = config.watch(watcher);
        }
    }
    config = config
        .image(driver.image.map(|file| file.image))
        .keep_evidence(setup.evidence)
        .patience(runaways::patience(driver, setup.patience))
        .steps_max(setup.steps_max())
        .step_ns(setup.environment.step_ns)
        .timers_every(setup.environment.timers_every)
        .memory(setup.memory.of_machine(seed));
    let memory = setup.memory.under(seed);
    let phase = SharedPhase::default();
    let policy = setup.disturbances.faults.allocation_policy(seed, &phase);
    if let Some(policy) = policy.clone() {
        config = config.fail_allocations(Box::new(policy));
    }
    let reads = setup.disturbances.faults.registry_policy(seed, &phase);
    if let Some(reads) = reads.clone() {
        config = config.fail_registry_reads(Box::new(reads));
    }
    let registered = Arc::new(Registered::default());
    if matches!(driver.kind, Kind::VirtualMiniport { .. } | Kind::Miniport { .. }) {
        config = config.watch(Arc::clone(&registered) as Arc<dyn Watcher>);
    }
    check_luns(driver, setup)?;
    units::check(driver, setup)?;
    check_disturbances(driver, &setup.disturbances)?;
    if let Kind::Model { run, .. } = driver.kind {
        let outcome = run(config);
        let run = finish(driver, &setup.rules, is_fair, outcome, Statistics::none(), None, Duration::ZERO);
        return Ok(Run { memory, drawn: setup.environment.drawn, ..run });
    }
    let clock = HostClock::start();
    let store = open(&setup.contents)?;
    let bytes = store.len_bytes() * u64::from(setup.workload.luns);
    check_size(setup, bytes)?;
    let result = Arc::new(Mutex::new(RigResult::default()));
    let faults: SharedFaults = Arc::default();
    let mut lower = None;
    let (config, medium) = match driver.kind {
        Kind::Wdm { device: Some(device), .. } => (config.hardware(device(store, Arc::clone(&faults))), None),
        Kind::Wdm { device: None, .. } => {
            lower = Some(store);
            (config, None)
        }
        Kind::Miniport { device, .. } => {
            let medium = Arc::new(Medium::new(target(store, setup)?));
            (config.hardware(device(Arc::clone(&medium), setup.cpus)), Some(medium))
        }
        Kind::VirtualMiniport { .. } | Kind::Model { .. } => {
            (config, Some(Arc::new(Medium::new(target(store, setup)?))))
        }
    };
    let workload = Options { seed, ..setup.workload.clone() };
    let disturbances = setup.disturbances.clone();
    let so_far = Arc::new(Mutex::new(Statistics::new()));
    let rig = Rig {
        driver,
        bytes,
        workload,
        disturbances,
        environment: setup.environment,
        commands: setup.units.commands.clone(),
        medium,
        lower,
        faults,
        phase,
        result: Arc::clone(&result),
        so_far: Arc::clone(&so_far),
    };
    tracing::debug!(driver = driver.name, seed, cpus = setup.cpus, "power on");
    let outcome = config.run(move || rig.boot());
    tracing::debug!(driver = driver.name, steps = outcome.steps, "power off");
    let mut result = std::mem::take(&mut *result.lock());
    if let Ending::Interrupted = outcome.ending {
        result.statistics = std::mem::take(&mut *so_far.lock());
    }
    let was_lied_to = result.was_lied_to;
    let was_denied = !outcome.failed_allocations.is_empty() || outcome.failed_registry_reads != 0;
    if let Some(why) = result.refused.take_if(|_| !was_denied && !was_lied_to) {
        return Err(SetupError::NotStarted { driver: driver.name, why });
    }
    let elapsed = clock.elapsed();
    let mut run =
        finish(driver, &setup.rules, is_fair, outcome, result.statistics, result.disturbances, elapsed);
    run.memory = memory;
    run.drawn = setup.environment.drawn;
    if setup.memory == MemoryChoice::Drawn && memory != MemoryChoice::Plain {
        run.drawn.insert(Part::Memory);
    }
    run.not_started = result.refused;
    run.commands = result.commands;
    run.uncalled = matches!(run.end, RunEnd::Clean).then(|| registered.uncalled(&run.processors));
    run.allocations = policy.map(|policy| policy.counts()).unwrap_or_default();
    run.registry = reads.map(|reads| reads.counts()).unwrap_or_default();
    Ok(run)
}

fn finish(
    driver: &'static Driver,
    rules: &Selection,
    is_fair: bool,
    outcome: Outcome,
    statistics: Statistics,
    disturbances: Option<DisturbanceCounts>,
    elapsed: Duration,
) -> Run {
    runaways::note(driver, &outcome.ending);
    let end = RunEnd::of(outcome.ending, rules).judged_endless(rules, is_fair);
    Run {
        end,
        trace_hash: outcome.trace_hash,
        steps: outcome.steps,
        choices: outcome.choices,
        time_ns: outcome.time_ns,
        statistics,
        disturbances,
        failed_allocations: outcome.failed_allocations,
        memory: MemoryChoice::Plain,
        allocations: Vec::new(),
        registry: Vec::new(),
        uncalled: None,
        drawn: Parts::NONE,
        not_started: None,
        commands: Vec::new(),
        processors: outcome.processors,
        elapsed,
    }
}

/// The SCSI disks that a miniport serves: all like the first, each with an identity of its own.
fn target(store: Box<dyn BackingStore>, setup: &Setup) -> Result<Target, StoreError> {
    let more = (1..setup.workload.luns).map(|_| open(&setup.contents));
    let disk = |(n, store): (usize, Box<dyn BackingStore>)| {
        let identity = setup.units.identity(n).expect("names were checked");
        let disk = ScsiDisk::new(store, Geometry::default(), identity)
            .expect("a store that opened is a whole number of sectors");
        if setup.units.read_only { disk.write_protected() } else { disk }
    };
    let stores = std::iter::once(Ok(store)).chain(more).enumerate();
    stores.map(|(n, store)| Ok(disk((n, store?)))).collect()
}
