//! Programs under shuttle: random scheduling and PCT.
//!
//! shuttle runs each thread as a coroutine on one host thread and asks a scheduler which to run next
//! before every operation on one of its primitives, when a thread is started, ends or blocks. One
//! such answer is a *step* here, as in its own figures. Sequential consistency only.
//!
//! The configuration is meant to be the fastest that makes sense: no schedule is printed or saved,
//! no step limit is checked, vector clocks are compiled out (its default), and one runner makes all
//! executions of a call, since stacks are pooled per runner. The stack size is therefore paid for
//! once per thread and call; it stays at shuttle's default because a smaller one measured no faster.
//! `SHUTTLE_RANDOM_SEED`, if it is set, overrides every seed: that is shuttle's.

use super::message;
use super::quiet::Quiet;
use crate::programs::{Flag, Lock, Program, Tool};
use ::shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Task, TaskId};
use ::shuttle::sync::Mutex;
use ::shuttle::sync::atomic::AtomicBool;
use ::shuttle::{Config, FailurePersistence, MaxSteps, Runner, thread};
use kernel_sim::host_clock::HostClock;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// What a call explored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Explored {
    /// Executions started; all of them ran to their end unless one failed.
    pub executions: u64,
    /// Scheduling decisions in all of them.
    pub steps: u64,
    /// How long it took, stacks and all.
    pub took: Duration,
}

/// Which scheduler chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheduler {
    /// Uniformly among the runnable threads at each step.
    Random,
    /// Probabilistic concurrency testing: random priorities, `depth - 1` random changes.
    Pct {
        /// The depth of bug to aim for, at least 1.
        depth: usize,
    },
}

/// Runs `iterations` executions of `program` under random scheduling.
///
/// # Panics
/// When an execution fails.
#[must_use]
pub fn random(program: Program, iterations: usize, seed: u64) -> Explored {
    explore(program, Scheduler::Random, iterations, seed)
}

/// Runs `iterations` executions of `program` under PCT of `depth`. The first finds the length of an
/// execution and has no change of priority, as shuttle has it.
///
/// # Panics
/// When an execution fails, or `depth` is 0.
#[must_use]
pub fn pct(program: Program, iterations: usize, depth: usize, seed: u64) -> Explored {
    explore(program, Scheduler::Pct { depth }, iterations, seed)
}

/// How many executions it took until one failed, that one included; `None` when `limit` did not.
///
/// A failing execution leaks the stacks of its threads, as shuttle documents: some kilobytes a call.
///
/// # Panics
/// When an execution fails in another way than [`Program::failure`] says.
#[must_use]
pub fn schedules_to_failure(program: Program, scheduler: Scheduler, seed: u64, limit: usize) -> Option<u64> {
    let counts = Counts::default();
    let quiet = Quiet::new();
    let ended = catch_unwind(AssertUnwindSafe(|| run(program, scheduler, limit, seed, &counts)));
    drop(quiet);
    let panic = ended.err()?;
    match program.failure() {
        Some(words) if message(&*panic).contains(words) => Some(counts.executions.get()),
        _ => panic!("{} failed under shuttle: {}", program.name(), message(&*panic)),
    }
}

fn explore(program: Program, scheduler: Scheduler, iterations: usize, seed: u64) -> Explored {
    let counts = Counts::default();
    let clock = HostClock::start();
    run(program, scheduler, iterations, seed, &counts);
    let took = clock.elapsed();
    Explored { executions: counts.executions.get(), steps: counts.steps.get(), took }
}

fn run(program: Program, scheduler: Scheduler, iterations: usize, seed: u64, counts: &Counts) {
    match scheduler {
        Scheduler::Random => run_under(RandomScheduler::new_from_seed(seed, iterations), program, counts),
        Scheduler::Pct { depth } => {
            run_under(PctScheduler::new_from_seed(seed, depth, iterations), program, counts);
        }
    }
}

fn run_under<S: ::shuttle::scheduler::Scheduler + 'static>(inner: S, program: Program, counts: &Counts) {
    let counting = Counting { inner, counts: counts.clone() };
    Runner::new(counting, config()).run(move || program.run::<Shuttle>());
}

fn config() -> Config {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None;
    config.silence_warnings = true;
    config
}

/// What [`Counting`] has seen; clones are the same counts.
#[derive(Clone, Default, Debug)]
struct Counts {
    executions: Rc<Cell<u64>>,
    steps: Rc<Cell<u64>>,
}

/// A scheduler, counted: shuttle keeps the same figures, but tells them to a log only.
struct Counting<S> {
    inner: S,
    counts: Counts,
}

impl<S: ::shuttle::scheduler::Scheduler> ::shuttle::scheduler::Scheduler for Counting<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        let schedule = self.inner.new_execution()?;
        self.counts.executions.update(|n| n + 1);
        Some(schedule)
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, yielding: bool) -> Option<TaskId> {
        self.counts.steps.update(|n| n + 1);
        self.inner.next_task(runnable, current, yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

/// shuttle as a tool for programs.
struct Shuttle;

impl Tool for Shuttle {
    type Lock = Arc<Mutex<()>>;
    type Flag = Arc<AtomicBool>;

    fn lock() -> Self::Lock {
        Arc::new(Mutex::new(()))
    }

    fn flag() -> Self::Flag {
        Arc::new(AtomicBool::new(false))
    }

    fn yield_now() {
        thread::yield_now();
    }

    fn threads(count: usize, body: impl Fn(usize) + Clone + Send + Sync + 'static) {
        let started = |me| {
            let body = body.clone();
            thread::spawn(move || body(me))
        };
        for thread in (0..count).map(started).collect::<Vec<_>>() {
            thread.join().expect("shuttle ends the execution at the first panic");
        }
    }
}

impl Lock for Arc<Mutex<()>> {
    fn with(&self, section: impl FnOnce()) {
        let _held = Mutex::lock(self).expect("no section panics");
        section();
    }
}

impl Flag for Arc<AtomicBool> {
    fn get(&self) -> bool {
        self.load(SeqCst)
    }

    fn set(&self, value: bool) {
        self.store(value, SeqCst);
    }

    fn swap(&self, value: bool) -> bool {
        AtomicBool::swap(self, value, SeqCst)
    }
}
