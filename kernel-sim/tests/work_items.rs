//! Work items: routines at PASSIVE_LEVEL on the machine's worker threads.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use std::ptr::null_mut;

unsafe extern "C-unwind" fn counts_at_passive(_: PDEVICE_OBJECT, context: PVOID) {
    let x: *mut Desk = context.cast();
    assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL);
    sleep_ms(1);
    count(x, 0);
    KeReleaseSemaphore(&raw mut (*x).semaphore, 0, 1, FALSE);
}

unsafe fn queue(x: *mut Desk, item: PIO_WORKITEM, routine: PIO_WORKITEM_ROUTINE) {
    IoQueueWorkItem(item, routine, DelayedWorkQueue, x.cast());
}

#[test]
fn every_item_runs_once() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: an allocation, which touches nothing.
        let items: [PIO_WORKITEM; 6] = std::array::from_fn(|_| unsafe { IoAllocateWorkItem(null_mut()) });
        let old = KeRaiseIrqlToDpcLevel();
        // SAFETY: the desk lives as long as its machine.
        items.iter().for_each(|item| unsafe { queue(x, *item, Some(counts_at_passive)) });
        KeLowerIrql(old);
        for _ in items {
            wait(&raw mut (*x).semaphore);
        }
        assert_eq!(number(x, 0).get(), 6);
        // SAFETY: the desk lives as long as its machine.
        items.iter().for_each(|item| unsafe { IoFreeWorkItem(*item) });
    }
    everywhere(1, driver);
    everywhere(3, driver);
}

#[test]
fn an_item_may_queue_and_free_itself() {
    unsafe extern "C-unwind" fn again(_: PDEVICE_OBJECT, context: PVOID) {
        let x: *mut Desk = context.cast();
        let item: PIO_WORKITEM = (*x).pointers[0].cast();
        if count(x, 0) < 4 {
            return queue(x, item, Some(again));
        }
        IoFreeWorkItem(item);
        KeSetEvent(event(x, 0), 0, FALSE);
    }
    unsafe fn driver(x: *mut Desk) {
        let item = IoAllocateWorkItem(null_mut());
        (*x).pointers[0] = item.cast();
        queue(x, item, Some(again));
        wait(event(x, 0));
    }
    everywhere(2, driver);
}

#[test]
fn a_worker_comes_back_below_dispatch_level() {
    unsafe extern "C-unwind" fn raises(_: PDEVICE_OBJECT, _: PVOID) {
        KeRaiseIrqlToDpcLevel();
    }
    unsafe fn driver(x: *mut Desk) {
        queue(x, IoAllocateWorkItem(null_mut()), Some(raises));
        wait(event(x, 0));
    }
    assert_eq!(stops(1, driver, 0xE1, 0).parameters[1], 2);
}

#[test]
fn a_queued_item_is_not_freed() {
    unsafe fn driver(x: *mut Desk) {
        let item = IoAllocateWorkItem(null_mut());
        KeRaiseIrqlToDpcLevel();
        queue(x, item, Some(counts_at_passive));
        IoFreeWorkItem(item);
    }
    stops(1, driver, 0xE4, 2);
}
