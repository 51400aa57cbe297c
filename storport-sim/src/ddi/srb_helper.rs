//! The accessors of srbhelper.h: one way to read and write an SRB of either kind.
//!
//! Inline functions of the header on Windows: part of the caller, so they have no hook, no scheduling
//! point and no check. What an SRB does not have reads as null, zero or nothing, and is not written.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of storport.h")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(clippy::missing_safety_doc, reason = "each takes a pointer to a live SRB of either kind, as in C")]

use super::extended_srb::{
    PSRBEX_DATA, PSTOR_ADDR_BTL8, PSTOR_ADDRESS, PSTORAGE_REQUEST_BLOCK, SRB_FUNCTION_STORAGE_REQUEST_BLOCK,
    SRBEX_DATA_SCSI_CDB16, SRBEXDATATYPE, STOR_ADDRESS_TYPE_BTL8, SrbExDataTypeScsiCdb16,
};
use super::structures::{PSCSI_REQUEST_BLOCK, SCSI_REQUEST_BLOCK};
use kernel_sim::ddi::{PVOID, UCHAR, ULONG};
use std::mem::offset_of;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// Whether an SRB is an extended one.
#[inline]
unsafe fn is_extended(Srb: PVOID) -> bool {
    // SAFETY: either kind begins with `Length`, `Function` and `SrbStatus`. Through an atomic, as a link of a
    // list is (`kernel_sim::ddi::IsListEmpty`): a bad pointer is a fault of the driver's in every build.
    let function = unsafe {
        AtomicU8::from_ptr((&raw const (*Srb.cast::<SCSI_REQUEST_BLOCK>()).Function).cast_mut()).load(Relaxed)
    };
    function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK
}

macro_rules! members {
    ($($get:ident, $($set:ident)?, $ty:ty, $classic:ident, $extended:ident;)*) => {$(
        #[doc = concat!("`", stringify!($extended), "` of an extended SRB, `", stringify!($classic), "` of a classic one.")]
        #[inline]
        #[must_use]
        pub unsafe fn $get(Srb: PVOID) -> $ty {
            // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
            unsafe {
                if is_extended(Srb) {
                    (*Srb.cast::<super::STORAGE_REQUEST_BLOCK>()).$extended as $ty
                } else {
                    (*Srb.cast::<SCSI_REQUEST_BLOCK>()).$classic as $ty
                }
            }
        }
        $(
            #[doc = concat!("Sets what [`", stringify!($get), "`] returns.")]
            #[inline]
            pub unsafe fn $set(Srb: PVOID, Value: $ty) {
                // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
                unsafe {
                    if is_extended(Srb) {
                        (*Srb.cast::<super::STORAGE_REQUEST_BLOCK>()).$extended = Value as _;
                    } else {
                        (*Srb.cast::<SCSI_REQUEST_BLOCK>()).$classic = Value as _;
                    }
                }
            }
        )?
    )*};
}

members! {
    SrbGetSrbFunction, , ULONG, Function, SrbFunction;
    SrbGetSrbStatus, SrbSetSrbStatus, UCHAR, SrbStatus, SrbStatus;
    SrbGetSrbFlags, SrbAssignSrbFlags, ULONG, SrbFlags, SrbFlags;
    SrbGetDataBuffer, SrbSetDataBuffer, PVOID, DataBuffer, DataBuffer;
    SrbGetDataTransferLength, SrbSetDataTransferLength, ULONG, DataTransferLength, DataTransferLength;
    SrbGetTimeOutValue, SrbSetTimeOutValue, ULONG, TimeOutValue, TimeOutValue;
    SrbGetNextSrb, SrbSetNextSrb, PVOID, NextSrb, NextSrb;
    SrbGetOriginalRequest, SrbSetOriginalRequest, PVOID, OriginalRequest, OriginalRequest;
    SrbGetMiniportContext, SrbSetMiniportContext, PVOID, SrbExtension, MiniportContext;
    SrbGetRequestTag, SrbSetRequestTag, ULONG, QueueTag, RequestTag;
    SrbGetRequestAttribute, SrbSetRequestAttribute, UCHAR, QueueAction, RequestAttribute;
}

/// Bytes of the whole SRB.
#[inline]
#[must_use]
pub unsafe fn SrbGetSrbLength(Srb: PVOID) -> ULONG {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        match extended(Srb) {
            Some(srb) => (*srb).SrbLength,
            None => ULONG::from((*Srb.cast::<SCSI_REQUEST_BLOCK>()).Length),
        }
    }
}

/// The NTSTATUS of an SRB that ends with SRB_STATUS_INTERNAL_ERROR: `SystemStatus`, or `InternalStatus`.
#[inline]
#[must_use]
pub unsafe fn SrbGetSystemStatus(Srb: PVOID) -> ULONG {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        match extended(Srb) {
            Some(srb) => (*srb).SystemStatus,
            None => (*Srb.cast::<SCSI_REQUEST_BLOCK>()).__bindgen_anon_1.InternalStatus,
        }
    }
}

