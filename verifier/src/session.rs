//! One run of one driver on one machine, from power-on to unload.

use crate::driver::{Driver, Kind};
use crate::finding::{Verdict, Violation};
use crate::rig::{DisturbanceCounts, Disturbances, Event, Rig, RigResult};
use crate::rules::{RuleInfo, Sites};
use crate::workload::{Amount, Options, Statistics};
use kernel_sim::allocation_failure::FailedAllocation;
use kernel_sim::bugcheck::Ending;
use kernel_sim::choose::{Choice, Choose};
use kernel_sim::hook::Watcher;
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{BadProcessorCount, Config, Execution, Outcome};
use kernel_sim::processor::ProcessorStats;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use storport_sim::disk::fault::SharedFaults;
use storport_sim::disk::{
    BackingStore, FileStore, Geometry, Identity, MemoryStore, ScsiDisk, StoreError, Target,
};
use storport_sim::medium::Medium;

/// Which executor runs the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Executor {
    /// All processors on one host thread, every choice from the seed.
    Deterministic,
    /// A host thread per processor.
    Parallel,
}

impl Executor {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Executor::Deterministic => "deterministic",
            Executor::Parallel => "parallel",
        }
    }
}

/// The largest disk in memory, in bytes.
pub const MEMORY_BYTES_MAX: u64 = 64 << 30;

/// Bytes of buffers a workload may have outstanding.
const BUFFER_BYTES_MAX: u64 = 512 << 20;

/// What the disk under test holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Contents {
    /// Zeros, in memory.
    Memory {
        /// Size in bytes.
        bytes: u64,
    },
    /// A disk image.
    Image {
        /// Its file.
        path: PathBuf,
        /// Whether the run writes to it.
        writes: bool,
    },
}

impl std::fmt::Display for Contents {
    /// The flag that asks for them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Contents::Memory { bytes } => write!(f, "--size {bytes}"),
            Contents::Image { path, .. } => write!(f, "--image {}", path.display()),
        }
    }
}

/// How to run.
#[derive(Clone)]
pub struct Setup {
    /// Processors, 1 to 64.
    pub cpus: u8,
    /// Which executor.
    pub executor: Executor,
    /// Where choices and operations come from.
    pub seed: u64,
    /// The I/O.
    pub workload: Options,
    /// What the run has to bear besides.
    pub disturbances: Disturbances,
    /// The disk.
    pub contents: Contents,
    /// The rules that watch.
    pub rules: Vec<&'static RuleInfo>,
    /// Whether acquire sites are kept.
    pub sites: Sites,
}

impl Setup {
    /// How a model is run: all default rules, nothing sent to it.
    #[must_use]
    pub fn of_model(driver: &Driver) -> Setup {
        Setup {
            cpus: driver.kind.cpus(1),
            executor: Executor::Deterministic,
            seed: 1,
            workload: Options::NONE,
            disturbances: Disturbances::default(),
            contents: Contents::Memory { bytes: 4096 },
            rules: crate::rules::TABLE.iter().copied().filter(|r| r.default).collect(),
            sites: Sites::Kept,
        }
    }

    /// The same with another seed, for choices and operations alike.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Setup {
        let mut setup = self.clone();
        setup.seed = seed;
        setup.workload.seed = seed;
        setup
    }
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Bad `--cpus`.
    #[error("{0}")]
    Processors(#[from] BadProcessorCount),
    /// Bad `--image`.
    #[error("--image {0}")]
    Image(#[from] StoreError),
    /// The disk has no room for the workload.
    #[error("{disk}: {bytes} bytes are too few for one block of {block_bytes} bytes for each of {jobs} jobs")]
    TooSmall {
        /// The flag that gave the disk.
        disk: String,
        /// The disk's size.
        bytes: u64,
        /// The block size.
        block_bytes: u32,
        /// Jobs.
        jobs: u32,
    },
    /// Going over the whole disk would leave out its end.
    #[error(
        "{disk}: {bytes} bytes are no whole number of blocks of {block_bytes} bytes; --bs 512 always fits"
    )]
    Remainder {
        /// The flag that gave the disk.
        disk: String,
        /// The disk's size.
        bytes: u64,
        /// The block size.
        block_bytes: u32,
    },
    /// Outstanding requests need more memory than the machine has to spare.
    #[error(
        "--iodepth {depth} with requests of up to {bytes} bytes needs more than {BUFFER_BYTES_MAX} bytes of buffers"
    )]
    Buffers {
        /// Requests outstanding.
        depth: u32,
        /// The largest request.
        bytes: u32,
    },
    /// Several disks where there can be one.
    #[error("--luns {luns}: {why}")]
    Luns {
        /// How many.
        luns: u8,
        /// Why not.
        why: &'static str,
    },
    /// A driver of this kind cannot be given that to bear.
    #[error("{driver} is {kind}: {why}")]
    Disturbances {
        /// Its name.
        driver: &'static str,
        /// Its kind, in words.
        kind: &'static str,
        /// What cannot be done.
        why: &'static str,
    },
    /// The driver could not be started.
    #[error("driver {driver} did not start: {why}")]
    NotStarted {
        /// Its name.
        driver: &'static str,
        /// What refused, and with which status.
        why: String,
    },
}

