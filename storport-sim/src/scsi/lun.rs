//! Logical unit numbers, in the single-level form a host adapter's target uses (SAM-6, "Logical unit
//! number").

use zerocopy::big_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A single-level logical unit number: 0 ..= 16383.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Lun(u16);

impl Lun {
    /// The unit every target answers for, whether or not there is a disk.
    pub const ZERO: Self = Self(0);
    /// The largest number the flat space form can carry.
    pub const MAX: Self = Self(0x3fff);

    /// The unit `number`; refuses (`None`) one above [`Lun::MAX`].
    pub const fn new(number: u16) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The eight bytes REPORT LUNS lists: peripheral addressing on bus 0 below 256, flat space from there on.
    pub const fn to_wire(self) -> [u8; 8] {
        let [high, low] = self.0.to_be_bytes();
        let method = if self.0 < 256 { 0x00 } else { 0x40 };
        [method | high, low, 0, 0, 0, 0, 0, 0]
    }

    /// Reads either single-level form; `None` for another bus, a deeper level or a well known unit.
    ///
    /// Flat space is accepted below 256 too, as virtio-scsi drivers send it.
    pub const fn from_wire(wire: [u8; 8]) -> Option<Self> {
        match wire {
            [0x00, low, 0, 0, 0, 0, 0, 0] => Some(Self(low as u16)),
            [high @ 0x40..=0x7f, low, 0, 0, 0, 0, 0, 0] => Some(Self(u16::from_be_bytes([high & 0x3f, low]))),
            _ => None,
        }
    }
}

impl std::fmt::Display for Lun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The header of REPORT LUNS data; eight bytes per unit follow (SPC-5, "REPORT LUNS command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReportLunsHeader {
    /// Bytes of list that follow the header, before any cut.
    pub list_length: U32,
    /// Reserved.
    pub reserved: U32,
}
const _: () = assert!(size_of::<ReportLunsHeader>() == 8);
