//! Mode parameters: headers, block descriptors and the pages a disk needs.

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// A mode page code, six bits (SPC-5, "Mode page and subpage formats"; SBC-4, "Mode parameters").
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct ModePage(u8);

    /// Read-Write Error Recovery.
    ERROR_RECOVERY = 0x01, "Read-Write Error Recovery";
    /// Disconnect-Reconnect.
    DISCONNECT = 0x02, "Disconnect-Reconnect";
    /// Caching.
    CACHING = 0x08, "Caching";
    /// Control.
    CONTROL = 0x0a, "Control";
    /// Informational Exceptions Control.
    EXCEPTIONS = 0x1c, "Informational Exceptions Control";
    /// Not a page: all of them.
    ALL = 0x3f, "all pages";
}

impl ModePage {
    /// Byte 0 of a page: it can be saved (PS); reserved in MODE SELECT.
    pub const PS: u8 = 0x80;
    /// Byte 0 of a page: it has a subpage code, and a length of two bytes (SPF).
    pub const SPF: u8 = 0x40;
}

/// The header MODE SENSE(6) begins with.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ModeHeader6 {
    /// Bytes that follow this one.
    pub length: u8,
    /// Zero for a disk.
    pub medium_type: u8,
    /// [`Self::WRITE_PROTECTED`] and [`Self::DPOFUA`].
    pub device_specific: u8,
    /// Bytes of block descriptor.
    pub descriptor_length: u8,
}
const _: () = assert!(size_of::<ModeHeader6>() == 4);

impl ModeHeader6 {
    /// `device_specific`: the medium cannot be written.
    pub const WRITE_PROTECTED: u8 = 0x80;
    /// `device_specific`: DPO and FUA bits are understood.
    pub const DPOFUA: u8 = 0x10;
}

/// The header MODE SENSE(10) begins with.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ModeHeader10 {
    /// Bytes that follow this field.
    pub length: U16,
    /// Zero for a disk.
    pub medium_type: u8,
    /// As in [`ModeHeader6`].
    pub device_specific: u8,
    /// Bit 0, LONGLBA: the block descriptor is the long one.
    pub long_lba: u8,
    /// Reserved.
    pub reserved: u8,
    /// Bytes of block descriptor.
    pub descriptor_length: U16,
}
const _: () = assert!(size_of::<ModeHeader10>() == 8);

/// SBC-4, "Short LBA mode parameter block descriptor".
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct BlockDescriptorShort {
    /// Blocks on the disk, or FFFFFFFFh if there are more.
    pub blocks: U32,
    /// Bytes per block in the low 24 bits.
    pub block_length: U32,
}
const _: () = assert!(size_of::<BlockDescriptorShort>() == 8);

/// SBC-4, "Long LBA mode parameter block descriptor".
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct BlockDescriptorLong {
    /// Blocks on the disk.
    pub blocks: U64,
    /// Reserved.
    pub reserved: U32,
    /// Bytes per block.
    pub block_length: U32,
}
const _: () = assert!(size_of::<BlockDescriptorLong>() == 16);

/// SBC-4, "Read-Write Error Recovery mode page".
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ErrorRecoveryPage {
    /// [`ModePage::ERROR_RECOVERY`].
    pub page: ModePage,
    /// Bytes that follow: 10.
    pub length: u8,
    /// AWRE (bit 7), ARRE (bit 6), TB, RC, EER, PER, DTE, DCR.
    pub flags: u8,
    /// Read retries.
    pub read_retries: u8,
    /// Obsolete.
    pub obsolete: [u8; 3],
    /// LBPERE in bit 7.
    pub flags_7: u8,
    /// Write retries.
    pub write_retries: u8,
    /// Reserved.
    pub reserved: u8,
    /// Recovery time limit, in milliseconds; zero: the device's own.
    pub time_limit_ms: U16,
}
const _: () = assert!(size_of::<ErrorRecoveryPage>() == 12);