/// Sets what [`SrbGetSystemStatus`] returns.
#[inline]
pub unsafe fn SrbSetSystemStatus(Srb: PVOID, Status: ULONG) {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        match extended(Srb) {
            Some(srb) => (*srb).SystemStatus = Status,
            None => (*Srb.cast::<SCSI_REQUEST_BLOCK>()).__bindgen_anon_1.InternalStatus = Status,
        }
    }
}

/// Sets flags and keeps the others.
#[inline]
pub unsafe fn SrbSetSrbFlags(Srb: PVOID, Flags: ULONG) {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe { SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) | Flags) }
}

/// Clears flags and keeps the others.
#[inline]
pub unsafe fn SrbClearSrbFlags(Srb: PVOID, Flags: ULONG) {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe { SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) & !Flags) }
}

#[inline]
unsafe fn extended(Srb: PVOID) -> Option<PSTORAGE_REQUEST_BLOCK> {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe { is_extended(Srb).then(|| Srb.cast()) }
}

/// The address of an extended SRB; NULL of a classic one, whose address is in the SRB.
#[inline]
#[must_use]
pub unsafe fn SrbGetAddress(Srb: PVOID) -> PSTOR_ADDRESS {
    // SAFETY: the caller's SRB is live, as in C; the offset is that of an address within the SRB.
    unsafe {
        match extended(Srb).filter(|srb| (1..SRB_BYTES_MAX).contains(&(**srb).AddressOffset)) {
            Some(srb) => Srb.wrapping_byte_add((*srb).AddressOffset as usize).cast(),
            None => null_mut(),
        }
    }
}

/// Bus, target and unit; `None` if the address is of another type.
#[inline]
#[must_use]
unsafe fn btl8(Srb: PVOID) -> Option<(UCHAR, UCHAR, UCHAR)> {
    // SAFETY: the caller's SRB is live, as in C; the type says how to read the address.
    unsafe {
        if !is_extended(Srb) {
            let srb: PSCSI_REQUEST_BLOCK = Srb.cast();
            return Some(((*srb).PathId, (*srb).TargetId, (*srb).Lun));
        }
        let address = SrbGetAddress(Srb);
        if address.is_null() || (*address).Type != u16::from(STOR_ADDRESS_TYPE_BTL8) {
            return None;
        }
        let address: PSTOR_ADDR_BTL8 = address.cast();
        Some(((*address).Path, (*address).Target, (*address).Lun))
    }
}

/// Bus, target and unit of a request; each output may be NULL.
pub unsafe fn SrbGetPathTargetLun(Srb: PVOID, PathId: *mut UCHAR, TargetId: *mut UCHAR, Lun: *mut UCHAR) {
    // SAFETY: the caller's SRB is live, as in C; outputs are the caller's own.
    unsafe {
        let Some((path, target, lun)) = btl8(Srb) else { return };
        for (output, value) in [(PathId, path), (TargetId, target), (Lun, lun)] {
            if !output.is_null() {
                *output = value;
            }
        }
    }
}

/// The bus.
#[inline]
#[must_use]
pub unsafe fn SrbGetPathId(Srb: PVOID) -> UCHAR {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe { btl8(Srb).map_or(0, |address| address.0) }
}

/// The target.
#[inline]
#[must_use]
pub unsafe fn SrbGetTargetId(Srb: PVOID) -> UCHAR {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe { btl8(Srb).map_or(0, |address| address.1) }
}

/// The logical unit.
#[inline]
#[must_use]
pub unsafe fn SrbGetLun(Srb: PVOID) -> UCHAR {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe { btl8(Srb).map_or(0, |address| address.2) }
}

/// Bytes an extended SRB can have, and blocks of extra data: what a driver has written over is not followed
/// further than this.
const SRB_BYTES_MAX: u32 = 4096;
const EX_DATA_MAX: u32 = 16;

/// The first block of extra data of a type; NULL if there is none within the SRB.
#[must_use]
pub unsafe fn SrbGetSrbExDataByType(Srb: PSTORAGE_REQUEST_BLOCK, Type: SRBEXDATATYPE) -> PSRBEX_DATA {
    // SAFETY: the caller's SRB is live, as in C; offsets are followed only within the SRB.
    unsafe {
        let end = (*Srb).SrbLength.min(SRB_BYTES_MAX);
        let offsets = (&raw const (*Srb).SrbExDataOffset).cast::<ULONG>();
        for n in 0..(*Srb).NumSrbExData.min(EX_DATA_MAX) as usize {
            let offset = *offsets.add(n);
            let fits = offset
                .checked_add(offset_of!(super::SRBEX_DATA, Data) as u32)
                .is_some_and(|past| past <= end);
            if offset == 0 || !fits || offset % 4 != 0 {
                continue;
            }
            let data: PSRBEX_DATA = Srb.wrapping_byte_add(offset as usize).cast();
            if (*data).Type == Type {
                return data;
            }
        }
        null_mut()
    }
}

