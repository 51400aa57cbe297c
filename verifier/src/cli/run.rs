//! `storsim run`: each driver once.

use super::args::{ExecutorName, RunArguments};
use super::ended::{Found, Refusal};
use super::interrupt::Interrupt;
use super::{bypass, finding, select, setup};
use crate::driver::Driver;
use crate::explore::Program;
use crate::finding::RunEnd;
use crate::report::{Progress, Reporter, RunReport};
use crate::run::{Chooser, Contents, Executor, Setup};
use crate::workload::Amount;

pub(super) fn run(
    drivers: &'static [&'static Driver],
    arguments: &RunArguments,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    let program = &arguments.program;
    let chosen = select::drivers(drivers, &program.drivers)?;
    setup::check_directory(program)?;
    let interrupt = Interrupt::listen()?;
    let mut found = Found::Nothing;
    for (n, driver) in chosen.iter().enumerate() {
        if interrupt.came().is_some() {
            let left: Vec<_> = chosen[n..].iter().map(|driver| driver.name).collect();
            reporter.progress(Progress::Note(format!("not begun: {}", left.join(", "))));
            break;
        }
        let setup = setup_of(driver, arguments)?;
        if arguments.bypass_driver {
            bypass::apply(driver, &setup)?;
            continue;
        }
        let what = format!("{} seed {}", driver.name, setup.seed);
        reporter.progress(Progress::Began { what, counted: None });
        let runs = Program { driver, setup: setup.clone() };
        let run = match setup.executor {
            Executor::Deterministic => runs.execute_closely(setup.seed, &|| Chooser::Seeded)?,
            // Another run is another schedule there.
            Executor::Parallel => runs.execute(setup.seed, Chooser::Seeded)?,
        };
        reporter.progress(Progress::Ended);
        match run.end {
            RunEnd::Found(_) => found = Found::Something,
            RunEnd::Limit(_) if found == Found::Nothing => found = Found::Limit,
            _ => {}
        }
        let report = match run.trace_hash {
            Some(_) if run.end.is_finding() => {
                finding::keep(driver, &setup, run, program, true, &interrupt, reporter)?
            }
            _ => RunReport::of(driver, setup, run),
        };
        reporter.run(&report);
    }
    Ok(match interrupt.came() {
        Some(signal) if found != Found::Something => Found::Interrupted(signal),
        _ => found,
    })
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
