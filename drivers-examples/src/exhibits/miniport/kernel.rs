//! Routines of the kernel that a virtual miniport may call, called as it may not.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::base::{ExecuteAndComplete, MovesBlocks, Register, Ways};
use super::entry::exhibits;
use crate::exhibits::objects::{TAG, free, new, new_event};
use std::mem::zeroed;
use storport_sim::ddi::*;

exhibits! {
    /// Waits in HwStorStartIo.
    waits: starts => Waits;
    /// Looks at an event there.
    looks: starts => Looks;
    /// Completes requests with a spin lock of its own held.
    completes_under_lock: starts => CompletesUnderLock;
    /// Completes requests after it has released its spin lock.
    completes_after_lock: starts => CompletesAfterLock;
    /// Frees a block of pool twice.
    frees_twice: initializes => HwInitializeFreesTwice;
    /// Frees two blocks of pool, which may be at one address.
    frees_each: initializes => HwInitializeFreesEach;
    /// Sets an event twice.
    sets_twice: initializes => HwInitializeSetsTwice;
    /// Sets an event twice, and takes the signal away in between.
    sets_again: initializes => HwInitializeSetsAgain;
    /// Never frees an IRP.
    keeps_irp: initializes => HwInitializeWithIrp;
    /// Frees an IRP that it never sent.
    frees_irp: initializes => HwInitializeWithoutIrp;
    /// Takes a resource outside a critical region.
    outside_region: initializes => HwInitializeOutsideRegion;
    /// Takes a resource inside a critical region.
    inside_region: initializes => HwInitializeInsideRegion;
}

unsafe fn Waits(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let (mut event, mut now): (KEVENT, _) = (zeroed(), LARGE_INTEGER::new(0));
    KeInitializeEvent(&raw mut event, NotificationEvent, FALSE);
    let object = (&raw mut event).cast();
    KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &raw mut now); // Wrong.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn Looks(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut event: KEVENT = zeroed();
    KeInitializeEvent(&raw mut event, NotificationEvent, FALSE);
    KeReadStateEvent(&raw mut event);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn CompletesUnderLock(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut lock: KSPIN_LOCK = 0;
    let irql = KeAcquireSpinLockRaiseToDpc(&raw mut lock);
    ExecuteAndComplete(DeviceExtension, Srb); // Wrong: the lock is held.
    KeReleaseSpinLock(&raw mut lock, irql);
}

unsafe fn CompletesAfterLock(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut lock: KSPIN_LOCK = 0;
    let irql = KeAcquireSpinLockRaiseToDpc(&raw mut lock);
    KeReleaseSpinLock(&raw mut lock, irql);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn NewBlock() -> PVOID {
    ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG)
}

unsafe extern "C-unwind" fn HwInitializeFreesTwice(_DeviceExtension: PVOID) -> BOOLEAN {
    let block = NewBlock();
    if block.is_null() {
        return FALSE;
    }
    ExFreePool(block);
    ExFreePool(block); // Wrong: it is free.
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeFreesEach(_DeviceExtension: PVOID) -> BOOLEAN {
    for _ in 0..2 {
        let block = NewBlock();
        if block.is_null() {
            return FALSE;
        }
        ExFreePool(block);
    }
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeSetsTwice(_DeviceExtension: PVOID) -> BOOLEAN {
    let event = new_event(NotificationEvent);
    if event.is_null() {
        return FALSE;
    }
    KeSetEvent(event, 0, FALSE);
    KeSetEvent(event, 0, FALSE); // Wrong: it is set.
    free(event);
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeSetsAgain(_DeviceExtension: PVOID) -> BOOLEAN {
    let event = new_event(NotificationEvent);
    if event.is_null() {
        return FALSE;
    }
    KeSetEvent(event, 0, FALSE);
    KeClearEvent(event);
    KeSetEvent(event, 0, FALSE);
    free(event);
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeWithIrp(_DeviceExtension: PVOID) -> BOOLEAN {
    BOOLEAN::from(!IoAllocateIrp(1, FALSE).is_null()) // Wrong: nothing has its address.
}

unsafe extern "C-unwind" fn HwInitializeWithoutIrp(_DeviceExtension: PVOID) -> BOOLEAN {
    let Irp = IoAllocateIrp(1, FALSE);
    if Irp.is_null() {
        return FALSE;
    }
    IoFreeIrp(Irp);
    TRUE
}

/// Takes a resource for a moment, if there is memory for one.
unsafe fn TakeResource() {
    let resource: PERESOURCE = new();
    if resource.is_null() {
        return;
    }
    ExInitializeResourceLite(resource);
    ExAcquireResourceSharedLite(resource, TRUE);
    ExReleaseResourceLite(resource);
    ExDeleteResourceLite(resource);
    free(resource);
}

unsafe extern "C-unwind" fn HwInitializeOutsideRegion(_DeviceExtension: PVOID) -> BOOLEAN {
    TakeResource(); // Wrong: the thread can be suspended meanwhile.
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeInsideRegion(_DeviceExtension: PVOID) -> BOOLEAN {
    KeEnterCriticalRegion();
    TakeResource();
    KeLeaveCriticalRegion();
    TRUE
}
