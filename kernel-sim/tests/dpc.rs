//! Deferred procedure calls: when they run, where, and in which order.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use std::ptr::null_mut;

unsafe fn insert(x: *mut Desk, n: usize, argument: usize) -> bool {
    KeInsertQueueDpc(dpc(x, n), argument as PVOID, null_mut()) != FALSE
}

unsafe fn set_up(x: *mut Desk, routine: PKDEFERRED_ROUTINE) {
    for n in 0..4 {
        KeInitializeDpc(dpc(x, n), routine, x.cast());
    }
}

#[test]
fn at_passive_level_a_dpc_runs_before_the_insert_returns() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        assert!(insert(x, 0, 0));
        assert_eq!(number(x, 0).get(), 1);
        assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
    everywhere(1, driver);
    everywhere(4, driver);
}

#[test]
fn above_it_a_dpc_waits_until_the_irql_falls_and_is_queued_once() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(notes_argument));
        let old = KfRaiseIrql(5);
        assert!(insert(x, 0, 7));
        assert!(!insert(x, 0, 8));
        KeLowerIrql(DISPATCH_LEVEL);
        assert!(!insert(x, 0, 9));
        assert!(noted(x).is_empty());
        KeLowerIrql(old);
        assert_eq!(noted(x), [7]);
    }
    everywhere(2, driver);
}

#[test]
fn releasing_a_lock_lets_dpcs_run() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        insert(x, 0, 0);
        assert_eq!(number(x, 0).get(), 0);
        KeReleaseSpinLock(lock(x, 0), old);
        assert_eq!(number(x, 0).get(), 1);
    }
    everywhere(2, driver);
}

unsafe extern "C-unwind" fn again(dpc: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
    let x: *mut Desk = context.cast();
    if count(x, 0) < 5 {
        assert_eq!(KeInsertQueueDpc(dpc, null_mut(), null_mut()), TRUE);
    }
    note(x, 0);
}

#[test]
fn a_dpc_may_be_queued_again_while_it_runs() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(again));
        insert(x, 0, 0);
        assert_eq!(noted(x).len(), 5);
    }
    everywhere(1, driver);
}

#[test]
fn high_importance_goes_first_the_others_in_order() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(notes_argument));
        KeSetImportanceDpc(dpc(x, 2), HighImportance);
        KeSetImportanceDpc(dpc(x, 1), LowImportance);
        KeSetImportanceDpc(dpc(x, 3), MediumHighImportance);
        let old = KeRaiseIrqlToDpcLevel();
        for n in 0..4 {
            insert(x, n, n);
        }
        KeLowerIrql(old);
        assert_eq!(noted(x), [2, 0, 1, 3]);
    }
    everywhere(1, driver);
}

#[test]
fn a_low_dpc_runs_sooner_or_later() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        KeSetImportanceDpc(dpc(x, 0), LowImportance);
        insert(x, 0, 0);
        wait(event(x, 0));
    }
    everywhere(2, driver);
}

#[test]
fn a_dpc_runs_on_its_target() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        for target in [2, 0, 1] {
            KeSetTargetProcessorDpc(dpc(x, 0), target);
            KeClearEvent(event(x, 0));
            insert(x, 0, 0);
            wait(event(x, 0));
        }
        assert_eq!(noted(x), [2, 0, 1]);
    }
    everywhere(3, driver);
}

#[test]
fn there_is_no_such_target() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        KeSetTargetProcessorDpc(dpc(x, 0), 2);
    }
    assert_eq!(stops(2, driver, 0xC7, 3).parameters[2..], [2, 2]);
}

#[test]
fn a_queued_dpc_can_be_taken_back_once() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        let old = KeRaiseIrqlToDpcLevel();
        insert(x, 0, 0);
        assert_eq!(KeRemoveQueueDpc(dpc(x, 0)), TRUE);
        assert_eq!(KeRemoveQueueDpc(dpc(x, 0)), FALSE);
        KeLowerIrql(old);
        KeFlushQueuedDpcs();
        assert_eq!(number(x, 0).get(), 0);
        assert!(insert(x, 0, 0), "it can be queued again");
    }
    everywhere(2, driver);
}

#[test]
fn flushing_waits_for_the_dpcs_of_every_processor() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        let old = KeRaiseIrqlToDpcLevel();
        for n in 0..4 {
            KeSetTargetProcessorDpc(dpc(x, n), n as CCHAR);
            KeSetImportanceDpc(dpc(x, n), n as KDPC_IMPORTANCE);
            insert(x, n, 0);
        }
        KeLowerIrql(old);
        KeFlushQueuedDpcs();
        assert_eq!(number(x, 0).get(), 4);
        KeFlushQueuedDpcs();
    }
    everywhere(4, driver);
}

#[test]
fn flushing_is_a_wait() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        KeRaiseIrqlToDpcLevel();
        KeFlushQueuedDpcs();
    }
    stops(1, driver, 0xC4, 0x3B);
}

