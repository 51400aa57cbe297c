//! Events: set twice, set for a wait, initialized where there is no memory.

use super::*;

unsafe fn set(x: X, wait: BOOLEAN) {
    KeSetEvent(&raw mut (*x).event, 0, wait);
}

unsafe fn set_twice(x: X) {
    set(x, FALSE);
    set(x, FALSE);
}

unsafe fn set_twice_in_dpc(x: X) {
    in_dpc(x, set_twice);
}

unsafe fn set_in_each_of_two_dpcs(x: X) {
    for _ in 0..2 {
        // SAFETY: the desk is what it was called with.
        in_dpc(x, |x| unsafe { set(x, FALSE) });
    }
}

#[test]
fn an_event_is_set_twice_in_one_callback_only() {
    is_told("DoubleKeSetEvent", set_twice_in_dpc);
    is_fine(set_twice);
    is_fine(set_in_each_of_two_dpcs);
}

unsafe fn set_raised(x: X) {
    let irql = KeRaiseIrqlToDpcLevel();
    set(x, FALSE);
    KeLowerIrql(irql);
}

unsafe fn set_raised_for_wait(x: X) {
    let irql = KeRaiseIrqlToDpcLevel();
    set(x, TRUE);
    KeLowerIrql(irql);
}

unsafe fn set_too_high(x: X) {
    let mut irql: KIRQL = 0;
    KeRaiseIrql(5, &raw mut irql);
    set(x, FALSE);
    KeLowerIrql(irql);
}

#[test]
fn at_dispatch_level_no_wait_is_to_follow() {
    is_fine(set_raised);
    let found = is_told("IrqlKeSetEvent", set_raised_for_wait);
    assert!(found.what.contains("with Wait TRUE"), "{}", found.what);
    let found = is_told("IrqlKeSetEvent", set_too_high);
    assert!(found.what.ends_with("its page allows DISPATCH_LEVEL at most"), "{}", found.what);
}

/// Asks for memory with flags that name no pool, so that there is none.
unsafe fn no_memory() -> PKEVENT {
    ExAllocatePool2(0, size_of::<KEVENT>(), u32::from_le_bytes(*b"Rule")).cast()
}

unsafe fn unchecked(_: X) {
    KeInitializeEvent(no_memory(), NotificationEvent, FALSE);
}

unsafe fn unchecked_in_dpc(x: X) {
    in_dpc(x, unchecked);
}

/// The second DPC knows of the NULL from elsewhere.
unsafe fn in_another_dpc(x: X) {
    let get: Program = |_| {
        // SAFETY: it takes no pointer.
        unsafe { no_memory() };
    };
    let initialize: Program = |_| {
        // SAFETY: that is the mistake.
        unsafe { KeInitializeEvent(null_mut(), NotificationEvent, FALSE) };
    };
    // One call after the other, from one place: so their frames lie at one address.
    for body in [get, initialize] {
        in_dpc(x, body);
    }
}

#[test]
fn a_null_pointer_is_one_that_the_same_callback_got() {
    is_told("NullCheck", unchecked);
    is_told("NullCheck", unchecked_in_dpc);
    assert!(says("NullCheck", in_another_dpc).is_none());
}