/// SPC-5, "Disconnect-Reconnect mode page". Nothing here disconnects: all zero, "the device's own choice".
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct DisconnectPage {
    /// [`ModePage::DISCONNECT`].
    pub page: ModePage,
    /// Bytes that follow: 14.
    pub length: u8,
    /// Buffer ratios and time limits.
    pub limits: [u8; 14],
}
const _: () = assert!(size_of::<DisconnectPage>() == 16);

/// SBC-4, "Caching mode page".
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct CachingPage {
    /// [`ModePage::CACHING`].
    pub page: ModePage,
    /// Bytes that follow: 18.
    pub length: u8,
    /// IC, ABPF, CAP, DISC, SIZE, [`Self::WCE`], MF, RCD from bit 7 down.
    pub flags: u8,
    /// Retention priorities, prefetch limits, cache segments: zero.
    pub details: [u8; 17],
}
const _: () = assert!(size_of::<CachingPage>() == 20);

impl CachingPage {
    /// `flags`: the write cache is enabled, so a write is durable only after SYNCHRONIZE CACHE or with FUA.
    pub const WCE: u8 = 0x04;
}

/// SPC-5, "Control mode page".
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ControlPage {
    /// [`ModePage::CONTROL`].
    pub page: ModePage,
    /// Bytes that follow: 10.
    pub length: u8,
    /// TST, TMF_ONLY, DPICZ, D_SENSE, [`Self::GLTSD`], RLEC.
    pub flags_2: u8,
    /// Queue algorithm modifier in bits 7..4 ([`Self::UNRESTRICTED_REORDERING`]), NUAR, QERR.
    pub flags_3: u8,
    /// RAC, UA_INTLCK_CTRL, [`Self::SWP`].
    pub flags_4: u8,
    /// ATO, TAS, ATMPE, RWWP, AUTOLOAD MODE: zero.
    pub flags_5: u8,
    /// Obsolete.
    pub obsolete: U16,
    /// In units of 100 ms; FFFFh: unlimited.
    pub busy_timeout: U16,
    /// Extended self-test time, in seconds; zero: there is none.
    pub self_test_s: U16,
}
const _: () = assert!(size_of::<ControlPage>() == 12);

impl ControlPage {
    /// `flags_2`: sense data comes in descriptor format.
    pub const D_SENSE: u8 = 0x04;
    /// `flags_4`: the medium is write protected, by software.
    pub const SWP: u8 = 0x08;
    /// `flags_2`: log parameters are not saved.
    pub const GLTSD: u8 = 0x02;
    /// `flags_3`: simple commands may be reordered at will. They are: order is the schedule's choice.
    pub const UNRESTRICTED_REORDERING: u8 = 0x10;
}

/// SPC-5, "Control Extension mode page": a subpage, so its head is the longer one.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ControlExtensionPage {
    /// [`ModePage::CONTROL`], with [`ModePage::SPF`].
    pub page: u8,
    /// 01h.
    pub subpage: u8,
    /// Bytes that follow: 28.
    pub length: U16,
    /// TCMOS, SCSIP, IALUAE: zero.
    pub flags: u8,
    /// Initial command priority; zero.
    pub priority: u8,
    /// Bytes of sense data at most; zero: no limit set.
    pub sense_max: u8,
    /// Reserved.
    pub reserved: [u8; 25],
}
const _: () = assert!(size_of::<ControlExtensionPage>() == 32);

/// SPC-5, "Informational Exceptions Control mode page".
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ExceptionsPage {
    /// [`ModePage::EXCEPTIONS`].
    pub page: ModePage,
    /// Bytes that follow: 10.
    pub length: u8,
    /// PERF, EBF, EWASC, [`Self::DEXCPT`], TEST, EBACKERR, LOGERR.
    pub flags: u8,
    /// Method of reporting; zero: none.
    pub method: u8,
    /// In units of 100 ms.
    pub interval_timer: U32,
    /// How often to report.
    pub report_count: U32,
}
const _: () = assert!(size_of::<ExceptionsPage>() == 12);

impl ExceptionsPage {
    /// `flags`: failure prediction is off.
    pub const DEXCPT: u8 = 0x08;
}
