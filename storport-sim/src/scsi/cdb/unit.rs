//! Command blocks of a disk that ask about the unit, or change it (SBC-4).

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::scsi::{Opcode, service_action};

/// START STOP UNIT (SBC-4, "START STOP UNIT command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct StartStopUnit {
    /// [`Opcode::START_STOP_UNIT`].
    pub opcode: Opcode,
    /// Bit 0, IMMED: end the command before it is done.
    pub immed: u8,
    /// Reserved.
    pub reserved: u8,
    /// Power condition modifier.
    pub modifier: u8,
    /// Power condition in bits 7..4; [`Self::NO_FLUSH`], LOEJ, [`Self::START`].
    pub flags: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<StartStopUnit>() == 6);

impl StartStopUnit {
    /// `flags`: spin up; without it, spin down.
    pub const START: u8 = 0x01;
    /// `flags`: leave the write cache as it is on the way down.
    pub const NO_FLUSH: u8 = 0x04;
}

/// FORMAT UNIT (SBC-4, "FORMAT UNIT command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct FormatUnit {
    /// [`Opcode::FORMAT_UNIT`].
    pub opcode: Opcode,
    /// FMTPINFO, LONGLIST, [`Self::FMTDATA`], [`Self::CMPLST`], DEFECT LIST FORMAT.
    pub flags: u8,
    /// Vendor specific.
    pub vendor: u8,
    /// Obsolete, and FFMT.
    pub fast: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<FormatUnit>() == 6);

impl FormatUnit {
    /// `flags`: a parameter list follows.
    pub const FMTDATA: u8 = 0x10;
    /// `flags`: its list of defects is complete.
    pub const CMPLST: u8 = 0x08;
}

/// The short header of FORMAT UNIT's parameter list (SBC-4, "Short parameter list header").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct FormatHeader {
    /// PROTECTION FIELD USAGE.
    pub protection: u8,
    /// [`Self::FOV`] and the options it is about, IP, [`Self::IMMED`].
    pub flags: u8,
    /// Bytes of defect descriptors that follow.
    pub defects_length: U16,
}
const _: () = assert!(size_of::<FormatHeader>() == 4);

impl FormatHeader {
    /// `flags`: the options are valid.
    pub const FOV: u8 = 0x80;
    /// `flags`: do without the list of the manufacturer.
    pub const DPRY: u8 = 0x40;
    /// `flags`: do not look for defects.
    pub const DCRT: u8 = 0x20;
    /// `flags`: stop if a list of defects is not there.
    pub const STPF: u8 = 0x10;
    /// `flags`: end the command before it is done.
    pub const IMMED: u8 = 0x02;
}

/// READ CAPACITY(16) (SBC-4, "READ CAPACITY (16) command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReadCapacity16 {
    /// [`Opcode::SERVICE_ACTION_IN_16`].
    pub opcode: Opcode,
    /// [`service_action::READ_CAPACITY_16`].
    pub service_action: u8,
    /// Obsolete: LOGICAL BLOCK ADDRESS.
    pub obsolete_lba: U64,
    /// Bytes the initiator has room for.
    pub allocation_length: U32,
    /// Obsolete: PMI.
    pub obsolete_pmi: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ReadCapacity16>() == 16);

impl ReadCapacity16 {
    /// Asks for the capacity.
    pub const fn new(allocation_length: u32) -> Self {
        Self {
            opcode: Opcode::SERVICE_ACTION_IN_16,
            service_action: service_action::READ_CAPACITY_16,
            obsolete_lba: U64::ZERO,
            allocation_length: U32::new(allocation_length),
            obsolete_pmi: 0,
            control: 0,
        }
    }
}

/// UNMAP (SBC-4, "UNMAP command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Unmap {
    /// [`Opcode::UNMAP`].
    pub opcode: Opcode,
    /// Bit 0, ANCHOR: not supported here.
    pub anchor: u8,
    /// Reserved.
    pub reserved: U32,
    /// Group number; accepted and ignored.
    pub group: u8,
    /// Bytes of parameter list the initiator sends.
    pub parameter_list_length: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<Unmap>() == 10);

impl Unmap {
    /// Gives back what a parameter list of so many bytes names.
    pub const fn of(parameter_list_length: u16) -> Self {
        Self {
            opcode: Opcode::UNMAP,
            anchor: 0,
            reserved: U32::ZERO,
            group: 0,
            parameter_list_length: U16::new(parameter_list_length),
            control: 0,
        }
    }
}

/// GET LBA STATUS(16) (SBC-4, "GET LBA STATUS (16) command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct GetLbaStatus {
    /// [`Opcode::SERVICE_ACTION_IN_16`].
    pub opcode: Opcode,
    /// [`service_action::GET_LBA_STATUS`].
    pub service_action: u8,
    /// The block to begin at.
    pub lba: U64,
    /// Bytes the initiator has room for.
    pub allocation_length: U32,
    /// Report type: 00h, blocks in every state.
    pub report_type: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<GetLbaStatus>() == 16);

impl GetLbaStatus {
    /// Asks for the state of the blocks from `lba` on.
    pub const fn new(lba: u64, allocation_length: u32) -> Self {
        Self {
            opcode: Opcode::SERVICE_ACTION_IN_16,
            service_action: service_action::GET_LBA_STATUS,
            lba: U64::new(lba),
            allocation_length: U32::new(allocation_length),
            report_type: 0,
            control: 0,
        }
    }
}

/// READ DEFECT DATA(10) (SBC-4, section of that name).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReadDefectData10 {
    /// [`Opcode::READ_DEFECT_DATA_10`].
    pub opcode: Opcode,
    /// Reserved.
    pub reserved_1: u8,
    /// REQ_PLIST (bit 4), REQ_GLIST (bit 3), format (bits 2..0).
    pub lists: u8,
    /// Reserved.
    pub reserved_3: [u8; 4],
    /// Bytes the initiator has room for.
    pub allocation_length: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ReadDefectData10>() == 10);

/// READ DEFECT DATA(12) (SBC-4, section of that name).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReadDefectData12 {
    /// [`Opcode::READ_DEFECT_DATA_12`].
    pub opcode: Opcode,
    /// As in [`ReadDefectData10::lists`].
    pub lists: u8,
    /// The first address descriptor wanted.
    pub first: U32,
    /// Bytes the initiator has room for.
    pub allocation_length: U32,
    /// Reserved.
    pub reserved: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ReadDefectData12>() == 12);
