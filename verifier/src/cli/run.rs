//! `storsim run`: each driver once.

use super::args::{ExecutorName, ModeName, RunArguments, SitesName};
use super::progress::Progress;
use super::told::Told;
use super::{Found, Refusal, bypass, finding, select};
use crate::driver::Driver;
use crate::rules::Sites;
use crate::session::{self, Contents, Executor, Setup};
use crate::workload::{Amount, Mode, Options};

/// Requests of a random workload that does not say how many.
const IOS_DEFAULT: u64 = 1000;
/// One in this many reads is cancelled, for drivers that support it.
const CANCEL_DEFAULT: u32 = 16;
/// One service request after this many requests.
const SERVICE_EVERY: u32 = 32;

pub(super) fn run(drivers: &'static [&'static Driver], arguments: &RunArguments) -> Result<Found, Refusal> {
    let chosen = select::drivers(drivers, &arguments.drivers)?;
    if !arguments.schedule_dir.is_dir() {
        return Err(Refusal(format!(
            "--schedule-dir {}: no such directory",
            arguments.schedule_dir.display()
        )));
    }
    let mut found = Found::Nothing;
    for driver in &chosen {
        let setup = setup(driver, arguments)?;
        if arguments.bypass_driver {
            bypass::apply(driver, &setup)?;
            continue;
        }
        let progress = Progress::start(format!("{} seed {}", driver.name, setup.seed));
        let run = session::run(driver, &setup, None, None)?;
        drop(progress);
        if run.verdict.is_finding() {
            found = Found::Something;
        }
        let told = match run.trace_hash {
            Some(_) if run.verdict.is_finding() => {
                finding::keep(driver, &setup, run, !arguments.no_shrink, &arguments.schedule_dir)?
            }
            _ => Told::of(setup, run),
        };
        told.print(driver, arguments.format);
    }
    Ok(found)
}

/// The setup that the flags mean for one driver.
fn setup(driver: &Driver, a: &RunArguments) -> Result<Setup, Refusal> {
    let mode = match a.rw {
        Some(ModeName::Read) => Mode::Read,
        Some(ModeName::Write) => Mode::Write,
        Some(ModeName::RandRead) => Mode::RandRead,
        Some(ModeName::RandWrite) => Mode::RandWrite,
        Some(ModeName::RandRw) => Mode::RandRw,
        // A disk image is only read unless writing was asked for.
        None if a.image.is_some() => Mode::Read,
        None => Mode::RandRw,
    };
    let amount = match (a.ios, a.time) {
        (Some(n), _) => Amount::Ios(n),
        (None, Some(ns)) => Amount::TimeNs(ns),
        (None, None) if matches!(mode, Mode::Read | Mode::Write) => Amount::Once,
        (None, None) => Amount::Ios(IOS_DEFAULT),
    };
    let executor = match a.executor {
        ExecutorName::Deterministic => Executor::Deterministic,
        ExecutorName::Parallel => Executor::Parallel,
    };
    if executor == Executor::Deterministic && matches!(amount, Amount::TimeNs(_)) {
        return Err(Refusal(
            "--time: machine time stands still while processors work in the deterministic executor; use --ios".into(),
        ));
    }
    let contents = match &a.image {
        Some(path) => Contents::Image { path: path.clone(), writes: !mode.only_reads() },
        None => Contents::Memory { bytes: a.size },
    };
    Ok(Setup {
        cpus: driver.kind.cpus(a.cpus),
        executor,
        seed: a.seed,
        workload: Options {
            mode,
            amount,
            block_bytes: a.bs,
            depth: a.iodepth,
            flush_every: a.fsync,
            cancel_every: a.cancel.unwrap_or(if driver.cancels { CANCEL_DEFAULT } else { 0 }),
            service_every: SERVICE_EVERY,
            seed: a.seed,
            zeroed: a.image.is_none(),
        },
        contents,
        rules: select::rules(&a.rules)?,
        sites: match a.sites {
            SitesName::Kept => Sites::Kept,
            SitesName::Counted => Sites::Counted,
        },
    })
}
