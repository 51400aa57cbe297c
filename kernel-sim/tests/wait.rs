//! Events, semaphores, threads: who is let go, when, and where waiting is allowed.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use std::ptr::null_mut;

unsafe fn waits_and_counts(x: *mut Desk) {
    wait(event(x, 1));
    count(x, 0);
}

#[test]
fn a_notification_event_lets_everybody_go_until_it_is_reset() {
    unsafe fn driver(x: *mut Desk) {
        for cpu in 0..3 {
            spawn(x, cpu, waits_and_counts);
        }
        assert_eq!(KeSetEvent(event(x, 1), 0, FALSE), 0);
        join(x, 3);
        assert_eq!(KeReadStateEvent(event(x, 1)), 1);
        assert_eq!(wait(event(x, 1)), STATUS_SUCCESS);
        assert_eq!(KeResetEvent(event(x, 1)), 1);
        assert_eq!(KeResetEvent(event(x, 1)), 0);
        assert_eq!(wait_ms(event(x, 1), 1), STATUS_TIMEOUT);
    }
    everywhere(3, driver);
}

#[test]
fn a_synchronization_event_lets_one_go_per_signal() {
    unsafe fn driver(x: *mut Desk) {
        KeInitializeEvent(event(x, 1), SynchronizationEvent, FALSE);
        for cpu in 0..3 {
            spawn(x, cpu, waits_and_counts);
        }
        for n in 1..=3 {
            KeSetEvent(event(x, 1), 0, FALSE);
            join(x, 1);
            assert_eq!(number(x, 0).get(), n);
        }
        assert_eq!(KeReadStateEvent(event(x, 1)), 0);
    }
    everywhere(3, driver);
}

#[test]
fn an_event_may_be_born_signaled() {
    unsafe fn driver(x: *mut Desk) {
        KeInitializeEvent(event(x, 1), SynchronizationEvent, TRUE);
        assert_eq!(wait(event(x, 1)), STATUS_SUCCESS);
        assert_eq!(wait_ms(event(x, 1), 1), STATUS_TIMEOUT);
    }
    everywhere(1, driver);
}

#[test]
fn a_semaphore_lets_as_many_go_as_it_counts() {
    unsafe fn driver(x: *mut Desk) {
        let semaphore = &raw mut (*x).semaphore;
        KeInitializeSemaphore(semaphore, 1, 3);
        assert_eq!(KeReleaseSemaphore(semaphore, 0, 2, FALSE), 1);
        for _ in 0..3 {
            assert_eq!(wait(semaphore), STATUS_SUCCESS);
        }
        assert_eq!(wait_ms(semaphore, 1), STATUS_TIMEOUT);
    }
    everywhere(2, driver);
}

#[test]
fn a_semaphore_has_a_limit() {
    unsafe fn beyond(x: *mut Desk) {
        KeInitializeSemaphore(&raw mut (*x).semaphore, 1, 2);
        KeReleaseSemaphore(&raw mut (*x).semaphore, 0, 2, FALSE);
    }
    unsafe fn nothing(x: *mut Desk) {
        KeReleaseSemaphore(&raw mut (*x).semaphore, 0, 0, FALSE);
    }
    stops(1, beyond, 0x1E, 0xC000_0047);
    stops(1, nothing, 0x1E, 0xC000_0047);
}

#[test]
fn a_wait_ends_with_its_signal_or_its_time_whichever_comes_first() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            sleep_ms(2);
            KeSetEvent(event(x, 1), 0, FALSE);
        });
        assert_eq!(wait_ms(event(x, 1), 10_000), STATUS_SUCCESS);
        assert_eq!(wait_ms(event(x, 2), 3), STATUS_TIMEOUT);
        join(x, 1);
    }
    everywhere(2, driver);
}

#[test]
fn a_look_without_waiting_is_allowed_at_dispatch_level() {
    unsafe fn driver(x: *mut Desk) {
        let old = KeRaiseIrqlToDpcLevel();
        assert_eq!(wait_ms(event(x, 1), 0), STATUS_TIMEOUT);
        KeSetEvent(event(x, 1), 0, FALSE);
        assert_eq!(wait_ms(event(x, 1), 0), STATUS_SUCCESS);
        KeLowerIrql(old);
    }
    everywhere(2, driver);
}

#[test]
fn waiting_at_dispatch_level_is_refused() {
    unsafe fn for_ever(x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        wait(event(x, 1));
    }
    unsafe fn for_a_time(x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        KeSetEvent(event(x, 1), 0, FALSE);
        wait_ms(event(x, 1), 1);
    }
    stops(1, for_ever, 0xC4, 0x3B);
    stops(1, for_a_time, 0xC4, 0x3B);
}

#[test]
fn signaling_above_dispatch_level_is_refused() {
    unsafe fn driver(x: *mut Desk) {
        KfRaiseIrql(5);
        KeSetEvent(event(x, 1), 0, FALSE);
    }
    stops(1, driver, 0xC4, 0x80);
}

