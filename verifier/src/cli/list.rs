//! `storsim list`: drivers, rules and checks, strategies, faults and events.

use crate::driver::Driver;
use crate::explore::STRATEGIES;
use crate::report::{Listing, Reporter};
use crate::rules;
use crate::run::Event;
use storport_sim::disk::fault::FaultKind;

pub(super) fn list(drivers: &'static [&'static Driver], reporter: &mut dyn Reporter) {
    reporter.list(&Listing {
        drivers: drivers.to_vec(),
        rules: rules::TABLE,
        strategies: STRATEGIES,
        faults: FaultKind::all().map(FaultKind::name).collect(),
        events: Event::NAMES.into_iter().map(|(name, _)| name).collect(),
    });
}
