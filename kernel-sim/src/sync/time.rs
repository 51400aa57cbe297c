//! Telling and passing time.

use crate::ddi::Cx;
use crate::ddi::types::{LARGE_INTEGER, PLARGE_INTEGER, ULONG, ULONGLONG};
use crate::sync::timer::SYSTEM_TIME_AT_POWER_ON;

/// Ticks a second of the performance counter: 10 MHz, as on current Windows.
const COUNTER_HZ: i64 = 10_000_000;

pub(crate) unsafe fn stall(cx: &Cx, us: ULONG) {
    cx.cpu.machine().stall(u64::from(us));
}

pub(crate) unsafe fn system_time(cx: &Cx, out: PLARGE_INTEGER) {
    cx.check_output(out);
    // SAFETY: just found in mapped memory.
    unsafe { *out = LARGE_INTEGER::new(SYSTEM_TIME_AT_POWER_ON + (cx.cpu.machine().time_ns() / 100) as i64) };
}

pub(crate) unsafe fn interrupt_time(cx: &Cx) -> ULONGLONG {
    cx.cpu.machine().time_ns() / 100
}

pub(crate) unsafe fn performance_counter(cx: &Cx, frequency: PLARGE_INTEGER) -> LARGE_INTEGER {
    if !frequency.is_null() {
        cx.check_output(frequency);
        // SAFETY: just found in mapped memory.
        unsafe { *frequency = LARGE_INTEGER::new(COUNTER_HZ) };
    }
    LARGE_INTEGER::new((cx.cpu.machine().time_ns() / 100) as i64)
}
