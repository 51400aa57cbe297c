//! The configuration of an adapter: what HwStorFindAdapter finds, and what follows from what it leaves.
//!
//! Where a miniport leaves a limit as it found it, the documented default counts; the two rules that
//! say it must not are for others to check. The pages contradict each other on NumberOfPhysicalBreaks:
//! it is found as SP_UNINITIALIZED_VALUE, as the rule has it, and counts as 0x11, as the structure's page has
//! it, if it is left so.

use super::adapter::AdapterState;
use crate::ddi::{
    ADDRESS_TYPE_FLAG_BTL8, PORT_CONFIGURATION_INFORMATION, SCSI_DMA64_SYSTEM_SUPPORTED,
    SCSI_MAXIMUM_TARGETS, SP_UNINITIALIZED_VALUE, SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK,
    SRB_TYPE_SCSI_REQUEST_BLOCK, SRB_TYPE_STORAGE_REQUEST_BLOCK, STOR_ADDRESS_TYPE_BTL8,
    STOR_ADDRESS_TYPE_UNKNOWN, STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE, STOR_MAP_NO_BUFFERS,
    StorSynchronizeFullDuplex,
};
use kernel_sim::ddi::TRUE;
use std::ptr::null_mut;

/// Bytes of one transfer an adapter takes if its miniport does not say.
const TRANSFER_MAX: u32 = 1 << 20;
/// Elements of a scatter/gather list if the miniport does not say.
const BREAKS: u32 = 0x11;
/// The most that counts: more would be lists of 16 MiB and more.
const BREAKS_MAX: u32 = 4096;
/// Requests a unit has at once unless told otherwise (Microsoft, "Queue management").
const LUN_DEPTH_PHYSICAL: u32 = 20;
const LUN_DEPTH_VIRTUAL: u32 = 250;
/// Requests of one unit that classic SRBs can carry; extended ones carry more, to a limit of ours.
const LUN_DEPTH_MAX: u32 = 255;
const LUN_DEPTH_MAX_EXTENDED: u32 = 1024;
/// Requests of one adapter unless told otherwise.
const ADAPTER_DEPTH: u32 = 1000;

impl AdapterState {
    /// The configuration as HwStorFindAdapter finds it.
    pub(super) fn prefilled(&self) -> PORT_CONFIGURATION_INFORMATION {
        let data = &self.registration.data;
        let (interrupt, mode) = self
            .hardware
            .as_ref()
            .map_or((None, 0), |h| (Some(h.interrupts.first().0), h.interrupts.first().1));
        let (ranges, count) = self.prefilled_ranges();
        let extended = data.SrbTypeFlags & SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK != 0;
        PORT_CONFIGURATION_INFORMATION {
            Length: size_of::<PORT_CONFIGURATION_INFORMATION>() as u32,
            SystemIoBusNumber: self.hardware.as_ref().map_or(0, |h| h.slot.bus),
            AdapterInterfaceType: data.AdapterInterfaceType,
            BusInterruptLevel: interrupt.map_or(0, |i| u32::from(i.irql.0)),
            BusInterruptVector: interrupt.map_or(0, |i| i.vector),
            InterruptMode: mode,
            MaximumTransferLength: SP_UNINITIALIZED_VALUE,
            NumberOfPhysicalBreaks: SP_UNINITIALIZED_VALUE,
            NumberOfAccessRanges: count,
            AccessRanges: ranges,
            NumberOfBuses: 1,
            InitiatorBusId: [u8::MAX; 8],
            ScatterGather: TRUE,
            Master: TRUE,
            Dma32BitAddresses: TRUE,
            MapBuffers: data.MapBuffers,
            NeedPhysicalAddresses: data.NeedPhysicalAddresses,
            TaggedQueuing: data.TaggedQueuing,
            AutoRequestSense: data.AutoRequestSense,
            MultipleRequestPerLu: data.MultipleRequestPerLu,
            ReceiveEvent: data.ReceiveEvent,
            MaximumNumberOfTargets: SCSI_MAXIMUM_TARGETS,
            SrbType: if extended { SRB_TYPE_STORAGE_REQUEST_BLOCK } else { SRB_TYPE_SCSI_REQUEST_BLOCK },
            AddressType: if extended && data.AddressTypeFlags & ADDRESS_TYPE_FLAG_BTL8 != 0 {
                STOR_ADDRESS_TYPE_BTL8
            } else {
                STOR_ADDRESS_TYPE_UNKNOWN
            },
            SlotNumber: self.hardware.as_ref().map_or(0, |h| h.slot.slot),
            DeviceExtensionSize: data.DeviceExtensionSize,
            SpecificLuExtensionSize: data.SpecificLuExtensionSize,
            SrbExtensionSize: data.SrbExtensionSize,
            Dma64BitAddresses: if self.hardware.is_some() { SCSI_DMA64_SYSTEM_SUPPORTED } else { 0 },
            MaximumNumberOfLogicalUnits: 8,
            MaxNumberOfIO: ADAPTER_DEPTH,
            MaxIOsPerLun: LUN_DEPTH_MAX,
            InitialLunQueueDepth: if self.hardware.is_some() {
                LUN_DEPTH_PHYSICAL
            } else {
                LUN_DEPTH_VIRTUAL
            },
            ..PORT_CONFIGURATION_INFORMATION::zeroed()
        }
    }

