//! A scheduling step of the deterministic executor: choice, switch, hook, hash.

#![expect(unsafe_code, reason = "the measured loops call layer 1")]

use crate::Watching;
use kernel_sim::ddi::*;
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Execution, Machine};
use std::ptr::null_mut;
use std::time::Duration;

/// How processors use their locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locks {
    /// A lock each: every step is a choice among all processors.
    OneEach,
    /// One for all: processors block and are woken as well.
    Shared,
}

/// Runs `pairs` lock pairs in all on `cpus` processors; returns the time and the steps it took, power-on and
/// power-off included.
///
/// # Panics
/// Never, unless the simulator fails.
#[must_use]
pub fn run(watching: Watching, cpus: u8, locks: Locks, pairs: u64) -> (Duration, u64) {
    let each = pairs.div_ceil(u64::from(cpus));
    let clock = HostClock::start();
    let outcome = watching.machine(cpus, Execution::Seeded(1)).run(move || {
        let machine = Machine::current().expect("on a machine");
        let words = machine.allocate_system(16384) as usize;
        let at = move |line: usize| (words + line * 128) as *mut usize;
        // SAFETY: line 64 is the semaphore, the lines before it locks; all outlive the threads.
        unsafe { KeInitializeSemaphore(at(64).cast(), 0, 64) };
        for cpu in 0..cpus {
            let lock = if locks == Locks::Shared { at(0) } else { at(usize::from(cpu)) } as usize;
            machine.start_thread(Some(cpu), move || {
                for _ in 0..each {
                    // SAFETY: the lock words outlive the threads.
                    unsafe {
                        let old = KeAcquireSpinLockRaiseToDpc(lock as PKSPIN_LOCK);
                        KeReleaseSpinLock(lock as PKSPIN_LOCK, old);
                    }
                }
                // SAFETY: the semaphore outlives the threads.
                unsafe { KeReleaseSemaphore(at(64).cast(), 0, 1, FALSE) };
            });
        }
        for _ in 0..cpus {
            // SAFETY: the semaphore outlives the threads.
            unsafe { KeWaitForSingleObject(at(64).cast(), Executive, KernelMode, FALSE, null_mut()) };
        }
    });
    (clock.elapsed(), outcome.steps)
}
