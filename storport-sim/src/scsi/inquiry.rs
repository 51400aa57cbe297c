//! Standard INQUIRY data: who a logical unit says it is.

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Whether a device answers behind this logical unit number; bits 7..5 of INQUIRY byte 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum PeripheralQualifier {
    /// A device is there.
    Connected = 0b000,
    /// The target could have a device here, and has none now.
    NotConnected = 0b001,
    /// The target cannot have a device here.
    Incapable = 0b011,
}

open_enum! {
    /// What kind of device; bits 4..0 of INQUIRY byte 0.
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct PeripheralDeviceType(u8);

    /// A disk (SBC-4).
    DIRECT_ACCESS = 0x00, "direct access block device";
    /// No device.
    UNKNOWN = 0x1f, "unknown or no device";
}

impl PeripheralDeviceType {
    /// Byte 0 of INQUIRY data.
    pub const fn with(self, qualifier: PeripheralQualifier) -> u8 {
        (qualifier as u8) << 5 | (self.0 & 0x1f)
    }
}

/// Standard INQUIRY data, 96 bytes (SPC-5, "Standard INQUIRY data").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct InquiryData {
    /// Qualifier and device type; see [`PeripheralDeviceType::with`].
    pub peripheral: u8,
    /// RMB in bit 7: zero, the medium does not come out.
    pub removable: u8,
    /// The SPC edition: 7 for SPC-5.
    pub version: u8,
    /// HISUP (bit 4) and response data format 2.
    pub format: u8,
    /// Bytes that follow this one.
    pub additional_length: u8,
    /// SCCS, TPGS, 3PC, PROTECT: zero.
    pub flags_5: u8,
    /// ENCSERV, MULTIP: zero.
    pub flags_6: u8,
    /// CMDQUE in bit 1: commands are queued.
    pub flags_7: u8,
    /// T10 vendor identification, padded with spaces.
    pub vendor: [u8; 8],
    /// Product identification, padded with spaces.
    pub product: [u8; 16],
    /// Product revision level, padded with spaces.
    pub revision: [u8; 4],
    /// Vendor specific; zero.
    pub vendor_specific: [u8; 20],
    /// Clocking and parallel bus bits, reserved; zero.
    pub reserved_56: [u8; 2],
    /// Standards claimed, as version descriptors.
    pub versions: [U16; 8],
    /// Reserved.
    pub reserved_74: [u8; 22],
}
const _: () = assert!(size_of::<InquiryData>() == 96);

impl InquiryData {
    /// `version` of a unit that follows SPC-5.
    pub const SPC_5: u8 = 0x07;
    /// `format`: HISUP, response data format 2.
    pub const HISUP_FORMAT_2: u8 = 0x12;
    /// `flags_7`: CMDQUE.
    pub const CMDQUE: u8 = 0x02;
    /// Version descriptors, no version claimed: SAM-6, SPC-5, SBC-4.
    pub const STANDARDS: [U16; 3] = [U16::new(0x00c0), U16::new(0x05c0), U16::new(0x0600)];
}
