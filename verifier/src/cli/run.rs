//! `storsim run`: each driver once.

use super::args::{ExecutorName, Format, RunArguments};
use super::progress::Progress;
use super::{Found, Refusal, bypass, select, setup};
use crate::driver::{Driver, Expects};
use crate::report;
use crate::session::{self, Contents, Executor, Run, Setup};
use crate::workload::Amount;

pub(super) fn run(drivers: &'static [&'static Driver], arguments: &RunArguments) -> Result<Found, Refusal> {
    let program = &arguments.program;
    let chosen = select::drivers(drivers, &program.drivers)?;
    setup::check_directory(program)?;
    let mut found = Found::Nothing;
    for driver in &chosen {
        let setup = setup_of(driver, arguments)?;
        if arguments.bypass_driver {
            bypass::apply(driver, &setup)?;
            continue;
        }
        let progress = Progress::start(format!("{} seed {}", driver.name, setup.seed));
        let run = session::run(driver, &setup, None, None)?;
        drop(progress);
        let schedule = setup::save_finding(driver, &setup, &run, &program.schedule_dir)?;
        print(driver, &setup, &run, schedule.as_deref(), program.format);
        if run.verdict.is_finding() {
            found = Found::Something;
        }
    }
    Ok(found)
}

/// The setup that the flags mean for one driver.
fn setup_of(driver: &Driver, a: &RunArguments) -> Result<Setup, Refusal> {
    // A disk image is only read unless writing was asked for.
    let mut setup = setup::of(driver, &a.program, a.image.is_some())?;
    if let Some(ns) = a.time {
        setup.workload.amount = Amount::TimeNs(ns);
    }
    setup.executor = match a.executor {
        ExecutorName::Deterministic => Executor::Deterministic,
        ExecutorName::Parallel => Executor::Parallel,
    };
    if setup.executor == Executor::Deterministic && a.time.is_some() {
        return Err(Refusal(
            "--time: machine time stands still while processors work in the deterministic executor; use --ios".into(),
        ));
    }
    if let Some(path) = &a.image {
        let writes = !setup.workload.mode.only_reads();
        setup.contents = Contents::Image { path: path.clone(), writes };
        setup.workload.zeroed = false;
    }
    Ok(setup.with_seed(a.seed))
}

/// Prints a run's result.
pub(super) fn print(driver: &Driver, setup: &Setup, run: &Run, schedule: Option<&str>, format: Format) {
    match format {
        Format::Json => anstream::println!("{}", report::to_json(driver.name, setup, run, schedule)),
        Format::Text => {
            anstream::print!("{}", report::summary(driver, setup, run));
            let again =
                schedule.map_or_else(|| command(driver, setup), |file| format!("storsim replay {file}"));
            anstream::println!("{}", report::verdict(driver, run, Some(&again), report::Style::coloured()));
            if matches!(driver.expects, Expects::Breaks(_) | Expects::Stops(_)) && !run.verdict.is_finding() {
                anstream::eprintln!(
                    "note: {} is an exhibit that breaks a rule; no rule that watched saw it",
                    driver.name
                );
            }
        }
    }
}

/// The command that makes a parallel run again, as far as one can.
fn command(driver: &Driver, setup: &Setup) -> String {
    format!(
        "storsim run {} --executor {} --cpus {} --seed {}",
        driver.name,
        setup.executor.word(),
        setup.cpus,
        setup.seed
    )
}