#[test]
fn waiting_for_what_is_no_object_is_refused() {
    unsafe fn uninitialized(x: *mut Desk) {
        wait(&raw mut (*x).pointers);
    }
    unsafe fn elsewhere(_x: *mut Desk) {
        wait(0x1000 as PKEVENT);
    }
    assert_eq!(bug_check(run(1, Execution::Seeded(1), uninitialized)).stop.code, 0x50);
    stops(1, elsewhere, 0x50, 0x1000);
}

unsafe extern "C-unwind" fn counts_slowly(context: PVOID) {
    let x: *mut Desk = context.cast();
    assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert!(!KeGetCurrentThread().is_null());
    sleep_ms(1);
    count(x, 0);
}

unsafe fn object_of(handle: HANDLE) -> PVOID {
    let mut object = null_mut();
    let out = &raw mut object;
    assert_eq!(ObReferenceObjectByHandle(handle, 0, null_mut(), KernelMode, out, null_mut()), STATUS_SUCCESS);
    object
}

#[test]
fn a_thread_can_be_waited_for() {
    unsafe fn driver(x: *mut Desk) {
        let handle = create(x, Some(counts_slowly));
        let object = object_of(handle);
        assert_eq!(ZwClose(handle), STATUS_SUCCESS);
        assert_eq!(wait(object), STATUS_SUCCESS);
        assert_eq!(number(x, 0).get(), 1);
        assert_eq!(wait(object), STATUS_SUCCESS, "an ended thread stays signaled");
        ObDereferenceObject(object);
    }
    everywhere(2, driver);
}

#[test]
fn a_thread_outlives_its_handle_and_object() {
    unsafe fn driver(x: *mut Desk) {
        for _ in 0..4 {
            ZwClose(create(x, Some(counts_slowly_and_tells)));
        }
        for _ in 0..4 {
            wait(&raw mut (*x).semaphore);
        }
    }
    unsafe extern "C-unwind" fn counts_slowly_and_tells(context: PVOID) {
        sleep_ms(1);
        KeReleaseSemaphore(&raw mut (*context.cast::<Desk>()).semaphore, 0, 1, FALSE);
    }
    everywhere(3, driver);
}

#[test]
fn a_handle_is_good_until_it_is_closed() {
    // It may run on without an object: KeGetCurrentThread has none to return then, unlike on Windows.
    unsafe extern "C-unwind" fn sleeps(_context: PVOID) {
        sleep_ms(1);
    }
    unsafe fn driver(x: *mut Desk) {
        let handle = create(x, Some(sleeps));
        assert_eq!(ZwClose(handle), STATUS_SUCCESS);
        assert_eq!(ZwClose(handle), STATUS_INVALID_HANDLE);
        assert_eq!(ZwClose(0x1234 as HANDLE), STATUS_INVALID_HANDLE);
        let mut object = null_mut();
        let out = &raw mut object;
        let status = ObReferenceObjectByHandle(handle, 0, null_mut(), KernelMode, out, null_mut());
        assert_eq!(status, STATUS_INVALID_HANDLE);
    }
    everywhere(2, driver);
}

#[test]
fn a_reference_is_given_back_once() {
    unsafe fn driver(x: *mut Desk) {
        let handle = create(x, Some(counts_slowly));
        let object = object_of(handle);
        wait(object);
        ZwClose(handle);
        ObDereferenceObject(object);
        ObDereferenceObject(object);
    }
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        assert_eq!(bug_check(run(2, execution, driver)).stop.code, 0x50);
    }
}

struct Tells(*mut Desk);

impl Drop for Tells {
    fn drop(&mut self) {
        // SAFETY: the desk lives as long as its machine.
        unsafe { count(self.0, 0) };
    }
}

#[test]
fn a_thread_that_ends_itself_drops_its_locals() {
    unsafe extern "C-unwind" fn ends(context: PVOID) {
        let _local = Tells(context.cast());
        PsTerminateSystemThread(STATUS_SUCCESS);
    }
    unsafe fn driver(x: *mut Desk) {
        let handle = create(x, Some(ends));
        wait(object_of(handle));
        assert_eq!(number(x, 0).get(), 1);
    }
    everywhere(2, driver);
}

#[test]
fn threads_of_one_processor_take_turns() {
    unsafe fn driver(x: *mut Desk) {
        for _ in 0..3 {
            // SAFETY: the desk lives as long as its machine.
            spawn(x, 0, |x| unsafe {
                // Each goes on only when the others have been there too.
                count(x, 0);
                while number(x, 0).get() < 3 {
                    KeStallExecutionProcessor(1);
                }
            });
        }
        join(x, 3);
    }
    everywhere(1, driver);
    let ending = run(2, Execution::Parallel, driver).ending;
    assert!(matches!(ending, Ending::Completed));
}
