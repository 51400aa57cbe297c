//! Waiting for several objects: for one of them, for all of them, and how many there may be.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::OBJECT_MISUSED;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use std::ptr::null_mut;

/// Waits for events `from..to` of the desk.
#[track_caller]
unsafe fn wait_events(x: *mut Desk, from: usize, to: usize, kind: WAIT_TYPE, ms: Option<i64>) -> NTSTATUS {
    let mut objects: [PVOID; 4] = std::array::from_fn(|n| event(x, n).cast());
    let mut time = after_ms(ms.unwrap_or(0));
    let timeout = if ms.is_some() { &raw mut time } else { null_mut() };
    let mut blocks = [const { KWAIT_BLOCK::new() }; 4];
    let objects = objects[from..to].as_mut_ptr();
    let n = (to - from) as ULONG;
    KeWaitForMultipleObjects(n, objects, kind, Executive, KernelMode, FALSE, timeout, blocks.as_mut_ptr())
}

#[test]
fn a_wait_for_any_names_the_object_that_ended_it() {
    unsafe fn driver(x: *mut Desk) {
        for n in 0..4 {
            KeInitializeEvent(event(x, n), SynchronizationEvent, FALSE);
        }
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            KeSetEvent(event(x, 2), 0, FALSE);
        });
        assert_eq!(wait_events(x, 0, 4, WaitAny, None), STATUS_WAIT_0 + 2);
        assert_eq!(KeReadStateEvent(event(x, 2)), 0, "its signal was taken");
        assert_eq!(wait_events(x, 0, 4, WaitAny, Some(1)), STATUS_TIMEOUT);
        KeSetEvent(event(x, 3), 0, FALSE);
        KeSetEvent(event(x, 1), 0, FALSE);
        assert_eq!(wait_events(x, 0, 4, WaitAny, Some(0)), STATUS_WAIT_0 + 1, "the first in the array");
        assert_eq!(KeReadStateEvent(event(x, 3)), 1, "and only that");
        join(x, 1);
    }
    everywhere(2, driver);
}

#[test]
fn a_wait_for_all_takes_nothing_before_it_can_take_everything() {
    unsafe fn driver(x: *mut Desk) {
        for n in 0..3 {
            KeInitializeEvent(event(x, n), SynchronizationEvent, FALSE);
        }
        KeSetEvent(event(x, 0), 0, FALSE);
        assert_eq!(wait_events(x, 0, 3, WaitAll, Some(1)), STATUS_TIMEOUT);
        assert_eq!(KeReadStateEvent(event(x, 0)), 1);
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            KeSetEvent(event(x, 2), 0, FALSE);
            KeSetEvent(event(x, 1), 0, FALSE);
        });
        assert_eq!(wait_events(x, 0, 3, WaitAll, None), STATUS_SUCCESS);
        for n in 0..3 {
            assert_eq!(KeReadStateEvent(event(x, n)), 0, "event {n}");
        }
        join(x, 1);
    }
    everywhere(2, driver);
}

/// Two who want the same two events, in opposite orders: each is signaled twice, so both go on.
#[test]
fn two_waits_for_all_do_not_block_each_other_halfway() {
    unsafe fn driver(x: *mut Desk) {
        for n in 0..2 {
            KeInitializeEvent(event(x, n), SynchronizationEvent, FALSE);
        }
        for cpu in 0..2 {
            // SAFETY: the desk lives as long as its machine.
            spawn(x, cpu, |x| unsafe {
                assert_eq!(wait_events(x, 0, 2, WaitAll, None), STATUS_SUCCESS);
                count(x, 0);
            });
        }
        for round in 1..=2 {
            KeSetEvent(event(x, 0), 0, FALSE);
            KeSetEvent(event(x, 1), 0, FALSE);
            join(x, 1);
            assert_eq!(number(x, 0).get(), round);
        }
    }
    everywhere(3, driver);
}

