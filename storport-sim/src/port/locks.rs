//! The port driver's spin locks, as a miniport takes them.
//!
//! StartIoLock and InterruptLock belong to the adapter, DpcLock to a STOR_DPC. What the miniport takes here
//! counts as held by the driver; what Storport holds around a callback does not, but it is the same lock,
//! so taking it again there is a recursion. The order among kinds is documented and not enforced: a wrong
//! one is a deadlock when two processors meet, and a matter for those who check.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use super::dpcs;
use crate::ddi::{
    DpcLevelLock, DpcLock, InterruptLock, PSTOR_LOCK_HANDLE, STOR_LOCK_HANDLE,
    STOR_LOCK_HANDLE__bindgen_ty_1, STOR_LOCK_HANDLE__bindgen_ty_1__bindgen_ty_1, STOR_SPINLOCK,
    STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS, StartIoLock,
    ThreadedDpcLock,
};
use kernel_sim::ddi::{Call, PKSPIN_LOCK, PVOID, ULONG};
use kernel_sim::irql::Irql;
use kernel_sim::unhooked;
use std::mem::offset_of;
use std::ptr::null_mut;

/// The lock of a kind; `None`: InterruptLock, which may be several.
fn lock_of(call: &Call, adapter: &AdapterState, kind: STOR_SPINLOCK, context: PVOID) -> Option<PKSPIN_LOCK> {
    match kind {
        k if k == StartIoLock => {
            // SAFETY: the adapter's objects live as long as it is known; only an address is taken.
            Some(unsafe { &raw mut (*adapter.objects).start_io_lock })
        }
        k if k == InterruptLock => None,
        k if k == DpcLock || k == DpcLevelLock || k == ThreadedDpcLock => {
            Some(dpcs::lock_of(call, adapter, context))
        }
        _ => call.bad_pointer(kind as usize, "the STOR_SPINLOCK"),
    }
}

fn fill(handle: PSTOR_LOCK_HANDLE, kind: STOR_SPINLOCK, lock: PVOID, context: PVOID, before: Irql) {
    let queue = STOR_LOCK_HANDLE__bindgen_ty_1__bindgen_ty_1 { Next: context, Lock: lock };
    // SAFETY: the callers found the handle in mapped memory.
    unsafe {
        *handle = STOR_LOCK_HANDLE {
            Lock: kind,
            Context: STOR_LOCK_HANDLE__bindgen_ty_1 { LockQueue: queue, OldIrql: before.0 },
        };
    }
}

/// The field of a handle that names its lock, which for InterruptLock is the device extension.
fn field_of(handle: PSTOR_LOCK_HANDLE) -> usize {
    (handle as usize).wrapping_add(offset_of!(STOR_LOCK_HANDLE, Context.LockQueue.Lock))
}

/// The level a lock is held at. Half duplex is one lock for HwStorStartIo and the interrupt on Windows, so
/// StartIoLock raises to DIRQL there.
fn level_of(adapter: &AdapterState, kind: STOR_SPINLOCK) -> Irql {
    if kind == StartIoLock && adapter.is_half_duplex() { adapter.interrupt_irql() } else { Irql::DISPATCH }
}

pub(crate) unsafe fn acquire(
    call: &Call,
    extension: PVOID,
    kind: STOR_SPINLOCK,
    context: PVOID,
    handle: PSTOR_LOCK_HANDLE,
) {
    let adapter = adapter(call, extension);
    call.check_output(handle);
    match lock_of(call, adapter, kind, context) {
        Some(lock) => {
            unhooked::begin_lock_handle(call, field_of(handle), lock as usize);
            let before = unhooked::acquire_for_driver(call, lock, level_of(adapter, kind));
            fill(handle, kind, lock.cast(), context, before);
        }
        None => {
            unhooked::begin_lock_handle(call, field_of(handle), extension as usize);
            let before = adapter.acquire_interrupt_lock(call);
            fill(handle, kind, extension, null_mut(), before);
        }
    }
}

/// As StorPortAcquireSpinLock, with a status and two kinds more: DpcLevelLock is a DpcLock for callers that
/// are at DISPATCH_LEVEL already, ThreadedDpcLock one for threaded DPCs, which run at DISPATCH_LEVEL here.
pub(crate) unsafe fn acquire_ex(
    call: &Call,
    extension: PVOID,
    kind: STOR_SPINLOCK,
    context: PVOID,
    handle: PSTOR_LOCK_HANDLE,
) -> ULONG {
    if !(DpcLock..=DpcLevelLock).contains(&kind) || handle.is_null() {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    let irql = call.cpu.irql();
    let fits = match kind {
        k if k == DpcLevelLock => irql == Irql::DISPATCH,
        k if k == InterruptLock => irql <= adapter(call, extension).interrupt_irql(),
        _ => irql <= Irql::DISPATCH,
    };
    if !fits {
        return STOR_STATUS_INVALID_IRQL;
    }
    // SAFETY: the driver's own pointers, which `acquire` checks before it uses them.
    unsafe { acquire(call, extension, kind, context, handle) };
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn release(call: &Call, extension: PVOID, handle: PSTOR_LOCK_HANDLE) {
    let adapter = adapter(call, extension);
    call.check_output(handle);
    let field = field_of(handle);
    // SAFETY: just found in mapped memory; plain data.
    let handle = unsafe { *handle };
    let before = Irql(handle.Context.OldIrql);
    match lock_of(call, adapter, handle.Lock, handle.Context.LockQueue.Next) {
        Some(lock) => {
            unhooked::end_lock_handle(call, field, lock as usize);
            unhooked::release_for_driver(call, lock, before);
        }
        None => {
            unhooked::end_lock_handle(call, field, extension as usize);
            adapter.release_interrupt_lock(call, before);
        }
    }
}