#[test]
fn an_uninitialized_dpc_is_refused() {
    unsafe fn insert_it(x: *mut Desk) {
        insert(x, 0, 0);
    }
    unsafe fn remove_it(x: *mut Desk) {
        KeRemoveQueueDpc(dpc(x, 0));
    }
    stops(1, insert_it, 0xC7, 1);
    stops(1, remove_it, 0xC7, 1);
}

#[test]
fn a_dpc_returns_at_the_level_it_was_called_at() {
    unsafe extern "C-unwind" fn raises(_: PKDPC, _: PVOID, _: PVOID, _: PVOID) {
        KfRaiseIrql(4);
    }
    unsafe extern "C-unwind" fn lowers(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
        let x: *mut Desk = context.cast();
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
        KeReleaseSpinLock(lock(x, 0), PASSIVE_LEVEL);
        // Nothing is switched and nothing drained on top of the routine, although the level says so.
        for _ in 0..20 {
            KeStallExecutionProcessor(1);
            assert_eq!(number(x, 1).get(), 0);
        }
    }
    unsafe fn up(x: *mut Desk) {
        set_up(x, Some(raises));
        insert(x, 0, 0);
    }
    unsafe fn down(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 0, |x| unsafe { number(x, 1).set(1) });
        set_up(x, Some(lowers));
        let old = KeRaiseIrqlToDpcLevel();
        number(x, 1).set(0);
        insert(x, 0, 0);
        KeLowerIrql(old);
    }
    stops(1, up, 0xC8, 4 << 16 | 2 << 8);
    stops(1, down, 0xC8, 2 << 8);
}

#[test]
fn a_dpc_may_not_wait_nor_end_its_thread() {
    unsafe extern "C-unwind" fn waits(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
        wait(event(context.cast(), 1));
    }
    unsafe extern "C-unwind" fn ends(_: PKDPC, _: PVOID, _: PVOID, _: PVOID) {
        PsTerminateSystemThread(STATUS_SUCCESS);
    }
    unsafe fn waiting(x: *mut Desk) {
        set_up(x, Some(waits));
        insert(x, 0, 0);
    }
    unsafe fn ending(x: *mut Desk) {
        set_up(x, Some(ends));
        insert(x, 0, 0);
    }
    stops(1, waiting, 0xB8, 0);
    stops(1, ending, 0xC4, 0xE5);
}

#[test]
fn pool_that_holds_a_queued_dpc_is_not_freed() {
    unsafe fn driver(_x: *mut Desk) {
        let pool: *mut KDPC = ExAllocatePool2(POOL_FLAG_NON_PAGED, 4 * size_of::<KDPC>(), 1).cast();
        KeInitializeDpc(pool.add(3), Some(counts), null_mut());
        KeRaiseIrqlToDpcLevel();
        KeInsertQueueDpc(pool.add(3), null_mut(), null_mut());
        ExFreePool(pool.cast());
    }
    let check = stops(1, driver, 0xC7, 1);
    let [_, dpc, start, end] = check.parameters;
    assert_eq!((dpc - start, end - start), (3 * size_of::<KDPC>() as u64, 4 * size_of::<KDPC>() as u64));
    assert_eq!(check.now.routine(), Some("ExFreePool"));
}

#[test]
fn pool_beside_a_queued_dpc_is() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, Some(counts));
        let pool = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 1);
        let held: *mut KDPC = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KDPC>(), 1).cast();
        KeInitializeDpc(held, Some(counts), x.cast());
        let old = KeRaiseIrqlToDpcLevel();
        insert(x, 0, 0);
        KeInsertQueueDpc(held, null_mut(), null_mut());
        ExFreePool(pool);
        KeLowerIrql(old);
        ExFreePool(held.cast());
    }
    everywhere(1, driver);
}

#[test]
fn a_device_whose_dpc_is_queued_is_not_deleted() {
    unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
        unsafe extern "C-unwind" fn nothing(_: PKDPC, _: PDEVICE_OBJECT, _: PIRP, _: PVOID) {}
        let mut device = null_mut();
        IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
        IoInitializeDpcRequest(device, Some(nothing));
        let old = KeRaiseIrqlToDpcLevel();
        IoRequestDpc(device, null_mut(), null_mut());
        KeRemoveQueueDpc(&raw mut (*device).Dpc);
        IoRequestDpc(device, null_mut(), null_mut());
        IoDeleteDevice(device);
        KeLowerIrql(old);
        STATUS_SUCCESS
    }
    unsafe fn driver(_x: *mut Desk) {
        let _ = kernel_sim::machine::Machine::current().unwrap().load_driver(Some(entry));
    }
    assert_eq!(stops(1, driver, 0xC7, 1).now.routine(), Some("IoDeleteDevice"));
}
