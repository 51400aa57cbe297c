//! Command blocks of any device (SPC-5).

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::scsi::{Opcode, VpdPage};

/// INQUIRY (SPC-5, "INQUIRY command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct Inquiry {
    /// [`Opcode::INQUIRY`].
    pub opcode: Opcode,
    /// Bit 0, EVPD: a vital product data page is wanted.
    pub evpd: u8,
    /// Which page; must be zero without EVPD.
    pub page: VpdPage,
    /// Bytes the initiator has room for.
    pub allocation_length: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<Inquiry>() == 6);

impl Inquiry {
    /// Asks for standard INQUIRY data.
    pub const fn standard(allocation_length: u16) -> Self {
        let page = VpdPage::SUPPORTED;
        Self {
            opcode: Opcode::INQUIRY,
            evpd: 0,
            page,
            allocation_length: U16::new(allocation_length),
            control: 0,
        }
    }

    /// Asks for a vital product data page.
    pub const fn vpd(page: VpdPage, allocation_length: u16) -> Self {
        Self {
            opcode: Opcode::INQUIRY,
            evpd: 1,
            page,
            allocation_length: U16::new(allocation_length),
            control: 0,
        }
    }
}

/// REQUEST SENSE (SPC-5, "REQUEST SENSE command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct RequestSense {
    /// [`Opcode::REQUEST_SENSE`].
    pub opcode: Opcode,
    /// Bit 0, DESC: descriptor format is wanted.
    pub desc: u8,
    /// Reserved.
    pub reserved: U16,
    /// Bytes the initiator has room for.
    pub allocation_length: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<RequestSense>() == 6);

/// MODE SENSE(6) (SPC-5, "MODE SENSE (6) command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ModeSense6 {
    /// [`Opcode::MODE_SENSE_6`].
    pub opcode: Opcode,
    /// [`Self::DBD`].
    pub flags: u8,
    /// Page control in bits 7..6, page code in bits 5..0.
    pub page: u8,
    /// Subpage code.
    pub subpage: u8,
    /// Bytes the initiator has room for.
    pub allocation_length: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ModeSense6>() == 6);

impl ModeSense6 {
    /// `flags`: no block descriptor, please.
    pub const DBD: u8 = 0x08;
}

/// MODE SENSE(10) (SPC-5, "MODE SENSE (10) command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ModeSense10 {
    /// [`Opcode::MODE_SENSE_10`].
    pub opcode: Opcode,
    /// [`ModeSense6::DBD`] and [`Self::LLBAA`].
    pub flags: u8,
    /// Page control in bits 7..6, page code in bits 5..0.
    pub page: u8,
    /// Subpage code.
    pub subpage: u8,
    /// Reserved.
    pub reserved: [u8; 3],
    /// Bytes the initiator has room for.
    pub allocation_length: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ModeSense10>() == 10);

impl ModeSense10 {
    /// `flags`: the long block descriptor is accepted.
    pub const LLBAA: u8 = 0x10;
}

/// MODE SELECT(6) (SPC-5, "MODE SELECT (6) command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ModeSelect6 {
    /// [`Opcode::MODE_SELECT_6`].
    pub opcode: Opcode,
    /// [`Self::PF`] and [`Self::SP`].
    pub flags: u8,
    /// Reserved.
    pub reserved: U16,
    /// Bytes of parameter list the initiator sends.
    pub parameter_list_length: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ModeSelect6>() == 6);

impl ModeSelect6 {
    /// `flags`: the list has the standard's page format.
    pub const PF: u8 = 0x10;
    /// `flags`: save the pages, too.
    pub const SP: u8 = 0x01;
}

/// MODE SELECT(10) (SPC-5, "MODE SELECT (10) command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ModeSelect10 {
    /// [`Opcode::MODE_SELECT_10`].
    pub opcode: Opcode,
    /// As in [`ModeSelect6`].
    pub flags: u8,
    /// Reserved.
    pub reserved: [u8; 5],
    /// Bytes of parameter list the initiator sends.
    pub parameter_list_length: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ModeSelect10>() == 10);

