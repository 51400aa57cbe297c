//! `storsim run`: each driver once.

use super::applies::Fitted;
use super::args::{ExecutorName, RunArguments};
use super::course::Course;
use super::ended::{Found, Refusal};
use super::interrupt::Interrupt;
use super::{applies, bypass, finding, select, setup};
use crate::driver::Driver;
use crate::explore::{Program, Totals};
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
    let (fitted, notes) = applies::fit(chosen, program, &[applies::IMAGE, applies::TIME])?;
    notes.into_iter().for_each(|note| reporter.progress(Progress::Note(note)));
    let interrupt = Interrupt::listen()?;
    let mut course = Course::of(fitted.len());
    for (n, one) in fitted.iter().enumerate() {
        if interrupt.came().is_some() {
            course.not_begun(fitted[n..].iter().map(|fitted| &fitted.driver));
            break;
        }
        let setup = setup_of(one, arguments)?;
        let result = if arguments.bypass_driver {
            bypass::apply(one.driver, &setup)
        } else {
            run_one(one.driver, setup, arguments, &interrupt, reporter)
        };
        course.note(one.driver, result, reporter)?;
    }
    Ok(course.end(&interrupt, reporter))
}

/// Runs one driver once, and reports it.
fn run_one(
    driver: &'static Driver,
    setup: Setup,
    arguments: &RunArguments,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    let what = format!("{} seed {}", driver.name, setup.seed);
    reporter.progress(Progress::Began { what, counted: None });
    let program = Program { driver, setup: setup.clone() };
    let run = match setup.executor {
        Executor::Deterministic => program.execute_closely(setup.seed, &|| Chooser::Seeded),
        // Another run is another schedule there.
        Executor::Parallel => program.execute(setup.seed, Chooser::Seeded),
    };
    reporter.progress(Progress::Ended);
    let run = run?;
    let found = match (&run.end, interrupt.came()) {
        (RunEnd::Found(_), _) => Found::Something,
        (RunEnd::Limit(_), _) => Found::Limit,
        (RunEnd::Interrupted, Some(signal)) => Found::Interrupted(signal),
        _ => Found::Nothing,
    };
    let unmatched = Totals::of(&run).unmatched();
    let report = match run.trace_hash {
        Some(_) if run.end.is_finding() => {
            finding::keep(driver, &setup, run, &arguments.program, true, interrupt, reporter)?
        }
        _ => RunReport::of(driver, setup, run),
    };
    reporter.run(&report);
    unmatched
        .into_iter()
        .for_each(|note| reporter.progress(Progress::Note(format!("{}: {note}", driver.name))));
    Ok(found)
}

/// The setup that the flags mean for one driver.
fn setup_of(fitted: &Fitted, a: &RunArguments) -> Result<Setup, Refusal> {
    // A disk image is only read unless writing was asked for.
    let image = a.image.as_ref().filter(|_| fitted.takes(applies::IMAGE));
    let mut setup = setup::of(fitted.driver, &fitted.arguments, image.is_some())?;
    if let Some(ns) = a.time.filter(|_| fitted.takes(applies::TIME)) {
        setup.workload.amount = Amount::TimeNs(ns);
    }
    setup.executor = match a.executor {
        ExecutorName::Deterministic => Executor::Deterministic,
        ExecutorName::Parallel => Executor::Parallel,
    };
    if setup.executor == Executor::Parallel && a.program.step_time != 0 {
        return Err(Refusal("--step-time: time is the host's in the parallel executor".into()));
    }
    if setup.executor == Executor::Parallel && a.program.timers_every != 0 {
        return Err(Refusal("--timers-every: time is the host's in the parallel executor".into()));
    }
    if setup.executor == Executor::Deterministic && a.time.is_some() {
        return Err(Refusal(
            "--time: machine time stands still while processors work in the deterministic executor; use --ios".into(),
        ));
    }
    if let Some(path) = image {
        let writes = !setup.workload.mode.only_reads();
        setup.contents = Contents::Image { path: path.clone(), writes };
        setup.workload.zeroed = false;
    }
    Ok(setup.with_seed(a.seed))
}
