//! The clock.

use crate::ddi;

/// `KeQueryInterruptTime`, in whole microseconds since power-on. At any level.
#[track_caller]
#[must_use]
pub fn interrupt_time_us() -> u64 {
    // SAFETY: the routine takes nothing.
    unsafe { ddi::KeQueryInterruptTime() / 10 }
}
