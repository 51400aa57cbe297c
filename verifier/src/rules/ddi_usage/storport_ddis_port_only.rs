//! StorPortDDIsPortOnly: routines that are the port driver's own.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, EventKind, Interest};
use storport_sim::ddi::row;

rule! {
    /// A miniport does not call the routines that are meant for the port driver.
    ///
    /// ## What is checked
    /// Each call of StorPortCompleteRequest, the one routine that the rule names. Off unless asked for: the
    /// rule StorPortCompleteRequest looks at the same calls.
    ///
    /// ## Why it matters
    /// The call completes every request of a unit, those that another processor is about to complete as well:
    /// they are completed twice.
    ///
    /// ## Source
    /// Microsoft, "StorPortDDIsPortOnly rule (Storport)": devtest/storport-storportddisportonly.
    StorPortDDIsPortOnly: DdiUsage, Rule, off,
    why "a request that another processor completes at the same moment is completed twice",
    url "devtest/storport-storportddisportonly",
    exhibits "stor-port-ddis-port-only" with "--rules StorPortDDIsPortOnly",
    make |_| StorPortDDIsPortOnly
}

/// The rule.
struct StorPortDDIsPortOnly;

impl Rule for StorPortDDIsPortOnly {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortCompleteRequest])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        if !is_of_driver(event) {
            return FINE;
        }
        Some(Breach::new(event, format!("{} is the port driver's own, and a miniport calls it", ddi.name)))
    }
}
