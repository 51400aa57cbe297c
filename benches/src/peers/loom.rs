//! Programs under loom: exhaustive search.
//!
//! loom runs every execution that its partial-order reduction cannot prove equivalent to an earlier one, over
//! the C11 memory model. By its own account it treats a sequentially consistent load or store as acquire or
//! release, so it may find stale reads of a flag that the other tools exclude; on locks the tools agree. It
//! does not report how many executions it ran: a counter in the program's first thread does.
//!
//! Handles are shared by the standard library's `Arc`, which loom does not see: its own would add
//! branches at every clone and drop. Its branch limit is the default wherever
//! that is enough, since it sets aside memory for all branches it allows.

use super::message;
use super::quiet::Quiet;
use crate::programs::{Flag, Lock, Program, Tool};
use ::loom::model::Builder;
use ::loom::sync::Mutex;
use ::loom::sync::atomic::AtomicBool;
use ::loom::thread;
use kernel_sim::host_clock::HostClock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// What limits a search. The default is nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Bounds {
    /// At most this many preemptions in an execution.
    pub preemptions: Option<usize>,
    /// At most this many executions.
    pub executions: Option<usize>,
    /// No execution begins after this time.
    pub time: Option<Duration>,
}

/// How a search ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Nothing is left to explore within the bound on preemptions.
    Exhausted,
    /// The bound on executions or on time came first, or in the very execution that was the last.
    NotFinished,
    /// An execution failed.
    Failed,
    /// loom gave up: an execution had more branches than it allows. A spinning thread brings this
    /// about, for loom keeps trying one more turn of the loop.
    TooLong,
}

/// What a search explored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Explored {
    /// Executions begun.
    pub executions: u64,
    /// How long it took.
    pub took: Duration,
    /// Why it ended.
    pub ended: Ended,
}

/// Explores `program` until nothing is left or a bound is met.
///
/// # Panics
/// When an execution fails in another way than [`Program::failure`] says.
#[must_use]
pub fn exhaust(program: Program, bounds: Bounds) -> Explored {
    let executions = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&executions);
    let builder = builder(program, bounds);
    let quiet = Quiet::new();
    let clock = HostClock::start();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counter.fetch_add(1, SeqCst);
            program.run::<Loom>();
        });
    }));
    let took = clock.elapsed();
    drop(quiet);
    let executions = executions.load(SeqCst);
    let capped = bounds.executions.is_some_and(|most| executions >= most as u64)
        || bounds.time.is_some_and(|most| took >= most);
    let ended = match (ended, program.failure()) {
        (Ok(()), _) if capped => Ended::NotFinished,
        (Ok(()), _) => Ended::Exhausted,
        (Err(panic), Some(words)) if message(&*panic).contains(words) => Ended::Failed,
        (Err(panic), _) if message(&*panic).contains(TOO_MANY_BRANCHES) => Ended::TooLong,
        (Err(panic), _) => panic!("{} failed under loom: {}", program.name(), message(&*panic)),
    };
    Explored { executions, took, ended }
}

/// In loom's words.
const TOO_MANY_BRANCHES: &str = "exceeded maximum number of branches";

fn builder(program: Program, bounds: Bounds) -> Builder {
    // The builder's defaults come from `LOOM_*` variables; nothing here depends on them.
    let mut builder = Builder::new();
    builder.log = false;
    builder.location = false;
    builder.checkpoint_file = None;
    builder.preemption_bound = bounds.preemptions;
    // loom looks at these bounds before an execution, counted from 1, and only at its checkpoints.
    builder.max_permutations = bounds.executions.map(|n| n.saturating_add(1));
    builder.max_duration = bounds.time;
    builder.checkpoint_interval = 1;
    builder.max_branches = match program {
        Program::Lock4x200 | Program::LockEach4x200 | Program::BuriedInversion => 10_000,
        _ => 1_000,
    };
    builder
}

/// loom as a tool for programs.
struct Loom;

impl Tool for Loom {
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
            thread.join().expect("loom ends the search at the first panic");
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
