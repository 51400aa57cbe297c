//! Timers and machine time.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[test]
fn machine_time_stands_still_unless_all_wait_or_a_driver_stalls() {
    unsafe fn driver(x: *mut Desk) {
        let start = KeQueryInterruptTime();
        for _ in 0..100 {
            let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
            KeReleaseSpinLock(lock(x, 0), old);
        }
        assert_eq!(KeQueryInterruptTime(), start);
        KeStallExecutionProcessor(7);
        assert_eq!(KeQueryInterruptTime(), start + 70);
        sleep_ms(3);
        assert_eq!(KeQueryInterruptTime(), start + 70 + 30_000);
    }
    every_seed(2, driver);
}

#[test]
fn where_steps_take_time_a_timer_comes_due_while_the_driver_works() {
    unsafe fn driver(x: *mut Desk) {
        KeSetTimer(timer(x, 0), after_ms(1), null_mut());
        let mut locks = 0;
        while KeReadStateTimer(timer(x, 0)) == FALSE {
            // What is no polling: time does not pass for want of anything else.
            let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
            KeReleaseSpinLock(lock(x, 0), old);
            locks += 1;
        }
        // A millisecond of steps of 10 microseconds, three or four of which make a turn.
        assert!((20..100).contains(&locks), "{locks}");
        assert!(KeQueryInterruptTime() >= 10_000);
    }
    for seed in 0..20 {
        let config = Config::new(1, Execution::Seeded(seed)).unwrap().step_ns(10_000);
        completes(&run_config(config, driver), &format!("seed {seed}"));
    }
}

#[test]
fn time_leaps_to_a_timer_while_the_driver_works() {
    /// The DPC of a timer of so many milliseconds runs among so many uses of a lock, or behind them.
    unsafe fn work(x: *mut Desk, ms: i64) -> u32 {
        KeInitializeDpc(dpc(x, 0), Some(notes_number), x.cast());
        KeSetTimer(timer(x, 0), after_ms(ms), dpc(x, 0));
        for _ in 0..200 {
            let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
            KeReleaseSpinLock(lock(x, 0), old);
        }
        let ran = number(x, 0).get();
        wait(timer(x, 0));
        assert!(KeQueryInterruptTime() >= ms as u64 * 10_000);
        ran
    }
    unsafe extern "C-unwind" fn notes_number(_: PKDPC, x: PVOID, _: PVOID, _: PVOID) {
        let number = number(x.cast(), 0);
        number.set(number.get() + 1);
    }
    unsafe fn among(x: *mut Desk) {
        assert_eq!(work(x, 100), 1);
    }
    unsafe fn behind(x: *mut Desk) {
        assert_eq!(work(x, 100), 0);
    }
    /// A time-out of seconds is left alone.
    unsafe fn far(x: *mut Desk) {
        assert_eq!(work(x, 2000), 0);
    }
    for seed in 0..10 {
        let runs: [(u32, Driver); 3] = [(50, among), (0, behind), (50, far)];
        for (every, driver) in runs {
            let config = Config::new(1, Execution::Seeded(seed)).unwrap().timers_every(every);
            completes(&run_config(config, driver), &format!("seed {seed}, every {every} steps"));
        }
    }
}

#[test]
fn the_clocks_agree() {
    unsafe fn driver(_x: *mut Desk) {
        let (mut first, mut second) = (LARGE_INTEGER::new(0), LARGE_INTEGER::new(0));
        KeQuerySystemTime(&raw mut first);
        let before = KeQueryInterruptTime();
        sleep_ms(2);
        KeQuerySystemTime(&raw mut second);
        let after = KeQueryInterruptTime();
        assert_eq!(second.QuadPart() - first.QuadPart(), (after - before) as i64);
        let mut frequency = LARGE_INTEGER::new(0);
        let counter = KeQueryPerformanceCounter(&raw mut frequency);
        assert_eq!((counter.QuadPart() as u64, frequency.QuadPart()), (after, 10_000_000));
    }
    every_seed(1, driver);
}

#[test]
fn sleeping_takes_at_least_its_time() {
    unsafe fn driver(_x: *mut Desk) {
        let start = KeQueryInterruptTime();
        sleep_ms(2);
        assert!(KeQueryInterruptTime() >= start + 20_000);
    }
    everywhere(2, driver);
}

#[test]
fn a_timer_expires_once_and_stays_signaled() {
    unsafe fn driver(x: *mut Desk) {
        assert_eq!(KeSetTimer(timer(x, 0), after_ms(2), null_mut()), FALSE);
        assert_eq!(KeReadStateTimer(timer(x, 0)), FALSE);
        assert_eq!(wait(timer(x, 0)), STATUS_SUCCESS);
        assert_eq!(wait(timer(x, 0)), STATUS_SUCCESS);
        assert_eq!(KeReadStateTimer(timer(x, 0)), TRUE);
        assert_eq!(KeCancelTimer(timer(x, 0)), FALSE, "it is no longer armed");
    }
    everywhere(2, driver);
}

