//! How long a processor may be kept busy, at once and altogether.

use super::*;
use storport_sim::ddi::StorPortStallExecution;

/// Stalls by a routine of the kernel's.
fn stall_for(us: ULONG) {
    // SAFETY: it takes no pointer.
    unsafe { KeStallExecutionProcessor(us) }
}

/// Stalls by that routine at DISPATCH_LEVEL.
fn kernel_for(us: ULONG) {
    // SAFETY: none of them takes a pointer, and the level is the one before.
    unsafe {
        let irql = KeRaiseIrqlToDpcLevel();
        KeStallExecutionProcessor(us);
        KeLowerIrql(irql);
    }
}

/// Stalls by Storport's routine at DISPATCH_LEVEL.
fn storport_for(us: ULONG) {
    // SAFETY: none of them takes a pointer, and the level is the one before.
    unsafe {
        let irql = KeRaiseIrqlToDpcLevel();
        StorPortStallExecution(us);
        KeLowerIrql(irql);
    }
}

const STALL: &str = "StallAtRaisedIrql";

#[test]
fn each_routine_has_the_limit_of_its_page() {
    is_fine(|_| kernel_for(50));
    is_told(STALL, |_| kernel_for(51));
    is_told(STALL, |_| kernel_for(200_000));
    is_fine(|_| storport_for(999));
    is_told(STALL, |_| storport_for(1_000));
}

#[test]
fn above_a_tenth_of_a_second_storport_stops_by_itself() {
    is_told(STALL, |_| storport_for(100_000));
    assert!(says(STALL, |_| storport_for(100_001)).is_none());
}

#[test]
fn below_dispatch_level_a_processor_may_be_kept_busy() {
    is_fine(|_| stall_for(60_000));
}

unsafe fn inside_a_lock(x: X) {
    let mut irql: KIRQL = 0;
    KeAcquireSpinLock(lock(x, 0), &raw mut irql);
    KeStallExecutionProcessor(51);
    KeReleaseSpinLock(lock(x, 0), irql);
}

unsafe fn too_long_in_a_dpc(x: X) {
    in_dpc(x, |_| stall_for(51));
}

#[test]
fn a_report_shows_the_lock_and_of_one_stall_no_other() {
    let found = is_told(STALL, inside_a_lock);
    assert!(found.what.contains("with a spin lock held"), "{}", found.what);
    assert_eq!(found.earlier.len(), 1, "where the lock was taken: {found:?}");
    let found = is_told(STALL, too_long_in_a_dpc);
    assert!(found.what.contains(" in "), "{}", found.what);
    assert!(found.earlier.is_empty(), "it is the first: {found:?}");
}

/// As often as makes half a second.
const HALF_A_SECOND: u32 = 10_000;

fn often(times: u32) {
    (0..times).for_each(|_| stall_for(50));
}

unsafe fn half_a_second(x: X) {
    in_dpc(x, |_| often(HALF_A_SECOND));
}

unsafe fn more_than_half_a_second(x: X) {
    in_dpc(x, |_| often(HALF_A_SECOND + 1));
}

#[test]
fn a_dpc_may_take_half_a_second_altogether_as_windows_allows() {
    assert!(says(STALL, half_a_second).is_none());
    let found = is_told(STALL, more_than_half_a_second);
    let first = found.earlier.first().expect("the first stall");
    assert!(found.earlier.len() == 1 && first.step < found.now.step, "{found:?}");
}

/// As a thread: its routine began at PASSIVE_LEVEL.
unsafe extern "C-unwind" fn raises_for_a_while_each(x: PVOID) {
    for _ in 0..=HALF_A_SECOND {
        kernel_for(50);
    }
    KeSetEvent(&raw mut (*x.cast::<Desk>()).event, 0, FALSE);
}

unsafe fn in_thread(x: X) {
    let mut handle = null_mut();
    let created = PsCreateSystemThread(
        &raw mut handle,
        0,
        null_mut(),
        null_mut(),
        null_mut(),
        Some(raises_for_a_while_each),
        x.cast(),
    );
    assert_eq!(created, STATUS_SUCCESS);
    ZwClose(handle);
    KeWaitForSingleObject((&raw mut (*x).event).cast(), Executive, KernelMode, FALSE, null_mut());
}

#[test]
fn what_is_lowered_in_between_does_not_add_up() {
    is_fine(in_thread);
}

/// Two DPCs, the second longer than the guidance: its first stall is shown, not that of the other.
unsafe fn two_dpcs(x: X) {
    in_dpc(x, |_| stall_for(10));
    in_dpc(x, |_| (0..3).for_each(|_| stall_for(50)));
}

#[test]
fn the_first_stall_of_a_dpc_is_its_own() {
    let found = is_told("TimeAtRaisedIrql", two_dpcs);
    let [first] = &found.earlier[..] else { panic!("{found:?}") };
    assert!(first.time_ns >= 10_000 && first.time_ns < found.now.time_ns, "{found:?}");
}
