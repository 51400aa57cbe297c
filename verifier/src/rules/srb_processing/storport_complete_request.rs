//! StorPortCompleteRequest: requests are completed one by one.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, Interest};
use storport_sim::ddi::row;

rule! {
    /// A miniport completes its requests with StorPortNotification, not with StorPortCompleteRequest.
    ///
    /// ## What is checked
    /// Each call of StorPortCompleteRequest.
    ///
    /// ## Why it matters
    /// The call completes every request of a unit, those that another processor is about to complete as
    /// well: they are completed twice. The miniport still has their SRBs in its lists.
    ///
    /// ## Source
    /// Microsoft, "StorPortCompleteRequest rule (Storport)": devtest/storport-storportcompleterequest.
    StorPortCompleteRequest: SrbProcessing, Rule, on,
    why "a request that another processor completes at the same moment is completed twice",
    url "devtest/storport-storportcompleterequest",
    exhibits "stor-port-complete-request",
    make |_| StorPortCompleteRequest
}

/// The rule.
struct StorPortCompleteRequest;

impl Rule for StorPortCompleteRequest {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortCompleteRequest])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if !is_of_driver(event) {
            return FINE;
        }
        let what = "StorPortCompleteRequest called: requests are completed with StorPortNotification";
        Some(Breach::new(event, what))
    }
}