#[test]
fn a_synchronization_timer_lets_one_wait_go() {
    unsafe fn driver(x: *mut Desk) {
        KeInitializeTimerEx(timer(x, 0), SynchronizationTimer);
        KeSetTimer(timer(x, 0), after_ms(1), null_mut());
        assert_eq!(wait(timer(x, 0)), STATUS_SUCCESS);
        assert_eq!(wait_ms(timer(x, 0), 1), STATUS_TIMEOUT);
    }
    everywhere(2, driver);
}

#[test]
fn a_cancelled_timer_does_not_expire() {
    unsafe fn driver(x: *mut Desk) {
        KeInitializeDpc(dpc(x, 0), Some(counts), x.cast());
        KeSetTimer(timer(x, 0), after_ms(500), dpc(x, 0));
        assert_eq!(KeCancelTimer(timer(x, 0)), TRUE);
        assert_eq!(KeCancelTimer(timer(x, 0)), FALSE);
        assert_eq!(wait_ms(timer(x, 0), 2), STATUS_TIMEOUT);
        assert_eq!(number(x, 0).get(), 0);
    }
    everywhere(1, driver);
}

#[test]
fn arming_again_takes_the_first_time_back() {
    unsafe fn driver(x: *mut Desk) {
        let start = KeQueryInterruptTime();
        KeSetTimer(timer(x, 0), after_ms(50), null_mut());
        assert_eq!(KeSetTimer(timer(x, 0), after_ms(5), null_mut()), TRUE);
        wait(timer(x, 0));
        assert_eq!(KeQueryInterruptTime(), start + 50_000);
        assert_eq!(KeSetTimer(timer(x, 0), after_ms(1), null_mut()), FALSE);
        assert_eq!(KeReadStateTimer(timer(x, 0)), FALSE, "arming takes the signal away");
        wait(timer(x, 0));
    }
    every_seed(2, driver);
}

#[test]
fn an_absolute_due_time_is_system_time() {
    unsafe fn driver(x: *mut Desk) {
        let mut now = LARGE_INTEGER::new(0);
        let start = KeQueryInterruptTime();
        KeQuerySystemTime(&raw mut now);
        KeSetTimer(timer(x, 0), LARGE_INTEGER::new(now.QuadPart() + 1234), null_mut());
        wait(timer(x, 0));
        assert_eq!(KeQueryInterruptTime(), start + 1234);
        KeSetTimer(timer(x, 0), LARGE_INTEGER::new(1), null_mut());
        wait(timer(x, 0));
        assert_eq!(KeQueryInterruptTime(), start + 1234, "a time that has passed is due at once");
    }
    every_seed(1, driver);
}

/// Arms a timer on processor 1, waits for its DPC, and returns where that ran.
unsafe fn dpc_of_timer_armed_on_1(x: *mut Desk) -> u32 {
    KeClearEvent(event(x, 0));
    // SAFETY: the desk lives as long as its machine.
    spawn(x, 1, |x| unsafe {
        KeSetTimer(timer(x, 0), after_ms(1), dpc(x, 0));
    });
    wait(event(x, 0));
    join(x, 1);
    *noted(x).last().expect("the DPC noted its processor")
}

#[test]
fn a_timer_queues_its_dpc_on_the_target_processor() {
    unsafe fn driver(x: *mut Desk) {
        KeInitializeDpc(dpc(x, 0), Some(counts), x.cast());
        for target in [0, 1, 2] {
            KeSetTargetProcessorDpc(dpc(x, 0), target as CCHAR);
            assert_eq!(dpc_of_timer_armed_on_1(x), target);
        }
    }
    everywhere(3, driver);
}

#[test]
fn a_dpc_without_target_runs_on_any_processor_when_its_timer_expires() {
    static RAN_ON: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
    unsafe fn driver(x: *mut Desk) {
        KeInitializeDpc(dpc(x, 0), Some(counts), x.cast());
        RAN_ON[dpc_of_timer_armed_on_1(x) as usize].fetch_add(1, Relaxed);
    }
    every_seed(3, driver);
    assert!(RAN_ON.iter().all(|ran| ran.load(Relaxed) != 0), "{RAN_ON:?}");
}

#[test]
fn a_periodic_timer_goes_on_until_it_is_cancelled() {
    unsafe extern "C-unwind" fn thrice(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
        let x: *mut Desk = context.cast();
        if count(x, 0) == 3 {
            assert_eq!(KeCancelTimer(timer(x, 0)), TRUE);
            KeSetEvent(event(x, 0), 0, FALSE);
        }
    }
    unsafe fn driver(x: *mut Desk) {
        let start = KeQueryInterruptTime();
        KeInitializeDpc(dpc(x, 0), Some(thrice), x.cast());
        KeSetTimerEx(timer(x, 0), after_ms(1), 2, dpc(x, 0));
        wait(event(x, 0));
        assert!(KeQueryInterruptTime() >= start + 50_000);
        sleep_ms(10);
        assert_eq!(number(x, 0).get(), 3);
    }
    every_seed(2, driver);
}

