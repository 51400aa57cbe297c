//! Several processors that want one lock: what does an acquisition cost beside parking_lot?

#![expect(unsafe_code, reason = "the measured loops call layer 1")]

use crate::{Watching, timed};
use kernel_sim::ddi::*;
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Execution, Machine};
use std::ptr::null_mut;
use std::sync::{Arc, Barrier};
use std::time::Duration;

/// `n` acquisitions in all by `cpus` processors, each adding to one counter under the lock.
///
/// # Panics
/// When additions were lost.
#[must_use]
pub fn emulated(watching: Watching, cpus: u8, n: u64) -> Duration {
    let each = n.div_ceil(u64::from(cpus));
    timed(watching.machine(cpus, Execution::Parallel), move || {
        let machine = Machine::current().expect("on a machine");
        let words = machine.allocate_system(4096) as usize;
        let at = move |line: usize| (words + line * 128) as *mut usize;
        // SAFETY: line 0 is the lock, 1 the counter it guards, 2 the semaphore; all outlive the threads.
        unsafe { KeInitializeSemaphore(at(2).cast(), 0, 64) };
        let clock = HostClock::start();
        for cpu in 0..cpus {
            machine.start_thread(Some(cpu), move || {
                for _ in 0..each {
                    // SAFETY: the lines outlive the threads; the counter is touched under its lock only.
                    unsafe {
                        let old = KeAcquireSpinLockRaiseToDpc(at(0));
                        *at(1) += 1;
                        KeReleaseSpinLock(at(0), old);
                    }
                }
                // SAFETY: the semaphore outlives the threads.
                unsafe { KeReleaseSemaphore(at(2).cast(), 0, 1, FALSE) };
            });
        }
        for _ in 0..cpus {
            // SAFETY: the semaphore outlives the threads.
            unsafe { KeWaitForSingleObject(at(2).cast(), Executive, KernelMode, FALSE, null_mut()) };
        }
        let took = clock.elapsed();
        // SAFETY: all threads are done.
        assert_eq!(unsafe { *at(1) } as u64, each * u64::from(cpus), "additions were lost");
        took
    })
}

/// The same by `threads` host threads and a parking_lot mutex.
///
/// # Panics
/// When additions were lost.
#[must_use]
pub fn parking_lot(threads: u8, n: u64) -> Duration {
    let each = n.div_ceil(u64::from(threads));
    let counter = Arc::new(parking_lot::Mutex::new(0u64));
    let start = Barrier::new(usize::from(threads) + 1);
    let mut clock = HostClock::start();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                for _ in 0..each {
                    *counter.lock() += 1;
                }
            });
        }
        start.wait();
        clock = HostClock::start();
    });
    let took = clock.elapsed();
    assert_eq!(*counter.lock(), each * u64::from(threads), "additions were lost");
    took
}
