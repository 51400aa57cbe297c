//! GET LBA STATUS data: a header, then ranges of blocks that are in the same state (SBC-4, section of that
//! name).

use zerocopy::big_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first 8 bytes.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct LbaStatusHeader {
    /// Bytes that follow this field: 4 and 16 for each descriptor.
    pub length: U32,
    /// Reserved.
    pub reserved: [u8; 3],
    /// Completion condition and RTP; zero: not said.
    pub condition: u8,
}
const _: () = assert!(size_of::<LbaStatusHeader>() == 8);

/// One range.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct LbaStatusDescriptor {
    /// First logical block.
    pub lba: U64,
    /// How many.
    pub blocks: U32,
    /// Provisioning status in bits 3..0: [`Self::MAPPED`] or [`Self::DEALLOCATED`].
    pub status: u8,
    /// Additional status; zero.
    pub additional: u8,
    /// Reserved.
    pub reserved: [u8; 2],
}
const _: () = assert!(size_of::<LbaStatusDescriptor>() == 16);

impl LbaStatusDescriptor {
    /// `status`: there is something to read, or the store cannot tell.
    pub const MAPPED: u8 = 0;
    /// `status`: nothing is kept; reads as zero.
    pub const DEALLOCATED: u8 = 1;
}
