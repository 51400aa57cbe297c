//! Storport's locks: which a callback may take, in which order, and until when.

use super::miniport::*;
use super::*;
use std::mem::zeroed;
use storport_sim::ddi::*;

unsafe fn take(extension: PVOID, which: STOR_SPINLOCK, handle: *mut STOR_LOCK_HANDLE) {
    StorPortAcquireSpinLock(extension, which, null_mut(), handle);
}

unsafe fn returns_with_lock(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    let mut handle: STOR_LOCK_HANDLE = zeroed();
    take(extension, InterruptLock, &raw mut handle);
}

/// Sets an event that lies in the extension: a rule has its return told for that.
unsafe extern "C-unwind" fn synchronized(extension: PVOID, _context: PVOID) -> BOOLEAN {
    KeSetEvent(extension.cast(), 0, FALSE);
    TRUE
}

/// What runs inside the call returns while the caller has its lock.
unsafe fn synchronizes_under_lock(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    KeInitializeEvent(extension.cast(), NotificationEvent, FALSE);
    let mut handle: STOR_LOCK_HANDLE = zeroed();
    take(extension, StartIoLock, &raw mut handle);
    StorPortSynchronizeAccess(extension, Some(synchronized), null_mut());
    StorPortReleaseSpinLock(extension, &raw mut handle);
}

#[test]
fn a_callback_returns_without_the_locks_that_it_took() {
    let leaves = Ways { starts: returns_with_lock, ..Ways::NOTHING };
    let found = is_told_of("StorPortSpinLock", leaves);
    assert!(found.what.contains("returned with InterruptLock held"), "{}", found.what);
    is_told_of("LockLeftHeld", leaves);
    is_fine_of(Ways { starts: synchronizes_under_lock, ..Ways::NOTHING });
}

unsafe fn takes_lock(extension: PVOID) {
    let mut handle: STOR_LOCK_HANDLE = zeroed();
    take(extension, StartIoLock, &raw mut handle);
    StorPortReleaseSpinLock(extension, &raw mut handle);
}

unsafe extern "C-unwind" fn synchronized_and_takes(extension: PVOID, _context: PVOID) -> BOOLEAN {
    let mut handle: STOR_LOCK_HANDLE = zeroed();
    take(extension, InterruptLock, &raw mut handle);
    TRUE
}

unsafe fn takes_what_storport_holds(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    StorPortSynchronizeAccess(extension, Some(synchronized_and_takes), null_mut());
}

#[test]
fn some_callbacks_take_no_lock() {
    is_told_of("StorPortSpinLock3", Ways { initializes: takes_lock, ..Ways::NOTHING });
}

#[test]
fn a_lock_that_storport_holds_is_the_matter_of_the_rule_about_taking_it_again() {
    let takes = Ways { starts: takes_what_storport_holds, ..Ways::NOTHING };
    is_told_of("StorPortSpinLock", takes);
    assert!(says_of("StorPortSpinLock3", takes).is_none());
}

unsafe fn takes_one_after_the_other(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    let mut handle: STOR_LOCK_HANDLE = zeroed();
    take(extension, InterruptLock, &raw mut handle);
    StorPortReleaseSpinLock(extension, &raw mut handle);
    takes_lock(extension);
}

unsafe fn takes_again_inside(extension: PVOID, _: PSCSI_REQUEST_BLOCK) {
    let (mut outer, mut inner): (STOR_LOCK_HANDLE, STOR_LOCK_HANDLE) = zeroed();
    take(extension, StartIoLock, &raw mut outer);
    take(extension, InterruptLock, &raw mut inner);
    StorPortReleaseSpinLock(extension, &raw mut outer);
    takes_lock(extension);
}

#[test]
fn only_a_lock_that_is_held_is_in_an_order_with_the_next() {
    is_fine_of(Ways { starts: takes_one_after_the_other, ..Ways::NOTHING });
    is_told_of("StorPortSpinLock3", Ways { starts: takes_again_inside, ..Ways::NOTHING });
}
