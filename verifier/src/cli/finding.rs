//! A finding is kept as a schedule file: shrunk, unless that is not wanted or would do harm.

use super::Refusal;
use super::args::ProgramArguments;
use super::progress::Progress;
use super::setup::schedule_name;
use super::told::RunReport;
use crate::driver::Driver;
use crate::explore::Program;
use crate::explore::shrink::{Budget, Shrunk, shrink};
use crate::schedule::{Schedule, replay};
use crate::session::{Contents, Run, Setup};
use std::path::{Path, PathBuf};

/// Writes the schedule of a run that found something; returns what there is to tell of it. `is_seeded`:
/// the machine's own choices of the setup's seed made the run, and not some other strategy.
pub(super) fn keep(
    driver: &'static Driver,
    setup: &Setup,
    run: Run,
    arguments: &ProgramArguments,
    is_seeded: bool,
) -> Result<RunReport, Refusal> {
    let path = path(driver, setup, &arguments.schedule_dir);
    let schedule = path.display().to_string();
    let shrunk = if arguments.no_shrink { None } else { shrink_it(driver, setup, &run) };
    let Some(shrunk) = shrunk else {
        let recorded = if is_seeded {
            Schedule::of_seed(driver, setup, &run)
        } else {
            Schedule::of_choices(driver, setup, run.choices.clone())?
        };
        if let Some(recorded) = recorded {
            save(&recorded, &path)?;
        }
        return Ok(RunReport { schedule: Some(schedule), ..RunReport::of(setup.clone(), run) });
    };
    let recorded = Schedule::of_shrunk(&shrunk);
    save(&recorded, &path)?;
    let again = replay(driver, &recorded, None)?;
    Ok(RunReport {
        schedule: Some(schedule),
        timeline: again.timeline.map(|timeline| (timeline, shrunk.deviations.clone())),
        shrunk: Some(shrunk),
        ..RunReport::of(recorded.setup, again.run)
    })
}

/// The shortest schedule that finds the same; `None` if it is better not looked for.
fn shrink_it(driver: &'static Driver, setup: &Setup, run: &Run) -> Option<Shrunk> {
    if matches!(setup.contents, Contents::Image { writes: true, .. }) {
        anstream::eprintln!("note: not shrunk: each of many runs would write to the image");
        return None;
    }
    let _progress = Progress::start(format!("shrinking {} seed {}", driver.name, setup.seed));
    let program = Program { driver, setup: setup.clone() };
    shrink(&program, setup.seed, run.choices.clone(), Budget::default())
        .inspect_err(|why| anstream::eprintln!("note: not shrunk: {why}"))
        .ok()
}

fn path(driver: &Driver, setup: &Setup, directory: &Path) -> PathBuf {
    let name = schedule_name(driver.name, setup.seed);
    if directory == Path::new(".") { PathBuf::from(name) } else { directory.join(name) }
}

fn save(schedule: &Schedule, path: &Path) -> Result<(), Refusal> {
    schedule.save(path).map_err(|e| Refusal(format!("{}: {e}", path.display())))
}
