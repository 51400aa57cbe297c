//! A semaphore: work that has been announced and not begun.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use crate::ddi::{self, types::*};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

/// A kernel semaphore (`KSEMAPHORE`). Its address goes into the object when it is initialized, which is why
/// that is a step of its own: do it where the value stays.
#[repr(C)]
pub struct Semaphore(UnsafeCell<MaybeUninit<KSEMAPHORE>>);

// SAFETY: the object is used only through routines that may be called from any thread; they refuse one that
// was not initialized, or was moved since.
unsafe impl Sync for Semaphore {}
// SAFETY: a moved semaphore is refused by its routines; until it is initialized it is plain data.
unsafe impl Send for Semaphore {}

impl Default for Semaphore {
    fn default() -> Semaphore {
        Semaphore::new()
    }
}

impl Semaphore {
    /// Room for a semaphore. Using it before [`Semaphore::initialize`] is a bug check.
    pub const fn new() -> Semaphore {
        Semaphore(UnsafeCell::new(MaybeUninit::zeroed()))
    }

    fn object(&self) -> PKSEMAPHORE {
        self.0.get().cast()
    }

    /// `KeInitializeSemaphore`, PASSIVE_LEVEL: nothing announced, no limit.
    #[track_caller]
    pub fn initialize(&self) {
        // SAFETY: room for a KSEMAPHORE for as long as `self` is borrowed.
        unsafe { ddi::KeInitializeSemaphore(self.object(), 0, LONG::MAX) }
    }

    /// `KeReleaseSemaphore`, at or below DISPATCH_LEVEL: `count` (at least one) more to wait for.
    #[track_caller]
    pub fn release(&self, count: u32) {
        // SAFETY: room for a KSEMAPHORE for as long as `self` is borrowed; one never initialized is refused.
        unsafe { ddi::KeReleaseSemaphore(self.object(), 0, count.cast_signed(), FALSE) };
    }

    /// `KeWaitForSingleObject`, below DISPATCH_LEVEL: takes one, when there is one.
    #[track_caller]
    pub fn wait(&self) {
        // SAFETY: room for a KSEMAPHORE for as long as `self` is borrowed; one never initialized is refused.
        unsafe {
            ddi::KeWaitForSingleObject(self.object().cast(), Executive, KernelMode, FALSE, null_mut());
        }
    }

    /// As [`Semaphore::wait`], but for `us` microseconds at most; whether there was one to take.
    #[track_caller]
    pub fn wait_for(&self, us: u64) -> bool {
        let mut timeout = super::relative_us(us);
        // SAFETY: room for a KSEMAPHORE for as long as `self` is borrowed; the time-out is on this thread's
        // stack.
        let status = unsafe {
            ddi::KeWaitForSingleObject(self.object().cast(), Executive, KernelMode, FALSE, &raw mut timeout)
        };
        status == STATUS_SUCCESS
    }
}
