//! Questions about processors.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::types::{KAFFINITY, ULONG, USHORT};

pub(crate) unsafe fn current_number(call: &Call) -> ULONG {
    ULONG::from(call.cpu.index())
}

pub(crate) unsafe fn active_count(call: &Call, mask: *mut KAFFINITY) -> ULONG {
    let n = call.cpu.machine().processor_count();
    if !mask.is_null() {
        call.check_output(mask);
        // SAFETY: `check_output` found room for the mask in mapped memory, aligned.
        unsafe { *mask = u64::MAX >> (64 - n) };
    }
    ULONG::from(n)
}

/// ALL_PROCESSOR_GROUPS.
const ALL_GROUPS: USHORT = 0xFFFF;

/// The machine's processors are one group, number 0.
pub(crate) unsafe fn count_of_group(call: &Call, group: USHORT) -> ULONG {
    match group {
        0 | ALL_GROUPS => ULONG::from(call.cpu.machine().processor_count()),
        _ => 0,
    }
}
