//! Lives of kernel objects, and what code leaves behind: what is stopped, and what looks like it and is fine.

#![allow(unsafe_code, reason = "tests call layer 1 as drivers do")]
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use kernel_sim::bugcheck::{BugCheck, Ending, IRQL_UNEXPECTED_VALUE, OBJECT_MISUSED};
use kernel_sim::ddi::*;
use kernel_sim::hook::{Event, Halt, Interest, Watcher};
use kernel_sim::machine::{Config, Execution, Outcome};
use kernel_sim::shared::Shared;
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::Arc;

const TAG: ULONG = u32::from_le_bytes(*b"Life");

/// Host threads count locks only where a watcher asks.
struct CountsLocks;

impl Watcher for CountsLocks {
    fn interest(&self) -> Interest {
        Interest { lock_count: true, lock_sites: true, ..Interest::NOTHING }
    }
    fn event(&self, _event: &Event<'_>) -> Option<Halt> {
        None
    }
}

/// Runs on two processors, by some seeds and on host threads; the way in which each ended.
fn on_each(body: impl Fn(Config) -> Outcome) -> Vec<Outcome> {
    let seeded = (0..20).map(Execution::Seeded).chain([Execution::Parallel]);
    let config = |execution| Config::new(2, execution).unwrap().watch(Arc::new(CountsLocks));
    seeded.map(|execution| body(config(execution))).collect()
}

fn stop(outcome: &Outcome) -> Option<&BugCheck> {
    match &outcome.ending {
        Ending::BugCheck(check) => Some(check),
        _ => None,
    }
}

/// Every run stops, and says `what`.
#[track_caller]
fn stopped(outcomes: &[Outcome], what: &str) {
    for outcome in outcomes {
        let check = stop(outcome).unwrap_or_else(|| panic!("{:?}", outcome.ending));
        assert_eq!(check.stop, OBJECT_MISUSED);
        assert!(check.what.contains(what), "{}", check.what);
    }
}

#[track_caller]
fn completed(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}

struct Locked {
    lock: UnsafeCell<KSPIN_LOCK>,
    handle: UnsafeCell<KLOCK_QUEUE_HANDLE>,
    count: Shared<ULONG>,
}

// SAFETY: the lock and the handle are used through routines of the kernel only.
unsafe impl Sync for Locked {}

fn locked() -> Locked {
    Locked {
        lock: UnsafeCell::new(0),
        handle: UnsafeCell::new(KLOCK_QUEUE_HANDLE::new()),
        count: Shared::new(0),
    }
}

fn count_under_queued_lock(config: Config, shares_handle: bool) -> Outcome {
    config.run_on_every_processor(locked(), move |state: &'static Locked, _| {
        for _ in 0..3 {
            let mut own = KLOCK_QUEUE_HANDLE::new();
            let handle = if shares_handle { state.handle.get() } else { &raw mut own };
            // SAFETY: state of the machine, and a handle that lives until the release.
            unsafe {
                KeAcquireInStackQueuedSpinLock(state.lock.get(), handle);
                state.count.set(state.count.get() + 1);
                KeReleaseInStackQueuedSpinLock(handle);
            }
        }
    })
}

#[test]
fn a_lock_handle_that_two_processors_use_at_once_is_stopped() {
    let seeds =
        (0..20).map(|seed| count_under_queued_lock(Config::new(2, Execution::Seeded(seed)).unwrap(), true));
    let found: Vec<Outcome> = seeds.filter(|outcome| stop(outcome).is_some()).collect();
    assert!(found.len() >= 10, "most schedules make a processor wait: {}", found.len());
    stopped(&found, "uses the lock handle");
    let check = stop(&found[0]).unwrap();
    assert_eq!(check.now.call.map(|ddi| ddi.name), Some("KeAcquireInStackQueuedSpinLock"));
}

#[test]
fn a_lock_handle_of_each_processor_is_fine() {
    completed(&on_each(|config| count_under_queued_lock(config, false)));
}

#[test]
fn one_handle_for_two_nested_locks_is_stopped() {
    stopped(
        &on_each(|config| {
            config.run(|| {
                let (mut outer, mut inner): (KSPIN_LOCK, KSPIN_LOCK) = (0, 0);
                let mut handle = KLOCK_QUEUE_HANDLE::new();
                // SAFETY: objects on this thread's stack.
                unsafe {
                    KeAcquireInStackQueuedSpinLock(&raw mut outer, &raw mut handle);
                    KeAcquireInStackQueuedSpinLockAtDpcLevel(&raw mut inner, &raw mut handle);
                }
                unreachable!("the machine stops");
            })
        }),
        "uses the lock handle",
    );
}

/// One acquire after the other by two handles that change places: each is used once at a time.
#[test]
fn a_handle_may_be_used_again_and_moved() {
    completed(&on_each(|config| {
        config.run(|| {
            let mut lock: KSPIN_LOCK = 0;
            let mut handles = [KLOCK_QUEUE_HANDLE::new(), KLOCK_QUEUE_HANDLE::new()];
            for round in 0..6 {
                // SAFETY: objects on this thread's stack.
                unsafe {
                    KeAcquireInStackQueuedSpinLock(&raw mut lock, &raw mut handles[round % 2]);
                    handles.swap(0, 1);
                    KeReleaseInStackQueuedSpinLock(&raw mut handles[(round + 1) % 2]);
                }
            }
        })
    }));
}

/// Runs `body` over a block of pool that was not filled.
fn with_block(config: Config, body: impl FnOnce(*mut KSPIN_LOCK) + Send + 'static) -> Outcome {
    config.run(move || {
        // SAFETY: at PASSIVE_LEVEL.
        let block = unsafe { ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, 64, TAG) };
        body(block.cast());
        // SAFETY: the block is freed once.
        unsafe { ExFreePoolWithTag(block, TAG) };
    })
}

