//! In-stack queued spin locks: a handle on the caller's stack names the lock and the old IRQL.
//!
//! Waiters are served in the order they came in the deterministic executor. In the parallel one they share
//! the parking lot of ordinary spin locks, which is fair only in the long run: on fewer host cores than
//! processors a strict queue would hand the lock to a processor whose host thread is not running.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::Call;
use crate::ddi::types::{KLOCK_QUEUE_HANDLE, PKLOCK_QUEUE_HANDLE, PKSPIN_LOCK};
use crate::irql::Irql;
use crate::lives;
use crate::sync::lock;
use std::ptr::null_mut;

fn handle<'a>(call: &Call, handle: PKLOCK_QUEUE_HANDLE) -> &'a mut KLOCK_QUEUE_HANDLE {
    let address = handle as usize;
    if !call.cpu.is_memory(address, size_of::<KLOCK_QUEUE_HANDLE>()) || !handle.is_aligned() {
        call.bad_pointer(address, "the KLOCK_QUEUE_HANDLE");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; the caller owns its handle.
    unsafe { &mut *handle }
}

pub(crate) unsafe fn acquire(call: &Call, spin_lock: PKSPIN_LOCK, queue: PKLOCK_QUEUE_HANDLE) {
    let before = call.cpu.irql();
    if before > Irql::DISPATCH {
        let shown = call.cpu.machine().machine_address(spin_lock as usize);
        call.bug_check(
            VERIFIER,
            [0x42, u64::from(before.0), shown, 0],
            format!("{} called at {before}", call.ddi.name),
        );
    }
    let handle = handle(call, queue);
    lives::begin_handle(call, lives::field_of(queue as usize), spin_lock as usize);
    call.cpu.set_irql(Irql::DISPATCH);
    lock::take(call, spin_lock, before, true);
    handle.LockQueue.Lock = spin_lock;
    handle.OldIrql = before.0;
}

pub(crate) unsafe fn release(call: &Call, queue: PKLOCK_QUEUE_HANDLE) {
    let irql = call.cpu.irql();
    let handle = handle(call, queue);
    if irql != Irql::DISPATCH {
        let shown = call.cpu.machine().machine_address(handle.LockQueue.Lock as usize);
        call.bug_check(
            VERIFIER,
            [0x32, u64::from(irql.0), shown, 0],
            format!("{} called at {irql}", call.ddi.name),
        );
    }
    let before = handle.OldIrql;
    lives::end_handle(call, lives::field_of(queue as usize), handle.LockQueue.Lock as usize);
    lock::give(call, std::mem::replace(&mut handle.LockQueue.Lock, null_mut()));
    call.cpu.set_irql(Irql(before));
}

pub(crate) unsafe fn acquire_at_dpc_level(call: &Call, spin_lock: PKSPIN_LOCK, queue: PKLOCK_QUEUE_HANDLE) {
    lock::check_at_dpc_level(call, spin_lock, 0x40);
    let handle = handle(call, queue);
    lives::begin_handle(call, lives::field_of(queue as usize), spin_lock as usize);
    lock::take(call, spin_lock, call.cpu.irql(), true);
    handle.LockQueue.Lock = spin_lock;
}

pub(crate) unsafe fn release_from_dpc_level(call: &Call, queue: PKLOCK_QUEUE_HANDLE) {
    let handle = handle(call, queue);
    lock::check_at_dpc_level(call, handle.LockQueue.Lock, 0x41);
    lives::end_handle(call, lives::field_of(queue as usize), handle.LockQueue.Lock as usize);
    lock::give(call, std::mem::replace(&mut handle.LockQueue.Lock, null_mut()));
}
