//! `storsim stress`: each driver under many schedules.

use super::args::StressArguments;
use super::course::Course;
use super::ended::{Found, Refusal};
use super::interrupt::Interrupt;
use super::setup::schedule_name;
use super::summary::{head, jobs};
use super::{applies, exhaust, finding, select, setup};
use crate::driver::Driver;
use crate::explore::budget::{Asked, Budget};
use crate::explore::findings::SiteKey;
use crate::explore::shard::Shard;
use crate::explore::stress::{Listener, Stress};
use crate::explore::summary::Summary;
use crate::explore::{self, Chooser, EXHAUSTIVE, Program, Strategy};
use crate::report::{Count, Host, Progress, Reporter};
use crate::run::Run;
use kernel_sim::host_clock::HostClock;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

pub(super) fn stress(
    drivers: &'static [&'static Driver],
    arguments: &StressArguments,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    setup::check_directory(&arguments.program)?;
    if arguments.strategy == EXHAUSTIVE {
        return exhaust::exhaust_all(drivers, arguments, reporter);
    }
    let chosen = select::drivers(drivers, &arguments.program.drivers)?;
    let asked = Asked {
        seeds: arguments.seeds.clone(),
        schedules: arguments.schedules,
        timed: arguments.time.is_some(),
        shard: arguments.shard.as_deref().map(shard).transpose()?,
    };
    let budget = asked.budget()?;
    let interrupt = Interrupt::listen()?;
    let (fitted, notes) = applies::fit(chosen, &arguments.program, &[])?;
    let program = |fitted: applies::Fitted| {
        let mut setup = setup::of(fitted.driver, &fitted.arguments, false)?;
        if !arguments.plain {
            setup.environment.draws = setup::draws(fitted.driver, &arguments.program);
        }
        Ok(Program { driver: fitted.driver, setup })
    };
    let programs = fitted.into_iter().map(program).collect::<Result<Vec<_>, Refusal>>()?;
    notes.into_iter().for_each(|note| reporter.progress(Progress::Note(note)));
    let mut course = Course::of(programs.len());
    for (n, program) in programs.iter().enumerate() {
        if interrupt.came().is_some() {
            course.not_begun(programs[n..].iter().map(|program| &program.driver));
            break;
        }
        let result = explore(program, arguments, &budget, &interrupt, reporter);
        course.note(program.driver, result, reporter)?;
    }
    Ok(course.end(&interrupt, reporter))
}

/// Explores one driver.
fn explore(
    program: &Program,
    arguments: &StressArguments,
    budget: &Budget,
    interrupt: &Interrupt,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    interrupt.give(arguments.time.map(Duration::from_nanos));
    // Strategies make some executions to get to know the program.
    let strategy = explore::strategy(&arguments.strategy, program).map_err(|e| format!("--strategy: {e}"))?;
    Exploration { program, strategy: &*strategy, arguments, budget, jobs: jobs(arguments), interrupt }
        .make(reporter)
}

/// The shard that `--shard` names.
fn shard(text: &str) -> Result<Shard, Refusal> {
    if text != "auto" {
        return text.parse().map_err(|why| Refusal(format!("--shard: {why}")));
    }
    let (shard, runner) = Shard::from_environment(&|name| std::env::var(name).ok())
        .map_err(|why| format!("--shard auto: {why}"))?;
    anstream::eprintln!("shard {shard} of {runner}");
    Ok(shard)
}

/// The exploration of one driver.
struct Exploration<'a> {
    program: &'a Program,
    strategy: &'a dyn Strategy,
    arguments: &'a StressArguments,
    budget: &'a Budget,
    jobs: NonZeroUsize,
    interrupt: &'a Interrupt,
}

