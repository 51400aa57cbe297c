//! Rundown protection, as a value and a guard.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use crate::ddi::{self, types::*};
use std::cell::UnsafeCell;

/// Counts the users of something that will go away (`EX_RUNDOWN_REF`).
#[repr(C)]
pub struct Rundown(UnsafeCell<EX_RUNDOWN_REF>);

// SAFETY: the object is used only through routines that may be called from any thread.
unsafe impl Sync for Rundown {}
// SAFETY: a rundown reference with no holder is plain data.
unsafe impl Send for Rundown {}

impl Default for Rundown {
    fn default() -> Rundown {
        Rundown::new()
    }
}

impl Rundown {
    /// A reference with no holder, as `ExInitializeRundownProtection` leaves it.
    pub const fn new() -> Rundown {
        Rundown(UnsafeCell::new(EX_RUNDOWN_REF { Count: 0 }))
    }

    /// `ExAcquireRundownProtection`, at or below DISPATCH_LEVEL; `None` once the rundown has begun. The
    /// guard's drop gives the protection back.
    #[track_caller]
    pub fn acquire(&self) -> Option<RundownGuard<'_>> {
        // SAFETY: a live EX_RUNDOWN_REF for as long as `self` is borrowed.
        let granted = unsafe { ddi::ExAcquireRundownProtection(self.0.get()) };
        (granted != FALSE).then(|| RundownGuard(self))
    }

    /// `ExWaitForRundownProtectionRelease`, below DISPATCH_LEVEL: from now on every `acquire` fails; returns
    /// when the last guard is gone.
    #[track_caller]
    pub fn run_down(&self) {
        // SAFETY: a live EX_RUNDOWN_REF for as long as `self` is borrowed.
        unsafe { ddi::ExWaitForRundownProtectionRelease(self.0.get()) }
    }

    /// `ExReInitializeRundownProtection`, below DISPATCH_LEVEL: protection may be had again. Only after
    /// [`Rundown::run_down`].
    #[track_caller]
    pub fn begin_again(&self) {
        // SAFETY: a live EX_RUNDOWN_REF for as long as `self` is borrowed.
        unsafe { ddi::ExReInitializeRundownProtection(self.0.get()) }
    }
}

/// Protection from [`Rundown::acquire`].
#[must_use = "the protection ends with the guard"]
pub struct RundownGuard<'a>(&'a Rundown);

impl Drop for RundownGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: the guard's creation acquired it.
        unsafe { ddi::ExReleaseRundownProtection(self.0.0.get()) }
    }
}
