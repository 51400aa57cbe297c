//! Mutexes, fast mutexes, guarded mutexes.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use std::ptr::null_mut;

unsafe fn mutex(x: *mut Desk) -> PKMUTEX {
    (*x).pointers[0].cast()
}

unsafe fn fast(x: *mut Desk) -> PFAST_MUTEX {
    (*x).pointers[1].cast()
}

unsafe fn set_up(x: *mut Desk) {
    (*x).pointers[0] = block::<KMUTEX>().cast();
    (*x).pointers[1] = block::<FAST_MUTEX>().cast();
    KeInitializeMutex(mutex(x), 0);
    ExInitializeFastMutex(fast(x));
}

unsafe fn take(x: *mut Desk) -> NTSTATUS {
    wait(mutex(x))
}

unsafe fn try_once(x: *mut Desk) -> NTSTATUS {
    let mut now = LARGE_INTEGER::new(0);
    KeWaitForSingleObject(mutex(x).cast(), Executive, KernelMode, FALSE, &raw mut now)
}

/// What must not overlap: a number that is read, and written a while later.
unsafe fn add_slowly(x: *mut Desk) {
    let before = number(x, 0).get();
    sleep_ms(1);
    number(x, 0).set(before + 1);
}

unsafe fn with_mutex(x: *mut Desk) {
    for _ in 0..3 {
        assert_eq!(take(x), STATUS_SUCCESS);
        assert_eq!(KeAreApcsDisabled(), TRUE);
        add_slowly(x);
        assert_eq!(KeReleaseMutex(mutex(x), FALSE), 0);
        assert_eq!(KeAreApcsDisabled(), FALSE);
    }
}

unsafe fn with_fast_mutex(x: *mut Desk) {
    for _ in 0..3 {
        ExAcquireFastMutex(fast(x));
        assert_eq!(KeGetCurrentIrql(), APC_LEVEL as KIRQL);
        add_slowly(x);
        ExReleaseFastMutex(fast(x));
        assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL as KIRQL);
    }
}

unsafe fn with_guarded_mutex(x: *mut Desk) {
    for _ in 0..3 {
        KeAcquireGuardedMutex(fast(x));
        assert_eq!(KeAreAllApcsDisabled(), TRUE);
        add_slowly(x);
        KeReleaseGuardedMutex(fast(x));
        assert_eq!(KeAreAllApcsDisabled(), FALSE);
    }
}

unsafe fn with_unsafe_mutex(x: *mut Desk) {
    for _ in 0..3 {
        KeEnterCriticalRegion();
        ExAcquireFastMutexUnsafe(fast(x));
        add_slowly(x);
        ExReleaseFastMutexUnsafe(fast(x));
        KeLeaveCriticalRegion();
    }
}

unsafe fn by_four(x: *mut Desk, body: Driver) {
    set_up(x);
    for n in 0..4 {
        spawn(x, n % 2, body);
    }
    join(x, 4);
    assert_eq!(number(x, 0).get(), 12, "two threads were inside at a time");
}

#[test]
fn a_mutex_lets_one_thread_in_and_keeps_apcs_away() {
    unsafe fn driver(x: *mut Desk) {
        by_four(x, with_mutex);
    }
    everywhere(2, driver);
}

#[test]
fn a_fast_mutex_lets_one_thread_in_at_apc_level() {
    unsafe fn driver(x: *mut Desk) {
        by_four(x, with_fast_mutex);
    }
    everywhere(2, driver);
}

#[test]
fn a_guarded_mutex_lets_one_thread_in_inside_a_guarded_region() {
    unsafe fn driver(x: *mut Desk) {
        by_four(x, with_guarded_mutex);
    }
    everywhere(2, driver);
}

#[test]
fn an_unsafe_fast_mutex_lets_one_thread_in() {
    unsafe fn driver(x: *mut Desk) {
        by_four(x, with_unsafe_mutex);
    }
    everywhere(2, driver);
}

#[test]
fn its_owner_takes_a_mutex_as_often_as_it_likes() {
    unsafe fn other(x: *mut Desk) {
        assert_eq!(try_once(x), STATUS_TIMEOUT);
    }
    unsafe fn driver(x: *mut Desk) {
        set_up(x);
        assert_eq!(KeReadStateMutex(mutex(x)), 1);
        for _ in 0..3 {
            assert_eq!(try_once(x), STATUS_SUCCESS);
        }
        assert_eq!(KeReadStateMutex(mutex(x)), -2);
        spawn(x, 1, other);
        join(x, 1);
        assert_eq!(KeReleaseMutex(mutex(x), FALSE), -2);
        assert_eq!(KeReleaseMutex(mutex(x), FALSE), -1);
        assert_eq!(KeAreApcsDisabled(), TRUE);
        assert_eq!(KeReleaseMutex(mutex(x), FALSE), 0);
        assert_eq!(KeReadStateMutex(mutex(x)), 1);
    }
    everywhere(2, driver);
}

