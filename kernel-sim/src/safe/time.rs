//! The clock: reading it, and letting time pass.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use crate::ddi::{self, KernelMode, LARGE_INTEGER};

/// `KeQueryInterruptTime`, in whole microseconds since power-on. At any level.
#[track_caller]
#[must_use]
pub fn interrupt_time_us() -> u64 {
    // SAFETY: the routine takes nothing.
    unsafe { ddi::KeQueryInterruptTime() / 10 }
}

/// A time-out or due time of `us` microseconds from now, as `Ke*` routines take it: negative, in 100 ns
/// units. A time too long for the type is cut to the longest, some 29,000 years.
#[must_use]
pub fn relative_us(us: u64) -> LARGE_INTEGER {
    LARGE_INTEGER::new(-i64::try_from(us.saturating_mul(10)).unwrap_or(i64::MAX))
}

/// `KeDelayExecutionThread`, at PASSIVE_LEVEL: lets at least `us` microseconds of machine time pass.
#[track_caller]
pub fn delay_us(us: u64) {
    let mut interval = relative_us(us);
    // SAFETY: the interval is on this thread's stack, and the routine reads it before it returns.
    unsafe { ddi::KeDelayExecutionThread(KernelMode, 0, &raw mut interval) };
}
