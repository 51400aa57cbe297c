//! Pool: what comes out of it, and every way to hand it back wrong.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const TAG: ULONG = u32::from_le_bytes(*b"Test");

unsafe fn pool(bytes: usize) -> *mut u8 {
    ExAllocatePool2(POOL_FLAG_NON_PAGED, bytes, TAG).cast()
}

unsafe fn bytes<'a>(block: *mut u8, n: usize) -> &'a [u8] {
    std::slice::from_raw_parts(block, n)
}

#[test]
fn pool2_is_zeroed_unless_told_otherwise_and_the_old_routine_is_not() {
    unsafe fn driver(_x: *mut Desk) {
        // A few freed blocks are kept out of use; the one that was freed first comes back first.
        let dirty: Vec<_> = (0..9).map(|_| pool(300)).collect();
        for block in &dirty {
            block.write_bytes(7, 300);
            ExFreePool(block.cast());
        }
        let zeroed = pool(300);
        assert_eq!(zeroed, dirty[0], "a freed block is used again");
        assert!(bytes(zeroed, 300).iter().all(|b| *b == 0));
        ExFreePool(zeroed.cast());
        let uninitialized = ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_UNINITIALIZED, 300, TAG);
        let old = ExAllocatePoolWithTag(NonPagedPoolNx, 300, TAG);
        for block in [uninitialized, old] {
            let first = *block.cast::<u8>();
            assert!(first != 0 && bytes(block.cast(), 300).iter().all(|b| *b == first));
            ExFreePoolWithTag(block, TAG);
        }
    }
    everywhere(1, driver);
}

#[test]
fn blocks_do_not_overlap_and_large_ones_are_page_aligned() {
    unsafe fn driver(_x: *mut Desk) {
        // SAFETY: a call with plain numbers.
        let blocks: Vec<_> = (1..40).map(|n| (unsafe { pool(n * 97) }, n * 97)).collect();
        for (n, (block, size)) in blocks.iter().enumerate() {
            block.write_bytes(n as u8, *size);
        }
        for (n, (block, size)) in blocks.iter().enumerate() {
            assert!(bytes(*block, *size).iter().all(|b| *b == n as u8));
            assert!(*size < 4096 || (*block as usize).is_multiple_of(4096));
            ExFreePool(block.cast());
        }
        assert!(Machine::current().unwrap().leaks().is_empty());
    }
    everywhere(2, driver);
}

#[test]
fn an_exhausted_pool_answers_null_and_goes_on() {
    unsafe fn driver(_x: *mut Desk) {
        assert!(pool(600 << 20).is_null());
        assert!(pool(usize::MAX).is_null());
        assert!(ExAllocatePool2(0, 8, TAG).is_null(), "neither paged nor nonpaged");
        assert!(!pool(1).is_null());
    }
    everywhere(1, driver);
}

#[test]
fn what_is_not_freed_is_a_leak() {
    unsafe fn driver(_x: *mut Desk) {
        pool(10);
        ExFreePool(pool(20).cast());
        pool(30);
        let leaks = Machine::current().unwrap().leaks();
        let found: Vec<_> = leaks.iter().map(|l| (l.bytes, l.tag)).collect();
        assert_eq!(found, [(10, TAG), (30, TAG)]);
        assert!(leaks.iter().all(|l| l.site.file().ends_with("pool.rs")));
    }
    everywhere(1, driver);
}

#[test]
fn a_driver_that_leaks_may_not_unload() {
    unsafe extern "C-unwind" fn entry(_: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
        pool(10);
        STATUS_SUCCESS
    }
    unsafe fn driver(_x: *mut Desk) {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(entry)).unwrap();
        machine.unload_driver(driver);
    }
    let check = stops(1, driver, 0xC4, 0x62);
    assert_eq!(check.parameters[3], 1);
    assert!(check.what.contains("10 bytes tagged 'Test'"), "{}", check.what);
}

