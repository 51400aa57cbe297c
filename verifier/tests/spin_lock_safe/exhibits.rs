//! Every way to hold a spin lock is seen at every call that the rule watches.

use crate::rig::{
    Body, Script, X, complete, is_guilty, is_innocent, line_at, start_next, start_next_by_key, watched,
};
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use verifier::finding::Finding;
use verifier::rules;

unsafe fn inside(x: X) {
    // SAFETY: `x` is the rig, which outlives the run, as the caller promises.
    unsafe {
        if let Some(body) = (*x).inside {
            body(x);
        }
    }
}

unsafe fn spin_lock(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run.
    unsafe {
        let mut old = 0;
        KeAcquireSpinLock(&raw mut (*x).lock, &raw mut old);
        inside(x);
        KeReleaseSpinLock(&raw mut (*x).lock, old);
    }
}

unsafe fn raise_to_dpc(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run.
    unsafe {
        let old = KeAcquireSpinLockRaiseToDpc(&raw mut (*x).lock);
        inside(x);
        KeReleaseSpinLock(&raw mut (*x).lock, old);
    }
}

unsafe fn at_dpc_level(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run.
    unsafe {
        let old = KeRaiseIrqlToDpcLevel();
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).lock);
        inside(x);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
        KeLowerIrql(old);
    }
}

unsafe fn try_to_acquire(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run and is free here.
    unsafe {
        let old = KeRaiseIrqlToDpcLevel();
        assert_eq!(KeTryToAcquireSpinLockAtDpcLevel(&raw mut (*x).lock), TRUE);
        inside(x);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
        KeLowerIrql(old);
    }
}

unsafe fn for_dpc(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run.
    unsafe {
        let old = KeAcquireSpinLockForDpc(&raw mut (*x).lock);
        inside(x);
        KeReleaseSpinLockForDpc(&raw mut (*x).lock, old);
    }
}

unsafe fn queued(x: X) {
    // SAFETY: `x` is the rig, whose lock outlives the run; the handle lives while it is held.
    unsafe {
        let mut handle = std::mem::zeroed();
        KeAcquireInStackQueuedSpinLock(&raw mut (*x).lock, &raw mut handle);
        inside(x);
        KeReleaseInStackQueuedSpinLock(&raw mut handle);
    }
}

unsafe fn queued_at_dpc_level(x: X) {
    // SAFETY: `x` is the rig, which outlives the run; a handle lives while its lock is held.
    unsafe {
        let old = KeRaiseIrqlToDpcLevel();
        let mut handle = std::mem::zeroed();
        KeAcquireInStackQueuedSpinLockAtDpcLevel(&raw mut (*x).lock, &raw mut handle);
        inside(x);
        KeReleaseInStackQueuedSpinLockFromDpcLevel(&raw mut handle);
        KeLowerIrql(old);
    }
}

unsafe fn queued_for_dpc(x: X) {
    // SAFETY: `x` is the rig, which outlives the run; a handle lives while its lock is held.
    unsafe {
        let mut handle = std::mem::zeroed();
        KeAcquireInStackQueuedSpinLockForDpc(&raw mut (*x).lock, &raw mut handle);
        inside(x);
        KeReleaseInStackQueuedSpinLockForDpc(&raw mut handle);
    }
}

unsafe fn interrupt_lock(x: X) {
    // SAFETY: `x` is the rig, whose interrupt outlives the run.
    unsafe {
        let old = KeAcquireInterruptSpinLock((*x).interrupt);
        inside(x);
        KeReleaseInterruptSpinLock((*x).interrupt, old);
    }
}

unsafe fn synchronized(x: X) {
    unsafe extern "C-unwind" fn routine(context: PVOID) -> BOOLEAN {
        // SAFETY: the routine was given `x`, the device extension, as its context.
        unsafe { inside(context.cast()) };
        TRUE
    }
    // SAFETY: `x` is the rig, whose interrupt outlives the run.
    unsafe { KeSynchronizeExecution((*x).interrupt, Some(routine), x.cast()) };
}

unsafe fn cancel_lock(x: X) {
    // SAFETY: no other lock is held.
    unsafe {
        let mut old = 0;
        IoAcquireCancelSpinLock(&raw mut old);
        inside(x);
        IoReleaseCancelSpinLock(old);
    }
}

