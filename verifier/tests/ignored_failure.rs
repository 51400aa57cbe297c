//! A remove lock that could not be acquired: whose release is found, and whose is right.
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]
#![allow(unsafe_code, reason = "a driver calls layer 1, as in C")]

use kernel_sim::ddi::*;
use std::cell::UnsafeCell;
use std::ptr::{null_mut, without_provenance_mut};
use verifier::{Check, check_model};

/// The memory that the threads of a model share.
struct Shared {
    lock: UnsafeCell<IO_REMOVE_LOCK>,
}

impl Default for Shared {
    fn default() -> Shared {
        // SAFETY: plain data of the WDK's, for which zero is a value.
        Shared { lock: UnsafeCell::new(unsafe { std::mem::zeroed() }) }
    }
}

// SAFETY: the lock is used by the kernel's routines only.
unsafe impl Sync for Shared {}

const REMOVAL: usize = 1;
const FIRST: usize = 2;
const SECOND: usize = 3;

/// Tags are not looked at as pointers.
fn tag(number: usize) -> PVOID {
    without_provenance_mut(number)
}

/// Removes the device: waits until nothing holds its lock.
unsafe extern "C-unwind" fn removes(lock: PVOID) {
    // SAFETY: the lock is the model's, and lives longer than its threads.
    unsafe {
        assert_eq!(IoAcquireRemoveLock(lock.cast(), tag(REMOVAL)), STATUS_SUCCESS);
        IoReleaseRemoveLockAndWait(lock.cast(), tag(REMOVAL));
    }
}

/// Holds the lock under `FIRST` as the removal begins, fails to acquire it under `wanted`, and releases it
/// under each of `released`.
fn while_removed(wanted: usize, released: &'static [usize]) -> Check {
    check_model(1, Shared::default, move |shared: &Shared, _| {
        let lock = shared.lock.get();
        // SAFETY: the lock is zeroed memory of the model's; outputs are on this thread's stack.
        unsafe {
            IoInitializeRemoveLock(lock, 0, 0, 0);
            assert_eq!(IoAcquireRemoveLock(lock, tag(FIRST)), STATUS_SUCCESS);
            let (mut handle, mut thread, null) = (null_mut(), null_mut(), null_mut());
            let created = PsCreateSystemThread(
                &raw mut handle,
                0,
                null_mut(),
                null,
                null_mut(),
                Some(removes),
                lock.cast(),
            );
            assert_eq!(created, STATUS_SUCCESS);
            ObReferenceObjectByHandle(handle, 0, null, KernelMode, &raw mut thread, null);
            let mut time = LARGE_INTEGER::new(-10_000);
            KeDelayExecutionThread(KernelMode, FALSE, &raw mut time);
            assert_eq!(IoAcquireRemoveLock(lock, tag(wanted)), STATUS_DELETE_PENDING);
            for number in released {
                IoReleaseRemoveLock(lock, tag(*number));
            }
            KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null_mut());
            ObDereferenceObject(thread);
            ZwClose(handle);
        }
    })
}

#[test]
fn a_release_of_what_was_not_acquired_is_found_while_others_hold_the_lock() {
    while_removed(SECOND, &[SECOND]).fails_with("IgnoredFailure");
}

#[test]
fn a_release_of_what_was_acquired_before_is_right() {
    while_removed(SECOND, &[FIRST]).is_clean();
}

#[test]
fn a_tag_under_which_the_lock_is_held_may_be_refused_another_time() {
    while_removed(FIRST, &[FIRST]).is_clean();
    while_removed(FIRST, &[FIRST, FIRST]).fails_with("IgnoredFailure");
}
