//! StorPortTimer: a timer has a routine.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, Interest};
use kernel_sim::routine::Arg;
use storport_sim::ddi::{RequestTimerCall, args, row};

rule! {
    /// StorPortNotification(RequestTimerCall) is given a HwStorTimer routine.
    ///
    /// ## What is checked
    /// Each RequestTimerCall with a time: its routine is not NULL. A call with a time of zero stops the
    /// timer and needs none.
    ///
    /// ## Why it matters
    /// Storport calls the routine when the time is over: through a NULL pointer, at DISPATCH_LEVEL.
    ///
    /// ## Source
    /// Microsoft, "StorPortTimer rule (Storport)": devtest/storport-storporttimer.
    StorPortTimer: SrbProcessing, Rule, on,
    why "when the time is over Storport calls through a NULL pointer, at DISPATCH_LEVEL",
    url "devtest/storport-storporttimer",
    exhibits "stor-port-timer",
    make |_| StorPortTimer
}

/// The rule.
struct StorPortTimer;

impl Rule for StorPortTimer {
    fn interest(&self) -> Interest {
        Interest::unusual(&[&row::StorPortNotification])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some(call) = event.args::<args::StorPortNotification>() else { return FINE };
        let is_timer = call.NotificationType.value() == RequestTimerCall.number() as u64;
        if !is_timer || call.HwTimer != Arg::NoRoutine || call.Value.value() == 0 || !is_of_driver(event) {
            return FINE;
        }
        Some(Breach::new(event, "RequestTimerCall with a NULL HwStorTimer routine"))
    }
}
