//! Which drivers have run away in this process: with them, patience is short.
//!
//! A runaway is found by waiting, and one that was found is executed some times more: for the report, and to
//! make its schedule short. The driver has shown by then that it does not come back. One that took memory
//! meanwhile is not executed more often than that: what an abandoned fiber has taken is never given back.

use crate::driver::Driver;
use kernel_sim::bugcheck::Ending;
use parking_lot::Mutex;
use std::time::Duration;

/// Patience with a driver that has run away before.
const SHORT: Duration = Duration::from_secs(1);

/// Names of drivers that have run away, and whether they took memory.
static KNOWN: Mutex<Vec<(&'static str, bool)>> = Mutex::new(Vec::new());

/// How long the driver may run without a call, where `asked` is what was asked for.
pub(super) fn patience(driver: &Driver, asked: Duration) -> Duration {
    let is_known = KNOWN.lock().iter().any(|(name, _)| *name == driver.name);
    if is_known { asked.min(SHORT) } else { asked }
}

/// Whether the driver has taken memory that it never gives back.
pub(crate) fn has_taken_memory(driver: &Driver) -> bool {
    KNOWN.lock().contains(&(driver.name, true))
}

/// Notes how a run of the driver ended.
pub(super) fn note(driver: &'static Driver, ending: &Ending) {
    if let Ending::Runaway(runaway) = ending {
        let entry = (driver.name, runaway.takes_memory);
        let mut known = KNOWN.lock();
        if !known.contains(&entry) {
            known.push(entry);
        }
    }
}
