//! Deadlocks and livelocks: no processor can go on, or one polls for what never comes. The run ends, and its
//! ending names who waits where.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::{Ending, Livelock, OBJECT_MISUSED};
use kernel_sim::ddi::*;
use kernel_sim::hardware::{Bus, HardwareModel};
use kernel_sim::machine::{Config, Execution, Machine};
use std::ptr::null_mut;

/// Both executors.
fn both() -> [Execution; 2] {
    [Execution::Seeded(1), Execution::Parallel]
}

#[test]
fn a_processor_that_waits_for_itself_is_stopped_at_once() {
    unsafe fn plain(x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
    }
    unsafe fn queued(x: *mut Desk) {
        KeAcquireInStackQueuedSpinLock(lock(x, 0), handle(x, 0));
        KeAcquireInStackQueuedSpinLock(lock(x, 0), handle(x, 1));
    }
    unsafe fn in_dpc(x: *mut Desk) {
        unsafe extern "C-unwind" fn takes(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
            KeAcquireSpinLockAtDpcLevel(lock(context.cast(), 0));
        }
        KeInitializeDpc(dpc(x, 0), Some(takes), x.cast());
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        // The mistake: the level falls with the lock still held.
        KeLowerIrql(PASSIVE_LEVEL);
        KeInsertQueueDpc(dpc(x, 0), null_mut(), null_mut());
    }
    for driver in [plain as Driver, queued, in_dpc] {
        for execution in both() {
            assert_eq!(bug_check(run(1, execution, driver)).stop.code, 0x0F);
        }
    }
}

/// Each processor takes its own lock and then the next processor's: none can go on.
unsafe fn round(x: *mut Desk) {
    // SAFETY: the desk lives as long as its machine.
    on_every_cpu(x, |x| unsafe {
        let n = KeGetCurrentProcessorNumber() as usize;
        let cpus = Machine::current().unwrap().processor_count() as usize;
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, n));
        // Each waits here until all have taken their own.
        count(x, 0);
        while number(x, 0).get() < cpus as u32 {
            KeStallExecutionProcessor(1);
        }
        KeAcquireSpinLockAtDpcLevel(lock(x, (n + 1) % cpus));
        KeReleaseSpinLockFromDpcLevel(lock(x, (n + 1) % cpus));
        KeReleaseSpinLock(lock(x, n), old);
    });
}

#[test]
fn a_cycle_of_locks_names_its_members() {
    for cpus in [2, 3] {
        for execution in both() {
            let deadlock = deadlock(run_counting(cpus, execution, round));
            assert_eq!(deadlock.waiters.len(), usize::from(cpus), "{deadlock:?}");
            assert!(deadlock.what.ends_with("wait for each other's spin locks"), "{}", deadlock.what);
            for waiter in &deadlock.waiters {
                assert_eq!(waiter.place.routine(), Some("KeAcquireSpinLockAtDpcLevel"));
                assert_eq!(waiter.holder, Some((waiter.place.cpu + 1) % cpus));
                assert_eq!(waiter.place.held.len(), 1, "{waiter:?}");
                assert_eq!(waiter.place.held[0].routine.name, "KeAcquireSpinLockRaiseToDpc");
                assert!(waiter.waits_for.starts_with("spin lock ffffc000`"), "{}", waiter.waits_for);
            }
        }
    }
}

/// Every processor waits for something that no other will do.
unsafe fn no_event_is_set(x: *mut Desk) {
    // SAFETY: the desk lives as long as its machine.
    spawn(x, 1, |x| unsafe { assert_eq!(wait(event(x, 1)), 0) });
    // SAFETY: the desk lives as long as its machine.
    spawn(x, 0, |x| unsafe { assert_eq!(wait(&raw mut (*x).semaphore), 0) });
    wait(event(x, 0));
}

