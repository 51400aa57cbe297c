//! Command blocks of a disk that name a range of blocks (SBC-4).

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::scsi::Opcode;

/// What every command about a range of logical blocks has.
pub trait BlockCdb: FromBytes + Immutable + KnownLayout + Unaligned {
    /// The first logical block.
    fn lba(&self) -> u64;
    /// How many logical blocks.
    fn blocks(&self) -> u64;
    /// Byte 1, where it holds flags; zero where it does not.
    fn flags(&self) -> u8;
}

/// READ(6), WRITE(6): 21 bits of address, 8 of length (SBC-3, "READ (6) command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Rw6 {
    /// The operation code.
    pub opcode: Opcode,
    /// Address bits 20..16 in bits 4..0.
    pub lba_high: u8,
    /// Address bits 15..0.
    pub lba_low: U16,
    /// How many blocks; 0 means 256.
    pub blocks: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<Rw6>() == 6);

impl BlockCdb for Rw6 {
    fn lba(&self) -> u64 {
        u64::from(self.lba_high & 0x1f) << 16 | u64::from(self.lba_low.get())
    }
    fn blocks(&self) -> u64 {
        if self.blocks == 0 { 256 } else { self.blocks.into() }
    }
    fn flags(&self) -> u8 {
        0
    }
}

/// The 10-byte block commands (SBC-4, "READ (10) command" and its neighbours).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Rw10 {
    /// The operation code.
    pub opcode: Opcode,
    /// See [`Rw10::FUA`] and its neighbours.
    pub flags: u8,
    /// First block.
    pub lba: U32,
    /// Group number in bits 5..0; accepted and ignored.
    pub group: u8,
    /// How many blocks; 0 means none (SYNCHRONIZE CACHE, PRE-FETCH: to the end).
    pub blocks: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<Rw10>() == 10);

impl Rw10 {
    /// Reads and writes: force unit access. A write is on the medium before it completes.
    pub const FUA: u8 = 0x08;
    /// VERIFY: byte check, bits 2..1.
    pub const BYTCHK: u8 = 0x06;
    /// SYNCHRONIZE CACHE, PRE-FETCH: end the command before it is done.
    pub const IMMED: u8 = 0x02;
    /// WRITE SAME: the blocks may be unmapped instead of written.
    pub const UNMAP: u8 = 0x08;
    /// WRITE SAME(16): there is no data-out buffer, the block is zeros.
    pub const NDOB: u8 = 0x01;

    /// `opcode` about `blocks` blocks from `lba`, no flags.
    pub const fn new(opcode: Opcode, lba: u32, blocks: u16) -> Self {
        Self { opcode, flags: 0, lba: U32::new(lba), group: 0, blocks: U16::new(blocks), control: 0 }
    }
}

impl BlockCdb for Rw10 {
    fn lba(&self) -> u64 {
        self.lba.get().into()
    }
    fn blocks(&self) -> u64 {
        self.blocks.get().into()
    }
    fn flags(&self) -> u8 {
        self.flags
    }
}

/// The 12-byte block commands (SBC-4, "READ (12) command" and its neighbours).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Rw12 {
    /// The operation code.
    pub opcode: Opcode,
    /// As in [`Rw10`].
    pub flags: u8,
    /// First block.
    pub lba: U32,
    /// How many blocks.
    pub blocks: U32,
    /// Group number; accepted and ignored.
    pub group: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<Rw12>() == 12);

impl Rw12 {
    /// `opcode` about `blocks` blocks from `lba`, no flags.
    pub const fn new(opcode: Opcode, lba: u32, blocks: u32) -> Self {
        Self { opcode, flags: 0, lba: U32::new(lba), blocks: U32::new(blocks), group: 0, control: 0 }
    }
}

impl BlockCdb for Rw12 {
    fn lba(&self) -> u64 {
        self.lba.get().into()
    }
    fn blocks(&self) -> u64 {
        self.blocks.get().into()
    }
    fn flags(&self) -> u8 {
        self.flags
    }
}

/// The 16-byte block commands (SBC-4, "READ (16) command" and its neighbours).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Rw16 {
    /// The operation code.
    pub opcode: Opcode,
    /// As in [`Rw10`].
    pub flags: u8,
    /// First block.
    pub lba: U64,
    /// How many blocks.
    pub blocks: U32,
    /// Group number; accepted and ignored.
    pub group: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<Rw16>() == 16);

impl Rw16 {
    /// `opcode` about `blocks` blocks from `lba`, no flags.
    pub const fn new(opcode: Opcode, lba: u64, blocks: u32) -> Self {
        Self { opcode, flags: 0, lba: U64::new(lba), blocks: U32::new(blocks), group: 0, control: 0 }
    }
}

impl BlockCdb for Rw16 {
    fn lba(&self) -> u64 {
        self.lba.get()
    }
    fn blocks(&self) -> u64 {
        self.blocks.get().into()
    }
    fn flags(&self) -> u8 {
        self.flags
    }
}

/// COMPARE AND WRITE (SBC-4, "COMPARE AND WRITE command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct CompareAndWrite {
    /// [`Opcode::COMPARE_AND_WRITE`].
    pub opcode: Opcode,
    /// WRPROTECT, DPO, [`Rw10::FUA`].
    pub flags: u8,
    /// First block.
    pub lba: U64,
    /// Reserved.
    pub reserved: [u8; 3],
    /// How many blocks are compared, and as many written; 0 means none.
    pub blocks: u8,
    /// Group number; accepted and ignored.
    pub group: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<CompareAndWrite>() == 16);

impl CompareAndWrite {
    /// About `blocks` blocks from `lba`, no flags.
    pub const fn new(lba: u64, blocks: u8) -> Self {
        Self {
            opcode: Opcode::COMPARE_AND_WRITE,
            flags: 0,
            lba: U64::new(lba),
            reserved: [0; 3],
            blocks,
            group: 0,
            control: 0,
        }
    }
}

impl BlockCdb for CompareAndWrite {
    fn lba(&self) -> u64 {
        self.lba.get()
    }
    fn blocks(&self) -> u64 {
        self.blocks.into()
    }
    fn flags(&self) -> u8 {
        self.flags
    }
}