#[test]
fn bad_allocations_are_refused() {
    unsafe fn nothing(_x: *mut Desk) {
        pool(0);
    }
    unsafe fn paged_at_dispatch(_x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        ExAllocatePool2(POOL_FLAG_PAGED, 8, TAG);
    }
    unsafe fn at_device_level(_x: *mut Desk) {
        KfRaiseIrql(5);
        pool(8);
    }
    for (driver, which) in [(nothing as Driver, 0), (paged_at_dispatch, 1), (at_device_level, 2)] {
        stops(1, driver, 0xC4, which);
    }
}

#[test]
fn bad_frees_are_refused() {
    unsafe fn twice(_x: *mut Desk) {
        let block = pool(8);
        ExFreePool(block.cast());
        ExFreePool(block.cast());
    }
    unsafe fn middle(_x: *mut Desk) {
        ExFreePool(pool(1000).add(64).cast());
    }
    unsafe fn null(_x: *mut Desk) {
        ExFreePool(null_mut());
    }
    unsafe fn somebody_elses(x: *mut Desk) {
        ExFreePool(x.cast());
    }
    for driver in [twice as Driver, middle, null, somebody_elses] {
        stops(1, driver, 0xC4, 0x10);
    }
    unsafe fn paged_at_dispatch(_x: *mut Desk) {
        let block = ExAllocatePool2(POOL_FLAG_PAGED, 8, TAG);
        KeRaiseIrqlToDpcLevel();
        ExFreePool(block);
    }
    unsafe fn at_device_level(_x: *mut Desk) {
        let block = pool(8);
        KfRaiseIrql(5);
        ExFreePool(block.cast());
    }
    stops(1, paged_at_dispatch, 0xC4, 0x11);
    stops(1, at_device_level, 0xC4, 0x12);
    unsafe fn other_tag(_x: *mut Desk) {
        ExFreePoolWithTag(pool(8).cast(), TAG + 1);
    }
    stops(1, other_tag, 0xC2, 0x0A);
}

#[test]
fn a_block_written_past_its_end_is_noticed_when_it_is_freed() {
    unsafe fn driver(_x: *mut Desk) {
        let block = pool(100);
        *block.add(100) = 1;
        ExFreePool(block.cast());
    }
    let check = stops(1, driver, 0xC4, 0x51);
    assert_eq!(check.what, "the block of 100 bytes was written past its end");
}

#[test]
fn a_description_longer_than_all_memory_is_a_bad_pointer() {
    unsafe fn driver(_x: *mut Desk) {
        let mdl = IoAllocateMdl(pool(16).cast(), u32::MAX, FALSE, FALSE, null_mut());
        assert!(MmMapIoSpace(LARGE_INTEGER::new(1 << 32), usize::MAX, MmNonCached).is_null());
        MmBuildMdlForNonPagedPool(mdl);
    }
    let check = bug_check(run(1, Execution::Seeded(1), driver));
    assert_eq!(check.stop.code, 0x50);
}

/// Whether another processor was let go between the lines around each routine that frees.
#[test]
fn others_may_go_before_memory_is_freed() {
    static BETWEEN: AtomicU32 = AtomicU32::new(0);
    static SEEN: AtomicU32 = AtomicU32::new(0);
    /// How each memory is freed: plain code around it, which is no scheduling point by itself.
    unsafe fn freed(n: u32, free: impl FnOnce()) {
        BETWEEN.store(1 << n, SeqCst);
        free();
        BETWEEN.store(0, SeqCst);
    }
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |_| unsafe {
            for _ in 0..40 {
                KeQueryInterruptTime();
                SEEN.fetch_or(BETWEEN.load(SeqCst), SeqCst);
            }
        });
        let block = || ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, 7);
        let (untagged, tagged, irp) = (block(), block(), IoAllocateIrp(1, FALSE));
        let data = block();
        let mdl = IoAllocateMdl(data, 100, FALSE, FALSE, null_mut());
        // SAFETY: each is freed once, by the routine that belongs to it.
        unsafe {
            freed(0, || ExFreePool(untagged));
            freed(1, || ExFreePoolWithTag(tagged, 7));
            freed(2, || IoFreeIrp(irp));
            freed(3, || IoFreeMdl(mdl));
        }
        ExFreePool(data);
        join(x, 1);
    }
    every_seed(2, driver);
    assert_eq!(SEEN.load(SeqCst), 0b1111);
}
