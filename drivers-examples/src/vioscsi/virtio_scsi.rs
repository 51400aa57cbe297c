//! The requests of a virtio SCSI host, as the driver lays them out: what `virtio_scsi.h` is to a driver in C.

/// Features of the SCSI host.
pub const F_HOTPLUG: u64 = 1 << 1;
pub const F_CHANGE: u64 = 1 << 2;

/// Offsets in the device configuration.
pub const CONFIG_NUM_QUEUES: usize = 0;
pub const CONFIG_SEG_MAX: usize = 4;
pub const CONFIG_SENSE_SIZE: usize = 20;
pub const CONFIG_CDB_SIZE: usize = 24;
pub const CONFIG_MAX_TARGET: usize = 30;
pub const CONFIG_MAX_LUN: usize = 32;

/// Rings.
pub const CONTROL_RING: usize = 0;
pub const EVENT_RING: usize = 1;
pub const FIRST_REQUEST_RING: usize = 2;

pub const CDB_SIZE: usize = 32;
pub const SENSE_SIZE: usize = 96;

/// Responses.
pub const S_OK: u8 = 0;
pub const S_OVERRUN: u8 = 1;
pub const S_ABORTED: u8 = 2;
pub const S_BAD_TARGET: u8 = 3;
pub const S_RESET: u8 = 4;
pub const S_BUSY: u8 = 5;
pub const S_FUNCTION_SUCCEEDED: u8 = 10;

/// Task management.
pub const T_TMF: u32 = 0;
pub const TMF_I_T_NEXUS_RESET: u32 = 4;
pub const TMF_LOGICAL_UNIT_RESET: u32 = 5;

/// Events.
pub const EVENTS_MISSED: u32 = 0x8000_0000;
pub const EVENT_TRANSPORT_RESET: u32 = 1;
pub const EVENT_PARAM_CHANGE: u32 = 3;
pub const RESET_HARD: u32 = 0;

/// A command, as sent.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct CommandRequest {
    pub lun: [u8; 8],
    pub tag: u64,
    pub task_attribute: u8,
    pub priority: u8,
    pub crn: u8,
    pub cdb: [u8; CDB_SIZE],
}
const _: () = assert!(size_of::<CommandRequest>() == 51);

/// A command's response.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CommandResponse {
    pub sense_length: u32,
    pub residual: u32,
    pub status_qualifier: u16,
    pub status: u8,
    pub response: u8,
    pub sense: [u8; SENSE_SIZE],
}
const _: () = assert!(size_of::<CommandResponse>() == 108);

/// Task management, as sent.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct TaskManagementRequest {
    pub kind: u32,
    pub subtype: u32,
    pub lun: [u8; 8],
    pub tag: u64,
}
const _: () = assert!(size_of::<TaskManagementRequest>() == 24);

/// An event, as received.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Event {
    pub event: u32,
    pub lun: [u8; 8],
    pub reason: u32,
}
const _: () = assert!(size_of::<Event>() == 16);

/// The address of a unit: target and number, one level, flat.
pub fn lun_address(target: u8, lun: u8) -> [u8; 8] {
    [1, target, 0x40, lun, 0, 0, 0, 0]
}