#[test]
fn threads_that_wait_for_ever_are_named() {
    for execution in both() {
        let deadlock = deadlock(run(2, execution, no_event_is_set));
        assert_eq!(deadlock.what, "no processor and no thread can go on");
        assert_eq!(deadlock.waiters.len(), 3, "{deadlock:?}");
        for waiter in &deadlock.waiters {
            assert_eq!(waiter.place.routine(), Some("KeWaitForSingleObject"));
            assert!(waiter.place.site.unwrap().file().ends_with("standstill.rs"));
            assert!(waiter.waits_for.starts_with("the object at ffffc000`"), "{}", waiter.waits_for);
        }
        let cpus: Vec<_> = deadlock.waiters.iter().map(|w| w.place.cpu).collect();
        assert!(cpus.contains(&0) && cpus.contains(&1));
    }
}

/// A word that is no initialized lock looks like a lock that is held, and is told as what it is.
#[test]
fn a_word_that_is_no_lock_is_not_waited_for() {
    unsafe fn driver(x: *mut Desk) {
        *lock(x, 0) = 0xDDDD_DDDD_DDDD_DDDD;
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
    }
    for execution in both() {
        let check = bug_check(run(2, execution, driver));
        assert_eq!((check.stop, check.now.cpu), (OBJECT_MISUSED, 0));
        assert_eq!(check.now.routine(), Some("KeAcquireSpinLockRaiseToDpc"));
        assert!(check.what.contains("freed memory"), "{}", check.what);
    }
}

#[test]
fn the_evidence_is_the_same_in_every_run_of_a_seed() {
    let evidence = || format!("{:?}", deadlock(run(2, Execution::Seeded(3), no_event_is_set)));
    assert_eq!(evidence(), evidence());
}

#[test]
fn a_lock_that_a_sleeping_processor_kept_is_part_of_the_evidence() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            KeAcquireSpinLockRaiseToDpc(lock(x, 0));
            // The mistake: the thread goes to sleep with the lock held.
            KeLowerIrql(PASSIVE_LEVEL);
            KeSetEvent(event(x, 0), 0, FALSE);
            wait(event(x, 1));
        });
        wait(event(x, 0));
        sleep_ms(1);
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
    }
    for execution in both() {
        let deadlock = deadlock(run(2, execution, driver));
        assert_eq!(deadlock.waiters.len(), 2, "{deadlock:?}");
        assert_eq!((deadlock.waiters[0].place.cpu, deadlock.waiters[0].holder), (0, Some(1)));
        assert_eq!(deadlock.waiters[1].place.cpu, 1);
    }
}

#[test]
fn a_long_sleep_is_no_deadlock() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            sleep_ms(60);
            KeSetEvent(event(x, 0), 0, FALSE);
        });
        wait(event(x, 0));
    }
    for execution in both() {
        completes(&run(2, execution, driver), "a long sleep");
    }
}

/// The livelock that a run ends in.
fn livelock(config: Config, driver: Driver) -> Livelock {
    match run_config(config, driver).ending {
        Ending::Livelock(livelock) => *livelock,
        other => panic!("{other:?}"),
    }
}

/// A device whose register never changes.
struct Dead;

impl HardwareModel for Dead {
    fn name(&self) -> &'static str {
        "dead"
    }
    fn line(&self) -> (u32, bool) {
        (0x41, false)
    }
    fn read(&mut self, _offset: usize, _width: u8) -> u64 {
        0
    }
    fn write(&mut self, _offset: usize, _width: u8, _value: u64) {}
    fn steps(&self) -> u32 {
        0
    }
    fn step(&mut self, _which: u32, _bus: &Bus<'_>) {}
}

