//! `storsim stress`: each driver under many schedules.

use super::args::{Format, StressArguments};
use super::interrupt::Interrupt;
use super::progress::Count;
use super::setup::schedule_name;
use super::{Found, Refusal, exhaust, finding, select, setup};
use crate::driver::Driver;
use crate::explore::budget::{Asked, Budget};
use crate::explore::findings::Identity;
use crate::explore::shard::Shard;
use crate::explore::stress::{Listener, Stress};
use crate::explore::summary::{Head, KEEP_GOING, Record, SCHEMA, Summary};
use crate::explore::{self, Chooser, EXHAUSTIVE, Program, Strategy};
use crate::report;
use crate::rules::Sites;
use crate::session::Run;
use kernel_sim::host_clock::HostClock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::Duration;

pub(super) fn stress(
    drivers: &'static [&'static Driver],
    arguments: &StressArguments,
) -> Result<Found, Refusal> {
    setup::check_directory(&arguments.program)?;
    if arguments.strategy == EXHAUSTIVE {
        return exhaust::exhaust_all(drivers, arguments);
    }
    let chosen = select::drivers(drivers, &arguments.program.drivers)?;
    let asked = Asked {
        seeds: arguments.seeds.clone(),
        schedules: arguments.schedules,
        timed: arguments.time.is_some(),
        shard: arguments.shard.as_deref().map(shard).transpose()?,
    };
    let budget = asked.budget()?;
    // Before the first execution: strategies make some to get to know the program.
    let interrupt = Interrupt::listen()?;
    let programs = chosen
        .into_iter()
        .map(|driver| {
            let program = Program { driver, setup: setup::of(driver, &arguments.program, false)? };
            let strategy =
                explore::strategy(&arguments.strategy, &program).map_err(|e| format!("--strategy: {e}"))?;
            Ok((program, strategy))
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    let mut found = Found::Nothing;
    for (program, strategy) in &programs {
        if interrupt.came().is_some() {
            break;
        }
        let exploration = Exploration {
            program,
            strategy: &**strategy,
            arguments,
            budget: &budget,
            jobs: jobs(arguments),
            interrupt: &interrupt,
        };
        if exploration.make()? == Found::Something {
            found = Found::Something;
        }
    }
    Ok(match interrupt.came() {
        Some(signal) if found == Found::Nothing => Found::Interrupted(signal),
        _ => found,
    })
}

/// Host threads that execute. How many there are changes no result.
pub(super) fn jobs(arguments: &StressArguments) -> NonZeroUsize {
    let asked = arguments.jobs.and_then(|n| NonZeroUsize::new(n.into()));
    // A host that does not say how many cores it has gets one job.
    asked.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
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
    fn make(&self) -> Result<Found, Refusal> {
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
        let mut listener = FindingPrinter {
            exploration: self,
            clock: HostClock::start(),
            bar: Count::start(name.into(), budget.bounded.then_some(seeds.end - seeds.start)),
            not_again: Vec::new(),
        };
        let explored = stress.run(&mut listener).map_err(|e| format!("{name}: {e}"))?;
        let FindingPrinter { clock, not_again, .. } = listener;
        let elapsed = clock.elapsed();
        let whole = explored.seeds == seeds || (!arguments.keep_going && !explored.findings.is_empty());
        let complete = whole || (!budget.bounded && self.interrupt.came().is_none());
        let summary = Summary {
            head: head(program, &strategy.name(), arguments),
            seeds: vec![[explored.seeds.start, explored.seeds.end]],
            executions: explored.seeds.end - explored.seeds.start,
            steps: explored.steps,
            complete,
            findings: Summary::findings(explored.findings, |seed| {
                (!not_again.contains(&seed)).then(|| schedule_name(name, seed))
            }),
            statement: None,
        };
        match arguments.program.format {
            Format::Json => anstream::println!("{}", report::summary_json(&summary)),
            Format::Text => {
                anstream::print!("{}", report::stress(&summary, Some(elapsed), report::Style::coloured()));
            }
        }
        Ok(if summary.findings.is_empty() { Found::Nothing } else { Found::Something })
    }
}

/// What is the same in all parts of an exploration.
pub(super) fn head(program: &Program, strategy: &str, arguments: &StressArguments) -> Head {
    let setup = &program.setup;
    let mut options: BTreeMap<String, Value> = BTreeMap::new();
    options.insert("cpus".into(), setup.cpus.into());
    options.insert(KEEP_GOING.into(), arguments.keep_going.into());
    options.insert("rules".into(), setup.rules.iter().map(|r| r.name).collect());
    let sites = if setup.sites == Sites::Kept { "kept" } else { "counted" };
    options.insert("sites".into(), sites.into());
    options.insert("size".into(), arguments.program.size.into());
    if !setup.disturbances.is_none() {
        options.insert("disturbances".into(), json!(setup.disturbances));
    }
    let mut workload = json!(setup.workload);
    if let Some(fields) = workload.as_object_mut() {
        // Each execution has its own.
        fields.remove("seed");
    }
    options.insert("workload".into(), workload);
    Head {
        schema: SCHEMA,
        record: Record::Summary,
        storsim: env!("CARGO_PKG_VERSION").into(),
        driver: program.driver.name.into(),
        strategy: strategy.into(),
        options,
    }
}

/// Tells a person or a program what an exploration finds as it goes, and ends it in time.
struct FindingPrinter<'a> {
    exploration: &'a Exploration<'a>,
    clock: HostClock,
    bar: Count,
    /// Seeds whose finding did not come again.
    not_again: Vec<u64>,
}

impl Listener for FindingPrinter<'_> {
    fn found(&mut self, seed: u64, identity: &Identity, run: Option<Run>) -> Result<(), String> {
        let Exploration { program, arguments, .. } = *self.exploration;
        let driver = program.driver;
        let Some(run) = run else {
            self.not_again.push(seed);
            self.bar.around(|| {
                anstream::eprintln!(
                    "note: {}: {} of seed {seed} did not come again: the driver keeps state outside the machine",
                    driver.name,
                    identity.rule
                );
            });
            return Ok(());
        };
        let setup = program.setup.with_seed(seed);
        let is_seeded = matches!(self.exploration.strategy.chooser(seed), Chooser::Seeded);
        self.bar.around(|| {
            let told = finding::keep(driver, &setup, run, &arguments.program, is_seeded)
                .map_err(|Refusal(why)| why)?;
            match arguments.program.format {
                Format::Json => {
                    let file = told.schedule.as_deref();
                    let record = report::finding_json(driver.name, identity, &told.setup, &told.run, file);
                    anstream::println!("{}", told.with_parts(record));
                }
                Format::Text => told.print_finding(driver),
            }
            Ok(())
        })
    }

    fn progress(&mut self, executions: u64) -> ControlFlow<()> {
        self.bar.at(executions);
        let limit = self.exploration.arguments.time.map(Duration::from_nanos);
        let is_late = limit.is_some_and(|limit| self.clock.elapsed() >= limit);
        if is_late || self.exploration.interrupt.came().is_some() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
