//! Device queues: busy or idle, first in first out or by key.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;

#[repr(C)]
struct Queue {
    queue: KDEVICE_QUEUE,
    entries: [KDEVICE_QUEUE_ENTRY; 6],
}

unsafe fn set_up() -> (PKDEVICE_QUEUE, [PKDEVICE_QUEUE_ENTRY; 6]) {
    let q: *mut Queue = block();
    KeInitializeDeviceQueue(&raw mut (*q).queue);
    KeRaiseIrqlToDpcLevel();
    // SAFETY: a field of a block that is never freed.
    (&raw mut (*q).queue, std::array::from_fn(|n| unsafe { &raw mut (*q).entries[n] }))
}

#[test]
fn the_first_entry_makes_it_busy_and_the_others_wait_in_order() {
    unsafe fn driver(_x: *mut Desk) {
        let (q, e) = set_up();
        assert_eq!(KeInsertDeviceQueue(q, e[0]), FALSE);
        assert_eq!(((*q).Busy, (*e[0]).Inserted), (TRUE, FALSE));
        for entry in &e[1..4] {
            assert_eq!(KeInsertDeviceQueue(q, *entry), TRUE);
        }
        for entry in &e[1..4] {
            assert_eq!(KeRemoveDeviceQueue(q), *entry);
        }
        assert_eq!((*q).Busy, TRUE);
        assert!(KeRemoveDeviceQueue(q).is_null());
        assert_eq!((*q).Busy, FALSE);
        assert_eq!(KeInsertDeviceQueue(q, e[0]), FALSE);
        KeLowerIrql(PASSIVE_LEVEL as KIRQL);
    }
    everywhere(1, driver);
}

#[test]
fn keys_sort_and_equal_keys_keep_their_order() {
    unsafe fn driver(_x: *mut Desk) {
        let (q, e) = set_up();
        KeInsertByKeyDeviceQueue(q, e[0], 99);
        for (entry, key) in [(1, 30), (2, 10), (3, 20), (4, 20), (5, 30)] {
            assert_eq!(KeInsertByKeyDeviceQueue(q, e[entry], key), TRUE);
        }
        assert_eq!(KeRemoveByKeyDeviceQueue(q, 20), e[3], "the first that is not below");
        assert_eq!(KeRemoveByKeyDeviceQueue(q, 25), e[1]);
        assert_eq!(KeRemoveByKeyDeviceQueue(q, 31), e[2], "none above: from the start");
        assert_eq!(KeRemoveDeviceQueue(q), e[4]);
        assert_eq!(KeRemoveByKeyDeviceQueue(q, 0), e[5]);
        assert!(KeRemoveByKeyDeviceQueue(q, 0).is_null());
        KeLowerIrql(PASSIVE_LEVEL as KIRQL);
    }
    everywhere(1, driver);
}

#[test]
fn an_entry_can_be_taken_out_of_the_middle_once() {
    unsafe fn driver(_x: *mut Desk) {
        let (q, e) = set_up();
        for entry in &e[..4] {
            KeInsertDeviceQueue(q, *entry);
        }
        assert_eq!(KeRemoveEntryDeviceQueue(q, e[0]), FALSE, "it only made the queue busy");
        assert_eq!(KeRemoveEntryDeviceQueue(q, e[2]), TRUE);
        assert_eq!(KeRemoveEntryDeviceQueue(q, e[2]), FALSE);
        assert_eq!(KeRemoveDeviceQueue(q), e[1]);
        assert_eq!(KeRemoveDeviceQueue(q), e[3]);
        KeLowerIrql(PASSIVE_LEVEL as KIRQL);
    }
    everywhere(1, driver);
}

#[test]
fn what_is_no_queue_is_refused() {
    unsafe fn driver(x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        KeRemoveDeviceQueue((&raw mut (*x).pointers).cast());
    }
    for execution in [kernel_sim::machine::Execution::Seeded(1), kernel_sim::machine::Execution::Parallel] {
        assert_eq!(bug_check(run(1, execution, driver)).stop.code, 0xD1);
    }
}
