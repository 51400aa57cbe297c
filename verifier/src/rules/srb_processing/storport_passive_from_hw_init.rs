//! StorPortPassiveFromHwInit: a restart does not ask for the passive routine again.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_ADAPTER_CONTROL;
use storport_sim::ddi::row;

rule! {
    /// HwStorInitialize does not ask for the passive routine when HwStorAdapterControl calls it.
    ///
    /// ## What is checked
    /// Each call of StorPortEnablePassiveInitialization, that no HwStorAdapterControl is under way around it.
    ///
    /// ## Why it matters
    /// A restart calls HwStorInitialize at another level and outside Storport's own start: the passive
    /// routine does not run, or runs a second time over DPCs that are in use.
    ///
    /// ## Source
    /// Microsoft, "StorPortPassiveFromHwInit rule (Storport)": devtest/storport-storportpassivefromhwinit.
    StorPortPassiveFromHwInit: SrbProcessing, Rule, on,
    why "the passive routine does not run after a restart, or runs again over DPCs that are in use",
    url "devtest/storport-storportpassivefromhwinit",
    exhibits "stor-port-passive-from-hw-init",
    make |_| StorPortPassiveFromHwInit
}

/// The rule.
struct StorPortPassiveFromHwInit;

impl Rule for StorPortPassiveFromHwInit {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortEnablePassiveInitialization])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let mut around = std::iter::successors(event.frame(), |frame| frame.outer());
        if !around.any(|frame| *frame.kind == HW_STOR_ADAPTER_CONTROL) {
            return FINE;
        }
        let what = "StorPortEnablePassiveInitialization called while HwStorAdapterControl is under way";
        Some(Breach::new(event, what))
    }
}
