//! The configuration of an adapter, which a miniport fills in in `find_adapter`.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use super::Storport;
use crate::ddi::{
    MINIPORT_REG_DWORD, PORT_CONFIGURATION_INFORMATION, SP_RETURN_BAD_CONFIG, SP_RETURN_ERROR,
    SP_RETURN_NOT_FOUND, StorPortAllocateRegistryBuffer, StorPortFreeRegistryBuffer, StorPortRegistryRead,
};
use kernel_sim::ddi::{BOOLEAN, FALSE, PVOID, TRUE, ULONG};
use std::ffi::CStr;

/// Bytes of a page.
const PAGE_BYTES: u32 = 4096;

/// Why `find_adapter` has no adapter to offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FindError {
    /// There is none: SP_RETURN_NOT_FOUND.
    NotFound,
    /// There is one, and something went wrong with it: SP_RETURN_ERROR.
    Failed,
    /// The configuration Storport offers is of no use: SP_RETURN_BAD_CONFIG.
    BadConfiguration,
}

impl FindError {
    pub(super) fn code(self) -> ULONG {
        match self {
            FindError::NotFound => SP_RETURN_NOT_FOUND,
            FindError::Failed => SP_RETURN_ERROR,
            FindError::BadConfiguration => SP_RETURN_BAD_CONFIG,
        }
    }
}

/// The adapter's configuration: prefilled by Storport, completed by the miniport.
pub struct Configuration<'a> {
    pub(super) config: &'a mut PORT_CONFIGURATION_INFORMATION,
    pub(super) extension: PVOID,
}

impl Configuration<'_> {
    /// Storport, for this adapter: to keep.
    #[must_use]
    pub fn storport(&self) -> Storport {
        Storport { extension: self.extension }
    }

    /// A REG_DWORD under the adapter's `Parameters` key: `StorPortRegistryRead`. `None` if there is none of
    /// that name and type, or no memory to read it with.
    #[track_caller]
    #[must_use]
    pub fn parameter(&self, name: &CStr) -> Option<u32> {
        let mut length = size_of::<ULONG>() as ULONG;
        // SAFETY: the extension is the one that Storport passed, at PASSIVE_LEVEL; the length is on this
        // thread's stack, and the buffer is returned before the next read can ask for it. The name has to lie
        // in memory of the machine, so it is copied into the buffer, behind the value.
        unsafe {
            let name = name.to_bytes_with_nul();
            let mut room = length + name.len() as ULONG;
            let buffer = StorPortAllocateRegistryBuffer(self.extension, &raw mut room).cast::<u8>();
            if buffer.is_null() {
                return None;
            }
            let named = buffer.add(length as usize);
            named.copy_from_nonoverlapping(name.as_ptr(), name.len());
            let kind = MINIPORT_REG_DWORD;
            let answer = StorPortRegistryRead(self.extension, named, 1, kind, buffer.cast(), &raw mut length);
            let value = (answer == TRUE).then(|| buffer.cast::<ULONG>().read_unaligned());
            StorPortFreeRegistryBuffer(self.extension, buffer.cast());
            value
        }
    }

    /// Bytes one request may move, in as many pages as they may lie in; longer ones are split above.
    /// Unlimited by the miniport: 1 MiB.
    pub fn set_maximum_transfer_length(&mut self, bytes: u32) -> &mut Self {
        self.config.MaximumTransferLength = bytes;
        self.config.NumberOfPhysicalBreaks = bytes.div_ceil(PAGE_BYTES).saturating_add(1);
        self
    }

    /// Addresses the bus scan tries: buses, targets of each, units of each target. 1, 8 and 8 unless
    /// said otherwise.
    pub fn set_addresses(&mut self, buses: u8, targets: u8, units: u8) -> &mut Self {
        self.config.NumberOfBuses = buses;
        self.config.MaximumNumberOfTargets = targets;
        self.config.MaximumNumberOfLogicalUnits = units;
        self
    }

    /// Requests of one unit the miniport takes at once: 250 unless said otherwise, 255 at most.
    pub fn set_lun_queue_depth(&mut self, requests: u32) -> &mut Self {
        self.config.InitialLunQueueDepth = requests;
        self
    }

    /// Whether the adapter has a cache that has to be told of flushes.
    pub fn set_caches_data(&mut self, caches: bool) -> &mut Self {
        self.config.CachesData = if caches { BOOLEAN::from(true) } else { FALSE };
        self
    }
}
