//! Extended SRBs: `STORAGE_REQUEST_BLOCK`, its address and its extra data.
//!
//! An extended SRB begins like a classic one as far as `Function` and `SrbStatus`, so either can be
//! told from its first bytes: `Function` is `SRB_FUNCTION_STORAGE_REQUEST_BLOCK`. Address and SCSI data
//! lie behind it, at offsets it names. The accessors that read either kind are in `srb_helper`.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of storport.h")]
#![expect(missing_docs, reason = "members have the WDK's names and meanings")]
#![expect(non_upper_case_globals, reason = "the documented WDK names")]

use super::hardware_structures::{
    SCSI_PNP_REQUEST_BLOCK, SCSI_POWER_REQUEST_BLOCK, STOR_DEVICE_POWER_STATE, STOR_POWER_ACTION,
};
use super::structures::SCSI_REQUEST_BLOCK;
use super::{SRB_FUNCTION_PNP, SRB_FUNCTION_POWER};
use kernel_sim::ddi::{PVOID, UCHAR, ULONG, USHORT};
use std::mem::offset_of;

pub type SRBEXDATATYPE = i32;

/// One request to an adapter: the extended SRB.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STORAGE_REQUEST_BLOCK {
    /// Of a classic SRB; the length of the extended one is `SrbLength`.
    pub Length: USHORT,
    /// Always `SRB_FUNCTION_STORAGE_REQUEST_BLOCK`.
    pub Function: UCHAR,
    pub SrbStatus: UCHAR,
    pub ReservedUchar1: [UCHAR; 4],
    pub Signature: ULONG,
    pub Version: ULONG,
    pub SrbLength: ULONG,
    /// What the request is.
    pub SrbFunction: ULONG,
    pub SrbFlags: ULONG,
    pub ReservedUlong1: ULONG,
    pub RequestTag: ULONG,
    pub RequestPriority: USHORT,
    pub RequestAttribute: USHORT,
    /// In seconds.
    pub TimeOutValue: ULONG,
    pub SystemStatus: ULONG,
    pub ZeroGuard1: ULONG,
    /// Bytes from the start of the SRB to its address.
    pub AddressOffset: ULONG,
    pub NumSrbExData: ULONG,
    /// In bytes.
    pub DataTransferLength: ULONG,
    pub DataBuffer: PVOID,
    pub ZeroGuard2: PVOID,
    pub OriginalRequest: PVOID,
    pub ClassContext: PVOID,
    /// The port driver's.
    pub PortContext: PVOID,
    /// The SRB extension.
    pub MiniportContext: PVOID,
    pub NextSrb: *mut STORAGE_REQUEST_BLOCK,
    /// As many as `NumSrbExData` says.
    pub SrbExDataOffset: [ULONG; 1],
}
pub type PSTORAGE_REQUEST_BLOCK = *mut STORAGE_REQUEST_BLOCK;

/// The beginning of every address.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_ADDRESS {
    pub Type: USHORT,
    pub Port: USHORT,
    pub AddressLength: ULONG,
    /// As many as `AddressLength` says.
    pub AddressData: [UCHAR; 1],
}
pub type PSTOR_ADDRESS = *mut STOR_ADDRESS;

/// Bus, target and logical unit, eight bits each.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_ADDR_BTL8 {
    pub Type: USHORT,
    pub Port: USHORT,
    pub AddressLength: ULONG,
    pub Path: UCHAR,
    pub Target: UCHAR,
    pub Lun: UCHAR,
    pub Reserved: UCHAR,
}
pub type PSTOR_ADDR_BTL8 = *mut STOR_ADDR_BTL8;

/// The beginning of every block of extra data.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SRBEX_DATA {
    pub Type: SRBEXDATATYPE,
    /// Bytes behind this member.
    pub Length: ULONG,
    /// As many as `Length` says.
    pub Data: [UCHAR; 1],
}
pub type PSRBEX_DATA = *mut SRBEX_DATA;

/// A SCSI command of at most 16 bytes and how it ended.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SRBEX_DATA_SCSI_CDB16 {
    pub Type: SRBEXDATATYPE,
    pub Length: ULONG,
    pub ScsiStatus: UCHAR,
    pub SenseInfoBufferLength: UCHAR,
    pub CdbLength: UCHAR,
    pub Reserved: UCHAR,
    pub Reserved1: ULONG,
    pub SenseInfoBuffer: PVOID,
    pub Cdb: [UCHAR; 16],
}
pub type PSRBEX_DATA_SCSI_CDB16 = *mut SRBEX_DATA_SCSI_CDB16;

