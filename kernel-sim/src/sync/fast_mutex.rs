//! Fast mutexes and guarded mutexes: locks of threads that are no dispatcher objects and not recursive.
//!
//! A fast mutex is owned at APC_LEVEL, a guarded mutex inside a guarded region; the unsafe forms leave it to
//! the caller to keep APCs away. The two kinds have one structure since Windows 8. A thread that finds one
//! taken waits for the event inside it and tries again, so an owner that asks once more waits for itself, as
//! on Windows. Invariant: `Count` is 1 exactly while no thread owns the mutex.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use super::mutex::check_not_owned;
use super::resource::{has_apcs, me};
use super::wait::{check_may_wait, header, initialize_event};
use crate::bugcheck::{DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER, UNBALANCED_RELEASE};
use crate::ddi::Call;
use crate::ddi::types::{BOOLEAN, FALSE, FAST_MUTEX, PFAST_MUTEX, PVOID, SynchronizationEvent, TRUE};
use crate::irql::Irql;
use std::ptr::null_mut;

/// A mutex behind a driver's pointer: initialized, so that the event in it is one.
fn object<'a>(call: &Call, mutex: PFAST_MUTEX) -> &'a mut FAST_MUTEX {
    call.check_output(mutex);
    // SAFETY: `check_output` found room for it in mapped memory, aligned; any bytes are one.
    let event = unsafe { &raw mut (*mutex).Event };
    header(call, event.cast(), "the fast mutex, which is not initialized");
    // SAFETY: as above; plain data, changed under the kernel lock.
    unsafe { &mut *mutex }
}

pub(crate) unsafe fn initialize(call: &Call, mutex: PFAST_MUTEX) {
    call.check_output(mutex);
    check_not_owned(call, mutex as usize, "initialises a mutex that a thread owns");
    // SAFETY: `check_output` found room for it in mapped memory, aligned; the event is a part of it.
    unsafe {
        initialize_event(call, &raw mut (*mutex).Event, SynchronizationEvent, FALSE);
        ((*mutex).Count, (*mutex).Owner) = (1, null_mut());
        ((*mutex).Contention, (*mutex).OldIrql) = (0, 0);
    }
}

/// Makes the calling thread the owner if there is none.
fn try_to_own(call: &Call, mutex: &mut FAST_MUTEX) -> bool {
    let machine = call.machine();
    let mut kernel = machine.kernel.lock();
    if mutex.Count != 1 {
        return false;
    }
    mutex.Count = 0;
    call.cpu.takes(std::ptr::from_mut(mutex) as usize);
    // A number and not an address, so that memory is the same in every run.
    mutex.Owner = (me(call).number as usize + 1) as PVOID;
    machine.note_taken(call, &mut kernel, std::ptr::from_mut(mutex) as usize);
    true
}

/// Makes the calling thread the owner, as soon as there is no other.
fn own(call: &Call, mutex: PFAST_MUTEX) {
    let mutex = object(call, mutex);
    while !try_to_own(call, mutex) {
        let event = &raw mut mutex.Event as usize;
        check_may_wait(call, event, None);
        let machine = call.machine();
        let kernel = machine.kernel.lock();
        // Given back between the two looks, in the parallel executor.
        if mutex.Count == 1 {
            continue;
        }
        mutex.Contention += 1;
        machine.sleep_on(call, kernel, event, None);
    }
}

/// Takes the ownership from the calling thread.
fn disown(call: &Call, mutex: PFAST_MUTEX) {
    let mutex = object(call, mutex);
    let machine = call.machine();
    let address = std::ptr::from_mut(mutex) as usize;
    let mut kernel = machine.kernel.lock();
    let is_owner = kernel.owned.get(&address).is_some_and(|owned| owned.thread == me(call).number);
    if mutex.Count == 1 || !is_owner {
        drop(kernel);
        let shown = machine.machine_address(address);
        let what =
            format!("{} of {}, which the thread does not own", call.ddi.name, crate::report_address(shown));
        call.bug_check(UNBALANCED_RELEASE, [0, shown, 0, 0], what);
    }
    (mutex.Count, mutex.Owner) = (1, null_mut());
    call.cpu.gives(address);
    machine.forget_owned(&mut kernel, address);
    let event = &raw mut mutex.Event as usize;
    if kernel.waits.get(&event).is_some_and(|threads| !threads.is_empty()) {
        machine.signal(&mut kernel, event);
    }
}

