//! Cancellation: one system-wide spin lock, and the routine that runs under it.

use crate::bugcheck::{DRIVER_RETURNED_HOLDING_CANCEL_LOCK, DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER};
use crate::ddi::types::*;
use crate::ddi::{Cx, callback};
use crate::hook::CANCEL;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::sync::lock;
use std::sync::atomic::{AtomicPtr, Ordering::AcqRel};

/// The cancel lock's offset in the machine's memory: in the first page, which the pool never uses.
const CANCEL_LOCK_OFFSET: usize = 64;

impl Machine {
    /// The cancel spin lock.
    pub(crate) fn cancel_lock(&self) -> PKSPIN_LOCK {
        (self.memory.base() + CANCEL_LOCK_OFFSET) as PKSPIN_LOCK
    }

    /// Makes the cancel lock free at power-on, whatever an earlier machine left in the memory.
    pub(crate) fn reset_cancel_lock(&self) {
        // SAFETY: an aligned word of mapped memory that is nobody else's; no processor runs yet.
        unsafe { *self.cancel_lock() = 0 };
    }
}

/// Exchanges the cancel routine, as IoSetCancelRoutine and the I/O manager do.
pub(crate) fn exchange(irp: &mut IRP, routine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
    let field = (&raw mut irp.CancelRoutine).cast::<*mut ()>();
    let new = routine.map_or(std::ptr::null_mut(), |r| r as *mut ());
    // SAFETY: an optional function pointer has the size and null of a pointer, and every access to
    // the field that may race goes through this exchange.
    let old = unsafe { AtomicPtr::from_ptr(field) }.swap(new, AcqRel);
    // SAFETY: only this function stores into the field, and only such pointers.
    unsafe { std::mem::transmute::<*mut (), PDRIVER_CANCEL>(old) }
}

pub(crate) unsafe fn set_routine(cx: &Cx, irp: PIRP, routine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
    exchange(super::irp::object(cx, irp), routine)
}

pub(crate) unsafe fn acquire(cx: &Cx, old: PKIRQL) {
    // SAFETY: the cancel lock is the machine's own; the rest is forwarded from the caller.
    unsafe { lock::acquire(cx, cx.cpu.machine().cancel_lock(), old) }
}

pub(crate) unsafe fn release(cx: &Cx, old: KIRQL) {
    // SAFETY: the cancel lock is the machine's own; the rest is forwarded from the caller.
    unsafe { lock::release(cx, cx.cpu.machine().cancel_lock(), old) }
}

/// Raises to DISPATCH_LEVEL and takes the cancel lock for the I/O manager itself.
pub(crate) fn take(cx: &Cx) -> Irql {
    let before = cx.cpu.irql();
    if before > Irql::DISPATCH {
        cx.bug_check(
            VERIFIER,
            [0xE5, u64::from(before.0), 0, 0],
            format!("{} called at {before}", cx.ddi.name),
        );
    }
    cx.cpu.set_irql(Irql::DISPATCH);
    lock::take_word(cx, lock::word(cx, cx.cpu.machine().cancel_lock()), false);
    before
}

/// Gives it back.
pub(crate) fn give(cx: &Cx, before: Irql) {
    lock::give_word(cx, lock::word(cx, cx.cpu.machine().cancel_lock()));
    cx.cpu.set_irql(before);
}

pub(crate) unsafe fn cancel_irp(cx: &Cx, irp: PIRP) -> BOOLEAN {
    let before = take(cx);
    let i = super::irp::object(cx, irp);
    i.Cancel = TRUE;
    let routine = exchange(i, None);
    if routine.is_none() {
        give(cx, before);
        return FALSE;
    }
    run_routine(cx, routine, irp, before);
    TRUE
}

/// Calls a cancel routine. It is entered with the cancel lock held, which therefore counts as the
/// driver's from here on, and must give it back.
pub(crate) fn run_routine(cx: &Cx, routine: PDRIVER_CANCEL, irp: PIRP, before: Irql) {
    let Some(routine) = routine else { return };
    let i = super::irp::object(cx, irp);
    i.CancelIrql = before.0;
    let machine = cx.cpu.machine();
    let cancel_lock = machine.cancel_lock() as usize;
    // SAFETY: the current location of a live IRP is in its block.
    let device = unsafe { (*crate::ddi::inline::IoGetCurrentIrpStackLocation(irp)).DeviceObject };
    let shown = machine.machine_address(irp as usize);
    callback(cx.cpu, &CANCEL, || {
        cx.cpu.lock_taken(cx.hooks(), cancel_lock, cx.ddi, cx.site, before);
        // SAFETY: the routine is the driver's own, called as documented.
        unsafe { routine(device, irp) };
    });
    if machine.lock_holder(cancel_lock) == Some(cx.cpu.index()) {
        cx.bug_check(
            DRIVER_RETURNED_HOLDING_CANCEL_LOCK,
            [shown, 0, 0, 0],
            "a cancel routine returned with the cancel spin lock held",
        );
    }
}
