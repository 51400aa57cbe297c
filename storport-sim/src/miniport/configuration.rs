//! What a miniport says about its adapter in `find_adapter`.

use crate::ddi::{
    PORT_CONFIGURATION_INFORMATION, SP_RETURN_BAD_CONFIG, SP_RETURN_ERROR, SP_RETURN_NOT_FOUND,
};
use kernel_sim::ddi::{BOOLEAN, FALSE, ULONG};

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
pub struct Configuration<'a>(pub(super) &'a mut PORT_CONFIGURATION_INFORMATION);

impl Configuration<'_> {
    /// Bytes one request may move; longer ones are split above. Unlimited by the miniport: 1 MiB.
    pub fn set_maximum_transfer_length(&mut self, bytes: u32) -> &mut Self {
        self.0.MaximumTransferLength = bytes;
        self
    }

    /// Addresses the bus scan tries: buses, targets of each, units of each target. 1, 8 and 8 unless
    /// said otherwise.
    pub fn set_addresses(&mut self, buses: u8, targets: u8, units: u8) -> &mut Self {
        self.0.NumberOfBuses = buses;
        self.0.MaximumNumberOfTargets = targets;
        self.0.MaximumNumberOfLogicalUnits = units;
        self
    }

    /// Requests of one unit the miniport takes at once: 250 unless said otherwise, 255 at most.
    pub fn set_lun_queue_depth(&mut self, requests: u32) -> &mut Self {
        self.0.InitialLunQueueDepth = requests;
        self
    }

    /// Whether the adapter has a cache that has to be told of flushes.
    pub fn set_caches_data(&mut self, caches: bool) -> &mut Self {
        self.0.CachesData = if caches { BOOLEAN::from(true) } else { FALSE };
        self
    }
}
