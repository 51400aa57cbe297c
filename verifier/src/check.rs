//! Schedules explored from a `#[test]`.
//!
//! [`check`] takes a driver, [`check_model`] a piece of driver logic as a closure. A failure is a panic
//! with the whole report and, last, one line that makes the same execution again: the shortest schedule
//! that fails, in an environment variable. It works alike under `cargo test` and other test runners,
//! and explores on the calling thread only, because test runners have threads of their own.
//!
//! ```should_panic
//! use kernel_sim::safe::SpinLock;
//!
//! // Two processors take two locks in two orders.
//! verifier::check_model(
//!     2,
//!     || (SpinLock::new(0), SpinLock::new(0)),
//!     |(a, b), cpu| {
//!         let (first, second) = if cpu == 0 { (a, b) } else { (b, a) };
//!         let _outer = first.lock();
//!         *second.lock() += 1;
//!     },
//! )
//! .exhaustive()
//! .is_clean(); // It is not: "CPU 0, CPU 1 wait for each other's spin locks".
//! ```

use crate::driver::{Driver, Expects, Kind};
use crate::explore::deviations::{Deviating, Deviation, Misfit};
use crate::explore::exhaustive::{Control, Coverage, Limits, exhaust};
use crate::explore::shrink::{self, shrink};
use crate::explore::{self, Chooser, Program};
use crate::finding::RunEnd;
use crate::report;
use crate::run::Event;
use crate::run::{MemoryChoice, Run, Setup};
use crate::workload::Amount;
use kernel_sim::machine::Config;
use parking_lot::Mutex;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// The variable that holds an execution to make again, instead of exploring.
pub const REPLAY: &str = "STORSIM_REPLAY";

/// What to explore, and how. Made by [`check`] and [`check_model`].
#[must_use = "nothing is explored before `is_clean` or `fails_with`"]
pub struct Check {
    program: Program,
    how: How,
}

enum How {
    Strategy { name: String, seeds: Range<u64> },
    Exhaustive { executions: u64 },
}

/// A failing execution.
struct Failing {
    program: Program,
    run: Run,
    /// The schedule, or why it could not be told as one that is short.
    deviations: Result<Vec<Deviation>, String>,
}

/// Explores schedules of a driver: 100 of the portfolio with 100 requests on two processors, unless told
/// otherwise.
pub fn check(driver: &'static Driver) -> Check {
    crate::register_sources();
    let mut setup = Setup::of_model(driver);
    setup.cpus = driver.kind.cpus(2);
    setup.contents = crate::run::Contents::Memory { bytes: 1 << 20 };
    setup.workload.amount = Amount::Ios(100);
    setup.workload.block_bytes = 4096.into();
    setup.workload.depth = 4;
    setup.workload.flush_every = 16;
    setup.workload.cancel_every = if driver.cancels { 16 } else { 0 };
    Check {
        program: Program { driver, setup },
        how: How::Strategy { name: "portfolio".into(), seeds: 1..101 },
    }
}

/// Explores schedules of a model: `body` runs once on each of `cpus` processors, with the state that
/// `state` makes for each execution and the processor's index. The state lies in the machine's memory
/// and is never dropped.
///
/// # Panics
/// When `cpus` is not 1 to 64.
pub fn check_model<T: Sync + 'static>(
    cpus: u8,
    state: impl Fn() -> T + Sync + 'static,
    body: impl Fn(&'static T, u8) + Copy + Send + Sync + 'static,
) -> Check {
    assert!((1..=kernel_sim::machine::PROCESSORS_MAX).contains(&cpus), "a machine has 1 to 64 processors");
    // A driver is for ever, and a test makes few.
    let run = AssertUnwindSafe(move |config: Config| config.run_on_every_processor(state(), body));
    let run = Box::leak(Box::new(move |config: Config| {
        // The whole wrapper, not the closure in it.
        let run = &run;
        (run.0)(config)
    }));
    let driver = Box::leak(Box::new(Driver {
        name: "model",
        aliases: &[],
        summary: "a model in a test",
        expects: Expects::Clean,
        kind: Kind::Model { cpus, run },
        cancels: false,
        reads_registry: false,
        image: None,
        sources: &[],
    }));
    check(driver)
}

impl Check {
    /// Processors, 1 to 64. A model has its own number.
    pub fn cpus(mut self, cpus: u8) -> Check {
        self.program.setup.cpus = self.program.driver.kind.cpus(cpus);
        self
    }

    /// Requests sent to the driver in each execution.
    pub fn ios(mut self, requests: u64) -> Check {
        self.program.setup.workload.amount = Amount::Ios(requests.max(1));
        self
    }

    /// Faults to inject, as `--fault` takes them.
    ///
    /// # Panics
    /// When that is no fault plan.
    #[track_caller]
    pub fn faults(mut self, plan: &str) -> Check {
        self.program.setup.disturbances.faults = plan.parse().unwrap_or_else(|e| panic!("{e}"));
        self
    }

