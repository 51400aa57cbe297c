//! The device extension and the SRB extension.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::{PVOID, STOR_DPC, SrbGetMiniportContext};
use super::ring::Ring;
use super::transport::Registers;
use super::virtio::Descriptor;
use super::virtio_scsi::{CommandRequest, CommandResponse, Event, FIRST_REQUEST_RING, TaskManagementRequest};
use std::sync::atomic::AtomicU32;

/// Rings there is room for: control, events, and 16 for requests.
pub const RINGS_MAX: usize = FIRST_REQUEST_RING + 16;
/// Elements of a scatter/gather list: 256 KiB wherever in a page they begin.
pub const SG_MAX: usize = 65;
/// Elements where every one takes a descriptor of the ring.
pub const SG_MAX_DIRECT: usize = 17;
/// Descriptors of a request: command, data, answer.
pub const DESCRIPTORS_MAX: usize = SG_MAX + 2;
/// Buffers for events.
pub const EVENTS: usize = 8;

/// Whether the adapter takes requests.
pub mod state {
    /// Not yet, or not now: it is stopped.
    pub const STOPPED: u32 = 0;
    pub const RUNNING: u32 = 1;
    /// It did not come back from a reset, or was pulled out.
    pub const FAILED: u32 = 2;
}

/// How the device interrupts.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Interrupts {
    Line,
    /// One message for all rings.
    OneMessage,
    /// Message 0 for the configuration, n + 1 for ring n.
    PerRing,
}

/// The device extension.
#[repr(C)]
pub struct AdapterExtension {
    pub registers: Registers,
    /// The features that device and driver agreed on.
    pub features: u64,
    /// Rings there is memory for, and rings in use.
    pub rings_laid_out: u32,
    pub rings: u32,
    pub interrupts: Interrupts,
    /// StorPortGetStartIoPerfParams says which ring a request goes to.
    pub has_channels: u32,
    pub dpcs_are_ready: AtomicU32,
    /// A value of `state`.
    pub state: AtomicU32,
    pub sg_max: u32,
    pub lun_max: u32,
    pub ring: [Ring; RINGS_MAX],
    pub dpc: [STOR_DPC; RINGS_MAX],
    /// In the uncached extension.
    pub events: *mut Event,
    pub events_physical: u64,
}

/// The SRB extension: the first part as the device sees it.
#[repr(C)]
pub struct SrbExtension {
    /// The request's descriptors, chained: an indirect table, or what is copied into the ring.
    pub table: [Descriptor; DESCRIPTORS_MAX],
    pub response: CommandResponse,
    pub command: CommandRequest,
    pub management: TaskManagementRequest,
    /// Descriptors in use, and the physical address of the first.
    pub count: u32,
    pub physical: u64,
}

/// The request's extension.
///
/// # Safety
/// The SRB is one the miniport has.
pub unsafe fn srb_extension(Srb: PVOID) -> *mut SrbExtension {
    SrbGetMiniportContext(Srb).cast()
}
