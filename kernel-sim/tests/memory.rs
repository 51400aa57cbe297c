//! Thousands of machines in one process leave nothing behind.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use std::ptr::null_mut;

/// Resident memory of the process, in pages.
fn resident_pages() -> i64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("the host has no /proc");
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("an unknown format of statm")
}

unsafe fn clean(x: *mut Desk) {
    KeInitializeDpc(dpc(x, 0), Some(counts), x.cast());
    // SAFETY: the desk lives as long as its machine.
    on_every_cpu(x, |x| unsafe {
        let block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 5000, 1);
        let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        KeInsertQueueDpc(dpc(x, 0), null_mut(), null_mut());
        KeReleaseSpinLock(lock(x, 0), old);
        ExFreePool(block);
    });
}

/// Ends with locks held, memory not freed, a timer armed and threads in the middle of things.
unsafe fn buggy(x: *mut Desk) {
    let _local = vec![0_u8; 1000];
    ExAllocatePool2(POOL_FLAG_NON_PAGED, 5000, 1);
    KeSetTimer(timer(x, 0), after_ms(1000), null_mut());
    // SAFETY: the desk lives as long as its machine.
    spawn(x, 1, |x| unsafe {
        let _local = vec![0_u8; 1000];
        wait(event(x, 0));
    });
    sleep_ms(1);
    KeAcquireSpinLockRaiseToDpc(lock(x, 0));
    KeAcquireSpinLockAtDpcLevel(lock(x, 0));
}

fn some(seeds: std::ops::Range<u64>, parallel: u32) {
    for seed in seeds {
        let outcome = if seed % 2 == 0 {
            run(2, Execution::Seeded(seed), clean)
        } else {
            run(2, Execution::Seeded(seed), buggy)
        };
        assert_eq!(matches!(outcome.ending, Ending::Completed), seed % 2 == 0, "{:?}", outcome.ending);
    }
    for n in 0..parallel {
        let driver = if n % 2 == 0 { clean as Driver } else { buggy };
        let outcome = run(2, Execution::Parallel, driver);
        assert_eq!(matches!(outcome.ending, Ending::Completed), n % 2 == 0, "{:?}", outcome.ending);
    }
}

#[test]
fn ten_thousand_machines_leave_resident_memory_as_it_was() {
    const PAGES_MAX: i64 = 4 << 20 >> 12;
    some(0..500, 50);
    let before = resident_pages();
    some(0..10_000, 200);
    let grown = resident_pages() - before;
    assert!(grown < PAGES_MAX, "{grown} pages more than after the first machines");
}
