//! Small concurrent programs on which schedule explorers are compared.
//!
//! A program is written once, over the few things every explorer offers ([`Tool`]): threads, a
//! mutex, an atomic flag, a yield. So each tool runs the same program, operation for operation, and
//! what differs is the tool. The names are those of the tables: `one-lock-2x3`, `lock-order`, ...
//!
//! Programs are deterministic but for the schedule. The correct ones end silently under every
//! schedule; a faulty one ends, under some, in a deadlock or in a panic, which is how each tool
//! learns of a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// What an explorer gives a program.
pub trait Tool: 'static {
    /// A handle to a mutex; clones are the same mutex.
    type Lock: Lock;
    /// A handle to an atomic flag; clones are the same flag.
    type Flag: Flag;

    /// A new mutex, free.
    fn lock() -> Self::Lock;

    /// A new flag, false.
    fn flag() -> Self::Flag;

    /// Lets others run: the caller waits for one of them.
    fn yield_now();

    /// Starts `count` threads, each with its number from 0, and waits for all of them.
    fn threads(count: usize, body: impl Fn(usize) + Clone + Send + Sync + 'static);
}

/// A mutex of a [`Tool`].
pub trait Lock: Clone + Send + Sync + 'static {
    /// Runs `section` with the mutex held; waits for it first.
    fn with(&self, section: impl FnOnce());
}

/// An atomic flag of a [`Tool`], sequentially consistent: weak memory is not what is compared.
pub trait Flag: Clone + Send + Sync + 'static {
    /// Reads it.
    fn get(&self) -> bool;
    /// Writes it.
    fn set(&self, value: bool);
    /// Writes it and returns what it was, in one indivisible operation.
    fn swap(&self, value: bool) -> bool;
}

/// The programs. An operation is one acquisition with its release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Program {
    /// `one-lock-2x3`: 2 threads, 3 operations each on one lock.
    Lock2x3,
    /// `one-lock-3x2`: 3 threads, 2 operations each on one lock.
    Lock3x2,
    /// `one-lock-2x6`: 2 threads, 6 operations each on one lock.
    Lock2x6,
    /// `one-lock-3x3`: 3 threads, 3 operations each on one lock.
    Lock3x3,
    /// `test-and-set`: 2 threads, 2 critical sections each under a test-and-set lock made of a flag.
    TestAndSet,
    /// `one-lock-4x200`: 4 threads, 200 operations each on one lock.
    Lock4x200,
    /// `lock-each-4x200`: 4 threads, 200 operations each, a lock each.
    LockEach4x200,
    /// `lock-order`: 2 threads take two locks in opposite orders.
    Inversion,
    /// `cancel-race`: a request is completed by one thread while another cancels it; each tests the
    /// "done" flag, then sets it, and nothing makes the two one operation.
    CompletionAgainstCancel,
    /// `lock-order-buried`: the inversion halfway through two of 4 threads, each with 50 operations on a
    /// third lock.
    BuriedInversion,
    /// `lock-order-skewed`: one side inverts at once, the other after 20 operations on a third lock.
    SkewedInversion,
}

impl Program {
    /// All of them, in the order of the tables.
    pub const ALL: [Program; 11] = [
        Program::Lock2x3,
        Program::Lock3x2,
        Program::Lock2x6,
        Program::Lock3x3,
        Program::TestAndSet,
        Program::Lock4x200,
        Program::LockEach4x200,
        Program::Inversion,
        Program::CompletionAgainstCancel,
        Program::BuriedInversion,
        Program::SkewedInversion,
    ];

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Program::Lock2x3 => "one-lock-2x3",
            Program::Lock3x2 => "one-lock-3x2",
            Program::Lock2x6 => "one-lock-2x6",
            Program::Lock3x3 => "one-lock-3x3",
            Program::TestAndSet => "test-and-set",
            Program::Lock4x200 => "one-lock-4x200",
            Program::LockEach4x200 => "lock-each-4x200",
            Program::Inversion => "lock-order",
            Program::CompletionAgainstCancel => "cancel-race",
            Program::BuriedInversion => "lock-order-buried",
            Program::SkewedInversion => "lock-order-skewed",
        }
    }

    /// For a faulty program, words that are in the message of its failure. "deadlock" comes from the
    /// tool, which is what finds one; the other is the program's own.
    #[must_use]
    pub fn failure(self) -> Option<&'static str> {
        match self {
            Program::Inversion | Program::BuriedInversion | Program::SkewedInversion => Some("deadlock"),
            Program::CompletionAgainstCancel => Some(COMPLETED_TWICE),
            _ => None,
        }
    }

    /// Runs it once, as the first thread of an execution of `T`.
    ///
    /// # Panics
    /// When the program is faulty and the schedule shows it.
    pub fn run<T: Tool>(self) {
        match self {
            Program::Lock2x3 => one_lock::<T>(2, 3),
            Program::Lock3x2 => one_lock::<T>(3, 2),
            Program::Lock2x6 => one_lock::<T>(2, 6),
            Program::Lock3x3 => one_lock::<T>(3, 3),
            Program::TestAndSet => test_and_set::<T>(2, 2),
            Program::Lock4x200 => one_lock::<T>(4, 200),
            Program::LockEach4x200 => lock_each::<T>(4, 200),
            Program::Inversion => inversion::<T>(2, [0, 0], 0),
            Program::CompletionAgainstCancel => completion_against_cancel::<T>(),
            Program::BuriedInversion => inversion::<T>(4, [25, 25], 25),
            Program::SkewedInversion => inversion::<T>(2, [0, 20], 0),
        }
    }
}

const COMPLETED_TWICE: &str = "the request was completed twice";

fn repeat(lock: &impl Lock, operations: usize) {
    for _ in 0..operations {
        lock.with(|| ());
    }
}

fn one_lock<T: Tool>(threads: usize, operations: usize) {
    let lock = T::lock();
    T::threads(threads, move |_| repeat(&lock, operations));
}

fn lock_each<T: Tool>(threads: usize, operations: usize) {
    T::threads(threads, move |_| repeat(&T::lock(), operations));
}

fn test_and_set<T: Tool>(threads: usize, sections: usize) {
    let taken = T::flag();
    T::threads(threads, move |_| {
        for _ in 0..sections {
            while taken.swap(true) {
                T::yield_now();
            }
            taken.set(false);
        }
    });
}

/// Threads 0 and 1 take two locks in opposite orders after `before` operations on a third lock; any
/// further threads only make those operations. All make `after` more.
fn inversion<T: Tool>(threads: usize, before: [usize; 2], after: usize) {
    let (a, b, other) = (T::lock(), T::lock(), T::lock());
    T::threads(threads, move |me| {
        repeat(&other, before[me % 2]);
        match me {
            0 => a.with(|| b.with(|| ())),
            1 => b.with(|| a.with(|| ())),
            _ => (),
        }
        repeat(&other, after);
    });
}

fn completion_against_cancel<T: Tool>() {
    let done = T::flag();
    // Counted beside the tool: no scheduling point, so the program has only the race it is about.
    let completions = Arc::new(AtomicU32::new(0));
    T::threads(2, move |_| {
        if !done.get() {
            done.set(true);
            assert_eq!(completions.fetch_add(1, SeqCst), 0, "{COMPLETED_TWICE}");
        }
    });
}
