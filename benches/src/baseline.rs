//! The baseline of the lock pair: lock word, IRQL byte and pending check of an emulated processor,
//! as the parallel executor needs them, with no hook code at all.

#![expect(unsafe_code, reason = "the measured loops call layer 1")]

use std::cell::Cell;
use std::ptr::null;
use std::sync::atomic::{
    AtomicU8, AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

struct Processor {
    pending: AtomicU32,
    irql: AtomicU8,
    lock_word: usize,
}

thread_local! {
    static CURRENT: Cell<*const Processor> = const { Cell::new(null()) };
}

#[inline]
fn current() -> &'static Processor {
    // SAFETY: the loops run inside `with_processor`, which keeps the processor alive.
    unsafe { &*CURRENT.get() }
}

/// Runs `body` with a processor on this thread and a free lock word.
pub fn with_processor<R>(body: impl FnOnce(&AtomicUsize) -> R) -> R {
    let processor = Processor { pending: AtomicU32::new(0), irql: AtomicU8::new(0), lock_word: 1 };
    let lock = AtomicUsize::new(0);
    CURRENT.set(&raw const processor);
    let answer = body(&lock);
    CURRENT.set(null());
    answer
}

/// Raises to DISPATCH_LEVEL and takes the lock; returns the old level.
///
/// # Panics
/// When the lock is taken: the loops are uncontended.
#[inline]
pub fn acquire(lock: &AtomicUsize) -> u8 {
    let cpu = current();
    let old = cpu.irql.load(Relaxed);
    assert!(old <= 2, "above DISPATCH_LEVEL");
    cpu.irql.store(2, Relaxed);
    assert!(lock.compare_exchange(0, cpu.lock_word, Acquire, Relaxed).is_ok(), "contended");
    check_pending(cpu);
    old
}

/// Gives the lock back and restores the level.
///
/// # Panics
/// When this processor does not hold it.
#[inline]
pub fn release(lock: &AtomicUsize, old: u8) {
    let cpu = current();
    assert!(cpu.irql.load(Relaxed) == 2 && old <= 2, "not at DISPATCH_LEVEL");
    assert!(lock.compare_exchange(cpu.lock_word, 0, Release, Relaxed).is_ok(), "not the holder");
    cpu.irql.store(old, Relaxed);
    check_pending(cpu);
}

#[inline]
fn check_pending(cpu: &Processor) {
    if cpu.pending.load(Relaxed) != 0 {
        serve();
    }
}

#[cold]
#[inline(never)]
fn serve() {
    unreachable!("nothing is ever pended here");
}