    /// Events of the adapter while requests are under way.
    pub fn events(mut self, events: &[Event]) -> Check {
        self.program.setup.disturbances.events = events.to_vec();
        self
    }

    /// Which memory executions have: as each seed draws it unless told otherwise.
    pub fn memory(mut self, memory: MemoryChoice) -> Check {
        self.program.setup.memory = memory;
        self
    }

    /// How long driver code may run without a call before it is given up as a runaway, on the host's clock:
    /// five seconds unless told otherwise; zero for ever.
    pub fn runaway(mut self, patience: Duration) -> Check {
        self.program.setup.patience = patience;
        self
    }

    /// Seeds to explore with the strategy.
    pub fn seeds(mut self, range: Range<u64>) -> Check {
        let name = match self.how {
            How::Strategy { name, .. } => name,
            How::Exhaustive { .. } => "portfolio".into(),
        };
        self.how = How::Strategy { name, seeds: range };
        self
    }

    /// The strategy, by its word on the command line: `random`, `pct:3`.
    pub fn strategy(mut self, word: &str) -> Check {
        let seeds = match self.how {
            How::Strategy { seeds, .. } => seeds,
            How::Exhaustive { .. } => 1..101,
        };
        self.how = How::Strategy { name: word.into(), seeds };
        self
    }

    /// Every schedule up to equivalence, instead of a strategy's.
    pub fn exhaustive(mut self) -> Check {
        self.how = How::Exhaustive { executions: u64::MAX };
        self
    }

    /// At most so many executions of an exhaustive search; it is no failure to leave some out, and
    /// [`Check::is_clean`] says what was.
    pub fn at_most(mut self, most: u64) -> Check {
        if let How::Exhaustive { executions } = &mut self.how {
            *executions = most;
        }
        self
    }

    /// Nothing is found. Returns what an exhaustive search covered.
    ///
    /// # Panics
    /// With the report of what was found, and the line that makes it again. When an exhaustive search
    /// without a limit is not complete. When a line given to make an execution again does not fit.
    #[track_caller]
    pub fn is_clean(self) -> Option<Coverage> {
        let (failing, coverage) = self.explore();
        let how = self.how;
        if let Some(failing) = failing {
            panic!("{}", failing.report());
        }
        if let (How::Exhaustive { executions: u64::MAX }, Some(coverage)) = (&how, &coverage) {
            assert!(coverage.is_complete(), "{}", coverage.statement());
        }
        coverage
    }

    /// Something is found, under that name: a rule, a bug check, "deadlock" or "livelock".
    ///
    /// # Panics
    /// When nothing was found, or something else first.
    #[track_caller]
    pub fn fails_with(self, name: &str) {
        match self.explore().0 {
            None => panic!("nothing was found; {name} was expected"),
            Some(failing) => {
                let found = explore::Failure::of(&failing.run.end).map(|f| f.to_string());
                let found = found.unwrap_or_default();
                assert!(found.split(' ').next() == Some(name), "{name} was expected\n{}", failing.report());
            }
        }
    }

    /// The first failing execution, made short, and what an exhaustive search covered.
    fn explore(&self) -> (Option<Failing>, Option<Coverage>) {
        if let Ok(line) = std::env::var(REPLAY) {
            return (self.again(&line), None);
        }
        match &self.how {
            How::Strategy { name, seeds } => {
                assert!(!seeds.is_empty(), "there are no seeds to explore");
                let strategy = explore::strategy(name, &self.program).unwrap_or_else(|e| panic!("{e}"));
                for seed in seeds.clone() {
                    let run = self.program.execute_closely(seed, &|| strategy.chooser(seed));
                    let run = run.unwrap_or_else(|e| panic!("{e}"));
                    refuse_limit(&run);
                    if run.end.is_finding() {
                        return (Some(self.shorten(seed, run)), None);
                    }
                }
                (None, None)
            }
            How::Exhaustive { executions } => {
                let first = Mutex::new(None);
                let limits = Limits { executions: *executions, ..Limits::default() };
                let seed = self.program.setup.seed;
                let note = |run| {
                    first.lock().get_or_insert(run);
                };
                let coverage = exhaust(&self.program, seed, &limits, &Control::default(), &note)
                    .unwrap_or_else(|e| panic!("{e}"));
                (first.into_inner().map(|run| self.shorten(seed, run)), Some(coverage))
            }
        }
    }

    fn shorten(&self, seed: u64, run: Run) -> Failing {
        match shrink(
            &self.program.with_memory(run.memory),
            seed,
            run.choices.clone(),
            shrink::Budget::default(),
        ) {
            Ok(shrunk) => {
                Failing { program: shrunk.program, run: shrunk.run, deviations: Ok(shrunk.deviations) }
            }
            Err(why) => Failing { program: self.program.clone(), run, deviations: Err(why.to_string()) },
        }
    }

