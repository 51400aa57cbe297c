//! `storsim replay`: a recorded run again, with the whole trace.

use super::args::ReplayArguments;
use super::ended::{Found, Refusal};
use super::interrupt::Interrupt;
use crate::driver::Driver;
use crate::finding::RunEnd;
use crate::report::{Kept, Reporter, RunReport};
use crate::schedule::{self, Replay, Schedule};
use crate::trace::Trace;
use kernel_sim::hook::Watcher;
use std::sync::Arc;

pub(super) fn replay(
    drivers: &'static [&'static Driver],
    arguments: &ReplayArguments,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    let interrupt = Interrupt::listen()?;
    let file = arguments.file.display().to_string();
    let schedule = Schedule::load(&arguments.file)?;
    let Some(driver) = drivers.iter().copied().find(|d| d.is_called(&schedule.driver)) else {
        let hint = if schedule.driver.ends_with(".sys") { "; give its file by --sys" } else { "" };
        return Err(Refusal(format!("{file}:2: no driver is called '{}' here{hint}", schedule.driver)));
    };
    let trace = Arc::new(Trace::until(arguments.stop_before.unwrap_or(u64::MAX)));
    let shown = reporter.wants_trace() && !arguments.quiet;
    let watcher = shown.then(|| Arc::clone(&trace) as Arc<dyn Watcher>);
    let Replay { run, timeline, fit } =
        schedule::replay(driver, &schedule, watcher).map_err(|e| Refusal(format!("{file}: {e}")))?;
    if let (RunEnd::Interrupted, Some(signal)) = (&run.end, interrupt.came()) {
        return Ok(Found::Interrupted(signal));
    }
    if let Some(parted) = &fit.parted {
        let changed = if fit.sources_changed { "; the driver's sources have changed since" } else { "" };
        return Err(Refusal(format!("{file}: {parted}{changed}")));
    }
    let found = match &run.end {
        RunEnd::Found(_) => Found::Something,
        RunEnd::Limit(_) => Found::Limit,
        RunEnd::Clean | RunEnd::Ignored(_) | RunEnd::Parted(_) | RunEnd::Endless(_) | RunEnd::Interrupted => {
            Found::Nothing
        }
    };
    let timeline = timeline.map(|timeline| (timeline, schedule.deviations().to_vec()));
    reporter.run(&RunReport {
        schedule: Some(Kept::Saved(file)),
        timeline,
        fit: Some(fit),
        needs: schedule.needs.clone(),
        trace: shown.then(|| trace.take()),
        ..RunReport::of(driver, schedule.setup, run)
    });
    Ok(found)
}
