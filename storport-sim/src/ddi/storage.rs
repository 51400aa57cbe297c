//! The part of ntddstor.h that the disk class driver handles: one property, and data set management.
//!
//! Clients of disks use these names, not miniports.
#![expect(non_upper_case_globals, missing_docs, reason = "the documented WDK names")]

use kernel_sim::ddi::{LONGLONG, UCHAR, ULONG, ULONGLONG};

macro_rules! numbers {
    ($($name:ident: $ty:ty = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of ntddstor.h.")] pub const $name: $ty = $value;)*
    };
}

numbers! {
    IOCTL_STORAGE_QUERY_PROPERTY: ULONG = 0x002D_1400;
    IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES: ULONG = 0x002D_9404;
    PropertyStandardQuery: ULONG = 0;
    StorageDeviceLBProvisioningProperty: ULONG = 11;
    DeviceDsmAction_Trim: ULONG = 1;
    DEVICE_DSM_FLAG_ENTIRE_DATA_SET_RANGE: ULONG = 1;
}

/// The input of `IOCTL_STORAGE_QUERY_PROPERTY`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STORAGE_PROPERTY_QUERY {
    pub PropertyId: ULONG,
    pub QueryType: ULONG,
    pub AdditionalParameters: [UCHAR; 1],
}

/// Its output for `StorageDeviceLBProvisioningProperty`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DEVICE_LB_PROVISIONING_DESCRIPTOR {
    pub Version: ULONG,
    pub Size: ULONG,
    /// ThinProvisioningEnabled (bit 0), ThinProvisioningReadZeros (1), AnchorSupported (2..4),
    /// UnmapGranularityAlignmentValid (5), GetFreeSpaceSupported (6), MapSupported (7).
    pub _bitfield_1: UCHAR,
    pub Reserved1: [UCHAR; 7],
    /// In bytes.
    pub OptimalUnmapGranularity: ULONGLONG,
    /// In bytes.
    pub UnmapGranularityAlignment: ULONGLONG,
    pub MaxUnmapLbaCount: ULONG,
    pub MaxUnmapBlockDescriptorCount: ULONG,
}
const _: () = assert!(size_of::<DEVICE_LB_PROVISIONING_DESCRIPTOR>() == 40);

impl DEVICE_LB_PROVISIONING_DESCRIPTOR {
    /// `_bitfield_1`: the unit takes UNMAP.
    pub const THIN_PROVISIONING_ENABLED: UCHAR = 1;
    /// `_bitfield_1`: what is unmapped reads as zeros.
    pub const THIN_PROVISIONING_READ_ZEROS: UCHAR = 2;
    /// `_bitfield_1`: `UnmapGranularityAlignment` is valid.
    pub const UNMAP_GRANULARITY_ALIGNMENT_VALID: UCHAR = 1 << 5;
}

/// What `IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES` carries; ranges follow at `DataSetRangesOffset`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DEVICE_MANAGE_DATA_SET_ATTRIBUTES {
    pub Size: ULONG,
    pub Action: ULONG,
    pub Flags: ULONG,
    pub ParameterBlockOffset: ULONG,
    pub ParameterBlockLength: ULONG,
    pub DataSetRangesOffset: ULONG,
    pub DataSetRangesLength: ULONG,
}
const _: () = assert!(size_of::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>() == 28);

/// One range of a data set.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct DEVICE_DATA_SET_RANGE {
    /// In bytes.
    pub StartingOffset: LONGLONG,
    pub LengthInBytes: ULONGLONG,
}
const _: () = assert!(size_of::<DEVICE_DATA_SET_RANGE>() == 16);