/// A plug and play request to the adapter or a unit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SRBEX_DATA_PNP {
    pub Type: SRBEXDATATYPE,
    pub Length: ULONG,
    pub PnPSubFunction: UCHAR,
    pub Reserved: [UCHAR; 3],
    /// A `STOR_PNP_ACTION`.
    pub PnPAction: ULONG,
    pub SrbPnPFlags: ULONG,
    pub Reserved1: ULONG,
}
pub type PSRBEX_DATA_PNP = *mut SRBEX_DATA_PNP;

/// A power request to the adapter or a unit.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct SRBEX_DATA_POWER {
    pub Type: SRBEXDATATYPE,
    pub Length: ULONG,
    pub SrbPowerFlags: UCHAR,
    pub Reserved: [UCHAR; 3],
    pub DevicePowerState: STOR_DEVICE_POWER_STATE,
    pub PowerAction: STOR_POWER_ACTION,
}
pub type PSRBEX_DATA_POWER = *mut SRBEX_DATA_POWER;

/// An extended SRB with the address and the data that disk requests have: what the class driver and the
/// port driver make. Windows lays the parts out the same way, one behind the other.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct ExtendedSrb {
    pub srb: STORAGE_REQUEST_BLOCK,
    pub address: STOR_ADDR_BTL8,
    pub scsi: SRBEX_DATA_SCSI_CDB16,
}

kernel_sim::wdk_numbers! {
    in EXTENDED_SRB_NUMBERS;

    SRB_FUNCTION_STORAGE_REQUEST_BLOCK: UCHAR = 0x28;
    SRB_SIGNATURE: ULONG = 0x5342_5258;
    STORAGE_REQUEST_BLOCK_VERSION_1: ULONG = 1;
    SRB_TYPE_SCSI_REQUEST_BLOCK: UCHAR = 0;
    SRB_TYPE_STORAGE_REQUEST_BLOCK: UCHAR = 1;
    SRB_TYPE_FLAG_SCSI_REQUEST_BLOCK: ULONG = 1;
    SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK: ULONG = 2;
    STOR_ADDRESS_TYPE_UNKNOWN: UCHAR = 0;
    STOR_ADDRESS_TYPE_BTL8: UCHAR = 1;
    ADDRESS_TYPE_FLAG_BTL8: ULONG = 1;
    STOR_ADDR_BTL8_ADDRESS_LENGTH: ULONG = 4;
    SrbExDataTypeUnknown: SRBEXDATATYPE = 0;
    SrbExDataTypeScsiCdb16: SRBEXDATATYPE = 0x40;
    SrbExDataTypeScsiCdb32: SRBEXDATATYPE = 0x41;
    SrbExDataTypeScsiCdbVar: SRBEXDATATYPE = 0x42;
    SrbExDataTypePower: SRBEXDATATYPE = 0x61;
    SrbExDataTypePnP: SRBEXDATATYPE = 0x62;
    SRBEX_DATA_POWER_LENGTH: ULONG = 12;
    SRBEX_DATA_PNP_LENGTH: ULONG = (size_of::<SRBEX_DATA_PNP>() - offset_of!(SRBEX_DATA, Data)) as ULONG;
    SRBEX_DATA_SCSI_CDB16_LENGTH: ULONG =
        (size_of::<SRBEX_DATA_SCSI_CDB16>() - offset_of!(SRBEX_DATA, Data)) as ULONG;
}
const _: () = assert!(SRBEX_DATA_PNP_LENGTH == 16 && SRBEX_DATA_SCSI_CDB16_LENGTH == 32);

