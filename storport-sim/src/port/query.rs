//! The small routines: addresses of a request's data, unit extensions, pool, time, service requests.

use super::adapter;
use super::unit::{Address, state};
use crate::ddi::{
    PSCSI_REQUEST_BLOCK, STOR_STATUS_INSUFFICIENT_RESOURCES, STOR_STATUS_INVALID_IRQL,
    STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS, STOR_STATUS_UNSUCCESSFUL,
};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{Cx, LARGE_INTEGER, PIRP, PLARGE_INTEGER, PMDL, PVOID, UCHAR, ULONG};
use kernel_sim::irql::Irql;
use kernel_sim::system;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// Stalls longer than this, in microseconds, are stopped by Storport verification.
const STALL_US_MAX: u32 = 100_000;

/// What the port driver recorded of an SRB that the miniport has.
fn recorded(cx: &Cx, extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> Option<(PVOID, PMDL)> {
    let (unit, slot) = adapter(cx, extension).slot_of(cx, srb)?;
    let slot = &unit.slots[usize::from(slot)];
    (slot.state.load(Acquire) == state::MINIPORT).then(|| (slot.data.load(Relaxed), slot.mdl.load(Relaxed)))
}

/// An SRB the miniport does not have is refused with STOR_STATUS_INVALID_PARAMETER.
pub(crate) unsafe fn system_address(
    cx: &Cx,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    out: *mut PVOID,
) -> ULONG {
    cx.check_output(out);
    if cx.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let Some((data, _)) = recorded(cx, extension, srb) else { return STOR_STATUS_INVALID_PARAMETER };
    // SAFETY: found in mapped memory above.
    unsafe { *out = data };
    if data.is_null() { STOR_STATUS_UNSUCCESSFUL } else { STOR_STATUS_SUCCESS }
}

pub(crate) unsafe fn original_mdl(
    cx: &Cx,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    out: *mut PMDL,
) -> ULONG {
    cx.check_output(out);
    let Some((_, mdl)) = recorded(cx, extension, srb) else { return STOR_STATUS_INVALID_PARAMETER };
    // SAFETY: found in mapped memory above.
    unsafe { *out = mdl };
    if mdl.is_null() { STOR_STATUS_UNSUCCESSFUL } else { STOR_STATUS_SUCCESS }
}

/// Windows takes the interrupt lock in here at DISPATCH_LEVEL; a virtual adapter's is not needed.
pub(crate) unsafe fn logical_unit(
    cx: &Cx,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
) -> PVOID {
    let unit = adapter(cx, extension).unit_by_address(Address { path, target, lun });
    unit.map_or(null_mut(), |unit| unit.extension)
}

/// The IRP ends inside this call, as IoCompleteRequest would end it; but it is Storport that
/// completes it, so no rule about that routine applies.
pub(crate) unsafe fn complete_service_irp(cx: &Cx, extension: PVOID, irp: PIRP) {
    adapter(cx, extension);
    // SAFETY: forwarded from the caller.
    unsafe { system::complete_irp(cx, irp) };
}

pub(crate) unsafe fn allocate_pool(
    cx: &Cx,
    extension: PVOID,
    bytes: ULONG,
    tag: ULONG,
    out: *mut PVOID,
) -> ULONG {
    adapter(cx, extension);
    cx.check_output(out);
    // SAFETY: found in mapped memory above.
    unsafe {
        *out = null_mut();
        if cx.cpu.irql() > Irql::DISPATCH {
            return STOR_STATUS_INVALID_IRQL;
        }
        if bytes == 0 {
            return STOR_STATUS_INVALID_PARAMETER;
        }
        *out = system::allocate_for_driver(cx, bytes as usize, tag);
        if (*out).is_null() { STOR_STATUS_INSUFFICIENT_RESOURCES } else { STOR_STATUS_SUCCESS }
    }
}

pub(crate) unsafe fn free_pool(cx: &Cx, extension: PVOID, address: PVOID) -> ULONG {
    adapter(cx, extension);
    if cx.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    if address.is_null() {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    system::free_for_driver(cx, address);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn system_time(cx: &Cx, out: PLARGE_INTEGER) {
    cx.check_output(out);
    // SAFETY: just found in mapped memory.
    unsafe { *out = LARGE_INTEGER::new(system::system_time(cx.cpu)) };
}

pub(crate) unsafe fn stall(cx: &Cx, us: ULONG) {
    if us > STALL_US_MAX {
        cx.bug_check(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0x2001, u64::from(us), 0, 0],
            format!("StorPortStallExecution({us}): a processor kept busy for more than 0.1 s"),
        );
    }
    system::stall(cx.cpu, us);
}
