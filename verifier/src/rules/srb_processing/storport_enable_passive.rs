//! StorPortEnablePassive: the passive routine is asked for in HwStorInitialize.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_INITIALIZE;
use storport_sim::ddi::row;

rule! {
    /// StorPortEnablePassiveInitialization is called in HwStorInitialize and nowhere else.
    ///
    /// ## What is checked
    /// The callback in which each call is made.
    ///
    /// ## Why it matters
    /// Elsewhere the call returns FALSE and does nothing: the routine never runs, and the DPCs that it was to
    /// initialize are never initialized.
    ///
    /// ## Source
    /// Microsoft, "StorPortEnablePassive rule (Storport)": devtest/storport-storportenablepassive.
    StorPortEnablePassive: SrbProcessing, Rule, on,
    why "the call returns FALSE, and the routine that was to initialize the DPCs never runs",
    url "devtest/storport-storportenablepassive",
    exhibits "stor-port-enable-passive",
    make |_| StorPortEnablePassive
}

/// The rule.
struct StorPortEnablePassive;

impl Rule for StorPortEnablePassive {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortEnablePassiveInitialization])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let frame = event.frame().filter(|_| is_of_driver(event));
        if frame.is_some_and(|frame| *frame.kind == HW_STOR_INITIALIZE) {
            return FINE;
        }
        let place = frame.map_or("code outside all callbacks", |frame| frame.kind.name);
        let what = format!("StorPortEnablePassiveInitialization called in {place}, not in HwStorInitialize");
        Some(Breach::new(event, what))
    }
}
