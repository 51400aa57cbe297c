//! The register file: common configuration, device configuration (4.1.4.3, 5.6.4).
//!
//! What software writes and reads, and the handshake by which it and the device agree. Rings are in `ring`;
//! what a write sets off is for [`VirtioScsi`](super::VirtioScsi) to do. A field is accessed whole, with its
//! own width, a 64-bit one as two halves (4.1.3.1); any other access reads as all ones and writes nothing.
//! Invariant: nothing a ring depends on changes while the ring is enabled.

use super::Options;
use super::ring::Ring;
use super::spec::{ISR_CONFIG, NO_VECTOR, feature, status};

/// Bytes of CDB and sense until the driver says otherwise (5.6.4).
const CDB_BYTES: u32 = 32;
const SENSE_BYTES: u32 = 96;
/// The most of either that may be asked for: what SCSI can make.
const FIELD_BYTES_MAX: u32 = 260;
/// Data segments of one request, sectors of one, and requests of one unit.
const SEGMENTS_MAX: u32 = 254;
const SECTORS_MAX: u32 = 0xFFFF;
const COMMANDS_PER_UNIT: u32 = 128;
/// Bytes of an event.
const EVENT_BYTES: u32 = 16;
/// The largest unit number.
const LUN_MAX: u32 = 0x3FFF;

/// The registers of one device.
pub(super) struct Registers {
    offered: u64,
    messages: u32,
    features_select: u32,
    driver_features_select: u32,
    driver_features: u64,
    config_vector: u16,
    status: u8,
    queue_select: u16,
    pub isr: u8,
    pub cdb_bytes: u32,
    pub sense_bytes: u32,
    request_queues: u32,
    target_max: u16,
    /// Counts the changes of the configuration.
    generation: u8,
}

/// What else the device has to do after a write of a register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asked {
    Nothing,
    /// Zero was written to the status.
    Reset,
}

impl Registers {
    pub fn new(options: &Options) -> Registers {
        let mut offered = feature::VERSION_1 | feature::INOUT | feature::HOTPLUG | feature::CHANGE;
        if options.indirect {
            offered |= feature::RING_INDIRECT_DESC;
        }
        if options.event_index {
            offered |= feature::RING_EVENT_IDX;
        }
        Registers {
            offered,
            messages: options.messages(),
            features_select: 0,
            driver_features_select: 0,
            driver_features: 0,
            config_vector: NO_VECTOR,
            status: 0,
            queue_select: 0,
            isr: 0,
            cdb_bytes: CDB_BYTES,
            sense_bytes: SENSE_BYTES,
            request_queues: u32::from(options.request_queues),
            target_max: options.target_max,
            generation: 0,
        }
    }

    /// The features that were agreed on.
    pub fn features(&self) -> u64 {
        if self.status & status::FEATURES_OK != 0 { self.driver_features } else { 0 }
    }

    /// Whether nothing was said since the last reset.
    pub fn is_untouched(&self) -> bool {
        self.status == 0
    }

    /// Whether the driver has said that it is ready, and nothing is wrong.
    pub fn is_running(&self) -> bool {
        self.status & (status::DRIVER_OK | status::NEEDS_RESET | status::FAILED) == status::DRIVER_OK
    }

    /// Asks the driver for a reset (2.1.2). Returns the message that tells it, if there is one.
    pub fn ask_for_reset(&mut self) -> u16 {
        self.status |= status::NEEDS_RESET;
        self.isr |= ISR_CONFIG;
        self.config_vector
    }

    /// The configuration is another by now. Returns the message that tells of it, if there is one.
    pub fn change_configuration(&mut self) -> u16 {
        self.generation = self.generation.wrapping_add(1);
        self.config_vector
    }

    /// Whether the driver has asked for some message, so that the line is not used.
    ///
    /// With MSI-X enabled in configuration space a device has no line; this one is not told of that, and goes
    /// by the first vector that was set since its reset.
    pub fn uses_messages(&self, rings: &[Ring]) -> bool {
        self.config_vector != NO_VECTOR || rings.iter().any(|ring| ring.vector != NO_VECTOR)
    }

    /// Reads a field of the common configuration.
    pub fn read_common(&self, offset: usize, width: u8, rings: &[Ring]) -> Option<u64> {
        let ring = rings.get(usize::from(self.queue_select));
        let of_ring = |get: fn(&Ring) -> u64| ring.map_or(0, get);
        let half = |value: u64, at: usize| if at == 0 { value & 0xFFFF_FFFF } else { value >> 32 };
        Some(match (offset, width) {
            (0x00, 4) => u64::from(self.features_select),
            (0x04, 4) => select(self.offered, self.features_select),
            (0x08, 4) => u64::from(self.driver_features_select),
            (0x0C, 4) => select(self.driver_features, self.driver_features_select),
            (0x10, 2) => u64::from(self.config_vector),
            (0x12, 2) => rings.len() as u64,
            (0x14, 1) => u64::from(self.status),
            (0x15, 1) => u64::from(self.generation),
            (0x16, 2) => u64::from(self.queue_select),
            (0x18, 2) => of_ring(|r| u64::from(r.size)),
            (0x1A, 2) => ring.map_or(u64::from(NO_VECTOR), |r| u64::from(r.vector)),
            (0x1C, 2) => of_ring(|r| u64::from(r.is_enabled)),
            (0x1E, 2) => u64::from(self.queue_select),
            (0x20 | 0x24, 4) => half(of_ring(|r| r.descriptors), offset - 0x20),
            (0x28 | 0x2C, 4) => half(of_ring(|r| r.available), offset - 0x28),
            (0x30 | 0x34, 4) => half(of_ring(|r| r.used), offset - 0x30),
            _ => return None,
        })
    }

