//! What looks guilty and is not: the false alarms that would make people turn the rule off.

use crate::rig::{Script, X, complete, is_guilty, is_innocent, start_next};
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

unsafe fn wait(event: *mut KEVENT) {
    // SAFETY: a live event; the caller is at PASSIVE_LEVEL.
    unsafe { KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut()) };
}

/// The static rule's known weakness: the lock taken first is given back first.
unsafe fn first_in_first_out(x: X) {
    // SAFETY: `x` is the rig, whose locks outlive the run.
    unsafe {
        let old = KeAcquireSpinLockRaiseToDpc(&raw mut (*x).lock);
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).other);
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).third);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).other);
        KeReleaseSpinLock(&raw mut (*x).third, old);
        start_next(x);
        complete(x);
    }
}

#[test]
fn nested_locks_given_back_in_any_order() {
    is_innocent("first in, first out", Script::of(first_in_first_out));
}

/// Locks of different families, interleaved.
unsafe fn mixed_families(x: X) {
    // SAFETY: `x` is the rig, whose locks outlive the run; the handle lives while its lock is held.
    unsafe {
        let mut handle = std::mem::zeroed();
        let mut cancel = 0;
        IoAcquireCancelSpinLock(&raw mut cancel);
        KeAcquireInStackQueuedSpinLockAtDpcLevel(&raw mut (*x).lock, &raw mut handle);
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).other);
        KeReleaseInStackQueuedSpinLockFromDpcLevel(&raw mut handle);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).other);
        IoReleaseCancelSpinLock(cancel);
        complete(x);
    }
}

#[test]
fn locks_of_several_families_given_back() {
    is_innocent("mixed families", Script::of(mixed_families));
}

/// Still at DISPATCH_LEVEL, but with no lock: legal, and what a DPC does.
unsafe fn raised_only(x: X) {
    // SAFETY: IRQL is restored.
    unsafe {
        let old = KeRaiseIrqlToDpcLevel();
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).lock);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
        start_next(x);
        complete(x);
        KeLowerIrql(old);
    }
}

#[test]
fn a_raised_irql_is_no_lock() {
    is_innocent("raised IRQL", Script::of(raised_only));
}

/// Another processor takes the lock and keeps it until the flag is set.
unsafe fn held_elsewhere(x: X) {
    // SAFETY: the extension outlives the thread, which sets the second event at its end.
    unsafe {
        let at = x as usize;
        Machine::current().unwrap().start_thread(Some(1), move || {
            let x = at as X;
            let old = KeAcquireSpinLockRaiseToDpc(&raw mut (*x).lock);
            KeSetEvent(&raw mut (*x).first_event, 0, FALSE);
            while InterlockedExchangeAdd(&raw mut (*x).flag, 0) == 0 {
                KeStallExecutionProcessor(1);
            }
            KeReleaseSpinLock(&raw mut (*x).lock, old);
            KeSetEvent(&raw mut (*x).second_event, 0, FALSE);
        });
        wait(&raw mut (*x).first_event);
    }
}

unsafe fn let_go_elsewhere(x: X) {
    // SAFETY: `x` is the rig, which outlives the run; a handle lives while its lock is held.
    unsafe {
        InterlockedExchange(&raw mut (*x).flag, 1);
        wait(&raw mut (*x).second_event);
    }
}

unsafe fn another_processor_holds(x: X) {
    // SAFETY: `x` is the rig, which outlives the run.
    unsafe {
        held_elsewhere(x);
        start_next(x);
        complete(x);
        let_go_elsewhere(x);
    }
}

#[test]
fn a_lock_that_another_processor_holds() {
    is_innocent("another processor", Script::of(another_processor_holds));
}

unsafe fn failed_try(x: X) {
    // SAFETY: `x` is the rig, which outlives the run.
    unsafe {
        held_elsewhere(x);
        let old = KeRaiseIrqlToDpcLevel();
        assert_eq!(KeTryToAcquireSpinLockAtDpcLevel(&raw mut (*x).lock), FALSE);
        assert_eq!(KeTestSpinLock(&raw mut (*x).lock), FALSE);
        start_next(x);
        complete(x);
        KeLowerIrql(old);
        let_go_elsewhere(x);
    }
}

