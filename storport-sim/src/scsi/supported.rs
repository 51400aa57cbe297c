//! What REPORT SUPPORTED OPERATION CODES returns (SPC-5, section of that name).

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// One command in the all-commands form; a 4-byte length precedes the list.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct CommandDescriptor {
    /// The operation code.
    pub opcode: u8,
    /// Reserved.
    pub reserved_1: u8,
    /// The service action, if the operation code has them.
    pub service_action: U16,
    /// Reserved.
    pub reserved_4: u8,
    /// [`Self::SERVACTV`] and [`Self::CTDP`].
    pub flags: u8,
    /// Bytes in the command block.
    pub cdb_length: U16,
}
const _: () = assert!(size_of::<CommandDescriptor>() == 8);

impl CommandDescriptor {
    /// The service action field means something.
    pub const SERVACTV: u8 = 0x01;
    /// A timeouts descriptor follows.
    pub const CTDP: u8 = 0x02;
}

/// The head of the one-command form; the CDB usage bitmap follows.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct OneCommandHeader {
    /// Reserved.
    pub reserved: u8,
    /// [`Self::CTDP`] and SUPPORT in bits 2..0.
    pub support: u8,
    /// Bytes of CDB usage data that follow.
    pub cdb_size: U16,
}
const _: () = assert!(size_of::<OneCommandHeader>() == 4);

impl OneCommandHeader {
    /// A timeouts descriptor follows the usage data.
    pub const CTDP: u8 = 0x80;
    /// SUPPORT: the command is not supported.
    pub const NOT_SUPPORTED: u8 = 1;
    /// SUPPORT: the command is supported as the standard has it.
    pub const STANDARD: u8 = 3;
}

/// The command timeouts descriptor, on request (RCTD).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct CommandTimeouts {
    /// Bytes that follow this field: 10.
    pub length: U16,
    /// Reserved.
    pub reserved: u8,
    /// Meaning depends on the command.
    pub command_specific: u8,
    /// Nominal processing time, in seconds; zero is "not said".
    pub nominal_s: U32,
    /// Recommended timeout, in seconds; zero is "not said".
    pub recommended_s: U32,
}
const _: () = assert!(size_of::<CommandTimeouts>() == 12);

impl CommandTimeouts {
    /// Present, and says nothing: how long a command takes is the latency model's affair.
    pub const NOT_SAID: Self = Self {
        length: U16::new(10),
        reserved: 0,
        command_specific: 0,
        nominal_s: U32::ZERO,
        recommended_s: U32::ZERO,
    };
}