    /// The access ranges, in memory the miniport can see, and how many there are.
    fn prefilled_ranges(&self) -> (*mut [crate::ddi::ACCESS_RANGE; 0], u32) {
        let Some(hardware) = &self.hardware else {
            return (null_mut::<crate::ddi::ACCESS_RANGE>().cast(), 0);
        };
        let to = &mut self.objects_mut().access_ranges;
        let mut count = 0;
        for (slot, range) in to.iter_mut().zip(hardware.access_ranges()) {
            *slot = range;
            count += 1;
        }
        (to.as_mut_ptr().cast(), count)
    }

    /// What HwStorFindAdapter made of the configuration; what it was given, before that.
    pub(super) fn config(&self) -> PORT_CONFIGURATION_INFORMATION {
        self.config.get().copied().unwrap_or_else(|| self.prefilled())
    }

    /// Bytes one request may move: what the miniport takes, and what its lists can describe wherever
    /// in a page the data begins.
    pub(super) fn transfer_max(&self) -> u32 {
        let bytes = match self.config().MaximumTransferLength {
            0 | SP_UNINITIALIZED_VALUE => TRANSFER_MAX,
            bytes => bytes,
        };
        if self.hardware.is_none() {
            return bytes;
        }
        let pages = (self.breaks_max() as u32).saturating_sub(1).max(1);
        bytes.min(pages.saturating_mul(super::dma::PAGE as u32))
    }

    /// Elements a scatter/gather list may have.
    pub(super) fn breaks_max(&self) -> usize {
        let breaks = match self.config.get().map_or(SP_UNINITIALIZED_VALUE, |c| c.NumberOfPhysicalBreaks) {
            0 | SP_UNINITIALIZED_VALUE => BREAKS,
            breaks => breaks,
        };
        breaks.clamp(1, BREAKS_MAX) as usize
    }

    /// Whether class and port driver send extended SRBs.
    pub(super) fn takes_extended_srbs(&self) -> bool {
        self.config().SrbType == SRB_TYPE_STORAGE_REQUEST_BLOCK
    }

    /// Requests of one unit that can be outstanding at once.
    pub(super) fn lun_depth_max(&self) -> u32 {
        if self.takes_extended_srbs() { LUN_DEPTH_MAX_EXTENDED } else { LUN_DEPTH_MAX }
    }

    /// Requests a unit gets at once until the miniport says otherwise.
    pub(super) fn initial_lun_depth(&self) -> u32 {
        self.config().InitialLunQueueDepth
    }

    /// Requests of the whole adapter that can be outstanding at once.
    pub(super) fn adapter_depth(&self) -> u32 {
        match self.config().MaxNumberOfIO {
            0 | SP_UNINITIALIZED_VALUE => ADAPTER_DEPTH,
            requests => requests,
        }
    }

    /// Whether HwStorStartIo runs at DIRQL, with the interrupt kept out.
    #[inline]
    pub(super) fn is_half_duplex(&self) -> bool {
        self.hardware.is_some()
            && self.config.get().is_some_and(|c| c.SynchronizationModel != StorSynchronizeFullDuplex)
    }

    /// Whether the miniport wants this kind of data buffer mapped: `DataBuffer` is NULL otherwise.
    #[inline]
    pub(super) fn maps(&self, is_read_or_write: bool) -> bool {
        match self.config.get().map_or(STOR_MAP_NO_BUFFERS, |c| c.MapBuffers) {
            STOR_MAP_NO_BUFFERS => false,
            STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE => true,
            _ => !is_read_or_write,
        }
    }
}
