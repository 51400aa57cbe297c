//! Which drivers have run away in this process: with them, patience is short.
//!
//! A runaway is found by waiting, and one that was found is executed some times more: for the report, and to
//! make its schedule short. The driver has shown by then that it does not come back.

use crate::driver::Driver;
use crate::finding::RunEnd;
use crate::rules;
use parking_lot::Mutex;
use std::time::Duration;

/// Patience with a driver that has run away before.
const SHORT: Duration = Duration::from_secs(1);

static KNOWN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// How long the driver may run without a call, where `asked` is what was asked for.
pub(super) fn patience(driver: &Driver, asked: Duration) -> Duration {
    if KNOWN.lock().contains(&driver.name) { asked.min(SHORT) } else { asked }
}

/// Notes how a run of the driver ended.
pub(super) fn note(driver: &'static Driver, end: &RunEnd) {
    if end.stopped_by().is_some_and(|finding| finding.of == &rules::RUNAWAY) {
        let mut known = KNOWN.lock();
        if !known.contains(&driver.name) {
            known.push(driver.name);
        }
    }
}
