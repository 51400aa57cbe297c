//! The IRQL: what runs at DISPATCH_LEVEL on one processor does not run at once; what runs below can be
//! interrupted.

use super::*;

unsafe extern "C-unwind" fn add_in_dpc(_: PKDPC, x: PVOID, _: PVOID, _: PVOID) {
    add(x.cast());
}

/// Queues a DPC for this processor.
unsafe fn queue_here(x: X) {
    KeInitializeDpc(&raw mut (*x).dpc, Some(add_in_dpc), x.cast());
    KeInsertQueueDpc(&raw mut (*x).dpc, null_mut(), null_mut());
}

unsafe fn raised(x: X) {
    let old = KeRaiseIrqlToDpcLevel();
    queue_here(x);
    add(x);
    KeLowerIrql(old);
    KeFlushQueuedDpcs();
}

unsafe fn not_raised(x: X) {
    queue_here(x);
    add(x);
    KeFlushQueuedDpcs();
}

unsafe fn raised_alone(x: X) {
    let old = KeRaiseIrqlToDpcLevel();
    add(x);
    KeLowerIrql(old);
}

/// Below the level, at it, and below again.
unsafe fn raised_in_between(x: X) {
    add(x);
    raised_alone(x);
    add(x);
    raised_alone(x);
}

unsafe fn add_for_others(x: X) {
    add(x);
    KeSetEvent(&raw mut (*x).event, 0, FALSE);
}

/// What it learns while it is raised it knows when it has lowered the level.
unsafe fn learn_raised(x: X) {
    let mut none = LARGE_INTEGER::new(0);
    loop {
        let old = KeRaiseIrqlToDpcLevel();
        let event = (&raw mut (*x).event).cast();
        let status = KeWaitForSingleObject(event, Executive, KernelMode, FALSE, &raw mut none);
        KeLowerIrql(old);
        if status == STATUS_SUCCESS {
            break;
        }
    }
    add(x);
}

unsafe fn nothing(_: X) {}

#[test]
fn a_thread_that_raises_the_level_is_the_same_thread() {
    is_ordered("a thread that raises and lowers the level", raised_in_between, nothing);
    is_ordered("a thread that learns at raised level", add_for_others, learn_raised);
}

#[test]
fn one_processor_at_dispatch_level_is_in_order() {
    is_ordered("a raised thread and a DPC of its processor", raised, nothing);
    is_race("a thread and a DPC of its processor", not_raised, nothing);
    is_race("raised threads of two processors", raised_alone, raised_alone);
}

#[test]
fn a_report_says_who_the_other_was() {
    let says = |first, second| run(0, first, second).expect("a race").what;
    assert!(says(not_raised, nothing).contains(" at another level, and"));
    assert!(!says(raised_alone, raised_alone).contains("level"));
}
