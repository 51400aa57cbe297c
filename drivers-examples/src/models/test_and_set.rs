//! `test-and-set`: a spin lock written by hand over an interlocked cell.
//!
//! The author does not use KSPIN_LOCK. To the machine the lock is a cell like any other and a waiter
//! is a processor that polls, so this is what a search over schedules must not unroll for ever.
//!
//! The spin is bare: a KeStallExecutionProcessor in the loop would be a scheduling point more. The
//! processors stay at PASSIVE_LEVEL, where a real driver would raise first; each runs one thread,
//! so nothing preempts the holder. No schedule fails.

#![expect(unsafe_code, reason = "models call layer 1, as a driver does")]

use kernel_sim::ddi::InterlockedExchange;
use kernel_sim::ddi::types::LONG;
use kernel_sim::machine::{Config, Outcome};
use std::cell::UnsafeCell;

const FREE: LONG = 0;
const TAKEN: LONG = 1;

struct TestAndSet(UnsafeCell<LONG>);

// SAFETY: the cell is reached through interlocked operations only.
unsafe impl Sync for TestAndSet {}

impl TestAndSet {
    fn acquire(&self) {
        // SAFETY: the cell lives as long as `self`, in memory of the machine.
        while unsafe { InterlockedExchange(self.0.get(), TAKEN) } == TAKEN {}
    }

    fn release(&self) {
        // SAFETY: the cell lives as long as `self`, in memory of the machine.
        unsafe { InterlockedExchange(self.0.get(), FREE) };
    }
}

/// 2 processors, 2 sections each.
pub fn run(config: Config) -> Outcome {
    config.run_on_every_processor(TestAndSet(UnsafeCell::new(FREE)), |lock, _cpu| {
        for _ in 0..2 {
            lock.acquire();
            lock.release();
        }
    })
}
