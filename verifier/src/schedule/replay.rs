//! A recorded run made again, and how well the schedule still fits.

use super::{Base, Fingerprint, Schedule};
use crate::driver::Driver;
use crate::explore::deviations::{Deviating, Deviation, Misfit};
use crate::explore::{Failure, Random};
use crate::finding::RunEnd;
use crate::run::{self, Chooser, Run, Setup, SetupError};
use crate::timeline::{self, Following, Timeline};
use kernel_sim::hook::Watcher;
use std::sync::Arc;

/// A replay.
pub struct Replay {
    /// The run.
    pub run: Run,
    /// Who ran when; not told of a random base, whose runs are long and switch at every turn.
    pub timeline: Option<Timeline>,
    /// How it compares with what the schedule promises.
    pub fit: Fit,
}

/// How a replay compares with the recorded run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fit {
    /// The driver's sources are not those that it was recorded with.
    pub sources_changed: bool,
    /// Every event was the recorded one.
    pub same_trace: bool,
    /// It found the same: the same rule or stop, at the same calls in the same callbacks.
    pub same_finding: bool,
    /// Deviations whose place the run never came to.
    pub unused: Vec<Deviation>,
    /// Why the run was not made to its end.
    pub parted: Option<String>,
}

impl Fit {
    /// Whether the sources, the choices and the trace are the recorded ones.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.sources_changed && self.same_trace
    }
}

/// Runs `schedule` again on `driver`. `extra` watches besides the rules.
///
/// # Errors
/// When the run could not be made as asked.
pub fn replay(
    driver: &'static Driver,
    schedule: &Schedule,
    extra: Option<Arc<dyn Watcher>>,
) -> Result<Replay, SetupError> {
    // A report is made of this run: evidence of what came before a finding is worth its time here.
    let setup = Setup { evidence: true, ..schedule.setup.clone() };
    let Made { run, timeline, steps } = match &schedule.base {
        Base::Steady(deviations) => steady(driver, &setup, deviations.clone(), extra)?,
        Base::Random(seed) => {
            let operations = schedule.setup.workload.seed;
            let run =
                run::once(driver, &setup, operations, Chooser::Strategy(Random::choices(*seed)), extra)?;
            Made { run, timeline: None, steps: Vec::new() }
        }
    };
    let found = Failure::of(&run.end).map(|failure| failure.to_string());
    let unused = schedule.deviations().iter().zip(&steps).filter(|(_, step)| step.is_none());
    let fit = Fit {
        sources_changed: Fingerprint::of(driver) != schedule.sources,
        same_trace: run.trace_hash == Some(schedule.trace_hash),
        same_finding: found == schedule.found,
        unused: unused.map(|(deviation, _)| deviation.clone()).collect(),
        parted: parted(&run),
    };
    let fit = fit.or_part(schedule, &run);
    Ok(Replay { run, timeline, fit })
}

/// A run that was made.
struct Made {
    run: Run,
    timeline: Option<Timeline>,
    /// At which step each deviation was made, if it was.
    steps: Vec<Option<u64>>,
}

/// A run of the default scheduler with deviations.
fn steady(
    driver: &'static Driver,
    setup: &Setup,
    deviations: Vec<Deviation>,
    extra: Option<Arc<dyn Watcher>>,
) -> Result<Made, SetupError> {
    let deviating = Deviating::new(deviations, Misfit::Parts);
    let outcomes = deviating.outcomes();
    let (following, timeline) = Following::new(Box::new(deviating));
    let watcher: Arc<dyn Watcher> = Arc::new(timeline::Values::of(&timeline, extra));
    let chooser = Chooser::Strategy(Box::new(following));
    let run = run::once(driver, setup, setup.workload.seed, chooser, Some(watcher))?;
    let steps = std::mem::take(&mut *outcomes.lock());
    let mut timeline = std::mem::take(&mut *timeline.lock());
    timeline::finish(&mut timeline, &run, &steps);
    Ok(Made { run, timeline: Some(timeline), steps })
}

fn parted(run: &Run) -> Option<String> {
    match &run.end {
        RunEnd::Parted(parted) => Some(format!("step {}: {}", parted.step, parted.why)),
        _ => None,
    }
}

impl Fit {
    /// A run that came to its end parted from its schedule all the same if it found something else and
    /// did not make all of its choices.
    fn or_part(mut self, schedule: &Schedule, run: &Run) -> Fit {
        if self.parted.is_some() || self.same_trace || self.same_finding {
            return self;
        }
        let why = match (&schedule.base, self.unused.first()) {
            (Base::Random(_), _) => "with another trace than the recorded one".to_owned(),
            (Base::Steady(_), Some(unused)) => format!("and this never applied: {unused}"),
            (Base::Steady(_), None) => return self,
        };
        self.parted = Some(format!("step {}: the run ended ({}), {why}", run.steps, run.end.word()));
        self
    }
}