/// Each takes a lock, does what `inside` says, gives the lock back.
const HOLDS: [(&str, Body); 11] = [
    ("KeAcquireSpinLock", spin_lock),
    ("KeAcquireSpinLockRaiseToDpc", raise_to_dpc),
    ("KeAcquireSpinLockAtDpcLevel", at_dpc_level),
    ("KeTryToAcquireSpinLockAtDpcLevel", try_to_acquire),
    ("KeAcquireSpinLockForDpc", for_dpc),
    ("KeAcquireInStackQueuedSpinLock", queued),
    ("KeAcquireInStackQueuedSpinLockAtDpcLevel", queued_at_dpc_level),
    ("KeAcquireInStackQueuedSpinLockForDpc", queued_for_dpc),
    ("KeAcquireInterruptSpinLock", interrupt_lock),
    ("KeSynchronizeExecution", synchronized),
    ("IoAcquireCancelSpinLock", cancel_lock),
];

fn assert_reported(v: &Finding, call: &str, routine: &str) {
    assert_eq!(v.of.name, "SpinLockSafe");
    assert_eq!(v.now.routine(), Some(call));
    assert_eq!(v.earlier.len(), 1);
    let location = v.now.site.expect("the call has a place");
    assert!(line_at(location).starts_with(call), "{call} is not at {location}");
    let [lock] = &v.now.held[..] else { panic!("{:?}", v.now.held) };
    assert_eq!(lock.routine.name, routine);
    assert!(line_at(lock.site).starts_with(routine), "{routine} is not at {}", lock.site);
    assert_eq!(lock.callback.name, "Dispatch");
    if let Some(now) = v.now.step {
        assert!(lock.step < now);
    }
}

const CALLS: [(&str, Body); 3] = [
    ("IoCompleteRequest", complete),
    ("IoStartNextPacket", start_next),
    ("IoStartNextPacketByKey", start_next_by_key),
];

#[test]
fn every_lock_is_reported_at_every_call() {
    for (routine, hold) in HOLDS {
        for (call, inside) in CALLS {
            let script = Script { inside: Some(inside), ..Script::of(hold) };
            is_guilty(&format!("{call} under {routine}"), script, |v| assert_reported(v, call, routine));
        }
    }
}

#[test]
fn every_lock_given_back_before_the_call_is_innocent() {
    for (routine, hold) in HOLDS {
        for (call, after) in CALLS {
            is_innocent(
                &format!("{call} after {routine}"),
                Script { after: Some(after), ..Script::of(hold) },
            );
        }
    }
}

#[test]
fn nothing_is_reported_with_the_rule_switched_off() {
    for (_, hold) in HOLDS {
        for execution in [Execution::Seeded(1), Execution::Parallel] {
            let script = Script { inside: Some(complete_below_dirql), ..Script::of(hold) };
            assert_eq!(watched(execution, None, script), None);
        }
    }
}

/// IoCompleteRequest above DISPATCH_LEVEL is a bug check, rule or no rule.
unsafe fn complete_below_dirql(x: X) {
    // SAFETY: `x` is the rig, which outlives the run.
    unsafe {
        if KeGetCurrentIrql() <= DISPATCH_LEVEL as KIRQL {
            complete(x);
        }
    }
}

#[test]
fn only_the_extension_of_the_rule_says_that_it_is_one() {
    for (call, inside) in CALLS {
        let script = Script { inside: Some(inside), ..Script::of(raise_to_dpc) };
        is_guilty(call, script, |v| {
            let note = v.note.as_deref().unwrap_or("");
            assert_eq!(note.contains("our extension"), call == "IoStartNextPacketByKey", "{call}: {note}");
        });
    }
}

/// Three locks, of three kinds.
unsafe fn three_locks(x: X) {
    // SAFETY: `x` is the rig, whose locks outlive the run.
    unsafe {
        let mut old = 0;
        IoAcquireCancelSpinLock(&raw mut old);
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).lock);
        let mut handle = std::mem::zeroed();
        KeAcquireInStackQueuedSpinLockAtDpcLevel(&raw mut (*x).other, &raw mut handle);
        complete(x);
        KeReleaseInStackQueuedSpinLockFromDpcLevel(&raw mut handle);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
        IoReleaseCancelSpinLock(old);
    }
}

