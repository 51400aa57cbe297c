//! `storsim stress --strategy exhaustive`: every schedule of each driver, up to equivalence.

use super::args::StressArguments;
use super::course::Course;
use super::ended::{Found, Refusal};
use super::interrupt::Interrupt;
use super::setup::schedule_name;
use super::summary::{head, jobs};
use super::{applies, finding, select, setup};
use crate::driver::Driver;
use crate::explore::exhaustive::{Control, Coverage, Limits, exhaust};
use crate::explore::findings::{Findings, SiteKey};
use crate::explore::summary::Summary;
use crate::explore::{EXHAUSTIVE, Program, Totals};
use crate::report::{Count, Host, Progress, Reporter};
use crate::run::Run;
use crate::workload::Amount;
use crossbeam::channel::{RecvTimeoutError, bounded};
use kernel_sim::host_clock::HostClock;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Requests of a workload that does not say how many: more make more schedules than can be executed in
/// an hour.
const IOS_DEFAULT: u64 = 2;
/// The seed of the operations where none is given.
const SEED_DEFAULT: u64 = 1;
/// How often a search looks whether it is to end, and says how far it is.
const TICK: Duration = Duration::from_millis(50);

/// The findings of a search, and the first run of each.
#[derive(Default)]
struct Examined {
    findings: Findings,
    runs: BTreeMap<SiteKey, Run>,
}

pub(super) fn exhaust_all(
    drivers: &'static [&'static Driver],
    arguments: &StressArguments,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    if arguments.shard.is_some() {
        return Err(Refusal("--shard: an exhaustive search is not split by seeds; use --jobs".into()));
    }
    if arguments.program.step_time != 0 {
        return Err(Refusal(
            "--step-time: an exhaustive search takes steps that share nothing in one order, and each would change the time".into(),
        ));
    }
    if arguments.program.timers_every != 0 {
        return Err(Refusal(
            "--timers-every: an exhaustive search counts no steps: it takes those that share nothing in one order".into(),
        ));
    }
    let seed = match &arguments.seeds {
        Some(seeds) if seeds.end - seeds.start > 1 => {
            return Err(Refusal("--seeds: an exhaustive search is of one seed's operations: A..A+1".into()));
        }
        Some(seeds) => seeds.start,
        None => SEED_DEFAULT,
    };
    let chosen = select::drivers(drivers, &arguments.program.drivers)?;
    let (fitted, notes) = applies::fit(chosen, &arguments.program, &[])?;
    notes.into_iter().for_each(|note| reporter.progress(Progress::Note(note)));
    let interrupt = Interrupt::listen()?;
    let mut course = Course::of(fitted.len());
    for (n, one) in fitted.iter().enumerate() {
        if interrupt.came().is_some() {
            course.not_begun(fitted[n..].iter().map(|fitted| &fitted.driver));
            break;
        }
        let driver = one.driver;
        let mut setup = setup::of(driver, &one.arguments, false)?;
        if arguments.program.ios.is_none() && matches!(setup.workload.amount, Amount::Ios(_)) {
            setup.workload.amount = Amount::Ios(IOS_DEFAULT);
        }
        let program = Program { driver, setup };
        let result = search(&program, seed, arguments, &interrupt, reporter);
        course.note(driver, result, reporter)?;
    }
    Ok(course.end(&interrupt, reporter))
}

/// Searches one program, and reports its findings and its summary.
fn search(
    program: &Program,
    seed: u64,
    arguments: &StressArguments,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    let name = program.driver.name;
    let limits = Limits {
        executions: arguments.schedules.unwrap_or(u64::MAX),
        jobs: jobs(arguments).get(),
        keep_going: arguments.keep_going,
        ..Limits::default()
    };
    let clock = HostClock::start();
    interrupt.give(arguments.time.map(Duration::from_nanos));
    let counted = Some(Count { total: arguments.schedules });
    reporter.progress(Progress::Began { what: name.into(), counted });
    let examined = Mutex::new(Examined::default());
    let note = |run: Run| {
        if let Some(key) = SiteKey::of(&run.end) {
            let mut examined = examined.lock();
            examined.findings.add(key.clone(), seed);
            examined.runs.entry(key).or_insert(run);
        }
    };
    let control = Control::default();
    let coverage = std::thread::scope(|scope| {
        let (done, wait) = bounded::<()>(0);
        let control = &control;
        let reporter = &mut *reporter;
        scope.spawn(move || {
            while wait.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                reporter.progress(Progress::At(control.executions.load(Relaxed)));
                if interrupt.is_over() {
                    control.stop.store(true, Relaxed);
                }
            }
        });
        let coverage = exhaust(program, seed, &limits, control, &note);
        drop(done);
        coverage
    });
    reporter.progress(Progress::Ended);
    let coverage = coverage.map_err(|e| Refusal(format!("{name}: {e}")))?;
    let elapsed = clock.elapsed();
    let Examined { findings, runs } = examined.into_inner();
    for (key, run) in runs {
        let setup = program.setup.with_seed(seed);
        let report =
            finding::keep(program.driver, &setup, run, &arguments.program, false, interrupt, reporter)?;
        reporter.finding(&key, &report);
    }
    let summary = summary(program, seed, arguments, &coverage, findings);
    let interrupted = interrupt.came();
    let was_interrupted = interrupted.is_some() && !summary.complete;
    let of = arguments.schedules;
    reporter.summary(&summary, Host { elapsed: Some(elapsed), interrupted: was_interrupted, of });
    if coverage.executions == 0 {
        return Err(Refusal(format!("{name}: nothing was explored")));
    }
    Ok(match interrupted {
        _ if !summary.findings.is_empty() => Found::Something,
        Some(signal) if !summary.complete => Found::Interrupted(signal),
        _ => Found::Nothing,
    })
}

/// The summary of a search.
fn summary(
    program: &Program,
    seed: u64,
    arguments: &StressArguments,
    coverage: &Coverage,
    findings: Findings,
) -> Summary {
    let name = program.driver.name;
    Summary {
        head: head(program, EXHAUSTIVE, arguments),
        seeds: vec![[seed, seed.saturating_add(1)]],
        asked: None,
        executions: coverage.executions,
        steps: coverage.steps,
        discarded: 0,
        totals: Totals::default(),
        unrepeatable: None,
        complete: coverage.is_complete(),
        findings: Summary::findings(findings, |seed| Some(schedule_name(name, seed))),
        statement: Some(coverage.statement()),
    }
}
