//! What a miniport can ask of the system around its adapter, and what it tells a system that does not listen.
//!
//! The machine has one processor group and one node. There is no power framework, no tracing and no telemetry.

use super::adapter;
use crate::ddi::{
    GROUP_AFFINITY, PGROUP_AFFINITY, PPROCESSOR_NUMBER, PROCESSOR_NUMBER, PSCSI_REQUEST_BLOCK, PWSTR,
    STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_NOT_IMPLEMENTED, STOR_STATUS_SUCCESS,
};
use kernel_sim::ddi::{BOOLEAN, Cx, FALSE, LONG, PULONG, PVOID, ULONG, ULONGLONG, USHORT};
use std::sync::atomic::Ordering::Acquire;

/// What StorPortQueryTimerMinInterval answers, in microseconds: any interval will do here.
const TIMER_MIN_US: ULONG = 1;

/// Writes an answer through a driver's pointer.
fn answer<T>(cx: &Cx, extension: PVOID, out: *mut T, value: T) -> ULONG {
    adapter(cx, extension);
    cx.check_output(out);
    // SAFETY: just found in mapped memory and aligned.
    unsafe { out.write(value) };
    STOR_STATUS_SUCCESS
}

/// Takes what nobody listens to: the extension has to be right, and that is all.
fn accepted(cx: &Cx, extension: PVOID) -> ULONG {
    adapter(cx, extension);
    STOR_STATUS_SUCCESS
}

fn everybody(cx: &Cx) -> u64 {
    u64::MAX >> (64 - u32::from(cx.machine().processor_count()))
}

pub(crate) unsafe fn group_count(cx: &Cx, extension: PVOID, out: *mut USHORT) -> ULONG {
    answer(cx, extension, out, 1)
}

pub(crate) unsafe fn node_count(cx: &Cx, extension: PVOID, out: PULONG) -> ULONG {
    answer(cx, extension, out, 1)
}

pub(crate) unsafe fn highest_node(cx: &Cx, extension: PVOID, out: PULONG) -> ULONG {
    answer(cx, extension, out, 0)
}

pub(crate) unsafe fn current_processor(cx: &Cx, extension: PVOID, out: PPROCESSOR_NUMBER) -> ULONG {
    answer(cx, extension, out, PROCESSOR_NUMBER { Group: 0, Number: cx.cpu.index(), Reserved: 0 })
}

pub(crate) unsafe fn group_affinity(cx: &Cx, extension: PVOID, group: USHORT, out: *mut u64) -> ULONG {
    if group != 0 {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    answer(cx, extension, out, everybody(cx))
}

pub(crate) unsafe fn node_affinity(cx: &Cx, extension: PVOID, node: ULONG, out: PGROUP_AFFINITY) -> ULONG {
    if node != 0 {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    answer(cx, extension, out, GROUP_AFFINITY { Mask: everybody(cx), Group: 0, Reserved: [0; 3] })
}

pub(crate) unsafe fn timer_min_interval(cx: &Cx, extension: PVOID, out: PULONG) -> ULONG {
    answer(cx, extension, out, TIMER_MIN_US)
}

/// The device below the functional one is the physical one here: no filter sits between them.
pub(crate) unsafe fn device_objects(
    cx: &Cx,
    extension: PVOID,
    functional: *mut PVOID,
    physical: *mut PVOID,
    lower: *mut PVOID,
) -> ULONG {
    let hba = adapter(cx, extension);
    let below: PVOID = hba.lower.load(Acquire).cast();
    answer(cx, extension, functional, hba.device().cast());
    answer(cx, extension, physical, below);
    answer(cx, extension, lower, below)
}

pub(crate) unsafe fn is_upgrade(cx: &Cx, extension: PVOID, out: *mut BOOLEAN) -> ULONG {
    answer(cx, extension, out, FALSE)
}

pub(crate) unsafe fn no_power_framework(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _device: PVOID,
    d3_cold: *mut BOOLEAN,
) -> ULONG {
    answer(cx, extension, d3_cold, FALSE);
    STOR_STATUS_NOT_IMPLEMENTED
}

pub(crate) unsafe fn device_failed(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _flags: ULONG,
    _reason: PWSTR,
) -> ULONG {
    accepted(cx, extension)
}

pub(crate) unsafe fn device_failed_ex(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _flags: ULONG,
    _reason: PWSTR,
    _data: PVOID,
) -> ULONG {
    accepted(cx, extension)
}

pub(crate) unsafe fn telemetry(cx: &Cx, extension: PVOID, _address: PVOID, _event: PVOID) -> ULONG {
    accepted(cx, extension)
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn event_2(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _id: ULONG,
    _description: PWSTR,
    _keywords: ULONGLONG,
    _level: LONG,
    _opcode: LONG,
    _srb: PSCSI_REQUEST_BLOCK,
    _name1: PWSTR,
    _value1: ULONGLONG,
    _name2: PWSTR,
    _value2: ULONGLONG,
) -> ULONG {
    accepted(cx, extension)
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn event_4(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _id: ULONG,
    _description: PWSTR,
    _keywords: ULONGLONG,
    _level: LONG,
    _opcode: LONG,
    _srb: PSCSI_REQUEST_BLOCK,
    _name1: PWSTR,
    _value1: ULONGLONG,
    _name2: PWSTR,
    _value2: ULONGLONG,
    _name3: PWSTR,
    _value3: ULONGLONG,
    _name4: PWSTR,
    _value4: ULONGLONG,
) -> ULONG {
    accepted(cx, extension)
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn event_8(
    cx: &Cx,
    extension: PVOID,
    _address: PVOID,
    _id: ULONG,
    _description: PWSTR,
    _keywords: ULONGLONG,
    _level: LONG,
    _opcode: LONG,
    _srb: PSCSI_REQUEST_BLOCK,
    _name1: PWSTR,
    _value1: ULONGLONG,
    _name2: PWSTR,
    _value2: ULONGLONG,
    _name3: PWSTR,
    _value3: ULONGLONG,
    _name4: PWSTR,
    _value4: ULONGLONG,
    _name5: PWSTR,
    _value5: ULONGLONG,
    _name6: PWSTR,
    _value6: ULONGLONG,
    _name7: PWSTR,
    _value7: ULONGLONG,
    _name8: PWSTR,
    _value8: ULONGLONG,
) -> ULONG {
    accepted(cx, extension)
}