    /// The execution that a line of [`REPLAY`] names, if it fails.
    fn again(&self, line: &str) -> Option<Failing> {
        let (program, deviations) =
            parse(&self.program, line).unwrap_or_else(|why| panic!("{REPLAY}: {why}"));
        let deviating = Deviating::new(deviations.clone(), Misfit::Parts);
        let outcomes = deviating.outcomes();
        let chooser = Chooser::Strategy(Box::new(deviating));
        let run = program.with_evidence().execute(program.setup.seed, chooser);
        let run = run.unwrap_or_else(|e| panic!("{e}"));
        refuse_limit(&run);
        // To pass because another execution was made than the one asked for would be a lie.
        if let RunEnd::Parted(parted) = &run.end {
            panic!("{REPLAY}: step {}: {}", parted.step, parted.why);
        }
        let unused =
            deviations.iter().zip(&*outcomes.lock()).find(|(_, step)| step.is_none()).map(|(d, _)| d);
        if let (Some(unused), false) = (unused, run.end.is_finding()) {
            panic!("{REPLAY}: the run never came to this: {unused}");
        }
        run.end.is_finding().then_some(Failing { program, run, deviations: Ok(deviations) })
    }
}

/// Panics if the simulator had not got what the driver called: nothing was checked after that.
fn refuse_limit(run: &Run) {
    if let RunEnd::Limit(limit) = &run.end {
        panic!("not modelled: {}", limit.what);
    }
}

impl Failing {
    fn report(&self) -> String {
        let report = text(self.program.driver, &self.run);
        match &self.deviations {
            Ok(deviations) => format!(
                "{report}\nreproduce: {REPLAY}='{}' cargo test{}{}",
                self.line(deviations),
                of_this_package(),
                of_this_test()
            ),
            Err(why) => format!("{report}\nnot made short: {why}"),
        }
    }

    /// The execution as one line: the seed of its operations, how many, and the schedule.
    fn line(&self, deviations: &[Deviation]) -> String {
        let setup = &self.program.setup;
        let ios = match setup.workload.amount {
            Amount::Ios(n) => n,
            Amount::Once | Amount::TimeNs(_) => 0,
        };
        let deviations: Vec<_> = deviations.iter().map(ToString::to_string).collect();
        let memory = match setup.memory.under(setup.seed) {
            MemoryChoice::Plain => String::new(),
            memory => format!(" memory {}", memory.word()),
        };
        format!("seed {} ios {ios}{memory}: {}", setup.seed, deviations.join("; "))
    }
}

/// The report without colours: test runners show it as it is.
fn text(driver: &Driver, run: &Run) -> String {
    report::finding(driver, &run.end, "storsim", None, report::Style::plain(), report::WIDTH_DEFAULT)
}

/// The argument that names the package under test, where a test runner of cargo's says it.
fn of_this_package() -> String {
    std::env::var("CARGO_PKG_NAME").map(|name| format!(" -p {name}")).unwrap_or_default()
}

/// The argument that names the running test: runners call a test's thread after it.
#[expect(clippy::disallowed_methods, reason = "a name for people to type; nothing is decided by it")]
fn of_this_test() -> String {
    let thread = std::thread::current();
    thread.name().filter(|n| *n != "main").map(|n| format!(" -- --exact {n}")).unwrap_or_default()
}

/// Reads what [`Failing::line`] writes.
fn parse(program: &Program, line: &str) -> Result<(Program, Vec<Deviation>), String> {
    let form = || format!("'{line}' is not of the form 'seed S ios N [memory WORD]: DEVIATION; DEVIATION'");
    let (head, tail) = line.split_once(':').ok_or_else(form)?;
    let words: Vec<_> = head.split_whitespace().collect();
    let (seed, ios, memory) = match words[..] {
        ["seed", seed, "ios", ios] => (seed, ios, MemoryChoice::Plain.word()),
        ["seed", seed, "ios", ios, "memory", memory] => (seed, ios, memory),
        _ => return Err(form()),
    };
    let memory = MemoryChoice::ALL.into_iter().find(|choice| choice.word() == memory).ok_or_else(form)?;
    let (seed, ios): (u64, u64) = (seed.parse().map_err(|_| form())?, ios.parse().map_err(|_| form())?);
    let mut setup = program.setup.with_seed(seed);
    setup.memory = memory;
    if ios != 0 {
        setup.workload.amount = Amount::Ios(ios);
    }
    let deviations = tail.split(';').map(str::trim).filter(|d| !d.is_empty());
    let deviations =
        deviations.map(|d| d.parse().map_err(|e| format!("'{d}': {e}"))).collect::<Result<_, _>>()?;
    Ok((Program { driver: program.driver, setup }, deviations))
}
