//! StorPortStatusPending: an SRB that is completed has a final status.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::hook::{Event, Interest};
use storport_sim::ddi::{SRB_STATUS, SRB_STATUS_PENDING, row};
use storport_sim::seen::{self, Notification};

rule! {
    /// An SRB is not completed while its status is SRB_STATUS_PENDING.
    ///
    /// ## What is checked
    /// At StorPortNotification(RequestComplete) the SrbStatus of the SRB, without its two flag bits (queue
    /// frozen, autosense valid), is not SRB_STATUS_PENDING. The port driver sets that status before it hands
    /// the SRB out, so a miniport that forgets to set one is found. That the flags are left out of the
    /// comparison is our choice: the page does not say.
    ///
    /// ## Why it matters
    /// The status says that the request is still under way: what waits for it goes on waiting, or takes data
    /// that never came.
    ///
    /// ## Source
    /// Microsoft, "StorPortStatusPending rule (Storport)": devtest/storport-storportstatuspending.
    StorPortStatusPending: Warning, Rule, off,
    why "the status says that the request is still under way: its sender waits for ever, or takes data that never came",
    url "devtest/storport-storportstatuspending",
    stop SCSI_VERIFIER_DETECTED_VIOLATION / 0x1004,
    exhibits "stor-port-status-pending" with "--rules all",
    make |_| StorPortStatusPending
}

/// The rule.
struct StorPortStatusPending;

impl Rule for StorPortStatusPending {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortNotification])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some(Notification::RequestComplete(srb)) = seen::notification(event) else { return FINE };
        if SRB_STATUS(srb.status) != SRB_STATUS_PENDING {
            return FINE;
        }
        let breach = Breach::new(event, "an SRB is completed that still says SRB_STATUS_PENDING");
        Some(breach.earlier(seen::handed_out(event, srb.address)))
    }
}
