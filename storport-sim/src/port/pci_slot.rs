//! What the bus says about an adapter before its miniport has seen it: where it is plugged in, its
//! configuration space, its registers, its registry parameters.
//!
//! A test rig fills it in; [`Adapter::start_device`](super::Adapter::start_device) takes it. It is a
//! description and has no behaviour: the device itself is the machine's hardware of that number.

use std::collections::BTreeMap;

/// Bytes of a function's configuration space that are modelled.
pub(super) const CONFIG_SPACE_BYTES: usize = 256;
/// Bytes of a device's register window.
const WINDOW_BYTES: u32 = 64 << 10;
/// Register ranges an adapter can have: as many as there are base address registers.
pub(super) const RANGES_MAX: usize = 6;

/// One range of registers: a part of the device's window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub offset: u32,
    pub bytes: u32,
    pub in_memory: bool,
}

/// A value under the adapter's `Parameters` key in the registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Parameter {
    /// REG_DWORD.
    Dword(u32),
    /// REG_SZ.
    Text(String),
    /// REG_BINARY.
    Binary(Vec<u8>),
}

/// See the module page.
#[derive(Clone, Debug)]
pub struct PciSlot {
    pub(super) device: usize,
    pub(super) bus: u32,
    pub(super) slot: u32,
    pub(super) config_space: Vec<u8>,
    pub(super) ranges: Vec<Range>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    pub(super) messages: bool,
    pub(super) advanced_performance: bool,
    pub(super) locks_control: bool,
}

impl PciSlot {
    /// The machine's device of this number, in slot 0 of bus 0: one memory range over its whole register
    /// window, an empty configuration space, messages if the device has any.
    #[must_use]
    pub fn new(device: usize) -> PciSlot {
        PciSlot {
            device,
            bus: 0,
            slot: 0,
            config_space: vec![0; CONFIG_SPACE_BYTES],
            ranges: Vec::new(),
            parameters: BTreeMap::new(),
            messages: true,
            advanced_performance: true,
            locks_control: true,
        }
    }

    /// Another place on the bus: what `SystemIoBusNumber` and `SlotNumber` say.
    #[must_use]
    pub fn at(mut self, bus: u32, slot: u32) -> PciSlot {
        (self.bus, self.slot) = (bus, slot);
        self
    }

    /// The first bytes of the configuration space, at most 256; the rest reads as zero.
    #[must_use]
    pub fn config_space(mut self, bytes: &[u8]) -> PciSlot {
        let n = bytes.len().min(CONFIG_SPACE_BYTES);
        self.config_space[..n].copy_from_slice(&bytes[..n]);
        self
    }

    /// Vendor and device, as the configuration space has them.
    #[must_use]
    pub fn ids(&self) -> (u16, u16) {
        let word = |at: usize| u16::from_le_bytes([self.config_space[at], self.config_space[at + 1]]);
        (word(0), word(2))
    }

    /// A memory range over part of the register window, in bytes; at most six ranges count. Given once, it
    /// replaces the range over the whole window.
    #[must_use]
    pub fn memory_range(self, offset: u32, bytes: u32) -> PciSlot {
        self.range(offset, bytes, true)
    }

    /// As [`PciSlot::memory_range`], for registers in I/O space: reached by `StorPortReadPort*`.
    #[must_use]
    pub fn port_range(self, offset: u32, bytes: u32) -> PciSlot {
        self.range(offset, bytes, false)
    }

    fn range(mut self, offset: u32, bytes: u32, in_memory: bool) -> PciSlot {
        let fits = offset.checked_add(bytes).is_some_and(|end| end <= WINDOW_BYTES) && bytes != 0;
        if fits && self.ranges.len() < RANGES_MAX {
            self.ranges.push(Range { offset, bytes, in_memory });
        }
        self
    }

    /// A value that `StorPortRegistryRead` finds.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: Parameter) -> PciSlot {
        self.parameters.insert(name.to_ascii_lowercase(), value);
        self
    }

    /// The system grants the adapter its line only, whatever messages the device has.
    #[must_use]
    pub fn line_only(mut self) -> PciSlot {
        self.messages = false;
        self
    }

    /// `StorPortInitializePerfOpts` grants nothing, as on a system before Windows 8.
    #[must_use]
    pub fn without_performance_options(mut self) -> PciSlot {
        self.advanced_performance = false;
        self
    }

    /// HwStorAdapterControl is called for stop and restart at PASSIVE_LEVEL and with no lock held, as the
    /// lock table has it, and not at DIRQL under the interrupt lock, as its own page has it.
    #[must_use]
    pub fn control_without_lock(mut self) -> PciSlot {
        self.locks_control = false;
        self
    }

    /// Its register ranges, the whole window if none was given.
    pub(super) fn register_ranges(&self) -> Vec<Range> {
        if self.ranges.is_empty() {
            return vec![Range { offset: 0, bytes: WINDOW_BYTES, in_memory: true }];
        }
        self.ranges.clone()
    }
}