#[test]
fn timers_expire_in_the_order_they_are_due() {
    unsafe fn driver(x: *mut Desk) {
        for (n, ms) in [3, 1, 2].into_iter().enumerate() {
            KeSetTimer(timer(x, n), after_ms(ms), null_mut());
        }
        wait(timer(x, 1));
        assert_eq!((KeReadStateTimer(timer(x, 0)), KeReadStateTimer(timer(x, 2))), (FALSE, FALSE));
        wait(timer(x, 2));
        assert_eq!(KeReadStateTimer(timer(x, 0)), FALSE);
        wait(timer(x, 0));
    }
    every_seed(2, driver);
}

#[test]
fn an_uninitialized_timer_is_refused() {
    unsafe fn driver(_x: *mut Desk) {
        let pool: *mut KTIMER = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KTIMER>(), 1).cast();
        KeSetTimer(pool, after_ms(1), null_mut());
    }
    stops(1, driver, 0xC7, 0);
}

#[test]
fn pool_that_holds_an_armed_timer_is_not_freed() {
    unsafe fn driver(_x: *mut Desk) {
        let pool: *mut KTIMER = ExAllocatePool2(POOL_FLAG_NON_PAGED, 2 * size_of::<KTIMER>(), 1).cast();
        KeInitializeTimer(pool.add(1));
        KeSetTimer(pool.add(1), after_ms(1000), null_mut());
        ExFreePoolWithTag(pool.cast(), 1);
    }
    let check = stops(1, driver, 0xC4, 0x15);
    assert_eq!(check.parameters[1] - check.parameters[3], size_of::<KTIMER>() as u64);
}

#[test]
fn pool_whose_timer_was_cancelled_is() {
    unsafe fn driver(x: *mut Desk) {
        let pool: *mut KTIMER = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KTIMER>(), 1).cast();
        KeInitializeTimer(pool);
        KeSetTimer(timer(x, 0), after_ms(1000), null_mut());
        KeSetTimer(pool, after_ms(1000), null_mut());
        KeCancelTimer(pool);
        ExFreePool(pool.cast());
    }
    everywhere(1, driver);
}

#[test]
fn an_armed_timer_that_is_overwritten_is_found_when_it_expires() {
    unsafe fn the_timer(x: *mut Desk) {
        KeSetTimer(timer(x, 0), after_ms(1), null_mut());
        timer(x, 0).write_bytes(0x5A, 1);
        sleep_ms(5);
    }
    unsafe fn its_dpc(x: *mut Desk) {
        KeInitializeDpc(dpc(x, 0), Some(counts), x.cast());
        KeSetTimer(timer(x, 0), after_ms(1), dpc(x, 0));
        dpc(x, 0).write_bytes(0, 1);
        sleep_ms(5);
    }
    unsafe fn the_pointer_to_its_dpc(x: *mut Desk) {
        KeInitializeDpc(dpc(x, 0), Some(counts), x.cast());
        KeSetTimer(timer(x, 0), after_ms(1), dpc(x, 0));
        (*timer(x, 0)).Dpc = std::ptr::dangling_mut::<KDPC>().wrapping_byte_add(1);
        sleep_ms(5);
    }
    stops(2, the_timer, 0xC7, 0);
    stops(2, its_dpc, 0xC7, 1);
    stops(2, the_pointer_to_its_dpc, 0xC7, 1);
}

#[test]
fn sleeping_at_dispatch_level_is_refused() {
    unsafe fn driver(_x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        sleep_ms(1);
    }
    stops(1, driver, 0xC4, 0x3B);
}

#[test]
fn a_driver_that_is_unloaded_with_a_timer_armed_is_told_where_it_armed_it() {
    unsafe extern "C-unwind" fn arms(_driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
        let timer: PKTIMER = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KTIMER>(), 7).cast();
        KeInitializeTimer(timer);
        KeSetTimer(timer, after_ms(1000), null_mut());
        STATUS_SUCCESS
    }
    unsafe fn driver(_x: *mut Desk) {
        let machine = Machine::current().expect("on a machine");
        machine.unload_driver(machine.load_driver(Some(arms)).expect("it loads"));
    }
    let check = stops(1, driver, 0xCE, 0);
    assert_eq!(check.what, "the driver is unloaded, and a timer that it armed is still armed");
    let [armed] = &check.earlier[..] else { panic!("{check:?}") };
    assert_eq!((&*armed.label, armed.routine()), ("armed", Some("KeSetTimer")));
    assert!(armed.site.is_some_and(|site| site.file().ends_with("timer.rs")));
}
