//! Many executions of one program, on several host threads.
//!
//! Each thread takes a block of neighbouring seeds, executes them, and hands in their results; a
//! ledger puts the blocks in order of their seeds. What is told to the caller, and what the whole
//! comes to, is told in that order, so it depends on the seeds alone: a finding counts only when
//! every lower seed has been executed, whichever thread was faster. An execution is thrown away as
//! soon as it is counted; that of a finding is made again from its seed when it is reported.
//!
//! Nothing here reads a clock or a signal: the caller is asked now and then whether to go on.
//! Invariant: the seeds executed are always one range from the first seed on.

use super::findings::{Findings, SiteKey};
use super::ledger::{Block, Ledger};
use super::{Program, Strategy, Totals, Unrepeatable, repeat};
use crate::finding::RunEnd;
use crate::run::{Run, SetupError, has_taken_memory};
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::time::Duration;

/// Steps that make a block: under a millisecond of work, so that an exploration that is told to stop
/// can finish its blocks, and enough that a thread seldom meets another.
const BLOCK_STEPS: u64 = 1 << 14;
/// Executions of a block at most.
const BLOCK_EXECUTIONS_MAX: u64 = 256;
/// How often the caller is asked whether to go on.
const TICK: Duration = Duration::from_millis(50);

/// Bytes of a block of memory that is taken and given back once, untouched.
///
/// Executions allocate and free the same few megabytes over and over. glibc gives memory at the top
/// of its heaps back to the host as soon as 128 KiB are free there, and the next execution pays for
/// each page again: half of its time, where a disk is written to. It stops doing so once a block
/// this large has been freed (mallopt(3), the dynamic mmap threshold; the largest that counts is
/// 32 MiB). Elsewhere this does nothing.
const HEAP_KEPT_BYTES: usize = 24 << 20;

/// An exploration to make.
pub struct Stress<'a> {
    /// What to execute.
    pub program: &'a Program,
    /// What makes the choices.
    pub strategy: &'a dyn Strategy,
    /// The seeds to execute, not empty.
    pub seeds: Range<u64>,
    /// Whether to go on after a finding.
    pub keep_going: bool,
    /// Host threads that execute.
    pub jobs: NonZeroUsize,
}

/// Is told of an exploration's findings and progress, and may end it.
pub trait Listener {
    /// A finding that was not made before, at the lowest seed that makes it. Called in the order of
    /// seeds. `run` is the execution, made again; `None` if it came out differently then, which only
    /// a driver can do that keeps state outside the machine.
    ///
    /// # Errors
    /// When the listener cannot go on, with the reason in a line; the exploration ends with that.
    fn found(&mut self, seed: u64, key: &SiteKey, run: Option<Run>) -> Result<(), String>;

    /// So many executions have been made. Called often, at no fixed times; returns whether to go on.
    fn progress(&mut self, executions: u64) -> ControlFlow<()>;
}

/// The result of an exploration.
#[derive(Debug)]
pub struct Explored {
    /// The seeds executed: from the first one on.
    pub seeds: Range<u64>,
    /// Steps of all executions.
    pub steps: u64,
    /// Executions that were given up because they did not end under their schedule.
    pub discarded: u64,
    /// What the executions did.
    pub totals: Totals,
    /// The lowest seed that was seen to give two runs.
    pub unrepeatable: Option<Unrepeatable>,
    /// What was found.
    pub findings: Findings,
}

/// Why an exploration failed.
#[derive(Debug, thiserror::Error)]
pub enum StressError {
    /// An execution could not be made.
    #[error("seed {seed}: {why}{drawn}")]
    Setup {
        /// Its seed: the lowest of those.
        seed: u64,
        /// Why.
        why: SetupError,
        /// The environment that was drawn for it, if any.
        drawn: String,
    },
    /// The driver called something that the simulator has not got.
    #[error("seed {seed}: not modelled: {what}{drawn}")]
    NotModelled {
        /// The seed.
        seed: u64,
        /// What is missing.
        what: String,
        /// The environment that was drawn for it, if any.
        drawn: String,
    },
    /// The strategy asked for what was not possible.
    #[error("seed {seed}: the strategy does not fit at step {step}: {why}")]
    Parted {
        /// The seed.
        seed: u64,
        /// Where.
        step: u64,
        /// How.
        why: String,
    },
    /// The listener could not take a finding.
    #[error("{0}")]
    Listener(String),
}