/// LOG SENSE (SPC-5, "LOG SENSE command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct LogSense {
    /// [`Opcode::LOG_SENSE`].
    pub opcode: Opcode,
    /// Bit 0, SP: save what can be saved; refused here.
    pub save: u8,
    /// Page control in bits 7..6, page code in bits 5..0.
    pub page: u8,
    /// Subpage code.
    pub subpage: u8,
    /// Reserved.
    pub reserved: u8,
    /// The first parameter wanted.
    pub parameter_pointer: U16,
    /// Bytes the initiator has room for.
    pub allocation_length: U16,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<LogSense>() == 10);

impl LogSense {
    /// Asks for the cumulative values of a page, from its first parameter on.
    pub const fn new(page: u8, subpage: u8, allocation_length: u16) -> Self {
        Self {
            opcode: Opcode::LOG_SENSE,
            save: 0,
            page: 0x40 | page,
            subpage,
            reserved: 0,
            parameter_pointer: U16::ZERO,
            allocation_length: U16::new(allocation_length),
            control: 0,
        }
    }
}

/// REPORT LUNS (SPC-5, "REPORT LUNS command").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReportLuns {
    /// [`Opcode::REPORT_LUNS`].
    pub opcode: Opcode,
    /// Reserved.
    pub reserved_1: u8,
    /// SELECT REPORT: 00h addressable units, 01h well known ones, 02h both.
    pub select_report: u8,
    /// Reserved.
    pub reserved_3: [u8; 3],
    /// Bytes the initiator has room for.
    pub allocation_length: U32,
    /// Reserved.
    pub reserved_10: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ReportLuns>() == 12);

impl ReportLuns {
    /// Asks for all units, well known ones included.
    pub const fn all(allocation_length: u32) -> Self {
        Self {
            opcode: Opcode::REPORT_LUNS,
            reserved_1: 0,
            select_report: 0x02,
            reserved_3: [0; 3],
            allocation_length: U32::new(allocation_length),
            reserved_10: 0,
            control: 0,
        }
    }
}

/// REPORT SUPPORTED OPERATION CODES (SPC-5, section of that name).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReportSupportedOpcodes {
    /// [`Opcode::MAINTENANCE_IN`].
    pub opcode: Opcode,
    /// [`REPORT_SUPPORTED_OPERATION_CODES`](crate::scsi::service_action::REPORT_SUPPORTED_OPERATION_CODES).
    pub service_action: u8,
    /// RCTD (bit 7, [`Self::RCTD`]) and reporting options (bits 2..0).
    pub options: u8,
    /// The operation code asked about.
    pub requested_opcode: Opcode,
    /// The service action asked about.
    pub requested_service_action: U16,
    /// Bytes the initiator has room for.
    pub allocation_length: U32,
    /// Reserved.
    pub reserved: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ReportSupportedOpcodes>() == 12);

impl ReportSupportedOpcodes {
    /// `options`: with command timeouts descriptors.
    pub const RCTD: u8 = 0x80;
}

/// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-5, section of that name).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ReportTaskManagement {
    /// [`Opcode::MAINTENANCE_IN`].
    pub opcode: Opcode,
    /// The service action.
    pub service_action: u8,
    /// REPD (bit 7, [`Self::REPD`]).
    pub options: u8,
    /// Reserved.
    pub reserved_3: [u8; 3],
    /// Bytes the initiator has room for.
    pub allocation_length: U32,
    /// Reserved.
    pub reserved_10: u8,
    /// Control.
    pub control: u8,
}
const _: () = assert!(size_of::<ReportTaskManagement>() == 12);

impl ReportTaskManagement {
    /// `options`: the extended form, with time-outs.
    pub const REPD: u8 = 0x80;
}
