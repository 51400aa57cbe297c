//! Every schedule of a program, up to equivalence.
//!
//! Two executions are equivalent if they differ only in the order of steps that do not touch the same
//! thing; the search makes one execution of each kind. It works by making executions, looking at the
//! races in each, and planning executions in which those are the other way round, until none is left.
//! See `tree` for the algorithm, `order` for races, `spin` for polling loops.
//!
//! What it relies on: that processors share data through calls and [`Shared`] cells, or in memory
//! guarded by a lock. What one processor writes to plain memory and another reads without either is
//! not seen.
//!
//! [`Shared`]: kernel_sim::shared::Shared

mod event;
mod order;
mod sequence;
mod spin;
mod tree;
mod walk;

use super::{Chooser, Program};
use crate::finding::RunEnd;
use crate::rules;
use crate::run::{Run, SetupError};
use crate::topic::topic;
use kernel_sim::site::Site;
use order::{Order, Race};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tree::{Execution, Task, Tree};
use walk::{Cut, Walk, Walker};

topic! {
    /// Every schedule up to equivalence, of one seed's operations.
    ///
    /// ## What it chooses
    /// Two schedules are equivalent if they differ only in the order of steps that touch nothing in common;
    /// one of each kind is executed, by optimal dynamic partial-order reduction (Abdulla, Aronis, Jonsson,
    /// Sagonas, "Source Sets", 2017).
    ///
    /// ## Bound
    /// When it is complete, every finding that any schedule of this workload can make was made, as far as
    /// processors share data through calls, cells and memory that a lock guards. Loops that poll are taken to
    /// wait, and what follows a finding is not explored; the summary says both. The number of schedules grows
    /// exponentially with the operations: without --ios there are two requests.
    ///
    /// ## Parameters
    /// None. --seeds A..A+1 chooses the operations, --schedules and --time end the search early.
    TOPIC = super::EXHAUSTIVE
}

/// How far to search.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Executions at most.
    pub executions: u64,
    /// Steps of one execution at most.
    pub steps: usize,
    /// Host threads.
    pub jobs: usize,
    /// Whether to go on after a finding.
    pub keep_going: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { executions: u64::MAX, steps: 100_000, jobs: 1, keep_going: false }
    }
}

/// What a search and those who wait for it share while it goes on.
#[derive(Default, Debug)]
pub struct Control {
    /// Set from outside: the search ends with what it has.
    pub stop: AtomicBool,
    /// Executions that are over. How many there are in all is not known before the last one.
    pub executions: AtomicU64,
}

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// An execution could not be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The driver called something that the simulator has not got.
    #[error("not modelled: {0}")]
    NotModelled(String),
}

/// The counts of a search.
#[derive(Clone, Default, Debug)]
pub struct Coverage {
    /// Executions made, whole or cut short: none is equivalent to another.
    pub executions: u64,
    /// Those of them that ended where a processor polled for what had come meanwhile.
    pub cut_polling: u64,
    /// Those that were planned and turned out impossible. Such a one is among the executions only if it
    /// had got somewhere new by then, and went on from there.
    pub impossible: u64,
    /// Those that were given up because everything they could do was explored elsewhere. Not among the
    /// executions; with one job a measure of how well the footprints fit. Of several jobs one may begin what
    /// another is about to explore, so this count alone depends on the host.
    pub redundant: u64,
    /// Executions that took too many steps.
    pub too_long: u64,
    /// Executions that a rule or a bug check ended before their end: what comes after is not known.
    pub ended_early: u64,
    /// Steps made, in all.
    pub steps: u64,
    /// Branches known and not explored, because the search was stopped.
    pub left: u64,
    /// Where processors polled: loops there were taken to wait.
    pub polls: Vec<Site>,
    /// Whether it was stopped by a finding.
    pub stopped_by_finding: bool,
}

impl Coverage {
    /// Whether every schedule was explored, up to equivalence.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.left == 0 && self.too_long == 0 && !self.stopped_by_finding && self.executions != 0
    }

    /// What the search has shown, as a sentence.
    #[must_use]
    pub fn statement(&self) -> String {
        let n = self.executions;
        if !self.is_complete() {
            let why = if self.stopped_by_finding {
                "stopped at a finding".to_owned()
            } else if self.too_long != 0 {
                format!("{} executions had too many steps and were not followed to their end", self.too_long)
            } else {
                "stopped early".to_owned()
            };
            return format!(
                "not complete: {n} executions, {why}; {} known branches were not explored",
                self.left
            );
        }
        let s = if n == 1 { "" } else { "s" };
        let mut text =
            format!("complete: {n} execution{s}, every schedule of this workload up to equivalence");
        if !self.polls.is_empty() {
            let places: Vec<_> = self.polls.iter().map(ToString::to_string).collect();
            text += &format!(
                "; loops that poll were taken to wait (at {}): giving up before the answer comes is not covered",
                places.join(", ")
            );
        }
        if self.ended_early != 0 {
            text += &format!(
                "; {} ended in a finding: schedules that differ only after that are not covered",
                self.ended_early
            );
        }
        text
    }
}

/// A search under way, shared by its jobs.
struct Search<'a> {
    program: &'a Program,
    seed: u64,
    limits: &'a Limits,
    shared: Mutex<Shared>,
    /// Signalled when a job has finished an execution: there may be more to do.
    news: Condvar,
    control: &'a Control,
}

struct Shared {
    tree: Tree,
    coverage: Coverage,
    polls: BTreeSet<(String, u32, u32)>,
    started: u64,
    failed: Option<SearchError>,
}

