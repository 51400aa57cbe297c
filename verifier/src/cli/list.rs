//! `storsim list`: drivers, exhibits, rules and checks, strategies, faults and events.

use super::args::ListArguments;
use crate::driver::Driver;
use crate::explore::STRATEGIES;
use crate::report::{Listing, Reporter};
use crate::rules::{self, row_of_exhibit};
use crate::run::Event;
use storport_sim::disk::fault::FaultKind;

pub(super) fn list(
    drivers: &'static [&'static Driver],
    arguments: &ListArguments,
    reporter: &mut dyn Reporter,
) {
    if arguments.rules {
        return reporter.list(&Listing { rules: rules::TABLE, ..Listing::EMPTY });
    }
    let (exhibits, drivers) = drivers.iter().partition(|driver| row_of_exhibit(driver.name).is_some());
    reporter.list(&Listing {
        drivers,
        exhibits,
        rules: rules::TABLE,
        strategies: STRATEGIES,
        faults: FaultKind::all().map(FaultKind::name).collect(),
        events: Event::NAMES.into_iter().map(|(name, _)| name).collect(),
    });
}
