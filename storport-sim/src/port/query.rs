//! The small routines: addresses of a request's data, unit extensions, pool, time, service requests.

use super::adapter;
use super::hardware::is_inside;
use super::unit::{Address, state};
use crate::callbacks::{HW_STOR_INITIALIZE, HW_STOR_PASSIVE_INITIALIZE};
use crate::ddi::{
    PSCSI_REQUEST_BLOCK, STOR_PHYSICAL_ADDRESS, STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_PARAMETER,
    STOR_STATUS_SUCCESS, STOR_STATUS_UNSUCCESSFUL,
};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{
    BOOLEAN, Cx, INTERFACE_TYPE, LARGE_INTEGER, PIRP, PKIRQL, PLARGE_INTEGER, PMDL, PVOID, TRUE, UCHAR,
    ULONG, ULONGLONG,
};
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

/// Called at DISPATCH_LEVEL it takes the interrupt lock, as on Windows: with that lock held, or in a routine
/// that Storport holds it for, it is a recursion.
pub(crate) unsafe fn logical_unit(
    cx: &Cx,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
) -> PVOID {
    let hba = adapter(cx, extension);
    let find = || hba.unit_by_address(Address { path, target, lun });
    let is_locked = hba.hardware.is_some() && cx.cpu.irql() == Irql::DISPATCH;
    let unit = if is_locked { hba.with_interrupts_out(cx, find) } else { find() };
    unit.map_or(null_mut(), |unit| unit.extension)
}

/// The IRP ends inside this call, as IoCompleteRequest would end it; but it is Storport that
/// completes it, so no rule about that routine applies.
pub(crate) unsafe fn complete_service_irp(cx: &Cx, extension: PVOID, irp: PIRP) {
    adapter(cx, extension);
    // SAFETY: forwarded from the caller.
    unsafe { system::complete_irp(cx, irp) };
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

pub(crate) unsafe fn performance_counter(
    cx: &Cx,
    extension: PVOID,
    frequency: PLARGE_INTEGER,
    counter: PLARGE_INTEGER,
) -> ULONG {
    adapter(cx, extension);
    cx.check_output(counter);
    // SAFETY: found in mapped memory; the frequency may be left out.
    unsafe {
        *counter = LARGE_INTEGER::new(cx.machine().time_ns() as i64);
        if !frequency.is_null() {
            cx.check_output(frequency);
            *frequency = LARGE_INTEGER::new(1_000_000_000);
        }
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn current_irql(cx: &Cx, extension: PVOID, out: PKIRQL) -> ULONG {
    adapter(cx, extension);
    cx.check_output(out);
    // SAFETY: just found in mapped memory.
    unsafe { *out = cx.cpu.irql().0 };
    STOR_STATUS_SUCCESS
}

/// Below DISPATCH_LEVEL the thread would wait on Windows; here the processor is kept busy at every level,
/// which a driver sees only in who runs meanwhile.
pub(crate) unsafe fn delay(cx: &Cx, extension: PVOID, us: ULONG) -> ULONG {
    adapter(cx, extension);
    system::stall(cx.cpu, us);
    STOR_STATUS_SUCCESS
}

/// In HwStorInitialize and the passive routine; elsewhere STOR_STATUS_UNSUCCESSFUL. More than HwStorFindAdapter
/// said is refused.
pub(crate) unsafe fn update_max_io(cx: &Cx, extension: PVOID, requests: ULONG) -> ULONG {
    let hba = adapter(cx, extension);
    if requests == 0 || requests > hba.adapter_depth() {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if !is_inside(cx, &HW_STOR_INITIALIZE) && !is_inside(cx, &HW_STOR_PASSIVE_INITIALIZE) {
        return STOR_STATUS_UNSUCCESSFUL;
    }
    hba.throttle.set_limit(requests);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn validate_range(
    _cx: &Cx,
    _extension: PVOID,
    _bus_type: INTERFACE_TYPE,
    _bus: ULONG,
    _address: STOR_PHYSICAL_ADDRESS,
    _bytes: ULONG,
    _in_io_space: BOOLEAN,
) -> BOOLEAN {
    TRUE
}

// Routines that are accepted and ignored: the extension has to be right, and that is all.

pub(crate) unsafe fn accepted_number(cx: &Cx, extension: PVOID, _number: ULONG) -> ULONG {
    adapter(cx, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_list(cx: &Cx, extension: PVOID, _count: ULONG, _list: PVOID) -> ULONG {
    adapter(cx, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_notification(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _flags: ULONGLONG,
) -> ULONG {
    adapter(cx, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_attributes(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _attributes: ULONG,
) -> ULONG {
    adapter(cx, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_dump_memory(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _bytes: ULONGLONG,
    _flags: ULONG,
) -> ULONG {
    adapter(cx, extension);
    STOR_STATUS_SUCCESS
}
