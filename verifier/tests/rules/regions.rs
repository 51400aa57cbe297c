//! Executive resources and the critical regions around them.

use super::*;

unsafe fn take_and_give(x: X) {
    ExAcquireResourceExclusiveLite(&raw mut (*x).resource, TRUE);
    ExReleaseResourceLite(&raw mut (*x).resource);
}

unsafe fn inside(x: X) {
    KeEnterCriticalRegion();
    take_and_give(x);
    KeLeaveCriticalRegion();
}

unsafe fn after_it(x: X) {
    inside(x);
    take_and_give(x);
}

unsafe fn at_apc_level(x: X) {
    let mut irql: KIRQL = 0;
    KeRaiseIrql(APC_LEVEL, &raw mut irql);
    take_and_give(x);
    KeLowerIrql(irql);
}

unsafe fn between_two(x: X) {
    KeEnterCriticalRegion();
    inside(x);
    take_and_give(x);
    KeLeaveCriticalRegion();
}

#[test]
fn a_resource_is_taken_inside_a_region_or_at_apc_level() {
    is_fine(inside);
    is_fine(between_two);
    is_fine(at_apc_level);
    is_told("WithinCriticalRegion", take_and_give);
    is_told("WithinCriticalRegion", after_it);
}
