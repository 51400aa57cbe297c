//! Cancellation: one system-wide spin lock, and the routine that runs under it.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::{DRIVER_RETURNED_HOLDING_CANCEL_LOCK, DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER};
use crate::ddi::types::*;
use crate::ddi::{Call, callback};
use crate::frame::{Frame, Item};
use crate::image::Routine as _;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::processor::{Processor, flag};
use crate::routine::Arg;
use crate::routine::CANCEL;
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
        // SAFETY: an aligned word of mapped memory that only the cancel lock uses; no processor runs yet.
        unsafe { *self.cancel_lock() = 0 };
    }
}

/// Exchanges the cancel routine, as IoSetCancelRoutine and the I/O manager do.
pub(crate) fn exchange(irp: &mut IRP, routine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
    Processor::current().meets(std::ptr::from_ref(irp) as usize);
    let field = (&raw mut irp.CancelRoutine).cast::<*mut ()>();
    let new = routine.map_or(std::ptr::null_mut(), |r| r as *mut ());
    // SAFETY: an optional function pointer has the size and null of a pointer, and every access to
    // the field that may race goes through this exchange.
    let old = unsafe { AtomicPtr::from_ptr(field) }.swap(new, AcqRel);
    // SAFETY: only this function stores into the field, and only such pointers.
    unsafe { std::mem::transmute::<*mut (), PDRIVER_CANCEL>(old) }
}

pub(crate) unsafe fn set_routine(call: &Call, irp: PIRP, routine: PDRIVER_CANCEL) -> PDRIVER_CANCEL {
    exchange(super::irp::object(call, irp), routine)
}

pub(crate) unsafe fn acquire(call: &Call, old: PKIRQL) {
    // SAFETY: the cancel lock is the machine's own; `old` is the driver's, and `acquire` checks it.
    unsafe { lock::acquire(call, call.cpu.machine().cancel_lock(), old) }
}

pub(crate) unsafe fn release(call: &Call, old: KIRQL) {
    // SAFETY: the cancel lock is the machine's own; `old` is a level, and `release` checks it.
    unsafe { lock::release(call, call.cpu.machine().cancel_lock(), old) }
}

/// Raises to DISPATCH_LEVEL and takes the cancel lock for the I/O manager itself.
pub(crate) fn take(call: &Call) -> Irql {
    let before = call.cpu.irql();
    if before > Irql::DISPATCH {
        call.bug_check(
            VERIFIER,
            [0xE5, u64::from(before.0), 0, 0],
            format!("{} called at {before}", call.ddi.name),
        );
    }
    call.cpu.set_irql(Irql::DISPATCH);
    lock::take_word(call, lock::word(call, call.cpu.machine().cancel_lock()), false);
    before
}

/// Gives it back.
pub(crate) fn give(call: &Call, before: Irql) {
    lock::give_word(call, lock::word(call, call.cpu.machine().cancel_lock()));
    call.cpu.set_irql(before);
}

pub(crate) unsafe fn cancel_irp(call: &Call, irp: PIRP) -> BOOLEAN {
    let before = take(call);
    let i = super::irp::object(call, irp);
    i.Cancel = TRUE;
    let routine = exchange(i, None);
    if routine.is_none() {
        give(call, before);
        return FALSE;
    }
    run_routine(call, routine, irp, before);
    TRUE
}

/// Calls a cancel routine. It is entered with the cancel lock held, which therefore counts as the
/// driver's from here on, and must give it back.
pub(crate) fn run_routine(call: &Call, routine: PDRIVER_CANCEL, irp: PIRP, before: Irql) {
    let Some(routine) = routine else { return };
    let i = super::irp::object(call, irp);
    i.CancelIrql = before.0;
    let machine = call.cpu.machine();
    let cancel_lock = machine.cancel_lock() as usize;
    // SAFETY: the current location of a live IRP is in its block.
    let device = unsafe { (*crate::ddi::inline::IoGetCurrentIrpStackLocation(irp)).DeviceObject };
    let shown = machine.machine_address(irp as usize);
    let args = [Arg::Pointer(device as usize), Arg::Pointer(irp as usize)];
    let frame = Frame::new(&CANCEL, &args).about(Item::Irp(irp as usize));
    callback(call.cpu, &frame, || {
        call.cpu.lock_taken(call.hooks(), cancel_lock, call.ddi, call.site, before);
        if call.hooks() & flag::EVIDENCE != 0 {
            call.cpu.keep_stack_of_lock(call);
        }
        // SAFETY: the routine is the driver's own, called as documented.
        unsafe { routine.go((device, irp)) };
    });
    if machine.lock_holder(cancel_lock) == Some(call.cpu.index()) {
        call.bug_check_after(
            DRIVER_RETURNED_HOLDING_CANCEL_LOCK,
            [shown, 0, 0, 0],
            "a cancel routine returned with the cancel spin lock held",
            call.cpu.taken_at(cancel_lock),
        );
    }
}
