//! What REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS returns (SPC-5, section of that name).

use zerocopy::big_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The extended form; the basic one is its first four bytes.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct TaskManagementData {
    /// [`Self::ABORT_TASK`] and its neighbours.
    pub functions: u8,
    /// QAES, QTSS, ITNRS; zero here.
    pub more_functions: u8,
    /// Reserved.
    pub reserved_2: u8,
    /// Bytes of extension that follow byte 3: 0, or 12 in the extended form.
    pub additional_length: u8,
    /// Bit 0, TMFTMOV: the time-outs mean something.
    pub valid: u8,
    /// Reserved.
    pub reserved_5: [u8; 3],
    /// Longest time-out, in units of 100 ms.
    pub long_100ms: U32,
    /// Shortest time-out, in units of 100 ms.
    pub short_100ms: U32,
}
const _: () = assert!(size_of::<TaskManagementData>() == 16);

impl TaskManagementData {
    /// Bytes of the basic form.
    pub const BASIC: usize = 4;
    /// `functions`: ABORT TASK.
    pub const ABORT_TASK: u8 = 0x80;
    /// `functions`: ABORT TASK SET.
    pub const ABORT_TASK_SET: u8 = 0x40;
    /// `functions`: LOGICAL UNIT RESET.
    pub const LOGICAL_UNIT_RESET: u8 = 0x08;
}
