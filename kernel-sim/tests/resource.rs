//! Executive resources and critical regions.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;

unsafe fn resource(x: *mut Desk) -> PERESOURCE {
    (*x).pointers[0].cast()
}

unsafe fn set_up(x: *mut Desk) -> PERESOURCE {
    (*x).pointers[0] = block::<ERESOURCE>().cast();
    assert_eq!(ExInitializeResourceLite(resource(x)), STATUS_SUCCESS);
    resource(x)
}

/// Number 0: writers inside; number 1: readers inside.
unsafe fn writer(x: *mut Desk) {
    for _ in 0..3 {
        KeEnterCriticalRegion();
        assert_eq!(ExAcquireResourceExclusiveLite(resource(x), TRUE), TRUE);
        assert_eq!((number(x, 0).get(), number(x, 1).get()), (0, 0));
        number(x, 0).set(1);
        sleep_ms(1);
        number(x, 0).set(0);
        ExReleaseResourceLite(resource(x));
        KeLeaveCriticalRegion();
    }
}

unsafe fn reader(x: *mut Desk) {
    for _ in 0..3 {
        KeEnterCriticalRegion();
        assert_eq!(ExAcquireResourceSharedLite(resource(x), TRUE), TRUE);
        assert_eq!(number(x, 0).get(), 0, "a writer is inside");
        count(x, 1);
        sleep_ms(1);
        InterlockedDecrement((&raw mut (*x).numbers[1]).cast());
        ExReleaseResourceLite(resource(x));
        KeLeaveCriticalRegion();
    }
}

#[test]
fn writers_exclude_everybody_and_readers_only_writers() {
    unsafe fn driver(x: *mut Desk) {
        let resource = set_up(x);
        for cpu in 0..2 {
            spawn(x, cpu, writer);
            spawn(x, cpu, reader);
        }
        join(x, 4);
        assert_eq!(ExDeleteResourceLite(resource), STATUS_SUCCESS);
    }
    everywhere(2, driver);
}

#[test]
fn a_thread_may_take_it_again_and_one_who_does_not_wait_is_told() {
    unsafe fn other(x: *mut Desk) {
        KeEnterCriticalRegion();
        assert_eq!(ExAcquireResourceSharedLite(resource(x), FALSE), FALSE);
        assert_eq!(ExAcquireResourceExclusiveLite(resource(x), FALSE), FALSE);
        assert_eq!(ExIsResourceAcquiredSharedLite(resource(x)), 0);
        KeLeaveCriticalRegion();
    }
    unsafe fn driver(x: *mut Desk) {
        let resource = set_up(x);
        assert_eq!(KeAreApcsDisabled(), FALSE);
        KeEnterCriticalRegion();
        assert_eq!(KeAreApcsDisabled(), TRUE);
        for _ in 0..2 {
            assert_eq!(ExAcquireResourceExclusiveLite(resource, FALSE), TRUE);
        }
        assert_eq!(ExAcquireResourceSharedLite(resource, FALSE), TRUE, "counted as one more exclusive one");
        assert_eq!(
            (ExIsResourceAcquiredExclusiveLite(resource), ExIsResourceAcquiredSharedLite(resource)),
            (TRUE, 3)
        );
        spawn(x, 1, other);
        join(x, 1);
        for _ in 0..3 {
            ExReleaseResourceLite(resource);
        }
        assert_eq!(ExIsResourceAcquiredExclusiveLite(resource), FALSE);
        KeLeaveCriticalRegion();
        assert_eq!(ExDeleteResourceLite(resource), STATUS_SUCCESS);
    }
    everywhere(2, driver);
}

