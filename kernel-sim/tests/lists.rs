//! Look-aside lists, sequenced lists, 64-bit interlocked operations, locked pages.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Look");

unsafe extern "C-unwind" fn own_allocate(kind: POOL_TYPE, bytes: SIZE_T, tag: ULONG) -> PVOID {
    ExAllocatePoolWithTag(kind, bytes + 16, tag)
}

unsafe extern "C-unwind" fn own_free(block: PVOID) {
    ExFreePoolWithTag(block, TAG);
}

#[test]
fn look_aside_lists_give_blocks_and_keep_none() {
    unsafe fn driver(_x: *mut Desk) {
        let machine = Machine::current().unwrap();
        for (allocate, free) in [(None, None), (Some(own_allocate as _), Some(own_free as _))] {
            let list: PNPAGED_LOOKASIDE_LIST = block();
            ExInitializeNPagedLookasideList(list, allocate, free, 0, 48, TAG, 0);
            let blocks: Vec<PVOID> = (0..5).map(|_| ExAllocateFromNPagedLookasideList(list)).collect();
            assert!(blocks.iter().all(|b| !b.is_null()));
            assert_eq!(machine.leaks().len(), 5);
            for block in blocks {
                ExFreeToNPagedLookasideList(list, block);
            }
            ExDeleteNPagedLookasideList(list);
            assert!(machine.leaks().is_empty());
        }
        let list: PPAGED_LOOKASIDE_LIST = block();
        ExInitializePagedLookasideList(list, None, None, 0, 48, TAG, 0);
        let entry = ExAllocateFromPagedLookasideList(list);
        ExFreeToPagedLookasideList(list, entry);
        ExDeletePagedLookasideList(list);
    }
    everywhere(1, driver);
}

#[test]
fn misused_look_aside_lists_stop() {
    unsafe fn twice(_x: *mut Desk) {
        let list: PNPAGED_LOOKASIDE_LIST = block();
        ExInitializeNPagedLookasideList(list, None, None, 0, 48, TAG, 0);
        ExInitializeNPagedLookasideList(list, None, None, 0, 48, TAG, 0);
    }
    unsafe fn never(_x: *mut Desk) {
        ExDeleteNPagedLookasideList(block());
    }
    unsafe fn freed_twice(_x: *mut Desk) {
        let list: PNPAGED_LOOKASIDE_LIST = block();
        ExInitializeNPagedLookasideList(list, None, None, 0, 48, TAG, 0);
        let entry = ExAllocateFromNPagedLookasideList(list);
        ExFreeToNPagedLookasideList(list, entry);
        ExFreeToNPagedLookasideList(list, entry);
    }
    stops(1, twice, 0xC4, 0xCA);
    stops(1, never, 0xC4, 0xCB);
    stops(1, freed_twice, 0xC4, 0x10);
}

/// Every processor pushes its entries and pops as many: none is lost, none comes twice.
#[test]
fn a_sequenced_list_loses_nothing() {
    const EACH: usize = 4;
    unsafe fn worker(x: *mut Desk) {
        let list: PSLIST_HEADER = (*x).pointers[0].cast();
        for _ in 0..EACH {
            ExInterlockedPushEntrySList(list, block(), null_mut());
        }
        for _ in 0..EACH {
            assert!(!ExInterlockedPopEntrySList(list, null_mut()).is_null());
            count(x, 0);
        }
    }
    unsafe fn driver(x: *mut Desk) {
        let list: PSLIST_HEADER = block();
        ExInitializeSListHead(list);
        (*x).pointers[0] = list.cast();
        on_every_cpu(x, worker);
        assert_eq!(number(x, 0).get(), 3 * EACH as u32);
        assert_eq!(ExQueryDepthSList(list), 0);
        assert!(ExInterlockedPopEntrySList(list, null_mut()).is_null());
        let (first, second): (PSLIST_ENTRY, PSLIST_ENTRY) = (block(), block());
        assert!(ExInterlockedPushEntrySList(list, first, null_mut()).is_null());
        assert_eq!(ExInterlockedPushEntrySList(list, second, null_mut()), first);
        assert_eq!(ExQueryDepthSList(list), 2);
        assert_eq!((ExInterlockedFlushSList(list), (*second).Next), (second, first));
        assert!(ExInterlockedFlushSList(list).is_null());
    }
    everywhere(3, driver);
}

#[test]
fn wide_and_bitwise_interlocked_operations_answer_as_documented() {
    unsafe fn driver(_x: *mut Desk) {
        let wide: PLONG64 = block();
        *wide = i64::from(u32::MAX);
        assert_eq!(InterlockedIncrement64(wide), 1 << 32);
        assert_eq!(InterlockedDecrement64(wide), i64::from(u32::MAX));
        assert_eq!(InterlockedExchangeAdd64(wide, 2), i64::from(u32::MAX));
        assert_eq!(InterlockedCompareExchange64(wide, 7, 0), (1 << 32) + 1);
        assert_eq!(InterlockedCompareExchange64(wide, 7, (1 << 32) + 1), (1 << 32) + 1);
        assert_eq!(*wide, 7);
        let bits: PLONG = block();
        *bits = 0b0110;
        assert_eq!((InterlockedAnd(bits, 0b0011), *bits), (0b0110, 0b0010));
        assert_eq!((InterlockedOr(bits, 0b1000), *bits), (0b0010, 0b1010));
        assert_eq!((InterlockedXor(bits, 0b1111), *bits), (0b1010, 0b0101));
        let pointer: *mut PVOID = block();
        assert!(InterlockedCompareExchangePointer(pointer, bits.cast(), null_mut()).is_null());
        assert_eq!(InterlockedCompareExchangePointer(pointer, null_mut(), wide.cast()), bits.cast());
        assert_eq!(*pointer, bits.cast());
    }
    everywhere(1, driver);
}

#[test]
fn locked_pages_can_be_mapped_and_are_unlocked_once() {
    unsafe fn driver(_x: *mut Desk) {
        let buffer: *mut [u8; 64] = block();
        let mdl = IoAllocateMdl(buffer.cast(), 64, FALSE, FALSE, null_mut());
        assert!(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority).is_null());
        MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
        assert_eq!(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer.cast());
        MmUnlockPages(mdl);
        assert!(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority).is_null());
        IoFreeMdl(mdl);
    }
    unsafe fn no_memory(_x: *mut Desk) {
        let mdl = IoAllocateMdl(0x1000 as PVOID, 64, FALSE, FALSE, null_mut());
        MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    }
    unsafe fn twice(_x: *mut Desk) {
        let mdl = IoAllocateMdl(block::<[u8; 64]>().cast(), 64, FALSE, FALSE, null_mut());
        MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
        MmUnlockPages(mdl);
        MmUnlockPages(mdl);
    }
    everywhere(1, driver);
    stops(1, no_memory, 0x1E, 0xC000_0005);
    assert_eq!(stops(1, twice, 0, 0).stop.name, "UNBALANCED_RELEASE");
}
