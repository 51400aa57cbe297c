//! `storsim replay`: a recorded run again, with the whole trace.

use super::args::{Format, ReplayArguments};
use super::{Found, Refusal, run};
use crate::driver::Driver;
use crate::finding::Verdict;
use crate::schedule::Schedule;
use crate::session;
use crate::trace::Trace;
use kernel_sim::choose::Recorded;
use kernel_sim::hook::Watcher;
use std::sync::Arc;

pub(super) fn replay(
    drivers: &'static [&'static Driver],
    arguments: &ReplayArguments,
) -> Result<Found, Refusal> {
    let file = arguments.file.display().to_string();
    let schedule = Schedule::load(&arguments.file)?;
    let Some(driver) = drivers.iter().copied().find(|d| d.name == schedule.driver) else {
        return Err(Refusal(format!("{file}:2: no driver is called '{}' here", schedule.driver)));
    };
    let trace = Arc::new(Trace::until(arguments.stop_before.unwrap_or(u64::MAX)));
    let shown = arguments.format == Format::Text && !arguments.quiet;
    let watcher = shown.then(|| Arc::clone(&trace) as Arc<dyn Watcher>);
    let recorded = Box::new(Recorded::new(schedule.choices));
    let run = session::run(driver, &schedule.setup, Some(recorded), watcher)
        .map_err(|e| Refusal(format!("{file}: {e}")))?;
    if let Verdict::Parted(parted) = &run.verdict {
        return Err(Refusal(format!("{file}: step {}: {}", parted.step, parted.why)));
    }
    anstream::print!("{}", trace.take());
    run::print(driver, &schedule.setup, &run, Some(&file), arguments.format);
    if run.trace_hash != Some(schedule.trace_hash) {
        anstream::eprintln!(
            "note: the choices fit, but the trace differs from the recorded one: the driver or storsim has changed"
        );
    }
    Ok(if run.verdict.is_finding() { Found::Something } else { Found::Nothing })
}
