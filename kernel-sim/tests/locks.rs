//! Spin locks: they exclude, they are counted while a watcher asks for it, and misuse stops the machine.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::held::HELD_MAX;
use kernel_sim::hook::{DdiSet, Event, Halt, Interest, Watcher};
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

fn held() -> u32 {
    Processor::current().held_count()
}

/// The routines that took what is held, oldest first.
fn held_by() -> Vec<&'static str> {
    Processor::current().held_locks().iter().map(|h| h.routine.name).collect()
}

// Exclusion

/// Counts in two halves, with others let in between.
unsafe fn count_in_halves(x: *mut Desk) {
    let before = number(x, 0).get();
    KeStallExecutionProcessor(0);
    number(x, 0).set(before + 1);
}

#[test]
fn every_kind_of_lock_excludes() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        on_every_cpu(x, |x| unsafe {
            let n = KeGetCurrentProcessorNumber() as usize;
            for _ in 0..10 {
                let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
                count_in_halves(x);
                KeReleaseSpinLock(lock(x, 0), old);
                KeAcquireInStackQueuedSpinLock(lock(x, 0), handle(x, n));
                count_in_halves(x);
                KeReleaseInStackQueuedSpinLock(handle(x, n));
                let old = KeRaiseIrqlToDpcLevel();
                while KeTryToAcquireSpinLockAtDpcLevel(lock(x, 0)) == FALSE {}
                count_in_halves(x);
                KeReleaseSpinLockFromDpcLevel(lock(x, 0));
                KeLowerIrql(old);
            }
        });
        assert_eq!(number(x, 0).get(), 4 * 30);
    }
    everywhere(4, driver);
}

#[test]
fn queued_waiters_are_served_in_the_order_they_came() {
    unsafe fn driver(x: *mut Desk) {
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        for cpu in [3, 1, 2] {
            // SAFETY: the desk lives as long as its machine.
            spawn(x, cpu, |x| unsafe {
                let n = KeGetCurrentProcessorNumber();
                number(x, 1).set(n);
                KeAcquireInStackQueuedSpinLock(lock(x, 0), handle(x, n as usize));
                note(x, n);
                KeReleaseInStackQueuedSpinLock(handle(x, n as usize));
            });
            // It has come when it can do nothing but wait.
            while number(x, 1).get() != u32::from(cpu) {}
            for _ in 0..200 {
                KeStallExecutionProcessor(0);
            }
        }
        KeReleaseSpinLock(lock(x, 0), old);
        join(x, 3);
        assert_eq!(noted(x), [3, 1, 2]);
    }
    every_seed(4, driver);
}

#[test]
fn whether_a_lock_is_free_can_be_asked() {
    unsafe fn driver(x: *mut Desk) {
        assert_eq!(KeTestSpinLock(lock(x, 0)), TRUE);
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        assert_eq!(KeTestSpinLock(lock(x, 0)), FALSE);
        assert_eq!(KeTryToAcquireSpinLockAtDpcLevel(lock(x, 0)), FALSE);
        KeReleaseSpinLock(lock(x, 0), old);
        KeInitializeSpinLock(lock(x, 0));
        assert_eq!(KeTestSpinLock(lock(x, 0)), TRUE);
    }
    everywhere(1, driver);
}

// Counting

