//! The setup that the flags of `run` and `stress` mean for one driver, and the names of schedule files.

use super::args::{CompletionName, ModeName, ProgramArguments, SitesName};
use super::ended::Refusal;
use super::{applies, select};
use crate::driver::Driver;
use crate::rules::Sites;
use crate::run::environment::Bears;
use crate::run::{Contents, Disturbances, Environment, Executor, Part, Parts, Setup, Units};
use crate::workload::{Amount, Mode, Options};
use std::time::Duration;
use storport_sim::CompleteWhere;

/// Requests of a random workload that does not say how many.
const IOS_DEFAULT: u64 = 1000;
/// One in this many reads is cancelled, for drivers that support it.
const CANCEL_DEFAULT: u32 = 16;
/// One service request after this many requests.
const SERVICE_EVERY: u32 = 32;
/// The seed where none is asked for.
const SEED_DEFAULT: u64 = 1;

/// The setup of a deterministic run over memory. `only_reads` unless `--rw` says otherwise.
pub(super) fn of(driver: &Driver, a: &ProgramArguments, only_reads: bool) -> Result<Setup, Refusal> {
    let mode = match a.rw {
        Some(ModeName::Read) => Mode::Read,
        Some(ModeName::Write) => Mode::Write,
        Some(ModeName::RandRead) => Mode::RandRead,
        Some(ModeName::RandWrite) => Mode::RandWrite,
        Some(ModeName::RandRw) => Mode::RandRw,
        Some(ModeName::Trim) => Mode::Trim,
        Some(ModeName::RandTrim) => Mode::RandTrim,
        Some(ModeName::Mixed) => Mode::Mixed,
        None if only_reads => Mode::Read,
        None if a.read_only => Mode::RandRead,
        None => Mode::RandRw,
    };
    let amount = match a.ios {
        Some(n) => Amount::Ios(n),
        None if mode.is_sequential() => Amount::Once,
        None => Amount::Ios(IOS_DEFAULT),
    };
    let rules = select::rules(&a.rules)?;
    let (rules, exceptions) =
        if a.given.contains("rules") { (rules, Vec::new()) } else { a.exceptions.except(driver, rules) };
    Ok(Setup {
        cpus: driver.kind.cpus(a.cpus),
        executor: Executor::Deterministic,
        seed: SEED_DEFAULT,
        workload: Options {
            mode,
            amount,
            block_bytes: a.bs,
            depth: a.iodepth,
            flush_every: a.fsync,
            cancel_every: a.cancel.unwrap_or(if driver.cancels { CANCEL_DEFAULT } else { 0 }),
            service_every: SERVICE_EVERY,
            luns: a.luns,
            seed: SEED_DEFAULT,
            zeroed: true,
        },
        disturbances: disturbances(a)?,
        contents: Contents::Memory { bytes: a.size },
        units: Units {
            read_only: a.read_only,
            vendor: a.vendor.clone(),
            product: a.product.clone(),
            serial: a.serial.clone(),
            commands: a.cdb.clone(),
        },
        memory: a.memory,
        environment: Environment {
            completion: match a.completion {
                CompletionName::InDpc => CompleteWhere::InDpc,
                CompletionName::InCall => CompleteWhere::InCall,
            },
            step_ns: a.step_time,
            timers_every: a.timers_every,
            ..Environment::default()
        },
        rules,
        exceptions,
        sites: match a.sites {
            SitesName::Kept => Sites::Kept,
            SitesName::Counted => Sites::Counted,
        },
        evidence: false,
        patience: Duration::from_secs(a.runaway.into()),
    })
}

/// The parts of the environment that a stress draws: those that the driver bears and no flag says.
pub(super) fn draws(driver: &Driver, a: &ProgramArguments) -> Parts {
    let is_said = |part: &Part| {
        if *part == Part::Speed && a.given.contains("timers_every") {
            return true;
        }
        let flag = match part {
            Part::Requests => "ios",
            Part::Mix => "rw",
            Part::Sizes => "bs",
            Part::Depth => "iodepth",
            Part::Processors => "cpus",
            Part::Units => "luns",
            Part::Events => "event",
            Part::Faults | Part::Allocations | Part::Registry => "fault",
            Part::Completion => "completion",
            Part::Speed => "step_time",
            Part::Memory => "memory",
        };
        // What cannot be written has no other mix.
        a.given.contains(flag) || *part == Part::Mix && a.read_only
    };
    let bears = Bears::of(driver);
    Parts::drawable().iter().filter(|part| bears.part(*part) && !is_said(part)).collect()
}

/// The faults and events that the flags ask for.
fn disturbances(a: &ProgramArguments) -> Result<Disturbances, Refusal> {
    let faults = applies::plan(a)?;
    let mut events = a.event.clone();
    events.sort_unstable();
    events.dedup();
    Ok(Disturbances { faults, events, timeout_s: a.timeout })
}

/// Refuses a directory for schedules that is not there, before anything runs.
pub(super) fn check_directory(a: &ProgramArguments) -> Result<(), Refusal> {
    match &a.schedule_dir {
        Some(directory) if !directory.is_dir() => {
            Err(Refusal(format!("--schedule-dir {}: no such directory", directory.display())))
        }
        _ => Ok(()),
    }
}

/// Name of the schedule file of a finding, which depends on the driver and the seed only.
pub(super) fn schedule_name(driver: &str, seed: u64) -> String {
    format!("{driver}-seed{seed}.schedule")
}
