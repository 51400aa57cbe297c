//! Which thread executes which seeds, and the results, in the order of the seeds.
//!
//! Threads take blocks of seeds from the front of what is left and hand them in when done, in any
//! order. The ledger counts a block only when all lower seeds are counted, and keeps the others until
//! then; a thread that would run too far ahead of the slowest waits. Invariant: every block that was
//! taken is handed in, so when the threads are gone, everything up to the last seed taken is counted,
//! or everything up to the block that ends the exploration.

use super::findings::{Findings, SiteKey};
use super::stress::{Explored, StressError};
use super::{Totals, Unrepeatable};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Blocks kept for a slower one in front of them.
const AHEAD_MAX: usize = 1024;

/// The results of some neighbouring seeds.
pub(super) struct Block {
    /// The seeds executed.
    pub seeds: Range<u64>,
    /// Steps of their executions.
    pub steps: u64,
    /// What they found.
    pub findings: Findings,
    /// Those of them that did not end.
    pub discarded: u64,
    /// What they did.
    pub totals: Totals,
    /// The first of them that gave two runs.
    pub unrepeatable: Option<Unrepeatable>,
    /// Whether the exploration ends with it.
    pub is_last: bool,
    /// Why the seed after them could not be executed, which ends the exploration too.
    pub error: Option<StressError>,
}

impl Block {
    /// A block of no seeds yet.
    pub fn starting(seed: u64) -> Block {
        Block {
            seeds: seed..seed,
            steps: 0,
            findings: Findings::default(),
            discarded: 0,
            totals: Totals::default(),
            unrepeatable: None,
            is_last: false,
            error: None,
        }
    }

    fn ends_exploration(&self) -> bool {
        self.is_last || self.error.is_some()
    }
}

/// What happened since the last call of [`Ledger::news`].
pub(super) struct News {
    /// Findings that were not made by any lower seed, by seed.
    pub findings: Vec<(u64, SiteKey)>,
    /// Executions handed in by now, counted or not.
    pub executions: u64,
    /// Whether all threads are gone.
    pub is_over: bool,
}

struct State {
    first: u64,
    /// The next seed to hand out, and the end of them.
    next: u64,
    end: u64,
    /// No more is handed out.
    stopped: bool,
    /// Threads at work.
    threads: usize,
    handed_in: u64,
    /// Everything before this seed is counted.
    counted: u64,
    /// The exploration ended at `counted`; what comes later does not count.
    ended: bool,
    ahead: BTreeMap<u64, Block>,
    steps: u64,
    discarded: u64,
    totals: Totals,
    unrepeatable: Option<Unrepeatable>,
    findings: Findings,
    fresh: Vec<(u64, SiteKey)>,
    error: Option<StressError>,
}

/// The ledger of one exploration.
pub(super) struct Ledger {
    state: Mutex<State>,
    /// Signalled when the slowest block advances and others may begin new blocks.
    room: Condvar,
    /// There are findings to tell, or the last thread has gone.
    news: Condvar,
}

/// A thread at work, until it is dropped.
pub(super) struct Here<'a>(&'a Ledger);

/// Stops the handing out of seeds when it is dropped.
pub(super) struct Stop<'a>(&'a Ledger);

impl Ledger {
    /// A ledger for these seeds and so many threads.
    pub fn new(seeds: Range<u64>, threads: usize) -> Ledger {
        let state = State {
            first: seeds.start,
            next: seeds.start,
            end: seeds.end,
            stopped: false,
            threads,
            handed_in: 0,
            counted: seeds.start,
            ended: false,
            ahead: BTreeMap::new(),
            steps: 0,
            discarded: 0,
            totals: Totals::default(),
            unrepeatable: None,
            findings: Findings::default(),
            fresh: Vec::new(),
            error: None,
        };
        Ledger { state: Mutex::new(state), room: Condvar::new(), news: Condvar::new() }
    }

    /// The calling thread is one of those at work.
    pub fn attend(&self) -> Here<'_> {
        Here(self)
    }

    /// The next `executions` seeds, or as many as are left; `None` when the thread can go. The very
    /// first block is handed out whatever happened, so that something is explored.
    pub fn take(&self, executions: u64) -> Option<Range<u64>> {
        let mut state = self.state.lock();
        while state.ahead.len() >= AHEAD_MAX && !state.stopped {
            self.room.wait(&mut state);
        }
        if state.next >= state.end || (state.stopped && state.next != state.first) {
            return None;
        }
        let start = state.next;
        state.next = start.saturating_add(executions).min(state.end);
        Some(start..state.next)
    }

    /// Hands in a block that was taken.
    pub fn hand_in(&self, block: Block) {
        let mut state = self.state.lock();
        state.handed_in += block.seeds.end - block.seeds.start;
        // All lower seeds have been handed out by now: nothing above them matters any more.
        state.stopped |= block.ends_exploration();
        state.ahead.insert(block.seeds.start, block);
        let fresh = state.fresh.len();
        state.count();
        if state.fresh.len() != fresh {
            self.news.notify_all();
        }
        if state.stopped || state.ahead.len() < AHEAD_MAX {
            self.room.notify_all();
        }
    }

    /// Hands out no more.
    pub fn stop(&self) {
        self.state.lock().stopped = true;
        self.room.notify_all();
    }

    /// Calls [`Ledger::stop`] when the returned value is dropped.
    pub fn stop_at_the_end(&self) -> Stop<'_> {
        Stop(self)
    }

    /// What happened, after waiting for it for at most `patience`.
    pub fn news(&self, patience: Duration) -> News {
        let mut state = self.state.lock();
        if state.fresh.is_empty() && state.threads != 0 {
            self.news.wait_for(&mut state, patience);
        }
        News {
            findings: std::mem::take(&mut state.fresh),
            executions: state.handed_in,
            is_over: state.threads == 0,
        }
    }

    /// The result of the exploration, once the threads are gone.
    pub fn close(self) -> Result<Explored, StressError> {
        let state = self.state.into_inner();
        assert!(state.threads == 0, "the ledger is closed with threads at work");
        assert!(state.ended || state.counted == state.next, "a block was taken and not handed in");
        match state.error {
            Some(error) => Err(error),
            None => Ok(Explored {
                seeds: state.first..state.counted,
                steps: state.steps,
                discarded: state.discarded,
                totals: state.totals,
                unrepeatable: state.unrepeatable,
                findings: state.findings,
            }),
        }
    }
}

