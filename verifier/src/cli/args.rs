//! The flags, as clap reads them.

use super::config::Config;
use super::units;
use crate::explore::budget;
use crate::report::Format;
use crate::run::Command as DiskCommand;
use crate::run::environment::TIMERS_EVERY_MAX;
use crate::run::{Event, MemoryChoice};
use crate::topic::first_sentence;
use crate::workload::{DEPTH_MAX, LUNS_MAX, Sizes};
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

/// Runs storage-driver logic on a simulated Windows kernel and stops it at the first broken rule.
#[derive(Parser)]
#[command(name = "storsim", version)]
pub(super) struct Arguments {
    /// Say on standard error what the simulator does.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Where standard error is no terminal: seconds between two lines there on how far the work is; 0 for
    /// none.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(0..=86400))]
    pub progress: u32,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List drivers and rules.
    List(ListArguments),
    /// Run drivers once each.
    Run(RunArguments),
    /// Run drivers under many schedules each.
    Stress(StressArguments),
    /// Put the summaries of a stress's shards together.
    Merge(MergeArguments),
    /// Run a schedule file again, with the whole trace.
    Replay(ReplayArguments),
    /// Explain a word: a driver, rule, bug check, strategy, fault, event, part of the environment, routine.
    Explain(ExplainArguments),
    /// Compile the C sources of a driver for '--sys', with clang and lld.
    Cc(CcArguments),
    /// Write the generated part of the C headers.
    Headers(HeadersArguments),
}

impl Command {
    /// Its word.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Command::List(_) => "list",
            Command::Run(_) => "run",
            Command::Stress(_) => "stress",
            Command::Merge(_) => "merge",
            Command::Replay(_) => "replay",
            Command::Explain(_) => "explain",
            Command::Cc(_) => "cc",
            Command::Headers(_) => "headers",
        }
    }

    /// The flags that say what runs, if it runs drivers.
    pub(super) fn program_mut(&mut self) -> Option<&mut ProgramArguments> {
        match self {
            Command::Run(run) => Some(&mut run.program),
            Command::Stress(stress) => Some(&mut stress.program),
            Command::List(_)
            | Command::Merge(_)
            | Command::Replay(_)
            | Command::Explain(_)
            | Command::Cc(_)
            | Command::Headers(_) => None,
        }
    }

    /// The drivers from files that it names.
    pub(super) fn sys(&self) -> Option<&SysArguments> {
        match self {
            Command::Run(run) => Some(&run.program.sys),
            Command::Stress(stress) => Some(&stress.program.sys),
            Command::Replay(replay) => Some(&replay.sys),
            Command::Explain(explain) => Some(&explain.sys),
            Command::List(_) | Command::Merge(_) | Command::Cc(_) | Command::Headers(_) => None,
        }
    }

    /// Makes drivers from files those that it is about.
    pub(super) fn add_drivers(&mut self, names: &[String]) {
        match self {
            Command::Run(run) => run.program.drivers.extend_from_slice(names),
            Command::Stress(stress) => stress.program.drivers.extend_from_slice(names),
            Command::Explain(explain) if explain.name.is_empty() => explain.name.clone_from(&names[0]),
            Command::Explain(_)
            | Command::Replay(_)
            | Command::List(_)
            | Command::Merge(_)
            | Command::Cc(_)
            | Command::Headers(_) => {}
        }
    }

    /// The form of its results.
    pub(super) fn format(&self) -> Format {
        match self {
            Command::Run(run) => run.program.format,
            Command::Stress(stress) => stress.program.format,
            Command::Replay(replay) => replay.format,
            Command::Merge(merge) => merge.format,
            Command::Cc(_) | Command::Headers(_) => Format::Text,
            Command::List(ListArguments { json, format, .. })
            | Command::Explain(ExplainArguments { json, format, .. }) => {
                if *json {
                    Format::Json
                } else {
                    *format
                }
            }
        }
    }
}

