//! The part of ntddscsi.h with which a client of a disk sends a command block of its own.
//!
//! Clients of disks use these names, not miniports.
#![expect(missing_docs, reason = "members have the WDK's names and meanings")]

use kernel_sim::ddi::{PVOID, UCHAR, ULONG, USHORT};

/// `IOCTL_SCSI_PASS_THROUGH_DIRECT`.
pub const IOCTL_SCSI_PASS_THROUGH_DIRECT: ULONG = 0x0004_D014;
/// `DataIn`: data goes to the unit.
pub const SCSI_IOCTL_DATA_OUT: UCHAR = 0;
/// `DataIn`: data comes from the unit.
pub const SCSI_IOCTL_DATA_IN: UCHAR = 1;
/// `DataIn`: none is moved, or either way.
pub const SCSI_IOCTL_DATA_UNSPECIFIED: UCHAR = 2;

/// The input and output of `IOCTL_SCSI_PASS_THROUGH_DIRECT`; sense data goes behind it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SCSI_PASS_THROUGH_DIRECT {
    pub Length: USHORT,
    pub ScsiStatus: UCHAR,
    pub PathId: UCHAR,
    pub TargetId: UCHAR,
    pub Lun: UCHAR,
    pub CdbLength: UCHAR,
    pub SenseInfoLength: UCHAR,
    pub DataIn: UCHAR,
    pub DataTransferLength: ULONG,
    /// In seconds.
    pub TimeOutValue: ULONG,
    pub DataBuffer: PVOID,
    pub SenseInfoOffset: ULONG,
    pub Cdb: [UCHAR; 16],
}
const _: () = assert!(size_of::<SCSI_PASS_THROUGH_DIRECT>() == 56);
