//! Command blocks that keep other initiators out (SPC-5, "PERSISTENT RESERVE IN command" and its neighbours).

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::scsi::Opcode;

/// PERSISTENT RESERVE IN.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct PersistentReserveIn {
    /// [`Opcode::PERSISTENT_RESERVE_IN`].
    pub opcode: Opcode,
    /// Service action in bits 4..0.
    pub service_action: u8,
    /// Reserved.
    pub reserved: [u8; 5],
    /// Bytes the initiator has room for.
    pub allocation_length: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<PersistentReserveIn>() == 10);

impl PersistentReserveIn {
    /// Asks for what `service_action` returns.
    pub const fn new(service_action: u8, allocation_length: u16) -> Self {
        Self {
            opcode: Opcode::PERSISTENT_RESERVE_IN,
            service_action,
            reserved: [0; 5],
            allocation_length: U16::new(allocation_length),
            control: 0,
        }
    }
}

/// PERSISTENT RESERVE OUT.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct PersistentReserveOut {
    /// [`Opcode::PERSISTENT_RESERVE_OUT`].
    pub opcode: Opcode,
    /// Service action in bits 4..0.
    pub service_action: u8,
    /// Scope in bits 7..4, type in bits 3..0.
    pub scope_and_type: u8,
    /// Reserved.
    pub reserved: [u8; 2],
    /// Bytes of parameter list the initiator sends: 24.
    pub parameter_list_length: U32,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<PersistentReserveOut>() == 10);

impl PersistentReserveOut {
    /// Does `service_action`, with the parameter list there always is.
    pub const fn new(service_action: u8, scope_and_type: u8) -> Self {
        Self {
            opcode: Opcode::PERSISTENT_RESERVE_OUT,
            service_action,
            scope_and_type,
            reserved: [0; 2],
            parameter_list_length: U32::new(24),
            control: 0,
        }
    }
}
