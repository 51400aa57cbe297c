//! Descriptors of a request, written into its SRB extension.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::extension::SrbExtension;
use super::virtio::{DESC_NEXT, Descriptor};

/// Writes descriptors into an SRB extension, chained one to the next.
pub struct ChainBuilder {
    SrbExtension: *mut SrbExtension,
    count: usize,
}

impl ChainBuilder {
    /// `None`: the extension does not lie in one piece for the device.
    pub unsafe fn new(DeviceExtension: PVOID, SrbExtension: *mut SrbExtension) -> Option<ChainBuilder> {
        let mut length = 0;
        let physical = StorPortGetPhysicalAddress(
            DeviceExtension,
            std::ptr::null_mut(),
            SrbExtension.cast(),
            &raw mut length,
        );
        (*SrbExtension).physical = physical.QuadPart() as u64;
        (length as usize >= size_of::<SrbExtension>()).then_some(ChainBuilder { SrbExtension, count: 0 })
    }

    unsafe fn push(&mut self, address: u64, length: u32, flags: u16) {
        // The table has a place for every element there may be, and two more.
        let next = self.count as u16 + 1;
        (*self.SrbExtension).table[self.count] =
            Descriptor { address, length, flags: flags | DESC_NEXT, next };
        self.count += 1;
    }

    /// A part of the extension itself.
    pub unsafe fn own(&mut self, offset: usize, length: usize, flags: u16) {
        self.push((*self.SrbExtension).physical + offset as u64, length as u32, flags)
    }

    /// The data, element by element.
    pub unsafe fn data(&mut self, elements: &[STOR_SCATTER_GATHER_ELEMENT], flags: u16) {
        for element in elements {
            self.push(element.PhysicalAddress.QuadPart() as u64, element.Length, flags)
        }
    }

    /// The last descriptor has been written.
    pub unsafe fn end(self) {
        // Something was pushed.
        (*self.SrbExtension).table[self.count - 1].flags &= !DESC_NEXT;
        (*self.SrbExtension).count = self.count as u32;
    }
}