impl State {
    /// Counts the blocks that follow what is counted.
    fn count(&mut self) {
        while !self.ended {
            let Some(block) = self.ahead.remove(&self.counted) else { return };
            self.ended = block.ends_exploration();
            self.counted = block.seeds.end;
            self.steps += block.steps;
            self.discarded += block.discarded;
            self.totals.add(&block.totals);
            self.unrepeatable = self.unrepeatable.take().or(block.unrepeatable);
            self.error = block.error;
            for (key, tally) in block.findings.by_seed() {
                if self.findings.tally(key.clone(), tally) {
                    self.fresh.push((tally.seed, key));
                }
            }
        }
        self.ahead.clear();
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.threads -= 1;
        // A thread that panics leaves its block unfinished: no thread may wait for it.
        state.stopped |= std::thread::panicking();
        if state.threads == 0 {
            self.0.news.notify_all();
        }
        self.0.room.notify_all();
    }
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    fn block(seeds: Range<u64>, found: &[(&str, u64)]) -> Block {
        let mut block = Block { steps: 10 * (seeds.end - seeds.start), seeds, ..Block::starting(0) };
        for (rule, seed) in found {
            block.findings.add(key(rule), *seed);
        }
        block
    }

    fn key(rule: &str) -> SiteKey {
        SiteKey { rule: rule.into(), call: None, location: None, waits: Vec::new() }
    }

    #[test]
    fn what_is_told_is_told_in_the_order_of_the_seeds() {
        let ledger = Ledger::new(0..9, 1);
        let here = ledger.attend();
        assert_eq!([ledger.take(3), ledger.take(3), ledger.take(9)], [Some(0..3), Some(3..6), Some(6..9)]);
        assert_eq!(ledger.take(1), None);
        ledger.hand_in(block(6..9, &[("X", 7), ("Y", 8)]));
        ledger.hand_in(block(3..6, &[("X", 5)]));
        assert!(ledger.news(AT_ONCE).findings.is_empty());
        ledger.hand_in(block(0..3, &[]));
        let news = ledger.news(AT_ONCE);
        assert_eq!(news.findings, [(5, key("X")), (8, key("Y"))]);
        assert_eq!((news.executions, news.is_over), (9, false));
        drop(here);
        assert!(ledger.news(AT_ONCE).is_over);
        let explored = ledger.close().unwrap();
        assert_eq!((explored.seeds, explored.steps), (0..9, 90));
    }

    #[test]
    fn what_lies_above_the_end_does_not_count_however_early_it_came() {
        let ledger = Ledger::new(0..100, 1);
        let here = ledger.attend();
        for _ in 0..3 {
            ledger.take(10);
        }
        let last = |seeds, found: &[_]| Block { is_last: true, ..block(seeds, found) };
        ledger.hand_in(last(20..24, &[("X", 23)]));
        assert_eq!(ledger.take(10), None, "nothing above a finding is begun");
        ledger.hand_in(last(10..13, &[("Y", 12)]));
        ledger.hand_in(block(0..10, &[]));
        drop(here);
        assert_eq!(ledger.news(AT_ONCE).findings, [(12, key("Y"))]);
        let explored = ledger.close().unwrap();
        assert_eq!((explored.seeds, explored.steps, explored.findings.len()), (0..13, 130, 1));
    }

    #[test]
    fn a_ledger_that_was_stopped_hands_out_one_block_at_least() {
        let ledger = Ledger::new(5..100, 1);
        let here = ledger.attend();
        ledger.stop();
        assert_eq!(ledger.take(2), Some(5..7));
        assert_eq!(ledger.take(2), None);
        ledger.hand_in(block(5..7, &[]));
        drop(here);
        assert_eq!(ledger.close().unwrap().seeds, 5..7);
    }

    #[test]
    fn an_execution_that_failed_ends_it_unless_a_lower_seed_does() {
        for (found_below, fails) in [(false, true), (true, false)] {
            let ledger = Ledger::new(0..20, 1);
            let here = ledger.attend();
            assert_eq!([ledger.take(10), ledger.take(10)], [Some(0..10), Some(10..20)]);
            let error = StressError::Parted { seed: 12, step: 1, why: "no".into() };
            ledger.hand_in(Block { error: Some(error), ..block(10..12, &[]) });
            ledger.hand_in(Block { is_last: found_below, ..block(0..10, &[]) });
            drop(here);
            assert_eq!(ledger.close().is_err(), fails);
        }
    }
}
