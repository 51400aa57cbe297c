//! The facts of a bus driver and the HAL about a device: its line, its messages, its registers, its DMA map.
//!
//! Routines for a port driver, like those of [`crate::unhooked`]: no hook fires here. Message-signalled
//! interrupts are numbered per device and wired to vectors of their own above those a line can have. The
//! messages of one device have two levels in turn, so that service routines of different messages nest on one
//! processor as the documentation says they may; which message has which level is our choice. Invariant: a
//! message that was sent while its interrupt was connected is served at least once after it was sent.

use crate::ddi::Call;
use crate::hardware::HardwareSlot;
use crate::io::pnp::dirql_of;
use crate::irql::Irql;
use crate::machine::Machine;

/// Messages one device can have.
pub const MESSAGES_MAX: u32 = 64;
/// The vector of message 0 of device 0.
const MESSAGE_VECTORS: u32 = 0x1_0000;
/// Messages to x64 processors: an address, and a datum that names the vector.
const MESSAGE_ADDRESS: u64 = 0xFEE0_0000;

/// An interrupt a device can raise: by its line, or by one of its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InterruptSource {
    /// The vector, as `IoConnectInterrupt` is given it.
    pub vector: u32,
    /// The device level it is taken at.
    pub irql: Irql,
    /// Physical address the device writes to; 0 for a line.
    pub message_address: u64,
    /// The datum that the device writes there.
    pub message_data: u32,
}

impl Machine {
    /// Device `n`'s line; `None` if there is no such device.
    #[must_use]
    pub fn device_line(&self, n: usize) -> Option<InterruptSource> {
        let vector = self.hardware.get(n)?.vector();
        Some(InterruptSource { vector, irql: dirql_of(vector), message_address: 0, message_data: 0 })
    }

    /// Device `n`'s messages, in order; none if it has no such device or the device has none.
    #[must_use]
    pub fn device_messages(&self, n: usize) -> Vec<InterruptSource> {
        let Some(slot) = self.hardware.get(n) else { return Vec::new() };
        let level = dirql_of(slot.vector());
        let message = |m: u32| {
            let vector = MESSAGE_VECTORS + n as u32 * MESSAGES_MAX + m;
            let irql = Irql((level.0 + (m % 2) as u8).min(Irql::DEVICE_MAX.0));
            InterruptSource { vector, irql, message_address: MESSAGE_ADDRESS, message_data: vector }
        };
        (0..slot.message_count().min(MESSAGES_MAX)).map(message).collect()
    }

    /// Pends the interrupts of the messages that a device has sent: bit m is message m.
    pub(crate) fn deliver_messages(&self, slot: &HardwareSlot, mut messages: u64) {
        while messages != 0 {
            let m = messages.trailing_zeros();
            messages &= messages - 1;
            let vector = MESSAGE_VECTORS + slot.number() as u32 * MESSAGES_MAX + m;
            self.device_interrupts(slot.number(), vector);
            self.deliver_message(vector);
        }
    }

    /// From now on device `n` reaches only memory that was admitted to it. Reaching for other memory is bug
    /// check 0xE6, parameter 1 0x26.
    pub fn restrict_dma(&self, n: usize) {
        if let Some(slot) = self.hardware.get(n) {
            slot.dma().restrict();
        }
    }

    /// Lets device `n` reach a range of physical memory, until the range was revoked as many times as it was
    /// admitted.
    pub fn admit_dma(&self, n: usize, physical: u64, bytes: usize) {
        if let Some(slot) = self.hardware.get(n) {
            slot.dma().admit(physical, bytes);
        }
    }

    /// Takes back what [`Machine::admit_dma`] gave, by the same range.
    pub fn revoke_dma(&self, n: usize, physical: u64, bytes: usize) {
        if let Some(slot) = self.hardware.get(n) {
            slot.dma().revoke(physical, bytes);
        }
    }

    /// As [`Machine::admit_dma`], for several ranges at once; empty ones do not count.
    pub fn admit_dma_all(&self, n: usize, ranges: impl IntoIterator<Item = (u64, usize)>) {
        if let Some(slot) = self.hardware.get(n) {
            let mut map = slot.dma();
            ranges.into_iter().for_each(|(physical, bytes)| map.admit(physical, bytes));
        }
    }

    /// Takes back what [`Machine::admit_dma_all`] gave, by the same ranges.
    pub fn revoke_dma_all(&self, n: usize, ranges: impl IntoIterator<Item = (u64, usize)>) {
        if let Some(slot) = self.hardware.get(n) {
            let mut map = slot.dma();
            ranges.into_iter().for_each(|(physical, bytes)| map.revoke(physical, bytes));
        }
    }

    /// The physical address of a host address; `None` if it is no memory of the machine.
    #[must_use]
    pub fn physical_of(&self, host: usize) -> Option<u64> {
        self.physical_address(host)
    }

    /// The host address of a physical one, if all `bytes` are memory or registers of the machine.
    #[must_use]
    pub fn host_of(&self, physical: u64, bytes: usize) -> Option<usize> {
        self.virtual_address(physical, bytes)
    }
}

/// Reads a device register for the driver whose call `call` is; `None` if the address is no register.
#[must_use]
pub fn read_register(call: &Call, address: usize, width: u8) -> Option<u64> {
    call.cpu.machine().read_register(address, width)
}

/// Writes a device register; `None` if the address is no register.
#[must_use]
pub fn write_register(call: &Call, address: usize, width: u8, value: u64) -> Option<()> {
    call.cpu.machine().write_register(address, width, value)
}
