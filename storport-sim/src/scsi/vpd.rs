//! Vital product data pages: INQUIRY with EVPD set.

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// A page code (SPC-5, "Vital product data parameters").
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct VpdPage(u8);

    /// The list of pages there are.
    SUPPORTED = 0x00, "Supported VPD Pages";
    /// The unit's serial number.
    UNIT_SERIAL_NUMBER = 0x80, "Unit Serial Number";
    /// Names by which the unit can be recognised.
    DEVICE_IDENTIFICATION = 0x83, "Device Identification";
    /// What else the unit can do.
    EXTENDED_INQUIRY = 0x86, "Extended INQUIRY Data";
    /// How much may be asked at once.
    BLOCK_LIMITS = 0xb0, "Block Limits";
    /// What the medium is.
    BLOCK_DEVICE_CHARACTERISTICS = 0xb1, "Block Device Characteristics";
    /// What unmapping means.
    LOGICAL_BLOCK_PROVISIONING = 0xb2, "Logical Block Provisioning";
}

/// The four bytes every page begins with.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct VpdHeader {
    /// Qualifier and device type, as in standard INQUIRY data.
    pub peripheral: u8,
    /// Which page.
    pub page: VpdPage,
    /// Bytes that follow the header.
    pub length: U16,
}
const _: () = assert!(size_of::<VpdHeader>() == 4);

/// The head of one designator in page 83h; the designator itself follows.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct DesignatorHeader {
    /// Protocol (bits 7..4) and code set (bits 3..0: 1 binary, 2 ASCII).
    pub code_set: u8,
    /// PIV (bit 7), association (bits 5..4: 0 the logical unit) and type (bits 3..0).
    pub kind: u8,
    /// Reserved.
    pub reserved: u8,
    /// Bytes of designator.
    pub length: u8,
}
const _: () = assert!(size_of::<DesignatorHeader>() == 4);

impl DesignatorHeader {
    /// `code_set`: binary.
    pub const BINARY: u8 = 1;
    /// `code_set`: printable ASCII.
    pub const ASCII: u8 = 2;
    /// `kind`: vendor, then something unique to that vendor.
    pub const T10_VENDOR_ID: u8 = 1;
    /// `kind`: an NAA name of eight bytes.
    pub const NAA: u8 = 3;
}

/// Page 86h after its header (SPC-5, "Extended INQUIRY Data VPD page").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct ExtendedInquiry {
    /// ACTIVATE MICROCODE, SPT, GRD_CHK, APP_CHK, REF_CHK: zero.
    pub protection: u8,
    /// UASK_SUP, GROUP_SUP, PRIOR_SUP and [`Self::TASK_ATTRIBUTES`].
    pub tasks: u8,
    /// WU_SUP, CRD_SUP, NV_SUP and [`Self::V_SUP`].
    pub cache: u8,
    /// P_I_I_SUP, LUICLR: zero.
    pub flags_7: u8,
    /// R_SUP, CBCS: zero.
    pub flags_8: u8,
    /// Multi I_T nexus microcode download; zero.
    pub microcode: u8,
    /// Extended self-test time, in minutes; zero: there is none.
    pub self_test_min: U16,
    /// POA_SUP, HRA_SUP, VSA_SUP: zero.
    pub flags_12: u8,
    /// Bytes of sense data at most.
    pub sense_max: u8,
    /// Reserved and features that are not here; zero.
    pub reserved: [u8; 50],
}
const _: () = assert!(size_of::<ExtendedInquiry>() == 60);

impl ExtendedInquiry {
    /// `tasks`: HEADSUP, ORDSUP and SIMPSUP. The disk finishes a command before it takes another, so any
    /// order the adapter keeps is kept.
    pub const TASK_ATTRIBUTES: u8 = 0x07;
    /// `cache`: there is a volatile cache.
    pub const V_SUP: u8 = 0x01;
}

/// Page b0h after its header (SBC-4, "Block Limits VPD page"). Zero is "no limit said" unless noted.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct BlockLimits {
    /// Bit 0, WSNZ: a WRITE SAME of zero blocks is refused rather than "to the end".
    pub flags: u8,
    /// Blocks one COMPARE AND WRITE may name; zero: not supported.
    pub compare_and_write_max: u8,
    /// Blocks below which a transfer is inefficient.
    pub transfer_granularity: U16,
    /// Blocks one transfer may name.
    pub transfer_max: U32,
    /// Blocks beyond which a transfer takes disproportionately long.
    pub transfer_optimal: U32,
    /// Blocks one prefetch may name.
    pub prefetch_max: U32,
    /// Blocks one UNMAP may name, over all its ranges.
    pub unmap_blocks_max: U32,
    /// Ranges one UNMAP may carry.
    pub unmap_descriptors_max: U32,
    /// Blocks that are given back together.
    pub unmap_granularity: U32,
    /// UGAVALID (bit 31) and the first aligned block.
    pub unmap_alignment: U32,
    /// Blocks one WRITE SAME may name.
    pub write_same_max: U64,
    /// Atomic writes: limits, all zero.
    pub atomic: [U32; 5],
}
const _: () = assert!(size_of::<BlockLimits>() == 60);

/// Page b1h after its header (SBC-4, "Block Device Characteristics VPD page").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct BlockCharacteristics {
    /// 1: does not rotate. Otherwise rotations per minute; zero: not said.
    pub rotation_rate: U16,
    /// Product type; zero: not said.
    pub product_type: u8,
    /// WABEREQ, WACEREQ, nominal form factor.
    pub form_factor: u8,
    /// ZONED, BOCS, FUAB, VBULS.
    pub flags: u8,
    /// Reserved and depopulation time; zero.
    pub reserved: [u8; 55],
}
const _: () = assert!(size_of::<BlockCharacteristics>() == 60);

/// Page b2h after its header (SBC-4, "Logical Block Provisioning VPD page").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct LogicalBlockProvisioning {
    /// Threshold set size; zero: no thresholds.
    pub threshold_exponent: u8,
    /// LBPU, LBPWS, LBPWS10, LBPRZ, ANC_SUP, DP from bit 7 down.
    pub flags: u8,
    /// Minimum percentage and provisioning type (bits 2..0: 2 is thin).
    pub provisioning: u8,
    /// Threshold percentage.
    pub threshold_percentage: u8,
}
const _: () = assert!(size_of::<LogicalBlockProvisioning>() == 4);

impl LogicalBlockProvisioning {
    /// `flags`: UNMAP is taken.
    pub const LBPU: u8 = 0x80;
    /// `flags`: what is unmapped reads as zero (any value of its three bits but 000b).
    pub const LBPRZ: u8 = 0x1c;
    /// `flags`: UNMAP, WRITE SAME(16) and WRITE SAME(10) unmap, and what is unmapped reads as zero.
    pub const UNMAP_READS_ZERO: u8 = 0x80 | 0x40 | 0x20 | 0x04;
    /// `provisioning`: thin.
    pub const THIN: u8 = 2;
}