/// Explores every schedule of `program` with the operations of `seed`. `found` is given every run with
/// a finding; setting `control.stop` ends the search early.
///
/// # Errors
/// When the program could not be run as asked, or calls what the simulator has not got.
pub fn exhaust(
    program: &Program,
    seed: u64,
    limits: &Limits,
    control: &Control,
    found: &(dyn Fn(Run) + Sync),
) -> Result<Coverage, SearchError> {
    let shared = Shared {
        tree: Tree::new(),
        coverage: Coverage::default(),
        polls: BTreeSet::new(),
        started: 0,
        failed: None,
    };
    let search = Search { program, seed, limits, shared: Mutex::new(shared), news: Condvar::new(), control };
    if limits.jobs <= 1 {
        search.job(true, found);
    } else {
        std::thread::scope(|scope| {
            for job in 0..limits.jobs {
                let search = &search;
                scope.spawn(move || search.job(job == 0, found));
            }
        });
    }
    let mut shared = search.shared.into_inner();
    if let Some(error) = shared.failed {
        return Err(error);
    }
    shared.coverage.left = shared.tree.pending() as u64;
    shared.coverage.polls =
        shared.polls.into_iter().map(|(file, line, column)| Site::intern(&file, line, column)).collect();
    Ok(shared.coverage)
}

impl Search<'_> {
    /// One job: takes executions from the tree until there are none.
    fn job(&self, first: bool, found: &(dyn Fn(Run) + Sync)) {
        let walk = Arc::new(Mutex::new(Walk::default()));
        let mut order = Order::default();
        let mut races = Vec::new();
        let mut task = Task::default();
        if first {
            let mut shared = self.shared.lock();
            task = shared.tree.first();
            shared.started = 1;
        } else if !self.next(&mut task) {
            return;
        }
        loop {
            {
                let mut walk = walk.lock();
                walk.task = task;
                walk.begin(self.limits.steps);
            }
            let chooser = Chooser::Strategy(Box::new(Walker(Arc::clone(&walk))));
            let run = self.program.execute(self.seed, chooser);
            task = self.integrate(&mut walk.lock(), run, &mut order, &mut races, found);
            if !self.next(&mut task) {
                return;
            }
        }
    }

    /// Waits for an execution to make. `false`: there will be none.
    fn next(&self, task: &mut Task) -> bool {
        let mut shared = self.shared.lock();
        loop {
            let over = self.control.stop.load(Relaxed)
                || shared.failed.is_some()
                || shared.coverage.stopped_by_finding
                || shared.started >= self.limits.executions;
            if over {
                return false;
            }
            if shared.tree.take(task) {
                shared.started += 1;
                return true;
            }
            if !shared.tree.is_active() {
                self.news.notify_all();
                return false;
            }
            self.news.wait(&mut shared);
        }
    }

    /// Puts what an execution showed into the tree; gives its task back for the next.
    fn integrate(
        &self,
        walk: &mut Walk,
        run: Result<Run, SetupError>,
        order: &mut Order,
        races: &mut Vec<Race>,
        found: &(dyn Fn(Run) + Sync),
    ) -> Task {
        let task = std::mem::take(&mut walk.task);
        races.clear();
        if walk.cut != Some(Cut::Impossible) {
            let made = walk.events.len();
            // Only an execution that stopped early leaves a processor waiting for a lock.
            if run.as_ref().is_ok_and(|run| run.end.stopped_by().is_some()) || walk.cut.is_some() {
                walk.add_blocked();
            }
            order.analyse(&walk.events, made, task.known, races);
            walk.made = made;
        } else {
            walk.made = walk.events.len();
        }
        let mut shared = self.shared.lock();
        let Shared { tree, coverage, polls, failed, .. } = &mut *shared;
        let execution = Execution {
            events: &walk.events,
            made: walk.made,
            variants: &walk.variants,
            dropped: walk.dropped.as_ref(),
            order,
            races,
        };
        tree.finish(&task, &execution, &mut walk.sleeps);
        for site in walk.spins.sites.drain(..) {
            polls.insert((site.file().to_owned(), site.line(), site.column()));
        }
        coverage.steps += walk.made as u64;
        match walk.cut {
            None => coverage.executions += 1,
            Some(Cut::Spinning) => {
                coverage.executions += 1;
                coverage.cut_polling += 1;
            }
            Some(Cut::TooLong) => {
                coverage.executions += 1;
                coverage.too_long += 1;
            }
            Some(Cut::Impossible) => {}
            Some(Cut::Asleep) => coverage.redundant += 1,
        }
        self.control.executions.store(coverage.executions, Relaxed);
        coverage.impossible += u64::from(walk.dropped.is_some());
        match run {
            Err(error) => *failed = Some(error.into()),
            Ok(Run { end: RunEnd::Limit(limit), .. }) => *failed = Some(SearchError::NotModelled(limit.what)),
            Ok(run) if run.end.is_finding() => {
                coverage.stopped_by_finding = !self.limits.keep_going;
                // A deadlock is found when no processor can go on; any other finding stops processors that
                // still could.
                coverage.ended_early += u64::from(!run.end.found(rules::DEADLOCK.name));
                drop(shared);
                found(run);
            }
            Ok(run) => {
                // Stopped by what is not reported: what else its processors could do was not explored.
                let stopped = run.end.stopped_by();
                coverage.ended_early += u64::from(stopped.is_some_and(|by| by.of != &rules::DEADLOCK));
            }
        }
        self.news.notify_all();
        task
    }
}
