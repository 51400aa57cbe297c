//! How to run a driver: the setup, and why one is refused.
//!
//! Invariant: what is refused is refused before the machine is powered on and before an image is written to.

use super::disturbances::{Disturbances, Event};
use super::environment::Environment;
use super::{MemoryChoice, Run, Units};
use crate::driver::{Driver, Kind};
use crate::rules::{Exception, Selection, Sites};
use crate::workload::{Amount, Options};
use kernel_sim::machine::{BadProcessorCount, PATIENCE};
use std::path::PathBuf;
use std::time::Duration;
use storport_sim::disk::{IdentityError, StoreError};

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
    /// Faults and events that disturb the run.
    pub disturbances: Disturbances,
    /// The disk.
    pub contents: Contents,
    /// The units behind an adapter.
    pub units: Units,
    /// What the machine's memory is like.
    pub memory: MemoryChoice,
    /// The rest of the environment, and what of it is drawn from the seed.
    pub environment: Environment,
    /// The rules that watch.
    pub rules: Selection,
    /// The rows that would watch, and are off for this driver.
    pub exceptions: Vec<Exception>,
    /// Whether acquire sites are kept.
    pub sites: Sites,
    /// Whether evidence is gathered for a finding that may come: call stacks of what happened before, and the
    /// calls that changed the IRQL. For the run that a report is made of.
    pub evidence: bool,
    /// How long driver code may run without a call, on the host's clock; zero: for ever.
    pub patience: Duration,
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
            units: Units::default(),
            memory: MemoryChoice::Drawn,
            environment: Environment::default(),
            rules: Selection::default(),
            exceptions: Vec::new(),
            sites: Sites::Kept,
            evidence: false,
            patience: PATIENCE,
        }
    }

    /// The same with the memory that a run had.
    #[must_use]
    pub fn with_memory_of(&self, run: &Run) -> Setup {
        Setup { memory: run.memory, ..self.clone() }
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

/// Steps that an execution may make besides those of its requests.
const STEPS_BESIDES: u64 = 4_000_000;
/// Steps that an execution may make for each request: a hundred times what one takes.
const STEPS_A_REQUEST: u64 = 10_000;

impl Setup {
    /// Steps after which an execution is given up as one that never ends.
    pub(super) fn steps_max(&self) -> u64 {
        let requests = match (self.workload.amount, &self.contents) {
            (Amount::Ios(n), _) => n,
            (Amount::Once, Contents::Memory { bytes }) => bytes / u64::from(self.workload.block_bytes.min),
            // The image is not open yet; going over it once is long, and ends.
            (Amount::Once, Contents::Image { .. }) | (Amount::TimeNs(_), _) => return u64::MAX,
        };
        requests.saturating_mul(STEPS_A_REQUEST).saturating_add(STEPS_BESIDES)
    }
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Bad `--cpus`.
    #[error("{0}")]
    Processors(#[from] BadProcessorCount),
    /// The host has no memory for a machine.
    #[error("no memory for a machine: {0}")]
    Memory(std::io::Error),
    /// Bad `--image`.
    #[error("--image {0}")]
    Image(#[from] StoreError),
    /// The disk has no room for the workload.
    #[error("{disk}: {bytes} bytes are too few for one block of {block_bytes} bytes{}", for_each(*jobs))]
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
    /// Names, write protection or commands for the disk of a driver that is no miniport.
    #[error("{driver}: --read-only, --vendor, --product, --serial and --cdb are for the units of an adapter")]
    Units {
        /// Its name.
        driver: &'static str,
    },
    /// A load that writes, to units that cannot be written.
    #[error("--read-only: --rw {mode} writes or trims; read and randread do not")]
    ReadOnly {
        /// Its mode.
        mode: &'static str,
    },
    /// Bad `--vendor`, `--product` or `--serial`.
    #[error("{0}")]
    Identity(#[from] IdentityError),
    /// A driver of this kind cannot be disturbed like that.
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
        /// The party that refused, and its status.
        why: String,
    },
}

/// Whose block it is, where there are several that need one.
fn for_each(jobs: u32) -> String {
    if jobs == 1 { String::new() } else { format!(" for each of {jobs} jobs") }
}

/// Whether there can be as many disks.
pub(super) fn check_luns(driver: &Driver, setup: &Setup) -> Result<(), SetupError> {
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

/// Whether a driver can be disturbed like that.
pub(super) fn check_disturbances(driver: &Driver, disturbances: &Disturbances) -> Result<(), SetupError> {
    let refuse = |kind, why| Err(SetupError::Disturbances { driver: driver.name, kind, why });
    match driver.kind {
        _ if disturbances.is_none() => Ok(()),
        Kind::Model { .. } => refuse("a model", "--fault, --event and --timeout need a disk"),
        Kind::Wdm { .. } if disturbances.faults.rules.iter().any(|rule| !rule.kind.is_answer()) => refuse(
            "a WDM driver",
            "--fault: its rig knows no time-outs or resets, without which a completion that is lost or doubled \
             cannot be survived; --fault answers is every other kind",
        ),
        Kind::Wdm { .. } if disturbances.timeout_s.is_some() => {
            refuse("a WDM driver", "--timeout needs an adapter, whose requests Storport times out")
        }
        Kind::Wdm { .. } if disturbances.events.iter().any(|event| !event.is_about_devices()) => refuse(
            "a WDM driver",
            "--event reset, hotplug, rebalance and units need an adapter; stop-restart, query-remove, power and \
             removal do not",
        ),
        Kind::Wdm { .. } => Ok(()),
        _ if disturbances.events.iter().any(|event| !event.is_about_adapters()) => refuse(
            "a miniport",
            "--event query-remove and power are for WDM drivers: Storport deals with plug and play and power, and \
             stop-restart is what a miniport sees of it",
        ),
        Kind::VirtualMiniport { .. } if disturbances.events.contains(&Event::Rebalance) => refuse(
            "a virtual miniport",
            "--event rebalance is for adapters with hardware: a virtual one has no resources to give up",
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
