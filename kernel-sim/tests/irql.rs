//! Raising and lowering the IRQL, and the routines that want a certain one.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;

unsafe fn up_and_down(_x: *mut Desk) {
    assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL);
    assert_eq!(KfRaiseIrql(APC_LEVEL), PASSIVE_LEVEL);
    assert_eq!(KeRaiseIrqlToDpcLevel(), APC_LEVEL);
    assert_eq!(KeRaiseIrqlToDpcLevel(), DISPATCH_LEVEL);
    let mut old = 99;
    KeRaiseIrql(HIGH_LEVEL, &raw mut old);
    assert_eq!((old, KeGetCurrentIrql()), (DISPATCH_LEVEL, HIGH_LEVEL));
    for level in [DISPATCH_LEVEL, DISPATCH_LEVEL, APC_LEVEL, PASSIVE_LEVEL] {
        KeLowerIrql(level);
        assert_eq!(KeGetCurrentIrql(), level);
    }
}

#[test]
fn the_irql_goes_up_and_comes_back() {
    everywhere(2, up_and_down);
}

unsafe fn each_its_own(x: *mut Desk) {
    // SAFETY: the desk lives as long as its machine.
    on_every_cpu(x, |_| unsafe {
        let level = DISPATCH_LEVEL + KeGetCurrentProcessorNumber() as KIRQL;
        let old = KfRaiseIrql(level);
        for _ in 0..10 {
            assert_eq!(KeGetCurrentIrql(), level);
            KeStallExecutionProcessor(1);
        }
        KeLowerIrql(old);
    });
}

#[test]
fn every_processor_has_its_own_irql() {
    everywhere(4, each_its_own);
}

#[test]
fn raising_may_not_lower() {
    unsafe fn driver(_x: *mut Desk) {
        KfRaiseIrql(5);
        KfRaiseIrql(DISPATCH_LEVEL);
    }
    let check = stops(1, driver, 0xC4, 0x30);
    assert_eq!(check.parameters, [0x30, 5, 2, 0]);
    assert_eq!(check.now.routine(), Some("KfRaiseIrql"));
}

#[test]
fn there_is_nothing_above_high_level() {
    unsafe fn driver(_x: *mut Desk) {
        KfRaiseIrql(HIGH_LEVEL + 1);
    }
    stops(1, driver, 0xC4, 0x30);
}

#[test]
fn lowering_may_not_raise() {
    unsafe fn driver(_x: *mut Desk) {
        KeLowerIrql(DISPATCH_LEVEL);
    }
    assert_eq!(stops(1, driver, 0xC4, 0x31).parameters, [0x31, 0, 2, 0]);
}

#[test]
fn a_dpc_may_not_go_below_dispatch_level() {
    unsafe extern "C-unwind" fn lowers(_: PKDPC, _: PVOID, _: PVOID, _: PVOID) {
        KeLowerIrql(PASSIVE_LEVEL);
    }
    unsafe fn driver(x: *mut Desk) {
        KeInitializeDpc(dpc(x, 0), Some(lowers), x.cast());
        KeInsertQueueDpc(dpc(x, 0), std::ptr::null_mut(), std::ptr::null_mut());
    }
    assert_eq!(stops(1, driver, 0xC4, 0x31).parameters, [0x31, 2, 0, 1]);
}

#[test]
fn a_release_at_another_level_is_refused() {
    unsafe fn above(x: *mut Desk) {
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        KfRaiseIrql(5);
        KeReleaseSpinLock(lock(x, 0), old);
    }
    unsafe fn below(x: *mut Desk) {
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        KeLowerIrql(APC_LEVEL);
        KeReleaseSpinLock(lock(x, 0), old);
    }
    unsafe fn queued(x: *mut Desk) {
        KeAcquireInStackQueuedSpinLock(lock(x, 0), handle(x, 0));
        KfRaiseIrql(5);
        KeReleaseInStackQueuedSpinLock(handle(x, 0));
    }
    for (driver, level) in [(above as Driver, 5), (below, 1), (queued, 5)] {
        assert_eq!(stops(1, driver, 0xC4, 0x32).parameters[1], level);
    }
}

#[test]
fn a_release_may_not_raise() {
    unsafe fn driver(x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        KeReleaseSpinLock(lock(x, 0), 7);
    }
    stops(1, driver, 0xC4, 0x31);
}

#[test]
fn the_at_dpc_level_routines_want_dispatch_level() {
    unsafe fn acquire(x: *mut Desk) {
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
    }
    unsafe fn try_acquire(x: *mut Desk) {
        let _ = KeTryToAcquireSpinLockAtDpcLevel(lock(x, 0));
    }
    unsafe fn queued(x: *mut Desk) {
        KeAcquireInStackQueuedSpinLockAtDpcLevel(lock(x, 0), handle(x, 0));
    }
    for driver in [acquire as Driver, try_acquire, queued] {
        stops(1, driver, 0xC4, 0x40);
    }
    unsafe fn release(x: *mut Desk) {
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        KeLowerIrql(PASSIVE_LEVEL);
        KeReleaseSpinLockFromDpcLevel(lock(x, 0));
    }
    unsafe fn release_queued(x: *mut Desk) {
        KeAcquireInStackQueuedSpinLock(lock(x, 0), handle(x, 0));
        KeLowerIrql(PASSIVE_LEVEL);
        KeReleaseInStackQueuedSpinLockFromDpcLevel(handle(x, 0));
    }
    for driver in [release as Driver, release_queued] {
        stops(1, driver, 0xC4, 0x41);
    }
}

#[test]
fn the_raising_routines_refuse_device_levels() {
    unsafe fn plain(x: *mut Desk) {
        let mut old = 0;
        KfRaiseIrql(5);
        KeAcquireSpinLock(lock(x, 0), &raw mut old);
    }
    unsafe fn raise_to_dpc(x: *mut Desk) {
        KfRaiseIrql(5);
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
    }
    unsafe fn queued(x: *mut Desk) {
        KfRaiseIrql(5);
        KeAcquireInStackQueuedSpinLock(lock(x, 0), handle(x, 0));
    }
    for driver in [plain as Driver, raise_to_dpc, queued] {
        assert_eq!(stops(1, driver, 0xC4, 0x42).parameters[1], 5);
    }
}

#[test]
fn a_system_thread_returns_as_it_was_called() {
    unsafe extern "C-unwind" fn leaves_raised(_: PVOID) {
        KeRaiseIrqlToDpcLevel();
    }
    unsafe fn driver(x: *mut Desk) {
        create(x, Some(leaves_raised));
        wait(event(x, 0));
    }
    stops(2, driver, 0xC8, 2 << 16);
    let ending = run(2, Execution::Seeded(1), up_and_down).ending;
    assert!(matches!(ending, Ending::Completed));
}