#[test]
fn who_comes_to_share_waits_behind_one_who_wants_it_alone() {
    unsafe fn driver(x: *mut Desk) {
        let resource = set_up(x);
        KeEnterCriticalRegion();
        assert_eq!(ExAcquireResourceSharedLite(resource, TRUE), TRUE);
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            KeEnterCriticalRegion();
            ExAcquireResourceExclusiveLite(crate::resource(x), TRUE);
            ExReleaseResourceLite(crate::resource(x));
            KeLeaveCriticalRegion();
        });
        sleep_ms(1);
        assert_eq!(ExAcquireResourceSharedLite(resource, FALSE), TRUE, "it shares it already");
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 0, |x| unsafe {
            KeEnterCriticalRegion();
            assert_eq!(ExAcquireResourceSharedLite(crate::resource(x), FALSE), FALSE);
            KeLeaveCriticalRegion();
        });
        join(x, 1);
        ExReleaseResourceLite(resource);
        ExReleaseResourceLite(resource);
        KeLeaveCriticalRegion();
        join(x, 1);
        assert_eq!(ExDeleteResourceLite(resource), STATUS_SUCCESS);
    }
    every_seed(2, driver);
}

#[test]
fn misuse_stops_as_driver_verifier_does() {
    unsafe fn without_region(x: *mut Desk) {
        ExAcquireResourceSharedLite(set_up(x), TRUE);
    }
    unsafe fn released_outside(x: *mut Desk) {
        KeEnterCriticalRegion();
        let resource = set_up(x);
        ExAcquireResourceSharedLite(resource, TRUE);
        KeLeaveCriticalRegion();
        ExReleaseResourceLite(resource);
    }
    unsafe fn not_owned(x: *mut Desk) {
        KeEnterCriticalRegion();
        ExReleaseResourceLite(set_up(x));
    }
    unsafe fn left_twice(_x: *mut Desk) {
        KeEnterCriticalRegion();
        KeLeaveCriticalRegion();
        KeLeaveCriticalRegion();
    }
    unsafe fn twice(x: *mut Desk) {
        ExInitializeResourceLite(set_up(x));
    }
    unsafe fn never(_x: *mut Desk) {
        ExDeleteResourceLite(block());
    }
    unsafe fn freed(_x: *mut Desk) {
        let room: PERESOURCE = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<ERESOURCE>(), 1).cast();
        ExInitializeResourceLite(room);
        ExFreePool(room.cast());
    }
    unsafe fn deleted_and_freed(_x: *mut Desk) {
        let room: PERESOURCE = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<ERESOURCE>(), 1).cast();
        ExInitializeResourceLite(room);
        ExDeleteResourceLite(room);
        ExFreePool(room.cast());
    }
    every_seed(1, deleted_and_freed);
    let check = stops(1, freed, 0xC4, 0xD2);
    assert_eq!(check.parameters[3], size_of::<ERESOURCE>() as u64);
    assert_eq!(told(&check.earlier).len(), 1, "{:?}", check.earlier);
    stops(1, without_region, 0xC4, 0x37);
    stops(1, released_outside, 0xC4, 0x38);
    stops(1, left_twice, 0xC4, 0x3E);
    let shown = bug_check(run(1, Execution::Seeded(1), not_owned));
    assert_eq!(shown.stop.code, 0xE3);
    let shown = bug_check(run(1, Execution::Seeded(1), twice));
    assert_eq!((shown.stop.code, shown.parameters[0]), (0xC4, 0xD0));
    let shown = bug_check(run(1, Execution::Seeded(1), never));
    assert_eq!((shown.stop.code, shown.parameters[0]), (0xC4, 0xD1));
}

#[test]
fn one_who_shares_it_and_wants_it_alone_waits_for_himself() {
    unsafe fn driver(x: *mut Desk) {
        KeEnterCriticalRegion();
        let resource = set_up(x);
        ExAcquireResourceSharedLite(resource, TRUE);
        ExAcquireResourceExclusiveLite(resource, TRUE);
    }
    let found = deadlock(run(1, Execution::Seeded(1), driver));
    assert_eq!(found.waiters[0].place.routine(), Some("ExAcquireResourceExclusiveLite"));
}