    /// Writes a field of the common configuration.
    pub fn write_common(&mut self, offset: usize, width: u8, value: u64, rings: &mut [Ring]) -> Asked {
        match (offset, width) {
            (0x00, 4) => self.features_select = value as u32,
            (0x08, 4) => self.driver_features_select = value as u32,
            (0x0C, 4) if self.status & status::FEATURES_OK == 0 => match self.driver_features_select {
                0 => self.driver_features = self.driver_features >> 32 << 32 | value,
                1 => self.driver_features = self.driver_features & 0xFFFF_FFFF | value << 32,
                _ => {}
            },
            (0x10, 2) => self.config_vector = self.vector(value),
            (0x14, 1) if value == 0 => return Asked::Reset,
            (0x14, 1) => self.write_status(value as u8),
            (0x16, 2) => self.queue_select = value as u16,
            _ => self.write_ring(offset, width, value, rings),
        }
        Asked::Nothing
    }

    /// A vector as it reads back: one the device has no message for is refused (4.1.5.1.2).
    fn vector(&self, value: u64) -> u16 {
        if value < u64::from(self.messages) { value as u16 } else { NO_VECTOR }
    }

    /// Bits of the status are set and never cleared but by a reset; FEATURES_OK only if the driver wants what
    /// was offered, VERSION_1 included, and DRIVER_OK only behind it (3.1.1).
    fn write_status(&mut self, value: u8) {
        let is_agreed =
            self.driver_features & !self.offered == 0 && self.driver_features & feature::VERSION_1 != 0;
        let mut set = value & !status::NEEDS_RESET;
        if self.status & status::FEATURES_OK == 0 && !is_agreed {
            set &= !status::FEATURES_OK;
        }
        if (self.status | set) & status::FEATURES_OK == 0 {
            set &= !status::DRIVER_OK;
        }
        self.status |= set;
    }

    fn write_ring(&mut self, offset: usize, width: u8, value: u64, rings: &mut [Ring]) {
        let vector = self.vector(value);
        let may_enable = self.status & (status::FEATURES_OK | status::DRIVER_OK) == status::FEATURES_OK;
        let Some(ring) = rings.get_mut(usize::from(self.queue_select)) else { return };
        if (offset, width) == (0x1A, 2) {
            ring.vector = vector;
        }
        if ring.is_enabled {
            return;
        }
        let half = |old: u64, at: usize| {
            if at == 0 { old >> 32 << 32 | value } else { old & 0xFFFF_FFFF | value << 32 }
        };
        match (offset, width) {
            // Smaller, if the driver likes, and always a power of two (2.7).
            (0x18, 2) if value.is_power_of_two() && value <= u64::from(ring.size_max) => {
                ring.size = value as u16;
            }
            (0x1C, 2) if value == 1 && may_enable => ring.is_enabled = true,
            (0x20 | 0x24, 4) => ring.descriptors = half(ring.descriptors, offset - 0x20),
            (0x28 | 0x2C, 4) => ring.available = half(ring.available, offset - 0x28),
            (0x30 | 0x34, 4) => ring.used = half(ring.used, offset - 0x30),
            _ => {}
        }
    }

    /// Reads a field of `virtio_scsi_config`.
    pub fn read_config(&self, offset: usize, width: u8) -> Option<u64> {
        Some(u64::from(match (offset, width) {
            (0, 4) => self.request_queues,
            (4, 4) => SEGMENTS_MAX,
            (8, 4) => SECTORS_MAX,
            (12, 4) => COMMANDS_PER_UNIT,
            (16, 4) => EVENT_BYTES,
            (20, 4) => self.sense_bytes,
            (24, 4) => self.cdb_bytes,
            // One channel.
            (28, 2) => 0,
            (30, 2) => u32::from(self.target_max),
            (32, 4) => LUN_MAX,
            _ => return None,
        }))
    }

    /// Writes one of the two fields that can be, before the driver is ready.
    pub fn write_config(&mut self, offset: usize, width: u8, value: u64) {
        let fits = value <= u64::from(FIELD_BYTES_MAX) && self.status & status::DRIVER_OK == 0;
        match (offset, width) {
            (20, 4) if fits => self.sense_bytes = value as u32,
            (24, 4) if fits => self.cdb_bytes = value as u32,
            _ => {}
        }
    }
}

/// One half of the feature bits; there are no others.
fn select(features: u64, which: u32) -> u64 {
    match which {
        0 => features & 0xFFFF_FFFF,
        1 => features >> 32,
        _ => 0,
    }
}
