//! The adapter's configuration space, and the layout of its register window.
//!
//! | offset | bytes | structure (4.1.4) |
//! | --- | --- | --- |
//! | 0x0000 | 0x38 | common configuration |
//! | 0x1000 | 1 | ISR status |
//! | 0x2000 | 0x24 | device configuration: `virtio_scsi_config` |
//! | 0x3000 | 4 per queue | notifications, queue n at 4n |
//! | 0x8000 | | the MSI-X table, 0xC000 its pending bits: the bus driver's, not modelled, read as all ones |
//!
//! The specification also asks for a capability that reaches the registers through configuration space
//! (4.1.4.9); this bus does not tell a device of accesses to configuration space, so it is not there.

use super::Options;
use crate::PciSlot;

/// Red Hat's vendor, by which virtio goes.
const VENDOR: u16 = 0x1AF4;
/// 0x1040 plus the device type: 8, a SCSI host (4.1.2, 5).
const DEVICE: u16 = 0x1048;

pub(super) const COMMON: usize = 0x0000;
pub(super) const COMMON_BYTES: usize = 0x38;
pub(super) const ISR: usize = 0x1000;
pub(super) const CONFIG: usize = 0x2000;
pub(super) const CONFIG_BYTES: usize = 0x24;
pub(super) const NOTIFY: usize = 0x3000;
pub(super) const NOTIFY_STRIDE: usize = 4;
const MSIX_TABLE: u32 = 0x8000;
const MSIX_PENDING: u32 = 0xC000;

/// Where the capabilities lie in configuration space.
const CAPABILITIES: [usize; 5] = [0x40, 0x50, 0x60, 0x70, 0x84];

/// The slot of an adapter with these options: the machine's device 0.
#[must_use]
pub fn slot(options: &Options) -> PciSlot {
    let mut space = [0; 256];
    let mut put = |at: usize, bytes: &[u8]| space[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, &VENDOR.to_le_bytes());
    put(0x02, &DEVICE.to_le_bytes());
    // Memory and bus mastering on; status: there are capabilities.
    put(0x04, &[0x06, 0x00, 0x10, 0x00]);
    // Revision 1: no legacy interface. Class 01/00: a SCSI controller.
    put(0x08, &[0x01, 0x00, 0x00, 0x01]);
    put(0x2C, &VENDOR.to_le_bytes());
    put(0x2E, &0x1100u16.to_le_bytes());
    put(0x34, &[CAPABILITIES[0] as u8]);
    // Interrupt line and pin A.
    put(0x3C, &[super::VECTOR as u8, 1]);
    let structures = [
        (1, COMMON, COMMON_BYTES),
        (3, ISR, 1),
        (4, CONFIG, CONFIG_BYTES),
        (2, NOTIFY, NOTIFY_STRIDE * options.queues()),
    ];
    for (n, (kind, offset, bytes)) in structures.into_iter().enumerate() {
        let is_notify = kind == 2;
        let next = CAPABILITIES[n + 1] as u8;
        // Vendor-specific, next, length, kind, BAR 0.
        put(CAPABILITIES[n], &[0x09, next, if is_notify { 20 } else { 16 }, kind, 0]);
        put(CAPABILITIES[n] + 8, &(offset as u32).to_le_bytes());
        put(CAPABILITIES[n] + 12, &(bytes as u32).to_le_bytes());
        if is_notify {
            put(CAPABILITIES[n] + 16, &(NOTIFY_STRIDE as u32).to_le_bytes());
        }
    }
    let messages = options.messages();
    if messages == 0 {
        // Without messages the list ends one earlier.
        put(CAPABILITIES[3] + 1, &[0]);
    } else {
        put(CAPABILITIES[4], &[0x11, 0]);
        put(CAPABILITIES[4] + 2, &(messages as u16 - 1).to_le_bytes());
        put(CAPABILITIES[4] + 4, &MSIX_TABLE.to_le_bytes());
        put(CAPABILITIES[4] + 8, &MSIX_PENDING.to_le_bytes());
    }
    PciSlot::new(0).config_space(&space)
}
