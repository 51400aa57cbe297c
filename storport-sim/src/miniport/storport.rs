//! Storport as an adapter sees it, for calls that are about no request: the bus has changed, memory.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use crate::ddi::{
    BusChangeDetected, STOR_STATUS_SUCCESS, StorPortAllocatePool, StorPortFreePool, StorPortNotification,
};
use kernel_sim::ddi::PVOID;
use kernel_sim::machine::Machine;
use std::ops::{Deref, DerefMut};
use std::ptr::{NonNull, null_mut};

/// Storport, for one adapter. From [`Configuration::storport`](super::Configuration::storport); good for as
/// long as the adapter is known, and a bug check afterwards.
#[derive(Clone, Copy, Debug)]
pub struct Storport {
    pub(super) extension: PVOID,
}

// SAFETY: an address that Storport's routines look up.
unsafe impl Send for Storport {}
// SAFETY: an address that Storport's routines look up before they use it.
unsafe impl Sync for Storport {}

impl Storport {
    /// `StorPortNotification(BusChangeDetected)`, at any level: units of this bus may have come or gone.
    /// Storport scans again, in a thread of its own.
    #[track_caller]
    pub fn bus_changed(self, path: u8) {
        // SAFETY: Storport looks the extension up.
        unsafe { StorPortNotification(BusChangeDetected, self.extension, path) }
    }

    /// Puts a value into pool memory with this tag: `StorPortAllocatePool`, at or below DISPATCH_LEVEL, which
    /// a virtual miniport may call in `start_io` too.
    ///
    /// # Errors
    /// The value, where the pool has no room for it.
    #[track_caller]
    pub fn allocate<T: Send>(self, tag: u32, value: T) -> Result<Pooled<T>, T> {
        const { assert!(align_of::<T>() <= 64, "the pool aligns blocks to 64 bytes") };
        let mut at = null_mut();
        let bytes = size_of::<T>().max(1) as u32;
        // SAFETY: the output is on this thread's stack.
        let status = unsafe { StorPortAllocatePool(self.extension, bytes, tag, &raw mut at) };
        match NonNull::new(at.cast::<T>()).filter(|_| status == STOR_STATUS_SUCCESS) {
            None => Err(value),
            Some(at) => {
                // SAFETY: a fresh block of that size.
                unsafe { at.write(value) };
                Ok(Pooled { storport: self, at })
            }
        }
    }
}

/// A value in pool memory.
#[derive(Debug)]
pub struct Pooled<T> {
    storport: Storport,
    at: NonNull<T>,
}

// SAFETY: the value is this handle's alone, as a box's is.
unsafe impl<T: Send> Send for Pooled<T> {}

impl<T> Pooled<T> {
    /// Takes the value out and frees the memory.
    #[track_caller]
    pub fn into_inner(self) -> T {
        // SAFETY: the value is this handle's, which ends here; what is freed is the memory alone.
        unsafe {
            let value = self.at.read();
            self.storport.free(self.at.as_ptr().cast());
            std::mem::forget(self);
            value
        }
    }
}

impl Storport {
    /// # Safety
    /// A block of this adapter that is not used any more.
    #[track_caller]
    unsafe fn free(self, block: PVOID) {
        // What is left when a machine has stopped goes with the machine's memory.
        if Machine::current().is_some() {
            // SAFETY: the caller promises a block of this adapter that is not used any more.
            unsafe { StorPortFreePool(self.extension, block) };
        }
    }
}

impl<T> Deref for Pooled<T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: `allocate` put the value there.
        unsafe { self.at.as_ref() }
    }
}

impl<T> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `allocate` put the value there, and the handle is borrowed exclusively.
        unsafe { self.at.as_mut() }
    }
}

impl<T> Drop for Pooled<T> {
    fn drop(&mut self) {
        // SAFETY: the value is this handle's, which ends here.
        unsafe {
            self.at.drop_in_place();
            self.storport.free(self.at.as_ptr().cast());
        }
    }
}