#[derive(Args)]
pub(super) struct ListArguments {
    /// Rules, checks and stops only, with the set of each and whether it is on by default.
    #[arg(long)]
    pub rules: bool,
    /// As JSON: the same as --format json.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExecutorName {
    Deterministic,
    Parallel,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lowercase")]
pub(super) enum ModeName {
    Read,
    Write,
    RandRead,
    RandWrite,
    RandRw,
    Trim,
    RandTrim,
    Mixed,
}

impl ValueEnum for Event {
    fn value_variants<'a>() -> &'a [Event] {
        static ALL: [Event; Event::NAMES.len()] = {
            let mut all = [Event::NAMES[0].1; Event::NAMES.len()];
            let mut n = 0;
            while n < all.len() {
                all[n] = Event::NAMES[n].1;
                n += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()).help(first_sentence(self.text())))
    }
}

impl ValueEnum for MemoryChoice {
    fn value_variants<'a>() -> &'a [MemoryChoice] {
        &MemoryChoice::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()).help(first_sentence(self.text())))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompletionName {
    /// In a DPC of Storport's, after the miniport's call.
    InDpc,
    /// Inside RequestComplete, where the IRQL allows it.
    InCall,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SitesName {
    /// Each held lock's acquire site is kept.
    Kept,
    /// Held locks are only counted.
    Counted,
}

/// What a driver from a file drives.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DeviceName {
    /// Nothing: it is a virtual miniport.
    Virtual,
    /// A virtio SCSI adapter.
    VirtioScsi,
    /// An AHCI controller.
    Ahci,
    /// The disk controller of the WDM examples, without Storport.
    Wdm,
}

/// Drivers from files.
#[derive(Args, Clone)]
pub(super) struct SysArguments {
    /// A driver in a file, a PE image for x64 such as 'cc' makes; wherever a driver's name may stand.
    #[arg(long, value_name = "SYS")]
    pub sys: Vec<PathBuf>,
    /// What the driver in the file drives, where the driver itself does not tell.
    #[arg(long = "as", value_enum, value_name = "DEVICE", requires = "sys")]
    pub device: Option<DeviceName>,
    /// Where the sources of the driver in the file are, if not where its debug information says.
    #[arg(long, value_name = "DIR", requires = "sys")]
    pub source: Option<PathBuf>,
}

/// What `run` and `stress` have in common.
#[derive(Args, Clone)]
pub(super) struct ProgramArguments {
    /// The names of the flags of the command that were given, and not left as they are by default.
    #[arg(skip)]
    pub given: BTreeSet<String>,
    /// What the file of exceptions says.
    #[arg(skip)]
    pub exceptions: Config,
    /// Names, patterns such as 'wdm-*', 'all' drivers, or the 'exhibits' of rules, checks and stops.
    #[arg(required_unless_present = "sys", value_name = "DRIVER")]
    pub drivers: Vec<String>,
    #[command(flatten)]
    pub sys: SysArguments,
    /// Processors, 1 to 64.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub cpus: u8,
    /// Requests to send; without it, 1000, or the whole disk once for sequential modes.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub ios: Option<u64>,
    /// Which requests; without it, randrw, or read with --image. 'mixed' is reads, writes, flushes and, where
    /// the disk takes them, trims.
    #[arg(long, value_enum, value_name = "MODE")]
    pub rw: Option<ModeName>,
    /// Bytes of a request: a multiple of 512, at most 1m; or a range of them, 512..1m, of multiples of the
    /// smallest.
    #[arg(long, value_name = "SIZE", default_value = "4k", value_parser = units::sizes)]
    pub bs: Sizes,
    /// Requests outstanding at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=i64::from(DEPTH_MAX)))]
    pub iodepth: u32,
    /// A flush after this many writes; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub fsync: u32,
    /// One in N reads is cancelled right after it was sent; 0 for none. Without it, 16 for drivers
    /// that support it.
    #[arg(long, value_name = "N")]
    pub cancel: Option<u32>,
    /// Faults to inject, drawn from the seed: 'medium-error:p=0.01', 'dropped:every=100,op=read', or 'all'
    /// for one of a hundred of every kind but removal. Several are separated by ';' or given one by one.
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// Events of the adapter while requests are under way; the seed says when and how often.
    #[arg(long, value_enum, value_name = "EVENT", value_delimiter = ',')]
    pub event: Vec<Event>,
    /// Seconds a command may take before it is recovered; without it, the 60 of Windows' disk class driver.
    /// On real threads these are seconds of the host's clock.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub timeout: Option<u32>,
    /// Where requests are completed that a virtual miniport has finished: Windows does both.
    #[arg(long, value_enum, value_name = "WHERE", default_value = "in-dpc")]
    pub completion: CompletionName,
    /// Machine time that a step takes in the deterministic executor: 100ns, 10us; up to 1ms. With 0 time
    /// passes only while every processor waits or stalls.
    #[arg(long, value_name = "T", default_value = "0", value_parser = units::step_ns)]
    pub step_time: u32,
    /// After so many steps time leaps to the next timer of the deterministic executor that is due within a
    /// second, so that timers expire while processors work. 0: never.
    #[arg(long, value_name = "STEPS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=i64::from(TIMERS_EVERY_MAX)))]
    pub timers_every: u32,
    /// What the machine's memory is like.
    #[arg(long, value_name = "KIND", default_value = "drawn")]
    pub memory: MemoryChoice,
    /// Seconds of yours that driver code may run without a call before it is given up as a runaway; 0: for
    /// ever.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=86400))]
    pub runaway: u32,
    /// Disks in memory, each of that size, that the requests are spread over.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=i64::from(LUNS_MAX)))]
    pub luns: u8,
    /// Size of a disk in memory.
    #[arg(long, value_name = "SIZE", default_value = "16m", value_parser = units::disk_bytes)]
    pub size: u64,
    /// Disks that cannot be written: MODE SENSE says so, and writes end in DATA PROTECT.
    #[arg(long)]
    pub read_only: bool,
    /// The vendor that INQUIRY says, at most 8 characters.
    #[arg(long, value_name = "NAME")]
    pub vendor: Option<String>,
    /// The product that INQUIRY says, at most 16 characters.
    #[arg(long, value_name = "NAME")]
    pub product: Option<String>,
    /// The serial number of the first disk, at most 64 characters; the others have '-2' and so on behind it.
    #[arg(long, value_name = "TEXT")]
    pub serial: Option<String>,
    /// A command block sent to each disk before the load (IOCTL_SCSI_PASS_THROUGH_DIRECT), in hexadecimal
    /// digits, with its data: '12 00 00 00 24 00:in=36' or '..:out=HEX'. 'run' reports its end.
    #[arg(long, value_name = "HEX")]
    pub cdb: Vec<DiskCommand>,
    /// Rules, checks and stops that are on: names or sets of 'list', 'default', 'all' or 'none', separated by
    /// commas; what begins with '-' is taken away again. Takes the place of the exceptions of --config.
    #[arg(long, value_name = "RULES", default_value = "default")]
    pub rules: String,
    /// A file of exceptions: rows that are off for a driver, with the reason; without it, 'storsim.toml'
    /// here, if there is one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Whether reports show where held locks were taken.
    #[arg(long, value_enum, value_name = "WHAT", default_value = "kept")]
    pub sites: SitesName,
    /// How to print results.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Where schedule files of findings go, a directory that is there; without it, 'schedules' here, which is
    /// made when it is first needed.
    #[arg(long, value_name = "DIR")]
    pub schedule_dir: Option<PathBuf>,
    /// Keep the schedule of a finding as it was found, instead of looking for the shortest that finds
    /// the same.
    #[arg(long)]
    pub no_shrink: bool,
}

#[derive(Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub program: ProgramArguments,
    /// All choices from the seed, or a host thread per processor.
    #[arg(long, value_enum, value_name = "NAME", default_value = "deterministic")]
    pub executor: ExecutorName,
    /// Where choices and operations come from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// How long to run, in machine time: 10s, 500ms.
    #[arg(long, value_name = "T", conflicts_with = "ios", value_parser = units::time_ns)]
    pub time: Option<u64>,
    /// A disk image to use instead; written to by modes that write.
    #[arg(long, value_name = "FILE", conflicts_with = "size")]
    pub image: Option<PathBuf>,
    /// Apply the same writes to the image directly, without driver or machine: what a run must leave.
    #[arg(long, requires = "image")]
    pub bypass_driver: bool,
}

