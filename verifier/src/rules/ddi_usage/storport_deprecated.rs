//! StorPortDeprecated: routines that have had their day.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, EventKind, Interest};
use storport_sim::ddi::row;

rule! {
    /// A miniport does not call StorPortLogError and StorPortValidateRange.
    ///
    /// ## What is checked
    /// Each call of one of the two. Off unless asked for: the pages about error handling still tell miniports
    /// to call StorPortLogError.
    ///
    /// ## Why it matters
    /// StorPortValidateRange always returns TRUE, so what it is asked for is not checked at all. What
    /// StorPortLogError writes cannot be told apart by those who read the log; StorPortLogSystemEvent takes
    /// its place.
    ///
    /// ## Source
    /// Microsoft, "StorPortDeprecated rule (Storport)": devtest/storport-storportdeprecated.
    StorPortDeprecated: DdiUsage, Rule, off,
    why "StorPortValidateRange checks nothing, and StorPortLogSystemEvent says in the log what happened",
    url "devtest/storport-storportdeprecated",
    exhibits "stor-port-deprecated" with "--rules all",
    make |_| StorPortDeprecated
}

/// The rule.
struct StorPortDeprecated;

impl Rule for StorPortDeprecated {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortLogError, &row::StorPortValidateRange])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        if !is_of_driver(event) {
            return FINE;
        }
        Some(Breach::new(event, format!("{} is deprecated", ddi.name)))
    }
}