/// Takes the lock and gives it back.
unsafe fn take_and_give(lock: *mut KSPIN_LOCK) {
    let mut irql = 0;
    // SAFETY: the caller's lock.
    unsafe {
        KeAcquireSpinLock(lock, &raw mut irql);
        KeReleaseSpinLock(lock, irql);
    }
}

#[test]
fn a_lock_that_was_never_initialised_is_stopped() {
    // SAFETY: the mistake under test.
    let outcomes = on_each(|config| with_block(config, |lock| unsafe { take_and_give(lock) }));
    stopped(&outcomes, "which was never initialised");
}

#[test]
fn a_lock_in_freed_memory_is_stopped() {
    let outcomes = on_each(|config| {
        config.run(|| {
            // SAFETY: the mistake under test.
            unsafe {
                let lock: *mut KSPIN_LOCK = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG).cast();
                ExFreePoolWithTag(lock.cast(), TAG);
                take_and_give(lock);
            }
        })
    });
    stopped(&outcomes, "which lies in freed memory");
}

#[test]
fn a_lock_that_was_initialised_is_fine_again_and_again() {
    completed(&on_each(|config| {
        with_block(config, |lock| {
            for _ in 0..3 {
                // SAFETY: the block's first word; the lock is free when it is initialised again.
                unsafe {
                    KeInitializeSpinLock(lock);
                    take_and_give(lock);
                }
            }
        })
    }));
}

#[test]
fn a_lock_that_is_held_is_neither_initialised_nor_freed() {
    for frees in [false, true] {
        let outcomes = on_each(|config| {
            config.run(move || {
                let mut irql = 0;
                // SAFETY: the mistake under test.
                unsafe {
                    let lock: *mut KSPIN_LOCK = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG).cast();
                    KeAcquireSpinLock(lock.add(1), &raw mut irql);
                    if frees {
                        ExFreePoolWithTag(lock.cast(), TAG);
                    } else {
                        KeInitializeSpinLock(lock.add(1));
                    }
                }
            })
        });
        let what = if frees {
            "frees memory that holds a spin lock"
        } else {
            "initialises a spin lock that is held"
        };
        stopped(&outcomes, what);
    }
}

unsafe extern "C-unwind" fn nothing(_dpc: PKDPC, _context: PVOID, _a1: PVOID, _a2: PVOID) {}

#[test]
fn a_timer_that_is_armed_is_not_initialised() {
    let run = |config: Config, cancels: bool| {
        config.run(move || {
            // SAFETY: plain data, and objects on this thread's stack, which stays until the machine stops.
            unsafe {
                let mut timer: KTIMER = std::mem::zeroed();
                KeInitializeTimer(&raw mut timer);
                KeSetTimer(&raw mut timer, LARGE_INTEGER::new(-1_000_000), null_mut());
                if cancels {
                    KeCancelTimer(&raw mut timer);
                }
                KeInitializeTimer(&raw mut timer);
            }
        })
    };
    stopped(&on_each(|config| run(config, false)), "initialises a timer that is armed");
    completed(&on_each(|config| run(config, true)));
}

#[test]
fn a_dpc_that_is_queued_is_not_initialised() {
    let run = |config: Config, flushes: bool| {
        config.run(move || {
            let mut irql = 0;
            // SAFETY: plain data, and objects on this thread's stack, which stays until the machine stops.
            unsafe {
                let mut dpc: KDPC = std::mem::zeroed();
                KeInitializeDpc(&raw mut dpc, Some(nothing), null_mut());
                KeRaiseIrql(DISPATCH_LEVEL as KIRQL, &raw mut irql);
                KeInsertQueueDpc(&raw mut dpc, null_mut(), null_mut());
                if flushes {
                    KeLowerIrql(irql);
                    KeFlushQueuedDpcs();
                }
                KeInitializeDpc(&raw mut dpc, Some(nothing), null_mut());
            }
        })
    };
    stopped(&on_each(|config| run(config, false)), "initialises a DPC that is queued");
    completed(&on_each(|config| run(config, true)));
}

/// How a model's body ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Gives,
    StaysAtDispatch,
    KeepsLock,
}

fn body(config: Config, end: End) -> Outcome {
    config.run_on_every_processor(locked(), move |state: &'static Locked, cpu| {
        let mut irql = 0;
        if end == End::KeepsLock && cpu != 0 {
            return;
        }
        // SAFETY: state of the machine; the mistakes under test.
        unsafe {
            KeAcquireSpinLock(state.lock.get(), &raw mut irql);
            match end {
                End::Gives => KeReleaseSpinLock(state.lock.get(), irql),
                End::StaysAtDispatch => KeReleaseSpinLockFromDpcLevel(state.lock.get()),
                End::KeepsLock => {}
            }
        }
    })
}

#[test]
fn a_body_gives_back_the_irql_and_the_locks_it_took() {
    for (end, what) in [
        (End::StaysAtDispatch, "the body of a model returned at DISPATCH_LEVEL"),
        (End::KeepsLock, "the body of a model returned at DISPATCH_LEVEL with a spin lock held"),
    ] {
        for outcome in on_each(|config| body(config, end)) {
            let check = stop(&outcome).unwrap_or_else(|| panic!("{:?}", outcome.ending));
            assert_eq!((check.stop, check.what.as_str()), (IRQL_UNEXPECTED_VALUE, what));
        }
    }
    completed(&on_each(|config| body(config, End::Gives)));
}
