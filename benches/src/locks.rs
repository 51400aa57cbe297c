//! One uncontended spin lock pair: what does a hook cost with no listener, and with one?

#![expect(unsafe_code, reason = "the measured loops call layer 1")]

use crate::{Watching, baseline, timed};
use kernel_sim::ddi::{
    KeAcquireSpinLockAtDpcLevel, KeAcquireSpinLockRaiseToDpc, KeReleaseSpinLock,
    KeReleaseSpinLockFromDpcLevel, PKSPIN_LOCK,
};
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Execution, Machine};
use std::hint::black_box;
use std::time::Duration;

/// `n` pairs through the DDIs, parallel executor, one processor.
#[must_use]
pub fn pairs(watching: Watching, n: u64) -> Duration {
    timed(watching.machine(1, Execution::Parallel), move || {
        let lock: PKSPIN_LOCK = Machine::current().expect("on a machine").allocate_system(64).cast();
        let clock = HostClock::start();
        for _ in 0..n {
            // SAFETY: the lock is a zeroed word of machine memory, used by this thread only.
            unsafe {
                let old = KeAcquireSpinLockRaiseToDpc(black_box(lock));
                KeReleaseSpinLock(black_box(lock), old);
            }
        }
        clock.elapsed()
    })
}

/// `n` pairs inside another lock, which is held all the time: for LockOrder one nesting,
/// which it knows after the first.
#[must_use]
pub fn nested_pairs(watching: Watching, n: u64) -> Duration {
    timed(watching.machine(1, Execution::Parallel), move || {
        let machine = Machine::current().expect("on a machine");
        let outer: PKSPIN_LOCK = machine.allocate_system(64).cast();
        let inner: PKSPIN_LOCK = machine.allocate_system(64).cast();
        // SAFETY: the locks are zeroed words of machine memory, used by this thread only.
        let old = unsafe { KeAcquireSpinLockRaiseToDpc(outer) };
        let clock = HostClock::start();
        for _ in 0..n {
            // SAFETY: as above.
            unsafe {
                KeAcquireSpinLockAtDpcLevel(black_box(inner));
                KeReleaseSpinLockFromDpcLevel(black_box(inner));
            }
        }
        let took = clock.elapsed();
        // SAFETY: as above.
        unsafe { KeReleaseSpinLock(outer, old) };
        took
    })
}

/// `n` pairs of the baseline: the same words, no hook code.
#[must_use]
pub fn baseline_pairs(n: u64) -> Duration {
    baseline::with_processor(|lock| {
        let clock = HostClock::start();
        for _ in 0..n {
            let old = baseline::acquire(black_box(lock));
            baseline::release(black_box(lock), old);
        }
        clock.elapsed()
    })
}

/// `n` pairs of a peer: parking_lot with its deadlock detection.
#[must_use]
pub fn detecting_parking_lot_pairs(n: u64) -> Duration {
    let lock = parking_lot_detecting::Mutex::new(());
    let clock = HostClock::start();
    for _ in 0..n {
        drop(black_box(black_box(&lock).lock()));
    }
    clock.elapsed()
}

/// `n` pairs of parking_lot without it.
#[must_use]
pub fn parking_lot_pairs(n: u64) -> Duration {
    let lock = parking_lot::Mutex::new(());
    let clock = HostClock::start();
    for _ in 0..n {
        drop(black_box(black_box(&lock).lock()));
    }
    clock.elapsed()
}

/// `n` pairs of tracing-mutex inside another of its locks.
///
/// # Panics
/// Never: no thread panics with one of the locks.
#[must_use]
pub fn nested_tracing_mutex_pairs(n: u64) -> Duration {
    let (outer, inner) = (tracing_mutex::stdsync::Mutex::new(()), tracing_mutex::stdsync::Mutex::new(()));
    let _held = outer.lock().expect("not poisoned");
    let clock = HostClock::start();
    for _ in 0..n {
        drop(black_box(black_box(&inner).lock()));
    }
    clock.elapsed()
}

/// `n` pairs of a peer: tracing-mutex, which keeps a graph of lock orders.
#[must_use]
pub fn tracing_mutex_pairs(n: u64) -> Duration {
    let lock = tracing_mutex::stdsync::Mutex::new(());
    let clock = HostClock::start();
    for _ in 0..n {
        drop(black_box(black_box(&lock).lock()));
    }
    clock.elapsed()
}
