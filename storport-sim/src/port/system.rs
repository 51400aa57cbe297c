//! Queries about the system, and notifications that are accepted and ignored.
//!
//! The machine has one processor group and one node. There is no power framework, no tracing and no
//! telemetry.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use crate::ddi::{
    GROUP_AFFINITY, PGROUP_AFFINITY, PPROCESSOR_NUMBER, PROCESSOR_NUMBER, PSCSI_REQUEST_BLOCK, PWSTR,
    STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_NOT_IMPLEMENTED, STOR_STATUS_SUCCESS,
    STOR_STATUS_UNSUCCESSFUL,
};
use kernel_sim::ddi::{BOOLEAN, Call, FALSE, LONG, PULONG, PVOID, ULONG, ULONGLONG, USHORT};
use std::sync::atomic::Ordering::Acquire;

/// What StorPortQueryTimerMinInterval returns, in microseconds: any interval will do here.
const TIMER_MIN_US: ULONG = 1;

/// Writes an output through a driver's pointer.
fn answer<T>(call: &Call, extension: PVOID, out: *mut T, value: T) -> ULONG {
    adapter(call, extension);
    call.check_output(out);
    // SAFETY: just found in mapped memory and aligned.
    unsafe { out.write(value) };
    STOR_STATUS_SUCCESS
}

/// Accepts and ignores a notification: only the extension is checked.
fn accepted(call: &Call, extension: PVOID) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_SUCCESS
}

fn all_processors(call: &Call) -> u64 {
    u64::MAX >> (64 - u32::from(call.machine().processor_count()))
}

pub(crate) unsafe fn group_count(call: &Call, extension: PVOID, out: *mut USHORT) -> ULONG {
    answer(call, extension, out, 1)
}

pub(crate) unsafe fn node_count(call: &Call, extension: PVOID, out: PULONG) -> ULONG {
    answer(call, extension, out, 1)
}

pub(crate) unsafe fn highest_node(call: &Call, extension: PVOID, out: PULONG) -> ULONG {
    answer(call, extension, out, 0)
}

pub(crate) unsafe fn current_processor(call: &Call, extension: PVOID, out: PPROCESSOR_NUMBER) -> ULONG {
    answer(call, extension, out, PROCESSOR_NUMBER { Group: 0, Number: call.cpu.index(), Reserved: 0 })
}

pub(crate) unsafe fn group_affinity(call: &Call, extension: PVOID, group: USHORT, out: *mut u64) -> ULONG {
    if group != 0 {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    answer(call, extension, out, all_processors(call))
}

pub(crate) unsafe fn node_affinity(
    call: &Call,
    extension: PVOID,
    node: ULONG,
    out: PGROUP_AFFINITY,
) -> ULONG {
    if node != 0 {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    answer(call, extension, out, GROUP_AFFINITY { Mask: all_processors(call), Group: 0, Reserved: [0; 3] })
}

pub(crate) unsafe fn timer_min_interval(call: &Call, extension: PVOID, out: PULONG) -> ULONG {
    answer(call, extension, out, TIMER_MIN_US)
}

/// The device below the functional one is the physical one here: no filter sits between them.
pub(crate) unsafe fn device_objects(
    call: &Call,
    extension: PVOID,
    functional: *mut PVOID,
    physical: *mut PVOID,
    lower: *mut PVOID,
) -> ULONG {
    let adapter = adapter(call, extension);
    let below: PVOID = adapter.lower.load(Acquire).cast();
    answer(call, extension, functional, adapter.device().cast());
    answer(call, extension, physical, below);
    answer(call, extension, lower, below)
}

pub(crate) unsafe fn is_upgrade(call: &Call, extension: PVOID, out: *mut BOOLEAN) -> ULONG {
    answer(call, extension, out, FALSE)
}

pub(crate) unsafe fn no_power_framework(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _device: PVOID,
    d3_cold: *mut BOOLEAN,
) -> ULONG {
    answer(call, extension, d3_cold, FALSE);
    STOR_STATUS_NOT_IMPLEMENTED
}

/// The machine has no ACPI: a method of any name is not there, which a miniport is to bear.
#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn no_firmware(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _method: ULONG,
    _input: PVOID,
    _input_bytes: ULONG,
    _output: PVOID,
    _output_bytes: ULONG,
    _returned: PULONG,
) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_UNSUCCESSFUL
}

/// The output need not be aligned: a shipped sample has it in a BOOLEAN, and x64 Windows writes it anyway.
pub(crate) unsafe fn operation_not_allowed(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _operation: PVOID,
    flags: PULONG,
) -> ULONG {
    let bytes: *mut [u8; size_of::<ULONG>()] = flags.cast();
    answer(call, extension, bytes, 0_u32.to_le_bytes())
}

/// What is kept under an adapter's key outlives the system, and each machine starts anew.
pub(crate) unsafe fn no_value(
    call: &Call,
    extension: PVOID,
    _sub_key: PVOID,
    _name: PVOID,
    _kind: ULONG,
    _data: *mut PVOID,
    _length: PULONG,
) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_UNSUCCESSFUL
}

pub(crate) unsafe fn value_for_later(
    call: &Call,
    extension: PVOID,
    _sub_key: PVOID,
    _name: PVOID,
    _kind: ULONG,
    _data: PVOID,
    _length: ULONG,
) -> ULONG {
    accepted(call, extension)
}

pub(crate) unsafe fn no_d3_cold(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    supported: *mut BOOLEAN,
) -> ULONG {
    answer(call, extension, supported, FALSE)
}

pub(crate) unsafe fn device_failed(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _flags: ULONG,
    _reason: PWSTR,
) -> ULONG {
    accepted(call, extension)
}

pub(crate) unsafe fn device_failed_ex(
    call: &Call,
    extension: PVOID,
    _address: PVOID,
    _flags: ULONG,
    _reason: PWSTR,
    _data: PVOID,
) -> ULONG {
    accepted(call, extension)
}

pub(crate) unsafe fn telemetry(call: &Call, extension: PVOID, _address: PVOID, _event: PVOID) -> ULONG {
    accepted(call, extension)
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn event_2(
    call: &Call,
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
    accepted(call, extension)
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn event_4(
    call: &Call,
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
    accepted(call, extension)
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn event_8(
    call: &Call,
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
    accepted(call, extension)
}