#[test]
fn every_family_is_counted_and_comes_back_to_zero() {
    unsafe fn driver(x: *mut Desk) {
        assert_eq!(held(), 0);
        let mut old = 99;
        KeAcquireSpinLock(lock(x, 0), &raw mut old);
        assert_eq!((old, held(), KeGetCurrentIrql()), (PASSIVE_LEVEL, 1, DISPATCH_LEVEL));
        KeAcquireSpinLockAtDpcLevel(lock(x, 1));
        assert_eq!(KeTryToAcquireSpinLockAtDpcLevel(lock(x, 2)), TRUE);
        assert_eq!(KeTryToAcquireSpinLockAtDpcLevel(lock(x, 2)), FALSE);
        let for_dpc = KeAcquireSpinLockForDpc(lock(x, 3));
        KeAcquireInStackQueuedSpinLock(lock(x, 4), handle(x, 4));
        KeAcquireInStackQueuedSpinLockAtDpcLevel(lock(x, 5), handle(x, 5));
        KeAcquireInStackQueuedSpinLockForDpc(lock(x, 6), handle(x, 6));
        let raised = KeAcquireSpinLockRaiseToDpc(lock(x, 7));
        let mut cancel = 99;
        IoAcquireCancelSpinLock(&raw mut cancel);
        assert_eq!((for_dpc, raised, cancel), (DISPATCH_LEVEL, DISPATCH_LEVEL, DISPATCH_LEVEL));
        assert_eq!(held(), 9);
        assert_eq!(
            held_by(),
            [
                "KeAcquireSpinLock",
                "KeAcquireSpinLockAtDpcLevel",
                "KeTryToAcquireSpinLockAtDpcLevel",
                "KeAcquireSpinLockForDpc",
                "KeAcquireInStackQueuedSpinLock",
                "KeAcquireInStackQueuedSpinLockAtDpcLevel",
                "KeAcquireInStackQueuedSpinLockForDpc",
                "KeAcquireSpinLockRaiseToDpc",
                "IoAcquireCancelSpinLock",
            ]
        );
        IoReleaseCancelSpinLock(cancel);
        KeReleaseSpinLock(lock(x, 7), raised);
        KeReleaseInStackQueuedSpinLockForDpc(handle(x, 6));
        KeReleaseInStackQueuedSpinLockFromDpcLevel(handle(x, 5));
        KeReleaseInStackQueuedSpinLock(handle(x, 4));
        KeReleaseSpinLockForDpc(lock(x, 3), for_dpc);
        KeReleaseSpinLockFromDpcLevel(lock(x, 2));
        KeReleaseSpinLockFromDpcLevel(lock(x, 1));
        assert_eq!((held(), KeGetCurrentIrql()), (1, DISPATCH_LEVEL));
        KeReleaseSpinLock(lock(x, 0), old);
        assert_eq!((held(), KeGetCurrentIrql()), (0, PASSIVE_LEVEL));
    }
    everywhere(1, driver);
}

#[test]
fn locks_may_be_given_back_in_any_order() {
    unsafe fn driver(x: *mut Desk) {
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let old = KeRaiseIrqlToDpcLevel();
            for n in 0..3 {
                KeAcquireSpinLockAtDpcLevel(lock(x, n));
            }
            let sites: Vec<_> = Processor::current().held_locks().iter().map(|h| h.address).collect();
            let mut left = vec![0, 1, 2];
            for n in order {
                KeReleaseSpinLockFromDpcLevel(lock(x, n));
                left.retain(|m| *m != n);
                let now: Vec<_> = Processor::current().held_locks().iter().map(|h| h.address).collect();
                assert_eq!(now, left.iter().map(|n| sites[*n]).collect::<Vec<_>>());
                assert_eq!(held() as usize, left.len());
            }
            KeLowerIrql(old);
        }
    }
    everywhere(1, driver);
}

#[test]
fn more_locks_than_sites_are_still_counted() {
    unsafe fn driver(_x: *mut Desk) {
        const LOCKS: usize = HELD_MAX + 8;
        let locks: *mut [KSPIN_LOCK; LOCKS] = block();
        let old = KeRaiseIrqlToDpcLevel();
        for n in 0..LOCKS {
            KeAcquireSpinLockAtDpcLevel(&raw mut (*locks)[n]);
        }
        assert_eq!((held() as usize, held_by().len()), (LOCKS, HELD_MAX));
        for n in (0..LOCKS).rev() {
            KeReleaseSpinLockFromDpcLevel(&raw mut (*locks)[n]);
        }
        assert_eq!((held(), held_by().len()), (0, 0));
        KeLowerIrql(old);
    }
    everywhere(1, driver);
}

#[test]
fn nothing_is_counted_unless_a_watcher_asks() {
    unsafe fn driver(x: *mut Desk) {
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        assert_eq!((held(), held_by().len()), (0, 0));
        KeReleaseSpinLock(lock(x, 0), old);
    }
    completes(&run(1, Execution::Parallel, driver), "parallel");
}

