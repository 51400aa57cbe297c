//! The numbers of virtio over PCI: capabilities, common configuration, status, features, rings.
//!
//! What the headers `virtio_pci.h`, `virtio_config.h` and `virtio_ring.h` are to a driver in C. Written from
//! the specification and not shared with the device model, so that a slip on one side shows.

/// Vendor and device of a virtio SCSI host without a legacy interface.
pub const VENDOR: u16 = 0x1AF4;
pub const DEVICE_SCSI: u16 = 0x1048;

/// Configuration space: the status register's "there is a list", and where the list begins.
pub const PCI_STATUS: usize = 0x06;
pub const PCI_STATUS_CAPABILITIES: u8 = 0x10;
pub const PCI_CAPABILITIES: usize = 0x34;
pub const PCI_CAPABILITY_VENDOR: u8 = 0x09;

/// Kinds of a virtio capability.
pub const CAP_COMMON: u8 = 1;
pub const CAP_NOTIFY: u8 = 2;
pub const CAP_ISR: u8 = 3;
pub const CAP_DEVICE: u8 = 4;

/// Offsets in the common configuration.
pub const DEVICE_FEATURE_SELECT: usize = 0x00;
pub const DEVICE_FEATURE: usize = 0x04;
pub const DRIVER_FEATURE_SELECT: usize = 0x08;
pub const DRIVER_FEATURE: usize = 0x0C;
pub const CONFIG_MSIX_VECTOR: usize = 0x10;
pub const DEVICE_STATUS: usize = 0x14;
pub const QUEUE_SELECT: usize = 0x16;
pub const QUEUE_SIZE: usize = 0x18;
/// Sizes of a queue: room for a request without data, and the most that is.
pub const QUEUE_SIZE_MIN: u16 = 4;
pub const QUEUE_SIZE_MAX: u16 = 1024;
pub const QUEUE_MSIX_VECTOR: usize = 0x1A;
pub const QUEUE_ENABLE: usize = 0x1C;
pub const QUEUE_NOTIFY_OFF: usize = 0x1E;
pub const QUEUE_DESC: usize = 0x20;
pub const QUEUE_DRIVER: usize = 0x28;
pub const QUEUE_DEVICE: usize = 0x30;

/// Device status.
pub const STATUS_ACKNOWLEDGE: u8 = 1;
pub const STATUS_DRIVER: u8 = 2;
pub const STATUS_DRIVER_OK: u8 = 4;
pub const STATUS_FEATURES_OK: u8 = 8;
pub const STATUS_FAILED: u8 = 128;
/// The value of a status register of a device that is gone.
pub const STATUS_GONE: u8 = 0xFF;

/// Features.
pub const F_RING_INDIRECT_DESC: u64 = 1 << 28;
pub const F_RING_EVENT_IDX: u64 = 1 << 29;
pub const F_VERSION_1: u64 = 1 << 32;

/// Flags of a descriptor.
pub const DESC_NEXT: u16 = 1;
pub const DESC_WRITE: u16 = 2;
pub const DESC_INDIRECT: u16 = 4;

/// The used ring's flag: no notifications wanted; the available ring's: no interrupts wanted.
pub const USED_NO_NOTIFY: u16 = 1;
pub const AVAIL_NO_INTERRUPT: u16 = 1;

/// One descriptor. Little-endian, as the machine is.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct Descriptor {
    pub address: u64,
    pub length: u32,
    pub flags: u16,
    pub next: u16,
}
const _: () = assert!(size_of::<Descriptor>() == 16);
