//! How big a disk is: READ CAPACITY parameter data.

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// READ CAPACITY(10) data (SBC-4, "READ CAPACITY (10) parameter data").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReadCapacity10Data {
    /// Address of the last block, or FFFFFFFFh: ask READ CAPACITY(16).
    pub last_block: U32,
    /// Bytes per logical block.
    pub block_length: U32,
}
const _: () = assert!(size_of::<ReadCapacity10Data>() == 8);

/// READ CAPACITY(16) data (SBC-4, "READ CAPACITY (16) parameter data").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReadCapacity16Data {
    /// Address of the last block.
    pub last_block: U64,
    /// Bytes per logical block.
    pub block_length: U32,
    /// P_TYPE and PROT_EN; zero, there is no protection information here.
    pub protection: u8,
    /// Bits 3..0: logical blocks per physical block, as a power of two.
    pub exponents: u8,
    /// LBPME (bit 15), LBPRZ (bit 14), lowest aligned logical block (bits 13..0).
    pub provisioning: U16,
    /// Reserved.
    pub reserved: [u8; 16],
}
const _: () = assert!(size_of::<ReadCapacity16Data>() == 32);

impl ReadCapacity16Data {
    /// Unmap is understood, and what was unmapped reads as zero: LBPME and LBPRZ.
    pub const UNMAP_READS_ZERO: u16 = 0xc000;
}
