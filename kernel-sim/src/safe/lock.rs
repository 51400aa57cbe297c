//! A spin lock that guards a value.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use crate::ddi::{self, types::*};
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

/// A spin lock and what it guards.
#[repr(C)]
pub struct SpinLock<T> {
    word: UnsafeCell<KSPIN_LOCK>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through a guard only, and one guard exists at a time.
unsafe impl<T: Send> Sync for SpinLock<T> {}
// SAFETY: a free lock is plain data.
unsafe impl<T: Send> Send for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// A free lock.
    pub const fn new(value: T) -> SpinLock<T> {
        SpinLock { word: UnsafeCell::new(0), value: UnsafeCell::new(value) }
    }

    /// The value, without the lock: an exclusive borrow rules out other users.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// `KeAcquireSpinLockRaiseToDpc`: takes the lock at or below DISPATCH_LEVEL. The guard's drop
    /// gives it back and restores the IRQL.
    #[track_caller]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        // SAFETY: the word is a live KSPIN_LOCK for as long as `self` is borrowed.
        let old = unsafe { ddi::KeAcquireSpinLockRaiseToDpc(self.word.get()) };
        SpinGuard { lock: self, old }
    }
}

/// Holds a [`SpinLock`].
pub struct SpinGuard<'a, T> {
    lock: &'a SpinLock<T>,
    old: KIRQL,
}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: the guard holds the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard holds the lock, and is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the guard's creation acquired this lock with this old IRQL.
        unsafe { ddi::KeReleaseSpinLock(self.lock.word.get(), self.old) }
    }
}
