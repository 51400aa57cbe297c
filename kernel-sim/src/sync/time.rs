//! Telling and passing time.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::types::{LARGE_INTEGER, PLARGE_INTEGER, ULONG, ULONGLONG};
use crate::sync::timer::SYSTEM_TIME_AT_POWER_ON;

/// Ticks a second of the performance counter: 10 MHz, as on current Windows.
const COUNTER_HZ: i64 = 10_000_000;

pub(crate) unsafe fn stall(call: &Call, us: ULONG) {
    call.cpu.machine().stall(u64::from(us));
}

pub(crate) unsafe fn system_time(call: &Call, out: PLARGE_INTEGER) {
    call.check_output(out);
    // SAFETY: `check_output` found room for a LARGE_INTEGER in mapped memory, aligned.
    unsafe {
        *out = LARGE_INTEGER::new(SYSTEM_TIME_AT_POWER_ON + (call.cpu.machine().time_ns() / 100) as i64)
    };
}

pub(crate) unsafe fn interrupt_time(call: &Call) -> ULONGLONG {
    call.cpu.machine().time_ns() / 100
}

pub(crate) unsafe fn performance_counter(call: &Call, frequency: PLARGE_INTEGER) -> LARGE_INTEGER {
    if !frequency.is_null() {
        call.check_output(frequency);
        // SAFETY: `check_output` found room for a LARGE_INTEGER in mapped memory, aligned.
        unsafe { *frequency = LARGE_INTEGER::new(COUNTER_HZ) };
    }
    LARGE_INTEGER::new((call.cpu.machine().time_ns() / 100) as i64)
}