#[derive(Args)]
pub(super) struct StressArguments {
    #[command(flatten)]
    pub program: ProgramArguments,
    /// How schedules are chosen: portfolio, random, urw, pct, pct:DEPTH, or exhaustive for all of them.
    #[arg(long, value_name = "NAME", default_value = "portfolio")]
    pub strategy: String,
    /// Schedules of each driver, over all shards; without it, --seeds and --time, 1000.
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = clap::value_parser!(u64).range(1..))]
    pub schedules: Option<u64>,
    /// Which seeds, half open: 0..100000; without it, from 1 on.
    #[arg(long, value_name = "A..B", value_parser = budget::seeds)]
    pub seeds: Option<Range<u64>>,
    /// How long at most for each driver, on the host's clock: 10s, 5m.
    #[arg(long, value_name = "T", value_parser = units::time_ns)]
    pub time: Option<u64>,
    /// Only part M of N of the seeds, from 1; 'auto' asks the environment (Slurm, Kubernetes, CI).
    #[arg(long, value_name = "M/N|auto")]
    pub shard: Option<String>,
    /// Host threads that execute; without it, one a core.
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Vary the schedule only: without it two seeds in three have an environment of their own besides, with
    /// events, faults, processors, disks, requests, completions and machine speed as they are drawn. A flag
    /// that is given says its own part for all seeds.
    #[arg(long)]
    pub plain: bool,
    /// Go on after a finding; findings at the same site are one.
    #[arg(long)]
    pub keep_going: bool,
}

