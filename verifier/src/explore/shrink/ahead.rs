//! Executions made ahead, on the other cores of the host.
//!
//! Shrinking tries one candidate after the other, and which comes next rarely depends on how the last one
//! came out: while one is executed here, those behind it are executed elsewhere. What comes of them is looked
//! at in their order, and what lies behind the first that fails is thrown away uncounted. Invariant: how many
//! cores there are changes no result, and nothing that is counted.

use crate::explore::deviations::{Describing, Description};
use crate::explore::{Chooser, Failure, Program};
use crate::finding::RunEnd;
use crate::run::MemoryChoice;
use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use kernel_sim::choose::Choose;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;

/// What one more execution costs besides its steps: a machine is built and taken down.
const OVERHEAD_STEPS: u64 = 200;

/// The same in guarded memory, where each piece of memory has pages of its own that are opened and closed:
/// about a millisecond with r22 of the museum.
const GUARDED_OVERHEAD_STEPS: u64 = 2500;

/// As how many a step in guarded memory counts. Measured with ramdisk, vioscsi and two drivers of the museum,
/// one costs two to eleven times as much.
const GUARDED_STEP: u64 = 4;

/// Host threads besides the caller's that are worth their while.
const OTHERS_MAX: usize = 7;

/// Something to execute.
pub(super) struct Candidate {
    pub program: Program,
    pub seed: u64,
    pub chooser: Box<dyn Choose>,
    /// Whether its choices are to be described; and if so, with what was not chosen.
    pub described: Option<bool>,
}

/// What became of a candidate.
pub(super) struct Made {
    /// What it cost, in steps of a machine with plain memory.
    pub cost: u64,
    /// What it finds.
    pub failure: Option<Failure>,
    /// It was given up: whether it fails is unknown.
    pub is_given_up: bool,
    /// Its choices, if they were to be described.
    pub description: Description,
}

fn is_guarded(program: &Program, seed: u64) -> bool {
    program.setup.memory.under(seed) != MemoryChoice::Plain
}

impl Candidate {
    /// Whether executing another at the same time gains nothing: in guarded memory each waits for the host to
    /// tell all cores which pages are closed.
    pub(super) fn is_best_alone(&self) -> bool {
        is_guarded(&self.program, self.seed)
    }

    /// Executes it on this host thread.
    pub(super) fn make(self) -> Made {
        let Candidate { program, seed, chooser, described } = self;
        let (chooser, description): (Box<dyn Choose>, _) = match described {
            Some(with_points) => {
                let (describing, description) = Describing::new(chooser, with_points);
                (Box::new(describing), Some(description))
            }
            None => (chooser, None),
        };
        let is_guarded = is_guarded(&program, seed);
        let cost = |steps| {
            if is_guarded { GUARDED_OVERHEAD_STEPS + steps * GUARDED_STEP } else { OVERHEAD_STEPS + steps }
        };
        let run = catch_unwind(AssertUnwindSafe(|| program.execute(seed, Chooser::Strategy(chooser))));
        let description = description.map(|d| std::mem::take(&mut *d.lock())).unwrap_or_default();
        match run {
            Ok(Ok(run)) => Made {
                cost: cost(run.steps),
                failure: Failure::of(&run.end),
                is_given_up: matches!(run.end, RunEnd::Parted(_)),
                description,
            },
            // A driver that does not start under this schedule found something else, if anything. In plain
            // memory one may write over what the simulator itself relies on, which then comes to grief.
            Ok(Err(_)) | Err(_) => Made { cost: cost(0), failure: None, is_given_up: false, description },
        }
    }
}

type Job = (Candidate, Sender<Made>);

/// The other host threads. They end with the value.
pub(super) struct Others {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Others {
    /// One for each core but the caller's, as far as the host has some.
    pub(super) fn new() -> Others {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (send, receive) = unbounded::<Job>();
        let work = |receive: Receiver<Job>| {
            move || {
                for (candidate, answer) in receive {
                    // One whose answer is not wanted any more is no loss.
                    let _ = answer.send(candidate.make());
                }
            }
        };
        let threads = (1..cores.min(OTHERS_MAX + 1)).map_while(|n| {
            let thread = std::thread::Builder::new().name(format!("shrink {n}"));
            thread.spawn(work(receive.clone())).ok()
        });
        let threads: Vec<_> = threads.collect();
        Others { jobs: Some(send), threads }
    }

    /// How many candidates can be executed at once, the caller's own included.
    pub(super) fn at_once(&self) -> usize {
        self.threads.len() + 1
    }

    /// Has a candidate executed elsewhere.
    pub(super) fn send(&self, candidate: Candidate) -> Receiver<Made> {
        let (answer, made) = bounded(1);
        let jobs = self.jobs.as_ref().expect("the threads are there as long as the value");
        jobs.send((candidate, answer)).expect("a thread waits for jobs");
        made
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic there is one of ours, and was printed.
            let _ = thread.join();
        }
    }
}