#[test]
fn every_held_lock_is_named_oldest_first() {
    is_guilty("three locks", Script::of(three_locks), |v| {
        assert!(v.what.contains("3 spin locks"), "{}", v.what);
        let routines: Vec<_> = v.now.held.iter().map(|l| l.routine.name).collect();
        assert_eq!(
            routines,
            [
                "IoAcquireCancelSpinLock",
                "KeAcquireSpinLockAtDpcLevel",
                "KeAcquireInStackQueuedSpinLockAtDpcLevel"
            ]
        );
        assert!(v.now.held.iter().all(|l| line_at(l.site).starts_with(l.routine.name)));
    });
}

/// The first of two locks is given back, the second is still held.
unsafe fn one_of_two_given_back(x: X) {
    // SAFETY: `x` is the rig, whose locks outlive the run.
    unsafe {
        let old = KeAcquireSpinLockRaiseToDpc(&raw mut (*x).lock);
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).other);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
        complete(x);
        KeReleaseSpinLock(&raw mut (*x).other, old);
    }
}

#[test]
fn the_lock_still_held_is_the_one_that_is_named() {
    is_guilty("one of two", Script::of(one_of_two_given_back), |v| {
        assert_reported(v, "IoCompleteRequest", "KeAcquireSpinLockAtDpcLevel");
    });
}

/// Cancels the request from its own dispatch routine.
unsafe fn cancel(x: X) {
    // SAFETY: the request is the driver's.
    unsafe {
        IoSetCancelRoutine((*x).irp, Some(cancel_routine_that_completes_at_once));
        IoCancelIrp((*x).irp);
    }
}

unsafe extern "C-unwind" fn cancel_routine_that_completes_at_once(device: PDEVICE_OBJECT, irp: PIRP) {
    // SAFETY: the I/O manager passes a live device of this driver and an IRP that is the driver's now.
    unsafe {
        complete((*device).DeviceExtension.cast());
        IoReleaseCancelSpinLock((*irp).CancelIrql);
    }
}

#[test]
fn a_cancel_routine_is_entered_with_the_cancel_lock_held() {
    is_guilty("cancel routine", Script::of(cancel), |v| {
        assert_eq!(v.now.routine(), Some("IoCompleteRequest"));
        assert_eq!(v.now.callback().map(|c| c.name), Some("Cancel"));
        let [lock] = &v.now.held[..] else { panic!("{:?}", v.now.held) };
        // The I/O manager took it, inside the driver's call.
        assert_eq!((lock.routine.name, lock.callback.name), ("IoCancelIrp", "Cancel"));
        assert!(line_at(lock.site).starts_with("IoCancelIrp"), "{}", lock.site);
    });
}

/// Takes the lock in a DPC and completes there.
unsafe fn in_dpc(x: X) {
    unsafe extern "C-unwind" fn routine(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
        let x: X = context.cast();
        // SAFETY: the routine was given `x`, the device extension, as its context.
        unsafe {
            KeAcquireSpinLockAtDpcLevel(&raw mut (*x).lock);
            complete(x);
            KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
            KeSetEvent(&raw mut (*x).first_event, 0, FALSE);
        }
    }
    // SAFETY: `x` is the rig, whose DPC and event outlive the run.
    unsafe {
        KeInitializeDpc(&raw mut (*x).dpc, Some(routine), x.cast());
        KeInsertQueueDpc(&raw mut (*x).dpc, std::ptr::null_mut(), std::ptr::null_mut());
        let event = &raw mut (*x).first_event;
        KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, std::ptr::null_mut());
    }
}

#[test]
fn a_dpc_routine_is_named_as_the_place() {
    is_guilty("DPC", Script::of(in_dpc), |v| {
        assert_eq!(v.now.callback().map(|c| c.name), Some("DpcRoutine"));
        assert_eq!(v.now.held[0].callback.name, "DpcRoutine");
    });
}

#[test]
fn without_sites_the_locks_are_counted() {
    let row = rules::find("SpinLockSafe").unwrap();
    let watcher = rules::watcher(row, rules::Sites::Counted);
    let found = watched(Execution::Parallel, watcher, Script::of(three_locks));
    let found: Finding = found.expect("reported");
    assert!(found.what.contains("3 spin locks") && found.earlier.is_empty(), "{found:?}");
    assert_eq!(found.now.routine(), Some("IoCompleteRequest"));
}