unsafe fn connect(x: *mut Desk) -> PKINTERRUPT {
    unsafe extern "C-unwind" fn service(_: PKINTERRUPT, _: PVOID) -> BOOLEAN {
        FALSE
    }
    let mut interrupt = null_mut();
    let (out, context) = (&raw mut interrupt, x.cast());
    let mode = LevelSensitive;
    let status =
        IoConnectInterrupt(out, Some(service), context, null_mut(), 0x41, 4, 6, mode, FALSE, u64::MAX, FALSE);
    assert_eq!(status, STATUS_SUCCESS);
    interrupt
}

#[test]
fn the_interrupts_lock_is_counted_and_raises_to_its_synchronize_irql() {
    unsafe extern "C-unwind" fn synchronized(context: PVOID) -> BOOLEAN {
        assert_eq!((held(), KeGetCurrentIrql()), (1, 6));
        count(context.cast(), 0);
        TRUE
    }
    unsafe fn driver(x: *mut Desk) {
        let interrupt = connect(x);
        let old = KeAcquireInterruptSpinLock(interrupt);
        assert_eq!((old, held(), KeGetCurrentIrql()), (PASSIVE_LEVEL, 1, 6));
        KeReleaseInterruptSpinLock(interrupt, old);
        assert_eq!((held(), KeGetCurrentIrql()), (0, PASSIVE_LEVEL));
        assert_eq!(KeSynchronizeExecution(interrupt, Some(synchronized), x.cast()), TRUE);
        assert_eq!((held(), KeGetCurrentIrql(), number(x, 0).get()), (0, PASSIVE_LEVEL, 1));
        IoDisconnectInterrupt(interrupt);
    }
    everywhere(1, driver);
}

#[test]
fn the_interrupts_lock_is_not_for_higher_levels() {
    unsafe fn above(x: *mut Desk) {
        let interrupt = connect(x);
        KfRaiseIrql(7);
        KeAcquireInterruptSpinLock(interrupt);
    }
    unsafe fn raising_release(x: *mut Desk) {
        let interrupt = connect(x);
        KeAcquireInterruptSpinLock(interrupt);
        KeReleaseInterruptSpinLock(interrupt, 7);
    }
    stops(1, above, 0xC4, 0x30);
    stops(1, raising_release, 0xC4, 0x31);
}

/// Counts what it is told of: acquires inside other locks.
#[derive(Default)]
struct CountsNestings(AtomicU32);

impl Watcher for CountsNestings {
    fn interest(&self) -> Interest {
        let enter_holding =
            DdiSet::of(&[&row::KeAcquireSpinLockAtDpcLevel, &row::KeAcquireSpinLockRaiseToDpc]);
        Interest { enter_holding, lock_sites: true, ..Interest::NOTHING }
    }
    fn event(&self, _: &Event<'_>) -> Option<Halt> {
        self.0.fetch_add(1, SeqCst);
        None
    }
}

#[test]
fn a_nesting_is_told_once_until_a_lock_is_initialised() {
    unsafe fn nest(x: *mut Desk, locks: &[usize]) {
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, locks[0]));
        locks[1..].iter().for_each(|n| KeAcquireSpinLockAtDpcLevel(lock(x, *n)));
        locks[1..].iter().rev().for_each(|n| KeReleaseSpinLockFromDpcLevel(lock(x, *n)));
        KeReleaseSpinLock(lock(x, locks[0]), old);
    }
    unsafe fn driver(x: *mut Desk) {
        // Three nestings: 1 in 0, 2 in those, and 2 in 0.
        for _ in 0..3 {
            nest(x, &[0, 1, 2]);
            nest(x, &[0, 2]);
            nest(x, &[3]);
        }
        KeInitializeSpinLock(lock(x, 3));
        // And two of them again.
        (0..3).for_each(|_| nest(x, &[0, 1, 2]));
    }
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        let watcher = Arc::new(CountsNestings::default());
        let config = Config::new(1, execution).unwrap().watch(Arc::clone(&watcher) as _);
        completes(&run_config(config, driver), "one processor");
        assert_eq!(watcher.0.load(SeqCst), 3 + 2);
    }
}