impl ExtendedSrb {
    /// Lays an extended SRB out in zeroed memory: lengths, offsets and types, but no request yet.
    ///
    /// # Safety
    /// The memory is the caller's.
    pub(crate) unsafe fn lay_out(block: *mut ExtendedSrb) {
        // SAFETY: the caller promises that the memory is its own.
        let b = unsafe {
            block.write_bytes(0, 1);
            &mut *block
        };
        b.srb.Length = size_of::<SCSI_REQUEST_BLOCK>() as USHORT;
        b.srb.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
        b.srb.Signature = SRB_SIGNATURE;
        b.srb.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
        b.srb.SrbLength = size_of::<ExtendedSrb>() as ULONG;
        b.srb.AddressOffset = std::mem::offset_of!(ExtendedSrb, address) as ULONG;
        b.srb.NumSrbExData = 1;
        b.srb.SrbExDataOffset = [std::mem::offset_of!(ExtendedSrb, scsi) as ULONG];
        b.address.Type = USHORT::from(STOR_ADDRESS_TYPE_BTL8);
        b.address.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
        b.scsi.Type = SrbExDataTypeScsiCdb16;
        b.scsi.Length = SRBEX_DATA_SCSI_CDB16_LENGTH;
    }
}

/// Room for an SRB of either kind.
#[repr(C)]
pub(crate) union SrbRoom {
    classic: SCSI_REQUEST_BLOCK,
    extended: ExtendedSrb,
}

impl SrbRoom {
    /// Makes an empty SRB of the kind an adapter takes.
    ///
    /// # Safety
    /// The room is the caller's, and no request is out in it.
    pub(crate) unsafe fn prepare(room: *mut SrbRoom, is_extended: bool) -> PVOID {
        // SAFETY: the caller promises that the room is its own, with no request out in it.
        unsafe {
            if is_extended {
                ExtendedSrb::lay_out(room.cast());
            } else {
                let srb: *mut SCSI_REQUEST_BLOCK = room.cast();
                srb.write_bytes(0, 1);
                (*srb).Length = size_of::<SCSI_REQUEST_BLOCK>() as USHORT;
            }
        }
        room.cast()
    }

    /// Makes of an empty SRB a plug and play request to the adapter or a unit.
    ///
    /// # Safety
    /// As for [`SrbRoom::prepare`], which made it.
    pub(crate) unsafe fn make_pnp(room: *mut SrbRoom, is_extended: bool, action: ULONG, flags: ULONG) {
        // SAFETY: the caller owns the SRB that `prepare` made; the data of a PnP request is shorter than that
        // of a SCSI command.
        unsafe {
            if is_extended {
                let block: *mut ExtendedSrb = room.cast();
                (*block).srb.SrbFunction = ULONG::from(SRB_FUNCTION_PNP);
                let data: PSRBEX_DATA_PNP = (&raw mut (*block).scsi).cast();
                *data = SRBEX_DATA_PNP {
                    Type: SrbExDataTypePnP,
                    Length: SRBEX_DATA_PNP_LENGTH,
                    PnPSubFunction: 0,
                    Reserved: [0; 3],
                    PnPAction: action,
                    SrbPnPFlags: flags,
                    Reserved1: 0,
                };
            } else {
                let srb: *mut SCSI_PNP_REQUEST_BLOCK = room.cast();
                (*srb).Function = SRB_FUNCTION_PNP;
                (*srb).PnPAction = action;
                (*srb).SrbPnPFlags = flags;
            }
        }
    }

    /// Makes of an empty SRB a power request to the adapter or a unit.
    ///
    /// # Safety
    /// As for [`SrbRoom::prepare`], which made it.
    pub(crate) unsafe fn make_power(
        room: *mut SrbRoom,
        is_extended: bool,
        state: STOR_DEVICE_POWER_STATE,
        action: STOR_POWER_ACTION,
        flags: UCHAR,
    ) {
        // SAFETY: the caller owns the SRB that `prepare` made; the data of a power request is shorter than
        // that of a SCSI command.
        unsafe {
            if is_extended {
                let block: *mut ExtendedSrb = room.cast();
                (*block).srb.SrbFunction = ULONG::from(SRB_FUNCTION_POWER);
                let data: PSRBEX_DATA_POWER = (&raw mut (*block).scsi).cast();
                *data = SRBEX_DATA_POWER {
                    Type: SrbExDataTypePower,
                    Length: SRBEX_DATA_POWER_LENGTH,
                    SrbPowerFlags: flags,
                    Reserved: [0; 3],
                    DevicePowerState: state,
                    PowerAction: action,
                };
            } else {
                let srb: *mut SCSI_POWER_REQUEST_BLOCK = room.cast();
                (*srb).Function = SRB_FUNCTION_POWER;
                (*srb).SrbPowerFlags = flags;
                (*srb).DevicePowerState = state;
                (*srb).PowerAction = action;
            }
        }
    }
}