/// What a run gave.
pub struct Run {
    /// Its outcome.
    pub verdict: Verdict,
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
    /// What it met of what it had to bear; `None` where that was nothing, or if the run ended early.
    pub met: Option<DisturbanceCounts>,
    /// Allocations of the driver that a fault plan made fail, oldest first.
    pub failed_allocations: Vec<FailedAllocation>,
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

/// Runs `driver` once. `choose` replaces the seeded choices, for replay; `extra` watches besides the
/// rules.
///
/// # Errors
/// When the run could not be made as asked. Nothing was written to an image then.
pub fn run(
    driver: &'static Driver,
    setup: &Setup,
    choose: Option<Box<dyn Choose>>,
    extra: Option<Arc<dyn Watcher>>,
) -> Result<Run, SetupError> {
    power_on(driver, setup, (setup.seed, setup.workload.seed), choose, extra)
}

/// As [`run`], with another seed, for choices and operations alike.
///
/// # Errors
/// As for [`run`].
pub fn run_seed(
    driver: &'static Driver,
    setup: &Setup,
    seed: u64,
    choose: Option<Box<dyn Choose>>,
    extra: Option<Arc<dyn Watcher>>,
) -> Result<Run, SetupError> {
    power_on(driver, setup, (seed, seed), choose, extra)
}

/// A run with the seeds of the choices and of the operations, whatever the setup says of them: it is
/// made many thousand times from one setup, which is not copied for it.
fn power_on(
    driver: &'static Driver,
    setup: &Setup,
    (seed, operations_seed): (u64, u64),
    choose: Option<Box<dyn Choose>>,
    extra: Option<Arc<dyn Watcher>>,
) -> Result<Run, SetupError> {
    let execution = match setup.executor {
        Executor::Deterministic => choose.map_or(Execution::Seeded(seed), Execution::Chosen),
        Executor::Parallel => Execution::Parallel,
    };
    let mut config = Config::new(setup.cpus, execution)?;
    // First, so that it sees the very event at which a rule ends the run.
    if let Some(extra) = extra {
        config = config.watch(extra);
    }
    for rule in &setup.rules {
        if let Some(watcher) = rule.watcher {
            config = config.watch(watcher(setup.sites));
        }
    }
    if let Some(policy) = setup.disturbances.faults.allocation_policy(operations_seed) {
        config = config.fail_allocations(Box::new(policy));
    }
    check_luns(driver, setup)?;
    check_adversity(driver, &setup.disturbances)?;
    if let Kind::Model { run, .. } = driver.kind {
        return Ok(finish(run(config), Statistics::none(), None, Duration::ZERO));
    }
    let clock = HostClock::start();
    let store = open(&setup.contents)?;
    let bytes = store.len_bytes() * u64::from(setup.workload.luns);
    check_size(setup, bytes)?;
    let result = Arc::new(Mutex::new(RigResult::default()));
    let faults: SharedFaults = Arc::default();
    let (config, medium) = match driver.kind {
        Kind::Wdm { device, .. } => (config.hardware(device(store, Arc::clone(&faults))), None),
        Kind::Miniport { device, .. } => {
            let medium = Arc::new(Medium::new(target(store, setup)?));
            (config.hardware(device(Arc::clone(&medium), setup.cpus)), Some(medium))
        }
        Kind::VirtualMiniport { .. } | Kind::Model { .. } => {
            (config, Some(Arc::new(Medium::new(target(store, setup)?))))
        }
    };
    let workload = Options { seed: operations_seed, ..setup.workload.clone() };
    let disturbances = setup.disturbances.clone();
    let rig = Rig { driver, bytes, workload, disturbances, medium, faults, result: Arc::clone(&result) };
    tracing::debug!(driver = driver.name, seed, cpus = setup.cpus, "power on");
    let outcome = config.run(move || rig.boot());
    tracing::debug!(driver = driver.name, steps = outcome.steps, "power off");
    let booted = std::mem::take(&mut *result.lock());
    if let Some(why) = booted.refused {
        return Err(SetupError::NotStarted { driver: driver.name, why });
    }
    Ok(finish(outcome, booted.statistics, booted.met, clock.elapsed()))
}

fn finish(
    outcome: Outcome,
    statistics: Statistics,
    met: Option<DisturbanceCounts>,
    elapsed: Duration,
) -> Run {
    Run {
        verdict: verdict(outcome.ending),
        trace_hash: outcome.trace_hash,
        steps: outcome.steps,
        choices: outcome.choices,
        time_ns: outcome.time_ns,
        statistics,
        met,
        failed_allocations: outcome.failed_allocations,
        processors: outcome.processors,
        elapsed,
    }
}

/// Whether there can be as many disks.
fn check_luns(driver: &Driver, setup: &Setup) -> Result<(), SetupError> {
    let luns = setup.workload.luns;
    let refuse = |why| Err(SetupError::Luns { luns, why });
    match (driver.kind, &setup.contents) {
        _ if luns == 0 => refuse("at least one disk is needed"),
        _ if luns == 1 => Ok(()),
        (Kind::Wdm { .. } | Kind::Model { .. }, _) => refuse("only an adapter has several disks"),
        (_, Contents::Image { .. }) => refuse("an image is one disk"),
        (_, Contents::Memory { bytes }) if !bytes.is_multiple_of(setup.workload.block_bytes.min.into()) => {
            refuse("each disk must be a whole number of the smallest requests")
        }
        _ => Ok(()),
    }
}

/// Whether a driver can be given that to bear.
fn check_adversity(driver: &Driver, disturbances: &Disturbances) -> Result<(), SetupError> {
    let refuse = |kind, why| Err(SetupError::Disturbances { driver: driver.name, kind, why });
    match driver.kind {
        _ if disturbances.is_none() => Ok(()),
        Kind::Model { .. } => refuse("a model", "--fault, --event and --timeout need a disk"),
        Kind::Wdm { .. } if disturbances.faults.rules.iter().any(|rule| !rule.kind.is_answer()) => refuse(
            "a WDM driver",
            "--fault: its rig knows no time-outs or resets, without which a completion that is lost or doubled \
             cannot be borne; --fault answers is every other kind",
        ),
        Kind::Wdm { .. } if disturbances.events.is_empty() && disturbances.timeout_s.is_none() => Ok(()),
        Kind::Wdm { .. } => refuse(
            "a WDM driver",
            "--event and --timeout need an adapter; plug and play of a WDM device under load is not modelled",
        ),
        // A fault that strikes a scan's own commands takes a disk away, which nobody could tell from a
        // mistake.
        _ if !disturbances.faults.is_empty() && disturbances.events.contains(&Event::Hotplug) => refuse(
            "a miniport",
            "--event hotplug is not combined with --fault, which would strike the bus scan",
        ),
        Kind::VirtualMiniport { .. } | Kind::Miniport { .. } => Ok(()),
    }
}

/// Whether a disk of that size suits the workload.
pub(crate) fn check_size(setup: &Setup, bytes: u64) -> Result<(), SetupError> {
    let (sizes, depth) = (setup.workload.block_bytes, setup.workload.depth);
    let block_bytes = sizes.min;
    if setup.workload.amount == Amount::Once && !bytes.is_multiple_of(u64::from(block_bytes)) {
        return Err(SetupError::Remainder { disk: setup.contents.to_string(), bytes, block_bytes });
    }
    let jobs = setup.workload.jobs(setup.cpus, bytes);
    if bytes / u64::from(block_bytes) < u64::from(jobs) {
        return Err(SetupError::TooSmall { disk: setup.contents.to_string(), bytes, block_bytes, jobs });
    }
    if u64::from(depth) * u64::from(sizes.max) > BUFFER_BYTES_MAX {
        return Err(SetupError::Buffers { depth, bytes: sizes.max });
    }
    Ok(())
}

/// The SCSI disks that a miniport serves: all like the first.
fn target(store: Box<dyn BackingStore>, setup: &Setup) -> Result<Target, StoreError> {
    let more = (1..setup.workload.luns).map(|_| open(&setup.contents));
    let disk = |store: Box<dyn BackingStore>| {
        ScsiDisk::new(store, Geometry::default(), Identity::default())
            .expect("a store that opened is a whole number of sectors")
    };
    std::iter::once(Ok(store)).chain(more).map(|store| Ok(disk(store?))).collect()
}

fn verdict(ending: Ending) -> Verdict {
    match ending {
        Ending::Completed => Verdict::Clean,
        Ending::BugCheck(b) => Verdict::BugCheck(b),
        Ending::Deadlock(d) => Verdict::Deadlock(d),
        Ending::Livelock(l) => Verdict::Livelock(l),
        Ending::Parted(p) => Verdict::Parted(p),
        Ending::Halted(found) => Verdict::Violation(
            found.downcast::<Violation>().expect("watchers of this crate end runs with a violation"),
        ),
    }
}
