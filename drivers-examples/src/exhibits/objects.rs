//! Objects of exhibits: zeroed blocks of nonpaged pool, at the same addresses in every build.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;

/// The pool tag of all exhibits.
pub(super) const TAG: ULONG = u32::from_le_bytes(*b"Exhi");

/// A zeroed object; NULL without memory.
pub(super) unsafe fn new<T>() -> *mut T {
    ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<T>(), TAG).cast()
}

/// Gives it back.
pub(super) unsafe fn free<T>(object: *mut T) {
    ExFreePoolWithTag(object.cast(), TAG);
}

/// An event that is not set; NULL without memory.
pub(super) unsafe fn new_event(kind: EVENT_TYPE) -> PKEVENT {
    let event: PKEVENT = new();
    if !event.is_null() {
        KeInitializeEvent(event, kind, FALSE);
    }
    event
}

/// A spin lock that is free; NULL without memory.
pub(super) unsafe fn new_lock() -> PKSPIN_LOCK {
    let lock: PKSPIN_LOCK = new();
    if !lock.is_null() {
        KeInitializeSpinLock(lock);
    }
    lock
}
