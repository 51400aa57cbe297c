//! Descriptors of a request, written into its SRB extension.

use super::ddi::*;
use super::extension::SrbExtension;
use super::virtio::{DESC_NEXT, Descriptor};

/// Writes descriptors into an SRB extension, chained one to the next.
pub struct ChainBuilder {
    x: *mut SrbExtension,
    count: usize,
}

impl ChainBuilder {
    /// `None`: the extension does not lie in one piece for the device.
    pub unsafe fn new(extension: PVOID, x: *mut SrbExtension) -> Option<ChainBuilder> {
        let mut length = 0;
        // SAFETY: an SRB extension of the caller's, as for all of this file; the output is on this thread's
        // stack.
        unsafe {
            let physical =
                StorPortGetPhysicalAddress(extension, std::ptr::null_mut(), x.cast(), &raw mut length);
            (*x).physical = physical.QuadPart() as u64;
        }
        (length as usize >= size_of::<SrbExtension>()).then_some(ChainBuilder { x, count: 0 })
    }

    unsafe fn push(&mut self, address: u64, length: u32, flags: u16) {
        // SAFETY: as above; the table has a place for every element there may be, and two more.
        unsafe {
            let next = self.count as u16 + 1;
            (*self.x).table[self.count] = Descriptor { address, length, flags: flags | DESC_NEXT, next };
        }
        self.count += 1;
    }

    /// A part of the extension itself.
    pub unsafe fn own(&mut self, offset: usize, length: usize, flags: u16) {
        // SAFETY: as above.
        unsafe { self.push((*self.x).physical + offset as u64, length as u32, flags) }
    }

    /// The data, element by element.
    pub unsafe fn data(&mut self, elements: &[STOR_SCATTER_GATHER_ELEMENT], flags: u16) {
        for element in elements {
            // SAFETY: as above.
            unsafe { self.push(element.PhysicalAddress.QuadPart() as u64, element.Length, flags) }
        }
    }

    /// The last descriptor has been written.
    pub unsafe fn end(self) {
        // SAFETY: as above; something was pushed.
        unsafe {
            (*self.x).table[self.count - 1].flags &= !DESC_NEXT;
            (*self.x).count = self.count as u32;
        }
    }
}
