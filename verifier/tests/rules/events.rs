//! Events that are set, and with what.

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

#[test]
fn at_dispatch_level_no_wait_is_to_follow() {
    is_fine(set_raised);
}

