//! A finding is kept as a schedule file: shrunk, unless that is not wanted or would do harm.

use super::args::ProgramArguments;
use super::ended::Refusal;
use super::interrupt::Interrupt;
use super::setup::schedule_name;
use crate::driver::Driver;
use crate::explore::Program;
use crate::explore::shrink::{Budget, Shrunk, shrink_while};
use crate::report::{Kept, Progress, Reporter, RunReport};
use crate::run::{Contents, Run, Setup};
use crate::schedule::{Schedule, replay};
use std::path::{Path, PathBuf};

/// Where schedule files go that no flag sends elsewhere.
const DIRECTORY: &str = "schedules";

/// Writes the schedule of a run that found something; returns what there is to tell of it. `is_seeded`:
/// the machine's own choices of the setup's seed made the run, and not some other strategy.
pub(super) fn keep(
    driver: &'static Driver,
    setup: &Setup,
    run: Run,
    arguments: &ProgramArguments,
    is_seeded: bool,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<RunReport, Refusal> {
    let setup = &setup.with_memory_of(&run);
    // What was drawn is as it was in the run.
    let made = setup.of_seed(driver, setup.seed);
    let path = path(driver, setup, arguments.schedule_dir.as_deref());
    let shrunk = if arguments.no_shrink { None } else { shrink_it(driver, setup, &run, interrupt, reporter) };
    let Some(shrunk) = shrunk else {
        let recorded = if is_seeded {
            Schedule::of_seed(driver, &made, &run)
        } else {
            Schedule::of_choices(driver, &made, run.choices.clone())?
        };
        let schedule = recorded.as_ref().map(|recorded| save(recorded, &path, reporter));
        let run = recorded.and_then(|recorded| again_with_evidence(driver, &recorded)).unwrap_or(run);
        return Ok(RunReport { schedule, ..RunReport::of(driver, made, run) });
    };
    let recorded = Schedule::of_shrunk(&shrunk);
    let schedule = Some(save(&recorded, &path, reporter));
    let again = replay(driver, &recorded, None)?;
    if !again.run.end.is_finding() {
        // There was no time to make it once more, with call stacks and a table of who ran when.
        let program = shrunk.program.clone();
        let needs = shrunk.needs.clone();
        return Ok(RunReport { schedule, needs, ..RunReport::of(driver, program.setup, shrunk.run) });
    }
    Ok(RunReport {
        schedule,
        needs: shrunk.needs.clone(),
        timeline: again.timeline.map(|timeline| (timeline, shrunk.deviations.clone())),
        shrunk: Some(shrunk),
        ..RunReport::of(driver, recorded.setup, again.run)
    })
}

/// The same run once more, with the call stacks of earlier moments; `None` if it cannot be had, or would
/// write to an image again.
fn again_with_evidence(driver: &'static Driver, recorded: &Schedule) -> Option<Run> {
    if matches!(recorded.setup.contents, Contents::Image { writes: true, .. }) {
        return None;
    }
    let again = replay(driver, recorded, None).ok()?;
    (again.run.end.is_finding() && again.fit.same_finding).then_some(again.run)
}

/// The shortest schedule that finds the same; `None` if it is better not looked for.
fn shrink_it(
    driver: &'static Driver,
    setup: &Setup,
    run: &Run,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Option<Shrunk> {
    if matches!(setup.contents, Contents::Image { writes: true, .. }) {
        reporter.progress(Progress::Note("not shrunk: each of many runs would write to the image".into()));
        return None;
    }
    if interrupt.is_over() {
        reporter.progress(Progress::Note("not shrunk: there was no time for it".into()));
        return None;
    }
    let what = format!("shrinking {} seed {}", driver.name, setup.seed);
    reporter.progress(Progress::Began { what, counted: None });
    let program = Program { driver, setup: setup.clone() };
    let shrunk =
        shrink_while(&program, setup.seed, run.choices.clone(), Budget::default(), &|| !interrupt.is_over());
    reporter.progress(Progress::Ended);
    shrunk.inspect_err(|why| reporter.progress(Progress::Note(format!("not shrunk: {why}")))).ok()
}

fn path(driver: &Driver, setup: &Setup, directory: Option<&Path>) -> PathBuf {
    let name = schedule_name(driver.name, setup.seed);
    match directory {
        Some(directory) if directory == Path::new(".") => name.into(),
        Some(directory) => directory.join(name),
        None => Path::new(DIRECTORY).join(name),
    }
}

/// Writes the file. A finding is reported whether that succeeds or not.
fn save(schedule: &Schedule, path: &Path, reporter: &mut dyn Reporter) -> Kept {
    let file = path.display().to_string();
    match schedule.save(path) {
        Ok(is_replaced) => {
            if is_replaced {
                reporter.progress(Progress::Note(format!("{file}: replaced; it held another schedule")));
            }
            Kept::Saved(file)
        }
        Err(why) => Kept::NotSaved {
            why: format!("{file}: {}", why.kind()),
            deviations: schedule.deviations().iter().map(ToString::to_string).collect(),
        },
    }
}