impl Exploration<'_> {
    fn make(&self, reporter: &mut dyn Reporter) -> Result<Found, Refusal> {
        let Exploration { program, strategy, arguments, budget, .. } = *self;
        let seeds = budget.seeds.clone();
        let stress = Stress {
            program,
            strategy,
            seeds: seeds.clone(),
            keep_going: arguments.keep_going,
            jobs: self.jobs,
        };
        let name = program.driver.name;
        let total = budget.bounded.then_some(seeds.end - seeds.start);
        reporter.progress(Progress::Began { what: name.into(), counted: Some(Count { total }) });
        let mut listener =
            FindingPrinter { exploration: self, clock: HostClock::start(), reporter, not_again: Vec::new() };
        let explored = stress.run(&mut listener);
        let FindingPrinter { clock, not_again, reporter, .. } = listener;
        reporter.progress(Progress::Ended);
        let explored = explored.map_err(|e| format!("{name}: {e}"))?;
        let elapsed = clock.elapsed();
        if explored.seeds.is_empty() && self.interrupt.came().is_none() {
            return Err(Refusal(format!("{name}: no schedule came to its end in the time given")));
        }
        let whole = explored.seeds == seeds || (!arguments.keep_going && !explored.findings.is_empty());
        let complete = whole || (!budget.bounded && self.interrupt.came().is_none());
        let summary = Summary {
            head: head(program, &strategy.name(), arguments),
            seeds: vec![[explored.seeds.start, explored.seeds.end]],
            asked: budget.whole.as_ref().map(|whole| [whole.start, whole.end]),
            executions: explored.seeds.end - explored.seeds.start,
            steps: explored.steps,
            discarded: explored.discarded,
            totals: explored.totals,
            unrepeatable: explored.unrepeatable,
            complete,
            findings: Summary::findings(explored.findings, |seed| {
                (!not_again.contains(&seed)).then(|| schedule_name(name, seed))
            }),
            statement: None,
        };
        let interrupted = self.interrupt.came();
        let unmatched = summary.totals.unmatched();
        unmatched.into_iter().for_each(|note| reporter.progress(Progress::Note(format!("{name}: {note}"))));
        reporter.summary(
            &summary,
            Host {
                elapsed: Some(elapsed),
                interrupted: interrupted.is_some() && !summary.complete,
                of: total,
            },
        );
        Ok(match interrupted {
            _ if !summary.findings.is_empty() => Found::Something,
            Some(signal) if !summary.complete => Found::Interrupted(signal),
            _ => Found::Nothing,
        })
    }
}

/// Tells a person or a program what an exploration finds as it goes, and ends it in time.
struct FindingPrinter<'a> {
    exploration: &'a Exploration<'a>,
    clock: HostClock,
    reporter: &'a mut dyn Reporter,
    /// Seeds whose finding did not come again.
    not_again: Vec<u64>,
}

impl Listener for FindingPrinter<'_> {
    fn found(&mut self, seed: u64, key: &SiteKey, run: Option<Run>) -> Result<(), String> {
        let Exploration { program, arguments, .. } = *self.exploration;
        let driver = program.driver;
        let Some(run) = run else {
            self.not_again.push(seed);
            let why = match self.exploration.interrupt.is_over() {
                true => "was not made again: there was no time for it",
                false => "did not come again: the driver keeps state outside the machine",
            };
            let rule = &key.rule;
            self.reporter.progress(Progress::Note(format!("{}: {rule} of seed {seed} {why}", driver.name)));
            return Ok(());
        };
        let setup = program.setup.with_seed(seed);
        let is_seeded = matches!(self.exploration.strategy.chooser(seed), Chooser::Seeded);
        let report = finding::keep(
            driver,
            &setup,
            run,
            &arguments.program,
            is_seeded,
            self.exploration.interrupt,
            self.reporter,
        )
        .map_err(|Refusal(why)| why)?;
        self.reporter.finding(key, &report);
        Ok(())
    }

    fn progress(&mut self, executions: u64) -> ControlFlow<()> {
        self.reporter.progress(Progress::At(executions));
        if self.exploration.interrupt.is_over() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
