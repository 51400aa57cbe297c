//! The port driver's spin locks, as a miniport takes them.
//!
//! StartIoLock and InterruptLock belong to the adapter. What the miniport takes here counts as held by
//! the driver; what Storport holds around a callback does not, but it is the same lock, so taking it
//! again there is a recursion.

use super::adapter;
use super::hba::Hba;
use crate::ddi::{
    DpcLock, InterruptLock, PSTOR_LOCK_HANDLE, STOR_LOCK_HANDLE, STOR_LOCK_HANDLE__bindgen_ty_1,
    STOR_LOCK_HANDLE__bindgen_ty_1__bindgen_ty_1, STOR_SPINLOCK, StartIoLock,
};
use kernel_sim::ddi::{Cx, PKSPIN_LOCK, PVOID};
use kernel_sim::irql::Irql;
use kernel_sim::system;
use std::ptr::null_mut;

/// The IRQL the locks of a virtual adapter are held at: without an interrupt, InterruptLock has no
/// higher one.
const LEVEL: Irql = Irql::DISPATCH;

fn lock_of(cx: &Cx, hba: &Hba, kind: STOR_SPINLOCK, context: PVOID) -> PKSPIN_LOCK {
    // SAFETY: the adapter's objects live as long as it is known; only addresses are taken.
    unsafe {
        match kind {
            k if k == StartIoLock => &raw mut (*hba.objects).start_io_lock,
            k if k == InterruptLock => &raw mut (*hba.objects).interrupt_lock,
            // StorPortInitializeDpc is not here yet, so no pointer can be that of a live STOR_DPC.
            k if k == DpcLock => cx.bad_pointer(context as usize, "the STOR_DPC (not modelled yet)"),
            _ => cx.bad_pointer(kind as usize, "the STOR_SPINLOCK"),
        }
    }
}

pub(crate) unsafe fn acquire(
    cx: &Cx,
    extension: PVOID,
    kind: STOR_SPINLOCK,
    context: PVOID,
    handle: PSTOR_LOCK_HANDLE,
) {
    let hba = adapter(cx, extension);
    cx.check_output(handle);
    let lock = lock_of(cx, hba, kind, context);
    let before = system::acquire_for_driver(cx, lock, LEVEL);
    let queue = STOR_LOCK_HANDLE__bindgen_ty_1__bindgen_ty_1 { Next: null_mut(), Lock: lock.cast() };
    // SAFETY: found in mapped memory above.
    unsafe {
        *handle = STOR_LOCK_HANDLE {
            Lock: kind,
            Context: STOR_LOCK_HANDLE__bindgen_ty_1 { LockQueue: queue, OldIrql: before.0 },
        };
    }
}

pub(crate) unsafe fn release(cx: &Cx, extension: PVOID, handle: PSTOR_LOCK_HANDLE) {
    let hba = adapter(cx, extension);
    cx.check_output(handle);
    // SAFETY: just found in mapped memory; plain data.
    let handle = unsafe { *handle };
    system::release_for_driver(cx, lock_of(cx, hba, handle.Lock, null_mut()), Irql(handle.Context.OldIrql));
}
