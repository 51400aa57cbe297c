//! StorPortNotification2: notifications are of a kind that Storport has.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::LONG;
use kernel_sim::hook::{Event, Interest};
use storport_sim::ddi::{
    BufferOverrunDetected, BusChangeDetected, LinkDown, LinkUp, NextLuRequest, NextRequest, QueryTickCount,
    RequestComplete, RequestTimerCall, ResetDetected, WMIEvent, WMIReregister, args, row,
};

rule! {
    /// StorPortNotification is called with one of its ten notification types.
    ///
    /// ## What is checked
    /// The type of each notification: RequestComplete, ResetDetected, RequestTimerCall, BusChangeDetected,
    /// WMIEvent, WMIReregister, LinkUp, LinkDown, QueryTickCount or BufferOverrunDetected.
    ///
    /// ## Why it matters
    /// Storport ignores the others: NextRequest and NextLuRequest are of the SCSI port driver, where a
    /// miniport that did not send them got no request.
    ///
    /// ## Source
    /// Microsoft, "StorPortNotification2 rule (Storport)": devtest/storport-storportnotification2.
    StorPortNotification2: SrbProcessing, Rule, on,
    why "Storport ignores the notification: whatever the miniport waits for does not happen",
    url "devtest/storport-storportnotification2",
    exhibits "stor-port-notification2",
    make |_| StorPortNotification2
}

const TYPES: [LONG; 10] = [
    RequestComplete.number(),
    ResetDetected.number(),
    RequestTimerCall.number(),
    BusChangeDetected.number(),
    WMIEvent.number(),
    WMIReregister.number(),
    LinkUp.number(),
    LinkDown.number(),
    QueryTickCount.number(),
    BufferOverrunDetected.number(),
];

/// The rule.
struct StorPortNotification2;

impl Rule for StorPortNotification2 {
    fn interest(&self) -> Interest {
        Interest::unusual(&[&row::StorPortNotification])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some(call) = event.args::<args::StorPortNotification>().filter(|_| is_of_driver(event)) else {
            return FINE;
        };
        let number = call.NotificationType.value() as LONG;
        if TYPES.contains(&number) {
            return FINE;
        }
        let name = match number {
            n if n == NextRequest.number() => "NextRequest".to_owned(),
            n if n == NextLuRequest.number() => "NextLuRequest".to_owned(),
            n => format!("type {n}"),
        };
        Some(Breach::new(event, format!("StorPortNotification called with {name}, which Storport ignores")))
    }
}
