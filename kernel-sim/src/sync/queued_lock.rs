//! In-stack queued spin locks: a handle on the caller's stack names the lock and the old IRQL.
//!
//! Waiters are served in the order they came in the deterministic executor. In the parallel one
//! they share the parking lot of ordinary spin locks, which is fair only in the long run: on fewer
//! host cores than processors a strict queue would hand the lock to somebody who is not running.

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::Cx;
use crate::ddi::types::{KLOCK_QUEUE_HANDLE, PKLOCK_QUEUE_HANDLE, PKSPIN_LOCK};
use crate::irql::Irql;
use crate::sync::lock;
use std::ptr::null_mut;

fn handle<'a>(cx: &Cx, handle: PKLOCK_QUEUE_HANDLE) -> &'a mut KLOCK_QUEUE_HANDLE {
    let address = handle as usize;
    if !cx.cpu.is_memory(address, size_of::<KLOCK_QUEUE_HANDLE>()) || !handle.is_aligned() {
        cx.bad_pointer(address, "the KLOCK_QUEUE_HANDLE");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; the caller owns its handle.
    unsafe { &mut *handle }
}

pub(crate) unsafe fn acquire(cx: &Cx, spin_lock: PKSPIN_LOCK, queue: PKLOCK_QUEUE_HANDLE) {
    let before = cx.cpu.irql();
    if before > Irql::DISPATCH {
        let shown = cx.cpu.machine().machine_address(spin_lock as usize);
        cx.bug_check(
            VERIFIER,
            [0x42, u64::from(before.0), shown, 0],
            format!("{} called at {before}", cx.ddi.name),
        );
    }
    cx.cpu.set_irql(Irql::DISPATCH);
    lock::take(cx, spin_lock, before, true);
    let handle = handle(cx, queue);
    handle.LockQueue.Lock = spin_lock;
    handle.OldIrql = before.0;
}

pub(crate) unsafe fn release(cx: &Cx, queue: PKLOCK_QUEUE_HANDLE) {
    let irql = cx.cpu.irql();
    let handle = handle(cx, queue);
    if irql != Irql::DISPATCH {
        let shown = cx.cpu.machine().machine_address(handle.LockQueue.Lock as usize);
        cx.bug_check(
            VERIFIER,
            [0x32, u64::from(irql.0), shown, 0],
            format!("{} called at {irql}", cx.ddi.name),
        );
    }
    let before = handle.OldIrql;
    lock::give(cx, std::mem::replace(&mut handle.LockQueue.Lock, null_mut()));
    cx.cpu.set_irql(Irql(before));
}

pub(crate) unsafe fn acquire_at_dpc_level(cx: &Cx, spin_lock: PKSPIN_LOCK, queue: PKLOCK_QUEUE_HANDLE) {
    lock::check_at_dpc_level(cx, spin_lock, 0x40);
    lock::take(cx, spin_lock, cx.cpu.irql(), true);
    handle(cx, queue).LockQueue.Lock = spin_lock;
}

pub(crate) unsafe fn release_from_dpc_level(cx: &Cx, queue: PKLOCK_QUEUE_HANDLE) {
    let handle = handle(cx, queue);
    lock::check_at_dpc_level(cx, handle.LockQueue.Lock, 0x41);
    lock::give(cx, std::mem::replace(&mut handle.LockQueue.Lock, null_mut()));
}
