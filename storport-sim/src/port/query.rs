//! The small routines: addresses of a request's data, unit extensions, pool, time, service requests.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::hardware::is_inside;
use super::unit::{Address, state};
use crate::callbacks::{HW_STOR_INITIALIZE, HW_STOR_PASSIVE_INITIALIZE};
use crate::ddi::{
    PSCSI_REQUEST_BLOCK, PSTOR_REQUEST_INFO, SRB_FLAGS_DATA_OUT, STOR_PHYSICAL_ADDRESS, STOR_REQUEST_INFO,
    STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS, STOR_STATUS_UNSUCCESSFUL,
    SrbGetDataTransferLength, SrbGetSrbFlags,
};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{
    BOOLEAN, Call, INTERFACE_TYPE, LARGE_INTEGER, PIRP, PKIRQL, PLARGE_INTEGER, PMDL, PVOID, TRUE, UCHAR,
    ULONG, ULONGLONG, USHORT,
};
use kernel_sim::irql::Irql;
use kernel_sim::unhooked;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// Stalls longer than this, in microseconds, are stopped by Storport verification.
const STALL_US_MAX: u32 = 100_000;

/// What the port driver recorded of an SRB that the miniport has.
fn recorded(call: &Call, extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> Option<(PVOID, PMDL)> {
    let (unit, slot) = adapter(call, extension).slot_of(call, srb)?;
    let slot = &unit.slots[usize::from(slot)];
    (slot.state.load(Acquire) == state::MINIPORT).then(|| (slot.data.load(Relaxed), slot.mdl.load(Relaxed)))
}

/// An SRB the miniport does not have is refused with STOR_STATUS_INVALID_PARAMETER.
pub(crate) unsafe fn system_address(
    call: &Call,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    out: *mut PVOID,
) -> ULONG {
    call.check_output(out);
    if call.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let Some((data, _)) = recorded(call, extension, srb) else { return STOR_STATUS_INVALID_PARAMETER };
    // SAFETY: found in mapped memory above.
    unsafe { *out = data };
    if data.is_null() { STOR_STATUS_UNSUCCESSFUL } else { STOR_STATUS_SUCCESS }
}

/// No request pages here, none has a key, and all have one priority: our choice.
pub(crate) unsafe fn request_info(
    call: &Call,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    out: PSTOR_REQUEST_INFO,
) -> ULONG {
    /// IoPriorityNormal.
    const NORMAL: ULONG = 2;
    call.check_output(out);
    if recorded(call, extension, srb).is_none() {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    let srb: PVOID = srb.cast();
    // SAFETY: an SRB that the miniport has is live; the output was found in mapped memory above.
    unsafe {
        let is_write = SrbGetSrbFlags(srb) & SRB_FLAGS_DATA_OUT != 0;
        *out = STOR_REQUEST_INFO {
            Version: 1,
            Size: size_of::<STOR_REQUEST_INFO>() as USHORT,
            PriorityHint: NORMAL,
            Flags: 0,
            Key: 0,
            Length: SrbGetDataTransferLength(srb),
            IsWriteRequest: BOOLEAN::from(is_write),
            Reserved: [0; 3],
        };
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn original_mdl(
    call: &Call,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    out: *mut PMDL,
) -> ULONG {
    call.check_output(out);
    let Some((_, mdl)) = recorded(call, extension, srb) else { return STOR_STATUS_INVALID_PARAMETER };
    // SAFETY: found in mapped memory above.
    unsafe { *out = mdl };
    if mdl.is_null() { STOR_STATUS_UNSUCCESSFUL } else { STOR_STATUS_SUCCESS }
}

/// Called at DISPATCH_LEVEL it takes the interrupt lock, as on Windows: with that lock held, or in a routine
/// that Storport holds it for, it is a recursion.
pub(crate) unsafe fn logical_unit(
    call: &Call,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
) -> PVOID {
    let adapter = adapter(call, extension);
    let find = || adapter.unit_by_address(Address { path, target, lun });
    let is_locked = adapter.hardware.is_some() && call.cpu.irql() == Irql::DISPATCH;
    let unit = if is_locked { adapter.with_interrupts_out(call, find) } else { find() };
    unit.map_or(null_mut(), |unit| unit.extension)
}

/// The IRP ends inside this call, as IoCompleteRequest would end it; but it is Storport that
/// completes it, so no rule about that routine applies.
pub(crate) unsafe fn complete_service_irp(call: &Call, extension: PVOID, irp: PIRP) {
    adapter(call, extension);
    // SAFETY: the miniport owns the IRP and gives it up by this call; `complete_irp` checks what it can.
    unsafe { unhooked::complete_irp(call, irp) };
}

pub(crate) unsafe fn system_time(call: &Call, out: PLARGE_INTEGER) {
    call.check_output(out);
    // SAFETY: just found in mapped memory.
    unsafe { *out = LARGE_INTEGER::new(unhooked::system_time(call.cpu)) };
}

pub(crate) unsafe fn stall(call: &Call, us: ULONG) {
    if us > STALL_US_MAX {
        call.bug_check(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0x2001, u64::from(us), 0, 0],
            format!("StorPortStallExecution({us}): a processor kept busy for more than 0.1 s"),
        );
    }
    unhooked::stall(call.cpu, us);
}

pub(crate) unsafe fn performance_counter(
    call: &Call,
    extension: PVOID,
    frequency: PLARGE_INTEGER,
    counter: PLARGE_INTEGER,
) -> ULONG {
    adapter(call, extension);
    call.check_output(counter);
    // SAFETY: found in mapped memory; the frequency may be left out.
    unsafe {
        *counter = LARGE_INTEGER::new(call.machine().time_ns() as i64);
        if !frequency.is_null() {
            call.check_output(frequency);
            *frequency = LARGE_INTEGER::new(1_000_000_000);
        }
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn current_irql(call: &Call, extension: PVOID, out: PKIRQL) -> ULONG {
    adapter(call, extension);
    call.check_output(out);
    // SAFETY: just found in mapped memory.
    unsafe { *out = call.cpu.irql().0 };
    STOR_STATUS_SUCCESS
}

/// Below DISPATCH_LEVEL the thread would wait on Windows; here the processor is kept busy at every level,
/// which a driver sees only in who runs meanwhile.
pub(crate) unsafe fn delay(call: &Call, extension: PVOID, us: ULONG) -> ULONG {
    adapter(call, extension);
    unhooked::stall(call.cpu, us);
    STOR_STATUS_SUCCESS
}

/// In HwStorInitialize and the passive routine; elsewhere STOR_STATUS_UNSUCCESSFUL. More than
/// HwStorFindAdapter said is refused.
pub(crate) unsafe fn update_max_io(call: &Call, extension: PVOID, requests: ULONG) -> ULONG {
    let adapter = adapter(call, extension);
    if requests == 0 || requests > adapter.adapter_depth() {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    if !is_inside(call, &HW_STOR_INITIALIZE) && !is_inside(call, &HW_STOR_PASSIVE_INITIALIZE) {
        return STOR_STATUS_UNSUCCESSFUL;
    }
    adapter.throttle.set_limit(requests);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn validate_range(
    _cx: &Call,
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

pub(crate) unsafe fn accepted_number(call: &Call, extension: PVOID, _number: ULONG) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_list(call: &Call, extension: PVOID, _count: ULONG, _list: PVOID) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_notification(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _flags: ULONGLONG,
) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_attributes(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _attributes: ULONG,
) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn accepted_dump_memory(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _bytes: ULONGLONG,
    _flags: ULONG,
) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_SUCCESS
}
