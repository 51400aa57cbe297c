//! The numbers and structures of the specification (VIRTIO 1.2), as this device speaks them.
//!
//! Section numbers are those of "Virtual I/O Device (VIRTIO) Version 1.2", OASIS Committee Specification 01.
//! Everything is little-endian. Only what this device uses is here.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Device status (2.1).
pub(super) mod status {
    pub const FEATURES_OK: u8 = 8;
    pub const DRIVER_OK: u8 = 4;
    pub const NEEDS_RESET: u8 = 64;
    pub const FAILED: u8 = 128;
}

/// Feature bits, by number (6, 5.6.3).
pub(super) mod feature {
    pub const INOUT: u64 = 1 << 0;
    pub const HOTPLUG: u64 = 1 << 1;
    pub const CHANGE: u64 = 1 << 2;
    pub const RING_INDIRECT_DESC: u64 = 1 << 28;
    pub const RING_EVENT_IDX: u64 = 1 << 29;
    pub const VERSION_1: u64 = 1 << 32;
}

/// No message for this queue, or for changes of the configuration (4.1.5.1.2).
pub(super) const NO_VECTOR: u16 = 0xFFFF;

/// ISR status (4.1.4.5).
pub(super) const ISR_QUEUE: u8 = 1;
pub(super) const ISR_CONFIG: u8 = 2;

/// The queues (5.6.2).
pub(super) const CONTROL_QUEUE: usize = 0;
pub(super) const EVENT_QUEUE: usize = 1;
pub(super) const FIRST_REQUEST_QUEUE: usize = 2;

/// Flags of a descriptor (2.7.5).
pub(super) mod descriptor {
    pub const NEXT: u16 = 1;
    pub const WRITE: u16 = 2;
    pub const INDIRECT: u16 = 4;
}

/// Flag of the available ring: the driver wants no interrupts (2.7.7). Without EVENT_IDX only.
pub(super) const AVAIL_NO_INTERRUPT: u16 = 1;
/// Flag of the used ring: the device wants no notifications (2.7.10). Without EVENT_IDX only.
pub(super) const USED_NO_NOTIFY: u16 = 1;

/// One descriptor (2.7.5).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub(super) struct Descriptor {
    pub address: U64,
    pub bytes: U32,
    pub flags: U16,
    pub next: U16,
}
const _: () = assert!(size_of::<Descriptor>() == 16);

/// The response codes of requests (5.6.6.1).
pub(super) mod response {
    pub const OK: u8 = 0;
    pub const OVERRUN: u8 = 1;
    pub const ABORTED: u8 = 2;
    pub const BAD_TARGET: u8 = 3;
    pub const RESET: u8 = 4;
    pub const BUSY: u8 = 5;
    pub const FAILURE: u8 = 9;
    pub const FUNCTION_SUCCEEDED: u8 = 10;
    pub const FUNCTION_REJECTED: u8 = 11;
    pub const INCORRECT_LUN: u8 = 12;
}

/// The header of a command; `cdb_size` bytes of CDB follow (5.6.6.1).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub(super) struct CommandHeader {
    pub lun: [u8; 8],
    pub id: U64,
    pub task_attribute: u8,
    pub priority: u8,
    pub crn: u8,
}
const _: () = assert!(size_of::<CommandHeader>() == 19);

/// The response to a command; `sense_size` bytes of sense follow.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Default)]
#[repr(C)]
pub(super) struct CommandResponse {
    pub sense_bytes: U32,
    pub residual: U32,
    pub status_qualifier: U16,
    pub status: u8,
    pub response: u8,
}
const _: () = assert!(size_of::<CommandResponse>() == 12);

/// Kinds of control requests (5.6.6.2).
pub(super) mod control {
    pub const TASK_MANAGEMENT: u32 = 0;
    pub const AN_QUERY: u32 = 1;
    pub const AN_SUBSCRIBE: u32 = 2;
}

/// Task management functions.
pub(super) mod task {
    pub const ABORT_TASK: u32 = 0;
    pub const ABORT_TASK_SET: u32 = 1;
    pub const CLEAR_ACA: u32 = 2;
    pub const CLEAR_TASK_SET: u32 = 3;
    pub const I_T_NEXUS_RESET: u32 = 4;
    pub const LOGICAL_UNIT_RESET: u32 = 5;
    pub const QUERY_TASK: u32 = 6;
    pub const QUERY_TASK_SET: u32 = 7;
}

/// A task management request; the device answers with one byte.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub(super) struct TaskManagement {
    pub kind: U32,
    pub function: U32,
    pub lun: [u8; 8],
    pub id: U64,
}
const _: () = assert!(size_of::<TaskManagement>() == 24);

/// A query or subscription of asynchronous notifications.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub(super) struct AsyncNotification {
    pub kind: U32,
    pub lun: [u8; 8],
    pub requested: U32,
}
const _: () = assert!(size_of::<AsyncNotification>() == 16);

/// Events (5.6.6.3).
pub(super) mod event {
    pub const NONE: u32 = 0;
    pub const TRANSPORT_RESET: u32 = 1;
    pub const MISSED: u32 = 0x8000_0000;
    /// Reasons of a transport reset.
    pub const RESCAN: u32 = 1;
    pub const REMOVED: u32 = 2;
}

/// An event, as the device writes it into a buffer of the event queue.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub(super) struct EventReport {
    pub event: U32,
    pub lun: [u8; 8],
    pub reason: U32,
}
const _: () = assert!(size_of::<EventReport>() == 16);
