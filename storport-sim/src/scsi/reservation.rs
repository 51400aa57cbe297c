//! Persistent reservation types, and the parameter list of PERSISTENT RESERVE OUT (SPC-5, "Persistent
//! reservations").

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Who may do what while a reservation is held; four bits on the wire.
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct ReservationType(u8);

    /// The holder writes, every initiator reads.
    WRITE_EXCLUSIVE = 0x1, "Write Exclusive";
    /// Only the holder reads and writes.
    EXCLUSIVE_ACCESS = 0x3, "Exclusive Access";
    /// Registrants write, every initiator reads.
    WRITE_EXCLUSIVE_REGISTRANTS = 0x5, "Write Exclusive - Registrants Only";
    /// Registrants read and write.
    EXCLUSIVE_ACCESS_REGISTRANTS = 0x6, "Exclusive Access - Registrants Only";
    /// As 5h, and all registrants hold it.
    WRITE_EXCLUSIVE_ALL = 0x7, "Write Exclusive - All Registrants";
    /// As 6h, and all registrants hold it.
    EXCLUSIVE_ACCESS_ALL = 0x8, "Exclusive Access - All Registrants";
}

impl ReservationType {
    /// Every type a disk may be reserved with, as REPORT CAPABILITIES lists them: WR_EX_AR, EX_AC_RO,
    /// WR_EX_RO, EX_AC and WR_EX, then EX_AC_AR.
    pub const MASK: [u8; 2] = [0xea, 0x01];

    /// Whether every registrant may do what the holder may.
    pub const fn admits_registrants(self) -> bool {
        matches!(self.0, 0x5..=0x8)
    }

    /// There is no single holder.
    pub const fn all_registrants(self) -> bool {
        matches!(self.0, 0x7 | 0x8)
    }

    /// Those it keeps out may not even read.
    pub const fn exclusive_access(self) -> bool {
        matches!(self.0, 0x3 | 0x6 | 0x8)
    }
}

/// The PERSISTENT RESERVE OUT parameter list.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReserveOutParameters {
    /// The sender's key, as registered.
    pub key: U64,
    /// The key to register, or whose owners to preempt.
    pub action_key: U64,
    /// Obsolete.
    pub obsolete_16: U32,
    /// SPEC_I_PT (bit 3), ALL_TG_PT (bit 2), [`Self::APTPL`].
    pub flags: u8,
    /// Reserved.
    pub reserved: u8,
    /// Obsolete.
    pub obsolete_22: U16,
}
const _: () = assert!(size_of::<ReserveOutParameters>() == 24);

impl ReserveOutParameters {
    /// `flags`: reservations and registrations outlive a loss of power.
    pub const APTPL: u8 = 0x01;

    /// A list of two keys, no flags.
    pub const fn new(key: u64, action_key: u64) -> Self {
        Self {
            key: U64::new(key),
            action_key: U64::new(action_key),
            obsolete_16: U32::ZERO,
            flags: 0,
            reserved: 0,
            obsolete_22: U16::ZERO,
        }
    }
}

/// One registration, as READ FULL STATUS lists it; a 24-byte TransportID follows.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct FullStatusDescriptor {
    /// The registered key.
    pub key: U64,
    /// Reserved.
    pub reserved_8: U32,
    /// ALL_TG_PT (bit 1), [`Self::R_HOLDER`].
    pub flags: u8,
    /// Scope and type, if this registrant holds the reservation.
    pub scope_and_type: u8,
    /// Reserved.
    pub reserved_14: U32,
    /// Relative target port identifier: 1, the only one.
    pub target_port: U16,
    /// Bytes of TransportID that follow.
    pub length: U32,
}
const _: () = assert!(size_of::<FullStatusDescriptor>() == 24);

impl FullStatusDescriptor {
    /// `flags`: holds the reservation.
    pub const R_HOLDER: u8 = 0x01;
}