impl Stress<'_> {
    /// Explores until the seeds are used up, something is found (unless told to keep going), or the
    /// listener ends it. At least one seed is executed.
    ///
    /// # Errors
    /// When an execution could not be made, or the listener failed.
    ///
    /// # Panics
    /// On a failure of the simulator itself.
    pub fn run(&self, listener: &mut dyn Listener) -> Result<Explored, StressError> {
        drop(std::hint::black_box(Vec::<u8>::with_capacity(HEAP_KEPT_BYTES)));
        let ledger = Ledger::new(self.seeds.clone(), self.jobs.get());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.get() {
                scope.spawn(|| self.work(&ledger));
            }
            self.attend(&ledger, listener)
        })?;
        ledger.close()
    }

    /// One thread's work.
    fn work(&self, ledger: &Ledger) {
        let _here = ledger.attend();
        // Steps of the longest executions of late: environments differ, and a block has to end soon
        // when time is up.
        let (mut executions, mut longest) = (1, 1);
        while let Some(seeds) = ledger.take(executions) {
            let block = self.execute_block(seeds);
            let each = block.steps / (block.seeds.end - block.seeds.start).max(1);
            longest = each.max(longest - longest / 16).max(1);
            executions = (BLOCK_STEPS / longest).clamp(1, BLOCK_EXECUTIONS_MAX);
            ledger.hand_in(block);
        }
    }

    /// Executes the seeds of a block in order; no further than to the first finding if that ends the
    /// exploration.
    fn execute_block(&self, seeds: Range<u64>) -> Block {
        let mut block = Block::starting(seeds.start);
        for seed in seeds {
            let run = match self.execute(seed) {
                Ok(run) => run,
                Err(error) => {
                    block.error = Some(error);
                    break;
                }
            };
            if let RunEnd::Interrupted = run.end {
                // Half an execution tells nothing, and those behind it do not count.
                block.is_last = true;
                break;
            }
            block.seeds.end = seed + 1;
            block.steps += run.steps;
            block.discarded += u64::from(matches!(run.end, RunEnd::Endless(_)));
            block.totals.add(&Totals::of(&run));
            if block.unrepeatable.is_none()
                && !run.end.is_finding()
                && repeat::is_tried(seed, self.seeds.start)
            {
                match repeat::compare(self.program, self.strategy, seed, &run) {
                    Ok(unrepeatable) => block.unrepeatable = unrepeatable,
                    Err(why) => {
                        block.error = Some(StressError::Setup { seed, why, drawn: self.drawn(seed) });
                        break;
                    }
                }
            }
            if let Some(key) = SiteKey::of(&run.end) {
                block.findings.add(key, seed);
                if !self.keep_going || has_taken_memory(self.program.driver) {
                    block.is_last = true;
                    break;
                }
            }
        }
        block
    }

    /// Executes one seed: the one place where a seed becomes a run.
    fn execute(&self, seed: u64) -> Result<Run, StressError> {
        let run = self.program.execute_closely(seed, &|| self.strategy.chooser(seed));
        let run = run.map_err(|why| StressError::Setup { seed, why, drawn: self.drawn(seed) })?;
        if let RunEnd::Parted(parted) = &run.end {
            return Err(StressError::Parted { seed, step: parted.step, why: parted.why.clone() });
        }
        if let RunEnd::Limit(limit) = &run.end {
            return Err(StressError::NotModelled { seed, what: limit.what.clone(), drawn: self.drawn(seed) });
        }
        Ok(run)
    }

    /// The environment that was drawn for a seed, as the end of a line; empty where none was.
    fn drawn(&self, seed: u64) -> String {
        let words = self.program.setup.of_seed(self.program.driver, seed).drawn_in_words();
        if words.is_empty() {
            String::new()
        } else {
            format!(" (drawn: {}; --plain draws nothing)", words.join(", "))
        }
    }

    /// Passes on what the ledger has to tell until all work is done.
    fn attend(&self, ledger: &Ledger, listener: &mut dyn Listener) -> Result<(), StressError> {
        // However this ends, the threads are not to go on by themselves.
        let _stop = ledger.stop_at_the_end();
        loop {
            let news = ledger.news(TICK);
            for (seed, key) in news.findings {
                let again = self.execute(seed)?;
                let same = SiteKey::of(&again.end).as_ref() == Some(&key);
                listener.found(seed, &key, same.then_some(again)).map_err(StressError::Listener)?;
            }
            if news.is_over {
                return Ok(());
            }
            if listener.progress(news.executions).is_break() {
                ledger.stop();
            }
        }
    }
}