/// The SCSI data of an extended SRB. CDBs of 16 bytes only: disks here know no longer ones.
#[inline]
unsafe fn cdb16(srb: PSTORAGE_REQUEST_BLOCK) -> *mut SRBEX_DATA_SCSI_CDB16 {
    // SAFETY: the caller's SRB is live, as in C; aligned as the class driver laid it out, or not there.
    unsafe {
        let data: *mut SRBEX_DATA_SCSI_CDB16 = SrbGetSrbExDataByType(srb, SrbExDataTypeScsiCdb16).cast();
        if data.is_aligned() { data } else { null_mut() }
    }
}

macro_rules! scsi_members {
    ($($get:ident, $($set:ident)?, $ty:ty, $member:ident, $none:expr;)*) => {$(
        #[doc = concat!("`", stringify!($member), "` of the request's SCSI data.")]
        #[inline]
        #[must_use]
        pub unsafe fn $get(Srb: PVOID) -> $ty {
            // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
            unsafe {
                match extended(Srb).map(|srb| cdb16(srb)) {
                    None => (*Srb.cast::<SCSI_REQUEST_BLOCK>()).$member,
                    Some(data) if data.is_null() => $none,
                    Some(data) => (*data).$member,
                }
            }
        }
        $(
            #[doc = concat!("Sets what [`", stringify!($get), "`] returns.")]
            #[inline]
            pub unsafe fn $set(Srb: PVOID, Value: $ty) {
                // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
                unsafe {
                    match extended(Srb).map(|srb| cdb16(srb)) {
                        None => (*Srb.cast::<SCSI_REQUEST_BLOCK>()).$member = Value,
                        Some(data) if data.is_null() => {}
                        Some(data) => (*data).$member = Value,
                    }
                }
            }
        )?
    )*};
}

scsi_members! {
    SrbGetScsiStatus, SrbSetScsiStatus, UCHAR, ScsiStatus, 0;
    SrbGetCdbLength, SrbSetCdbLength, UCHAR, CdbLength, 0;
    SrbGetSenseInfoBuffer, SrbSetSenseInfoBuffer, PVOID, SenseInfoBuffer, null_mut();
    SrbGetSenseInfoBufferLength, SrbSetSenseInfoBufferLength, UCHAR, SenseInfoBufferLength, 0;
}

/// The command block, `SrbGetCdbLength` bytes of it; NULL if the request has none.
#[inline]
#[must_use]
pub unsafe fn SrbGetCdb(Srb: PVOID) -> *mut UCHAR {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        match extended(Srb).map(|srb| cdb16(srb)) {
            None => (&raw mut (*Srb.cast::<SCSI_REQUEST_BLOCK>()).Cdb).cast(),
            Some(data) if data.is_null() => null_mut(),
            Some(data) => (&raw mut (*data).Cdb).cast(),
        }
    }
}

/// The port driver's own word of an SRB: which slot it has. A driver that writes over it costs time only.
#[inline]
pub(crate) unsafe fn port_hint(Srb: PVOID) -> u32 {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        match extended(Srb) {
            Some(srb) => (*srb).PortContext as usize as u32,
            None => (*Srb.cast::<SCSI_REQUEST_BLOCK>()).Reserved,
        }
    }
}

#[inline]
pub(crate) unsafe fn set_port_hint(Srb: PVOID, hint: u32) {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        match extended(Srb) {
            Some(srb) => (*srb).PortContext = hint as usize as PVOID,
            None => (*Srb.cast::<SCSI_REQUEST_BLOCK>()).Reserved = hint,
        }
    }
}

/// Writes the address of a request.
#[inline]
pub(crate) unsafe fn set_address(Srb: PVOID, path: UCHAR, target: UCHAR, lun: UCHAR) {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        if is_extended(Srb) {
            let address = SrbGetAddress(Srb);
            if !address.is_null() && (*address).Type == u16::from(STOR_ADDRESS_TYPE_BTL8) {
                let address: PSTOR_ADDR_BTL8 = address.cast();
                ((*address).Path, (*address).Target, (*address).Lun) = (path, target, lun);
            }
        } else {
            let srb: PSCSI_REQUEST_BLOCK = Srb.cast();
            ((*srb).PathId, (*srb).TargetId, (*srb).Lun) = (path, target, lun);
        }
    }
}

/// Sets what a request is.
#[inline]
pub(crate) unsafe fn set_function(Srb: PVOID, function: UCHAR) {
    // SAFETY: the caller's SRB is live, as in C; its kind is looked at first.
    unsafe {
        match extended(Srb) {
            Some(srb) => (*srb).SrbFunction = ULONG::from(function),
            None => (*Srb.cast::<SCSI_REQUEST_BLOCK>()).Function = function,
        }
    }
}
