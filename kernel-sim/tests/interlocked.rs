//! Interlocked operations and interlocked lists, from every processor at once.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use std::ptr::null_mut;

unsafe fn cell(x: *mut Desk, n: usize) -> PLONG {
    (&raw mut (*x).numbers[n]).cast()
}

#[test]
fn each_operation_answers_what_it_should() {
    unsafe fn driver(x: *mut Desk) {
        let n = cell(x, 0);
        assert_eq!(InterlockedIncrement(n), 1);
        assert_eq!(InterlockedDecrement(n), 0);
        assert_eq!(InterlockedDecrement(n), -1);
        assert_eq!(InterlockedExchange(n, i32::MAX), -1);
        assert_eq!(InterlockedIncrement(n), i32::MIN);
        assert_eq!(InterlockedExchange(n, 5), i32::MIN);
        assert_eq!(InterlockedExchangeAdd(n, 3), 5);
        assert_eq!(InterlockedCompareExchange(n, 1, 7), 8);
        assert_eq!(InterlockedCompareExchange(n, 1, 8), 8);
        assert_eq!(*n, 1);
        assert!(InterlockedExchangePointer(&raw mut (*x).pointers[0], x.cast()).is_null());
        assert_eq!(InterlockedExchangePointer(&raw mut (*x).pointers[0], null_mut()), x.cast());
    }
    everywhere(1, driver);
}

#[test]
fn nothing_is_lost_between_processors() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        on_every_cpu(x, |x| unsafe {
            for _ in 0..50 {
                InterlockedIncrement(cell(x, 0));
                InterlockedExchangeAdd(cell(x, 1), 2);
                let mut seen = *cell(x, 2);
                loop {
                    let old = InterlockedCompareExchange(cell(x, 2), seen + 1, seen);
                    if old == seen {
                        break;
                    }
                    seen = old;
                }
            }
        });
        assert_eq!((*cell(x, 0), *cell(x, 1), *cell(x, 2)), (200, 400, 200));
    }
    everywhere(4, driver);
}

#[repr(C)]
struct Entry {
    link: LIST_ENTRY,
    single: SINGLE_LIST_ENTRY,
}

unsafe fn head(x: *mut Desk) -> PLIST_ENTRY {
    (&raw mut (*x).pointers[0]).cast()
}

unsafe fn single_head(x: *mut Desk) -> PSINGLE_LIST_ENTRY {
    (&raw mut (*x).pointers[2]).cast()
}

#[test]
fn lists_answer_their_neighbours() {
    unsafe fn driver(x: *mut Desk) {
        InitializeListHead(head(x));
        let [a, b, c]: [PLIST_ENTRY; 3] = std::array::from_fn(|_| block::<Entry>().cast());
        let guard = lock(x, 0);
        assert!(ExInterlockedRemoveHeadList(head(x), guard).is_null());
        assert!(ExInterlockedInsertTailList(head(x), b, guard).is_null());
        assert_eq!(ExInterlockedInsertTailList(head(x), c, guard), b);
        assert_eq!(ExInterlockedInsertHeadList(head(x), a, guard), b);
        for entry in [a, b, c, null_mut()] {
            assert_eq!(ExInterlockedRemoveHeadList(head(x), guard), entry);
        }
        let [a, b]: [PSINGLE_LIST_ENTRY; 2] = std::array::from_fn(|_| block::<SINGLE_LIST_ENTRY>());
        assert!(ExInterlockedPopEntryList(single_head(x), guard).is_null());
        assert!(ExInterlockedPushEntryList(single_head(x), a, guard).is_null());
        assert_eq!(ExInterlockedPushEntryList(single_head(x), b, guard), a);
        for entry in [b, a, null_mut()] {
            assert_eq!(ExInterlockedPopEntryList(single_head(x), guard), entry);
        }
        assert_eq!((KeGetCurrentIrql(), KeTestSpinLock(guard)), (PASSIVE_LEVEL, TRUE));
    }
    everywhere(1, driver);
}

#[test]
fn lists_lose_nothing_between_processors() {
    unsafe fn driver(x: *mut Desk) {
        InitializeListHead(head(x));
        // SAFETY: the desk lives as long as its machine.
        on_every_cpu(x, |x| unsafe {
            let level = KfRaiseIrql(4 * (KeGetCurrentProcessorNumber() as KIRQL % 2));
            for _ in 0..10 {
                let entry = block::<Entry>();
                ExInterlockedInsertTailList(head(x), &raw mut (*entry).link, lock(x, 0));
                ExInterlockedPushEntryList(single_head(x), &raw mut (*entry).single, lock(x, 1));
            }
            KeLowerIrql(level);
        });
        for _ in 0..40 {
            assert!(!ExInterlockedRemoveHeadList(head(x), lock(x, 0)).is_null());
            assert!(!ExInterlockedPopEntryList(single_head(x), lock(x, 1)).is_null());
        }
        assert!(ExInterlockedRemoveHeadList(head(x), lock(x, 0)).is_null());
        assert!(ExInterlockedPopEntryList(single_head(x), lock(x, 1)).is_null());
    }
    everywhere(4, driver);
}

#[test]
fn an_operation_on_foreign_memory_is_a_bug_check() {
    unsafe fn driver(_x: *mut Desk) {
        InterlockedIncrement(0x40 as PLONG);
    }
    stops(1, driver, 0x50, 0x40);
}