// Misuse

#[test]
fn a_lock_is_given_back_by_the_processor_that_took_it() {
    unsafe fn driver(x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            KeRaiseIrqlToDpcLevel();
            KeReleaseSpinLockFromDpcLevel(lock(x, 0));
        });
        loop {
            KeStallExecutionProcessor(1);
        }
    }
    let check = stops(2, driver, 0xC4, 0x1004);
    assert_eq!(check.now.cpu, 1);
    assert!(check.what.contains("which CPU 0 holds"), "{}", check.what);
}

#[test]
fn a_free_lock_is_not_given_back() {
    unsafe fn plain(x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        KeReleaseSpinLock(lock(x, 0), PASSIVE_LEVEL);
    }
    unsafe fn twice(x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
        KeReleaseSpinLockFromDpcLevel(lock(x, 0));
        KeReleaseSpinLockFromDpcLevel(lock(x, 0));
    }
    unsafe fn cancel(_x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        IoReleaseCancelSpinLock(PASSIVE_LEVEL);
    }
    for driver in [plain as Driver, twice, cancel] {
        stops(1, driver, 0xC4, 0x1007);
    }
}

#[test]
fn a_lock_is_not_recursive() {
    unsafe fn driver(x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
    }
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        let check = bug_check(run_counting(1, execution, driver));
        assert_eq!(check.stop.code, 0x0F);
        assert_eq!(check.now.routine(), Some("KeAcquireSpinLockAtDpcLevel"));
        assert_eq!(check.now.held.len(), 1, "the evidence says where it was taken first");
        assert!(check.now.held[0].site.file().ends_with("locks.rs"));
    }
}

#[test]
fn a_lock_outside_the_machines_memory_is_a_bug_check_and_not_a_crash() {
    unsafe fn null(_x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(null_mut());
    }
    unsafe fn low(_x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(0x1238 as PKSPIN_LOCK);
    }
    unsafe fn hosts(_x: *mut Desk) {
        let mut word = Box::new(0);
        KeAcquireSpinLockRaiseToDpc(&raw mut *word);
    }
    unsafe fn top(_x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc((usize::MAX - 7) as PKSPIN_LOCK);
    }
    unsafe fn released(_x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        KeReleaseSpinLock(null_mut(), 0);
    }
    unsafe fn never_taken(x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        KeReleaseInStackQueuedSpinLock(handle(x, 0));
    }
    let shown = [(null as Driver, 0), (low, 0x1238), (hosts, u64::MAX), (top, u64::MAX)];
    for (driver, address) in shown.into_iter().chain([(released as Driver, 0), (never_taken, 0)]) {
        let check = stops(1, driver, 0xD1, address);
        assert_eq!(check.parameters[1], 2, "the level");
    }
    unsafe fn misaligned(x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(lock(x, 0).byte_add(1));
    }
    assert_eq!(bug_check(run(1, Execution::Seeded(1), misaligned)).stop.code, 0xD1);
    unsafe fn at_passive(_x: *mut Desk) {
        let _ = KeTestSpinLock(null_mut());
    }
    stops(1, at_passive, 0x50, 0);
}

#[test]
fn memory_of_another_machine_is_foreign() {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    static ELSEWHERE: AtomicUsize = AtomicUsize::new(0);
    unsafe fn remembers(x: *mut Desk) {
        ELSEWHERE.store(lock(x, 0) as usize, SeqCst);
        // The other machine lives at the same time, so its memory is not this one's.
        let other = std::thread::scope(|scope| {
            scope.spawn(|| bug_check(run(1, Execution::Seeded(1), uses))).join().unwrap()
        });
        assert_eq!(other.stop.code, 0xD1);
    }
    unsafe fn uses(_x: *mut Desk) {
        assert!(Machine::current().unwrap().is_deterministic());
        KeAcquireSpinLockRaiseToDpc(ELSEWHERE.load(SeqCst) as PKSPIN_LOCK);
    }
    completes(&run(1, Execution::Seeded(1), remembers), "the first machine");
}