/// Raises the IRQL to APC_LEVEL, from no higher one; returns the old one.
fn raise(call: &Call, mutex: PFAST_MUTEX) -> Irql {
    let irql = call.cpu.irql();
    if irql > Irql::APC {
        let shown = call.machine().machine_address(mutex as usize);
        let what = format!("{} called at {irql}", call.ddi.name);
        call.bug_check(VERIFIER, [0x33, u64::from(irql.0), shown, 0], what);
    }
    call.cpu.set_irql(Irql::APC);
    irql
}

/// The unsafe forms leave it to the caller that no APC comes between.
fn check_no_apcs(call: &Call, check: u64, mutex: PFAST_MUTEX) {
    if has_apcs(call) {
        let shown = call.machine().machine_address(mutex as usize);
        let what = format!("{} with APCs enabled", call.ddi.name);
        call.bug_check(VERIFIER, [check, u64::from(call.cpu.irql().0), 0, shown], what);
    }
}

pub(crate) unsafe fn acquire(call: &Call, mutex: PFAST_MUTEX) {
    let irql = raise(call, mutex);
    own(call, mutex);
    object(call, mutex).OldIrql = u32::from(irql.0);
}

pub(crate) unsafe fn try_to_acquire(call: &Call, mutex: PFAST_MUTEX) -> BOOLEAN {
    let irql = raise(call, mutex);
    let object = object(call, mutex);
    if !try_to_own(call, object) {
        call.cpu.set_irql(irql);
        return FALSE;
    }
    object.OldIrql = u32::from(irql.0);
    TRUE
}

pub(crate) unsafe fn release(call: &Call, mutex: PFAST_MUTEX) {
    let irql = call.cpu.irql();
    if irql != Irql::APC {
        let shown = call.machine().machine_address(mutex as usize);
        let what = format!("{} called at {irql}", call.ddi.name);
        call.bug_check(VERIFIER, [0x34, u64::from(irql.0), 0, shown], what);
    }
    let old = Irql(object(call, mutex).OldIrql as u8);
    disown(call, mutex);
    call.cpu.set_irql(old.min(Irql::APC));
}

pub(crate) unsafe fn acquire_unsafe(call: &Call, mutex: PFAST_MUTEX) {
    check_no_apcs(call, 0x39, mutex);
    own(call, mutex);
}

pub(crate) unsafe fn release_unsafe(call: &Call, mutex: PFAST_MUTEX) {
    check_no_apcs(call, 0x3A, mutex);
    disown(call, mutex);
}

pub(crate) unsafe fn enter_guarded_region(call: &Call) {
    me(call).guarded_regions.update(|n| n + 1);
}

pub(crate) unsafe fn leave_guarded_region(call: &Call) {
    let regions = &me(call).guarded_regions;
    match regions.get().checked_sub(1) {
        Some(n) => regions.set(n),
        None => call.bug_check(VERIFIER, [0x3E, 0, 0, 0], "KeLeaveGuardedRegion in no guarded region"),
    }
}

pub(crate) unsafe fn are_all_apcs_disabled(call: &Call) -> BOOLEAN {
    BOOLEAN::from(me(call).guarded_regions.get() != 0 || call.cpu.irql() >= Irql::APC)
}

pub(crate) unsafe fn acquire_guarded(call: &Call, mutex: PFAST_MUTEX) {
    // SAFETY: it takes no pointer.
    unsafe { enter_guarded_region(call) };
    own(call, mutex);
}

pub(crate) unsafe fn try_to_acquire_guarded(call: &Call, mutex: PFAST_MUTEX) -> BOOLEAN {
    let taken = try_to_own(call, object(call, mutex));
    if taken {
        // SAFETY: it takes no pointer.
        unsafe { enter_guarded_region(call) };
    }
    BOOLEAN::from(taken)
}

pub(crate) unsafe fn release_guarded(call: &Call, mutex: PFAST_MUTEX) {
    disown(call, mutex);
    // SAFETY: it takes no pointer.
    unsafe { leave_guarded_region(call) };
}
