//! Waiting for what nobody signals: looking again, less and less often.
//!
//! For threads of the system at PASSIVE_LEVEL. The first look after the first comes a millisecond later, each
//! further one after as long again as the thread has waited already. So a wait lasts at most about twice as
//! long as it must, and one of many seconds costs a few dozen steps, not thousands. It is not for what can
//! signal an event. Invariant: when it looks depends on machine time alone.

use kernel_sim::safe::delay_us;

/// How long the first pause is, in microseconds.
const FIRST_US: u64 = 1_000;
/// The longest pause: a minute.
const LONGEST_US: u64 = 60_000_000;

/// Waits until `is_so` is no longer.
pub(crate) fn wait_while(is_so: impl Fn() -> bool) {
    let mut pause_us = FIRST_US;
    while is_so() {
        delay_us(pause_us);
        pause_us = (pause_us * 2).min(LONGEST_US);
    }
}