#[derive(Args)]
pub(super) struct MergeArguments {
    /// What 'stress --format json' printed, of one shard or several; '-' for standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to print the whole: JSON can be merged again.
    #[arg(long, value_enum, default_value = "json")]
    pub format: Format,
}

#[derive(Args)]
pub(super) struct ReplayArguments {
    /// A schedule file that a run wrote.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub sys: SysArguments,
    /// Show the trace up to this step only.
    #[arg(long, value_name = "STEP")]
    pub stop_before: Option<u64>,
    /// Show the report without the trace.
    #[arg(long, short)]
    pub quiet: bool,
    /// How to print the result.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

#[derive(Args)]
pub(super) struct ExplainArguments {
    /// Any word of 'list', any word that a report has in brackets (SpinLockSafe, 0xC4, 0xF1/0x1007), any
    /// routine (IoCompleteRequest).
    #[arg(value_name = "WORD", required_unless_present = "sys", default_value = "")]
    pub name: String,
    #[command(flatten)]
    pub sys: SysArguments,
    /// As JSON: the same as --format json.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// How to print it.
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

#[derive(Args)]
pub(super) struct HeadersArguments {
    /// A directory that is there.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

#[derive(Args, Clone)]
pub(super) struct CcArguments {
    /// C sources, or a directory whose storsim-cc.toml names them.
    #[arg(required = true, value_name = "FILE")]
    pub sources: Vec<PathBuf>,
    /// The file to make.
    #[arg(short, long, value_name = "SYS")]
    pub output: PathBuf,
    /// A directory of headers.
    #[arg(short = 'I', long, value_name = "DIR")]
    pub include: Vec<PathBuf>,
    /// A directory of headers that are looked for last.
    #[arg(long, value_name = "DIR")]
    pub system: Vec<PathBuf>,
    /// A macro: NAME or NAME=VALUE.
    #[arg(short = 'D', long, value_name = "NAME")]
    pub define: Vec<String>,
    /// Show each load and store of shared memory to the simulator, which looks for data races.
    #[arg(long)]
    pub race: bool,
}