#[test]
fn a_wait_for_several_objects_takes_its_mutex() {
    unsafe fn both(x: *mut Desk) -> NTSTATUS {
        let mut objects: [PVOID; 2] = [mutex(x).cast(), event(x, 0).cast()];
        KeWaitForMultipleObjects(
            2,
            objects.as_mut_ptr(),
            WaitAll,
            Executive,
            KernelMode,
            FALSE,
            null_mut(),
            null_mut(),
        )
    }
    unsafe fn waits(x: *mut Desk) {
        assert_eq!(both(x), STATUS_SUCCESS);
        add_slowly(x);
        KeReleaseMutex(mutex(x), FALSE);
    }
    unsafe fn driver(x: *mut Desk) {
        set_up(x);
        assert_eq!(take(x), STATUS_SUCCESS);
        spawn(x, 1, waits);
        spawn(x, 0, waits);
        KeSetEvent(event(x, 0), 0, FALSE);
        sleep_ms(1);
        assert_eq!(number(x, 0).get(), 0);
        // Its owner has it at once, once more.
        assert_eq!(both(x), STATUS_SUCCESS);
        KeReleaseMutex(mutex(x), FALSE);
        KeReleaseMutex(mutex(x), FALSE);
        join(x, 2);
        assert_eq!(number(x, 0).get(), 2);
    }
    everywhere(2, driver);
}

#[test]
fn a_fast_mutex_is_tried_for_without_waiting() {
    unsafe fn other(x: *mut Desk) {
        assert_eq!(ExTryToAcquireFastMutex(fast(x)), FALSE);
        assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL as KIRQL);
        assert_eq!(KeTryToAcquireGuardedMutex(fast(x)), FALSE);
        assert_eq!(KeAreAllApcsDisabled(), FALSE);
    }
    unsafe fn driver(x: *mut Desk) {
        set_up(x);
        assert_eq!(ExTryToAcquireFastMutex(fast(x)), TRUE);
        spawn(x, 1, other);
        sleep_ms(2);
        ExReleaseFastMutex(fast(x));
        join(x, 1);
    }
    every_seed(2, driver);
}

#[test]
fn what_is_not_owned_is_not_given_back() {
    unsafe fn release(x: *mut Desk) {
        set_up(x);
        KeReleaseMutex(mutex(x), FALSE);
    }
    let check = stops(1, release, 0x1E, 0xC000_0046);
    assert!(check.what.starts_with("KeReleaseMutex of "), "{}", check.what);
    unsafe fn fast_release(x: *mut Desk) {
        set_up(x);
        let mut irql = 0;
        KeRaiseIrql(APC_LEVEL as KIRQL, &raw mut irql);
        ExReleaseFastMutex(fast(x));
    }
    let check = stops(1, fast_release, 0, 0);
    assert_eq!(check.stop.name, "UNBALANCED_RELEASE");
}

#[test]
fn levels_and_regions_are_checked_as_driver_verifier_does() {
    unsafe fn at_dispatch(x: *mut Desk) {
        set_up(x);
        let mut irql = 0;
        KeRaiseIrql(DISPATCH_LEVEL as KIRQL, &raw mut irql);
        ExAcquireFastMutex(fast(x));
    }
    stops(1, at_dispatch, 0xC4, 0x33);
    unsafe fn at_passive(x: *mut Desk) {
        set_up(x);
        ExAcquireFastMutex(fast(x));
        KeLowerIrql(PASSIVE_LEVEL as KIRQL);
        ExReleaseFastMutex(fast(x));
    }
    stops(1, at_passive, 0xC4, 0x34);
    unsafe fn with_apcs(x: *mut Desk) {
        set_up(x);
        ExAcquireFastMutexUnsafe(fast(x));
    }
    stops(1, with_apcs, 0xC4, 0x39);
    unsafe fn left(x: *mut Desk) {
        set_up(x);
        KeLeaveGuardedRegion();
    }
    stops(1, left, 0xC4, 0x3E);
}

#[test]
fn a_mutex_that_is_owned_lives() {
    unsafe fn again(x: *mut Desk) {
        set_up(x);
        take(x);
        KeInitializeMutex(mutex(x), 0);
    }
    assert_eq!(stops(1, again, 0, 0).stop.name, "OBJECT_MISUSED");
    unsafe fn freed(_: *mut Desk) {
        let mutex: PFAST_MUTEX = ExAllocatePool2(POOL_FLAG_NON_PAGED, 256, 1).cast();
        ExInitializeFastMutex(mutex);
        ExAcquireFastMutex(mutex);
        ExFreePoolWithTag(mutex.cast(), 1);
    }
    let check = stops(1, freed, 0, 0);
    assert!(check.what.starts_with("ExFreePoolWithTag frees memory that holds a mutex"), "{}", check.what);
}

#[test]
fn a_thread_that_asks_twice_for_a_fast_mutex_waits_for_ever() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x);
        ExAcquireFastMutex(fast(x));
        ExAcquireFastMutex(fast(x));
    }
    deadlock(run(1, kernel_sim::machine::Execution::Seeded(1), driver));
}

#[test]
fn a_thread_ends_without_mutexes_and_regions() {
    unsafe fn with(x: *mut Desk) {
        set_up(x);
        take(x);
    }
    let check = stops(1, with, 0x4000_008A, 0);
    assert!(matches!(&told(&check.earlier)[..], [("taken", Some(_))]), "{:?}", check.earlier);
    unsafe fn inside(_: *mut Desk) {
        KeEnterGuardedRegion();
    }
    let check = stops(1, inside, 0x20, 0);
    assert_eq!(check.parameters[1], 1);
    assert!(check.what.ends_with("returned inside a guarded region"), "{}", check.what);
}