#[test]
fn a_try_acquire_that_failed() {
    is_innocent("failed try", Script::of(failed_try));
}

unsafe extern "C-unwind" fn release_then_complete(device: PDEVICE_OBJECT, irp: PIRP) {
    // SAFETY: the I/O manager passes a live device of this driver and an IRP that is the driver's now.
    unsafe {
        IoReleaseCancelSpinLock((*irp).CancelIrql);
        complete((*device).DeviceExtension.cast());
    }
}

unsafe fn cancel(x: X) {
    // SAFETY: the request is the driver's until its cancel routine has it.
    unsafe {
        let irp = (*x).irp;
        IoSetCancelRoutine(irp, Some(release_then_complete));
        assert_eq!(IoCancelIrp(irp), TRUE);
    }
}

#[test]
fn a_cancel_routine_that_gives_the_cancel_lock_back_first() {
    is_innocent("cancel routine", Script { after: Some(start_next), ..Script::of(cancel) });
}

unsafe fn lock_and_unlock(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run.
    unsafe {
        let mut old = 0;
        KeAcquireSpinLock(&raw mut (*x).lock, &raw mut old);
        KeReleaseSpinLock(&raw mut (*x).lock, old);
    }
}

#[test]
fn a_lock_taken_and_given_back_inside_a_completion_routine() {
    let script =
        Script { in_completion: Some(lock_and_unlock), after: Some(start_next), ..Script::of(complete) };
    is_innocent("completion routine", script);
}

/// The counterpart: the completion routine asks for the next packet while it holds the lock.
unsafe fn next_under_lock(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run.
    unsafe {
        let mut old = 0;
        KeAcquireSpinLock(&raw mut (*x).lock, &raw mut old);
        start_next(x);
        KeReleaseSpinLock(&raw mut (*x).lock, old);
    }
}

#[test]
fn a_lock_held_inside_a_completion_routine_is_seen_there() {
    let script = Script { in_completion: Some(next_under_lock), ..Script::of(complete) };
    is_guilty("completion routine", script, |v| {
        let callbacks: Vec<_> = v.now.callbacks.iter().map(|c| c.name).collect();
        assert_eq!(callbacks, ["Dispatch", "IoCompletion"]);
        assert_eq!(v.now.held[0].callback.name, "IoCompletion");
    });
}

/// The routine runs with the interrupt's lock; the call comes after it.
unsafe fn synchronize_then_complete(x: X) {
    unsafe extern "C-unwind" fn nothing(_context: PVOID) -> BOOLEAN {
        TRUE
    }
    // SAFETY: `x` is the rig, whose interrupt outlives the run.
    unsafe {
        KeSynchronizeExecution((*x).interrupt, Some(nothing), x.cast());
        let old = KeAcquireInterruptSpinLock((*x).interrupt);
        KeReleaseInterruptSpinLock((*x).interrupt, old);
        complete(x);
    }
}

#[test]
fn an_interrupt_lock_that_was_given_back() {
    is_innocent("interrupt lock", Script::of(synchronize_then_complete));
}

/// Lists with a lock of their own take and give it within one call.
unsafe fn interlocked_list(x: X) {
    // SAFETY: the list lives on this stack for as long as it is used.
    unsafe {
        let mut head: LIST_ENTRY = std::mem::zeroed();
        let mut entry: LIST_ENTRY = std::mem::zeroed();
        InitializeListHead(&raw mut head);
        ExInterlockedInsertTailList(&raw mut head, &raw mut entry, &raw mut (*x).lock);
        ExInterlockedRemoveHeadList(&raw mut head, &raw mut (*x).lock);
        complete(x);
    }
}

#[test]
fn an_interlocked_list_holds_nothing_afterwards() {
    is_innocent("interlocked list", Script::of(interlocked_list));
}
