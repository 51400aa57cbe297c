//! Questions about processors.

use crate::ddi::Cx;
use crate::ddi::types::{KAFFINITY, ULONG};

pub(crate) unsafe fn current_number(cx: &Cx) -> ULONG {
    ULONG::from(cx.cpu.index())
}

pub(crate) unsafe fn active_count(cx: &Cx, mask: *mut KAFFINITY) -> ULONG {
    let n = cx.cpu.machine().processor_count();
    if !mask.is_null() {
        cx.check_output(mask);
        // SAFETY: just found in mapped memory.
        unsafe { *mask = u64::MAX >> (64 - n) };
    }
    ULONG::from(n)
}