#[test]
fn one_who_waits_for_more_is_passed_over_by_a_signal_he_cannot_use() {
    unsafe fn driver(x: *mut Desk) {
        for n in 0..2 {
            KeInitializeEvent(event(x, n), SynchronizationEvent, FALSE);
        }
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            assert_eq!(wait_events(x, 0, 2, WaitAll, None), STATUS_SUCCESS);
        });
        sleep_ms(1);
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 0, |x| unsafe {
            assert_eq!(wait(event(x, 0)), STATUS_SUCCESS);
            count(x, 0);
        });
        sleep_ms(1);
        KeSetEvent(event(x, 0), 0, FALSE);
        join(x, 1);
        assert_eq!(number(x, 0).get(), 1);
        KeSetEvent(event(x, 0), 0, FALSE);
        KeSetEvent(event(x, 1), 0, FALSE);
        join(x, 1);
    }
    every_seed(2, driver);
}

#[test]
fn there_are_limits_to_how_many() {
    unsafe fn without_blocks(x: *mut Desk) {
        let mut objects: [PVOID; 4] = std::array::from_fn(|n| event(x, n).cast());
        let objects = objects.as_mut_ptr();
        KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, null_mut(), null_mut());
    }
    unsafe fn too_many(x: *mut Desk) {
        let objects: *mut [PVOID; 65] = block();
        *objects = [event(x, 0).cast(); 65];
        let blocks: *mut [KWAIT_BLOCK; 65] = block();
        KeWaitForMultipleObjects(
            65,
            objects.cast(),
            WaitAny,
            Executive,
            KernelMode,
            FALSE,
            null_mut(),
            blocks.cast(),
        );
    }
    unsafe fn inside_a_dpc_level(x: *mut Desk) {
        let _ = KeRaiseIrqlToDpcLevel();
        wait_events(x, 0, 2, WaitAll, None);
    }
    stops(1, without_blocks, 0x0C, 0);
    stops(1, too_many, 0x0C, 0);
    stops(1, inside_a_dpc_level, 0xC4, 0x3B);
}

#[test]
fn wait_blocks_belong_to_one_wait_for_as_long_as_it_sleeps() {
    unsafe fn wait_a_while(x: *mut Desk, blocks: *mut KWAIT_BLOCK, ms: i64) {
        let mut objects: [PVOID; 4] = std::array::from_fn(|n| event(x, n).cast());
        let objects = objects.as_mut_ptr();
        let mut time = after_ms(ms);
        let timeout = &raw mut time;
        KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, timeout, blocks);
    }
    unsafe fn blocks() -> *mut KWAIT_BLOCK {
        ExAllocatePool2(POOL_FLAG_NON_PAGED, 5 * size_of::<KWAIT_BLOCK>(), 1).cast()
    }
    // Long enough for a busy host, where these are milliseconds of its clock.
    unsafe fn wait_elsewhere(x: *mut Desk, blocks: *mut KWAIT_BLOCK) {
        let (x, blocks) = (x as usize, blocks as usize);
        // SAFETY: the desk and the blocks live as long as their machine.
        let wait = move || unsafe { wait_a_while(x as *mut Desk, blocks as *mut KWAIT_BLOCK, 5000) };
        Machine::current().expect("a machine runs").start_thread(Some(0), wait);
        sleep_ms(100);
    }
    unsafe fn one_after_the_other(x: *mut Desk) {
        let blocks = blocks();
        wait_a_while(x, blocks, 2);
        wait_a_while(x, blocks.add(1), 2);
        ExFreePool(blocks.cast());
    }
    unsafe fn at_one_time(x: *mut Desk) {
        let blocks = blocks();
        wait_elsewhere(x, blocks);
        wait_a_while(x, blocks.add(1), 2);
    }
    unsafe fn freed(x: *mut Desk) {
        let blocks = blocks();
        wait_elsewhere(x, blocks);
        ExFreePool(blocks.cast());
    }
    every_seed(1, one_after_the_other);
    stops(1, at_one_time, OBJECT_MISUSED.code, 0);
    stops(1, freed, OBJECT_MISUSED.code, 0);
}

#[test]
fn a_wait_that_never_ends_is_reported_once() {
    unsafe fn driver(x: *mut Desk) {
        wait_events(x, 0, 3, WaitAll, None);
    }
    let found = deadlock(run(1, Execution::Seeded(1), driver));
    assert_eq!(found.waiters.len(), 1, "{found:?}");
    assert_eq!(found.waiters[0].place.call.map(|ddi| ddi.name), Some("KeWaitForMultipleObjects"));
}
