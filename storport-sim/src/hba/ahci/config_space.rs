//! The adapter's configuration space (PCI 3.0; AHCI 1.3.1, section 2).
//!
//! Vendor and device are our own; drivers bind to the class code. Base address register 5 (ABAR) is a memory
//! range of 8 KiB; where it lies is known only when the machine has been built, so the register holds the
//! type bits and the address is that of the slot's one access range.

use crate::PciSlot;

/// "Not any vendor's".
pub const VENDOR: u16 = 0x1DEA;
/// Ours for this adapter.
pub const DEVICE: u16 = 0xA4C1;
/// Bytes of the registers: generic control, and 32 ports.
const ABAR_BYTES: u32 = 8 << 10;

const POWER_MANAGEMENT: u8 = 0x70;
const MESSAGES: u8 = 0x80;

/// Configuration space and registers of device 0 of the machine.
#[must_use]
pub(super) fn slot(device: usize) -> PciSlot {
    let mut space = [0; 256];
    let mut put = |at: usize, bytes: &[u8]| space[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, &VENDOR.to_le_bytes());
    put(0x02, &DEVICE.to_le_bytes());
    // Command: memory space, bus master, as the system's resource manager leaves them. Status: capabilities.
    put(0x04, &[0x06, 0x00, 0x10, 0x00]);
    // Revision; AHCI 1.0 programming interface, SATA, mass storage.
    put(0x08, &[0x01, 0x01, 0x06, 0x01]);
    put(0x2C, &VENDOR.to_le_bytes());
    put(0x2E, &DEVICE.to_le_bytes());
    put(0x34, &[POWER_MANAGEMENT]);
    // INTA.
    put(0x3C, &[0x0B, 0x01]);
    put(usize::from(POWER_MANAGEMENT), &[0x01, MESSAGES, 0x03, 0x00, 0x08, 0x00]);
    // One message, 64-bit address, enabled by the system if it grants it.
    put(usize::from(MESSAGES), &[0x05, 0x00, 0x80, 0x00]);
    PciSlot::new(device).at(0, 0x1F).config_space(&space).memory_range(0, ABAR_BYTES)
}
