//! The UNMAP parameter list: a header, then ranges (SBC-4, "UNMAP parameter list").

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first 8 bytes of an UNMAP parameter list.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct UnmapHeader {
    /// Bytes that follow this field.
    pub data_length: U16,
    /// Bytes of block descriptors that follow the header.
    pub descriptors_length: U16,
    /// Reserved.
    pub reserved: U32,
}
const _: () = assert!(size_of::<UnmapHeader>() == 8);

/// One range to give back.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct UnmapBlockDescriptor {
    /// First logical block.
    pub lba: U64,
    /// How many; zero is a range of nothing.
    pub blocks: U32,
    /// Reserved.
    pub reserved: U32,
}
const _: () = assert!(size_of::<UnmapBlockDescriptor>() == 16);