#[test]
fn polling_for_what_never_comes_is_a_livelock_that_names_the_call() {
    unsafe fn register(_x: *mut Desk) {
        let window = LARGE_INTEGER::new(Machine::current().unwrap().device_window(0).unwrap() as i64);
        let registers: *mut u32 = MmMapIoSpace(window, 4, MmNonCached).cast();
        while READ_REGISTER_ULONG(registers) == 0 {}
    }
    unsafe fn try_lock(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            KeAcquireSpinLockRaiseToDpc(lock(x, 0));
            KeLowerIrql(PASSIVE_LEVEL);
            KeSetEvent(event(x, 0), 0, FALSE);
        });
        wait(event(x, 0));
        KeRaiseIrqlToDpcLevel();
        while KeTryToAcquireSpinLockAtDpcLevel(lock(x, 0)) == FALSE {}
    }
    unsafe fn shared(x: *mut Desk) {
        while number(x, 0).get() == 0 {}
    }
    unsafe fn exchange(x: *mut Desk) {
        number(x, 0).set(1);
        let lock = std::ptr::from_ref(number(x, 0)).cast_mut().cast();
        while InterlockedExchange(lock, 1) == 1 {}
    }
    unsafe fn stalling(x: *mut Desk) {
        while KeReadStateEvent(event(x, 0)) == 0 {
            KeStallExecutionProcessor(10);
        }
    }
    for (driver, calls) in [
        (register as Driver, &["READ_REGISTER_ULONG"][..]),
        (try_lock, &["KeTryToAcquireSpinLockAtDpcLevel"]),
        (shared, &["Shared::get"]),
        (exchange, &["InterlockedExchange"]),
        // It may be noticed at either call of its loop.
        (stalling, &["KeReadStateEvent", "KeStallExecutionProcessor"]),
    ] {
        for cpus in [2, 3] {
            let config = Config::new(cpus, Execution::Seeded(5)).unwrap().hardware(Box::new(Dead));
            let livelock = livelock(config, driver);
            assert!(calls.contains(&livelock.place.routine().unwrap()), "{livelock:?}");
            assert!(livelock.polls >= 1000 && livelock.place.site.is_some());
        }
    }
}

#[test]
fn polling_for_what_a_timer_brings_is_no_livelock() {
    unsafe fn driver(x: *mut Desk) {
        KeSetTimer(timer(x, 0), after_ms(100), null_mut());
        while KeReadStateTimer(timer(x, 0)) == FALSE {}
    }
    every_seed(2, driver);
}

#[test]
fn a_thread_that_counts_alone_for_ever_does_not_end_by_any_choice() {
    unsafe extern "C-unwind" fn counts(x: PVOID) {
        loop {
            count(x.cast(), 0);
        }
    }
    unsafe fn waits_for_it(x: *mut Desk) {
        let mut handle: HANDLE = null_mut();
        let _ = PsCreateSystemThread(
            &raw mut handle,
            0,
            null_mut(),
            null_mut(),
            null_mut(),
            Some(counts),
            x.cast(),
        );
        let mut thread: PVOID = null_mut();
        ObReferenceObjectByHandle(handle, 0, null_mut(), KernelMode, &raw mut thread, null_mut());
        KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null_mut());
    }
    const STEPS_MAX: u64 = 20_000_000;
    let config = Config::new(2, Execution::Seeded(1)).unwrap().steps_max(STEPS_MAX);
    let outcome = run_config(config, waits_for_it);
    let Ending::Endless(endless) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert!(endless.is_alone && endless.steps < STEPS_MAX / 4, "{endless:?}");
}

#[test]
fn a_dpc_that_counts_for_ever_while_others_go_on_may_end_by_other_choices() {
    unsafe extern "C-unwind" fn counts_on(_: PKDPC, x: PVOID, _: PVOID, _: PVOID) {
        loop {
            count(x.cast(), 0);
        }
    }
    unsafe fn counts_beside_it(x: *mut Desk) {
        KeInitializeDpc(dpc(x, 0), Some(counts_on), x.cast());
        KeSetTargetProcessorDpc(dpc(x, 0), 1);
        KeInsertQueueDpc(dpc(x, 0), null_mut(), null_mut());
        loop {
            count(x, 1);
        }
    }
    // Looks that are far apart, too: what one look has met says nothing of the steps before the next.
    for steps_max in [4_000_000, 80_000_000] {
        let config = Config::new(2, Execution::Seeded(1)).unwrap().steps_max(steps_max);
        let outcome = run_config(config, counts_beside_it);
        let Ending::Endless(endless) = outcome.ending else { panic!("{:?}", outcome.ending) };
        assert!(!endless.is_alone, "{endless:?}");
    }
}
