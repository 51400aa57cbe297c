//! StorPortPerfOpts: StorPortInitializePerfOpts is given a structure.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, Interest};
use storport_sim::ddi::{args, row};

rule! {
    /// StorPortInitializePerfOpts is not called with a NULL PerfConfigData.
    ///
    /// ## What is checked
    /// The argument at each call.
    ///
    /// ## Why it matters
    /// The call returns STOR_STATUS_INVALID_PARAMETER: no option is in force, and what a miniport assumes
    /// of its DPCs and channels does not hold.
    ///
    /// ## Source
    /// Microsoft, "StorPortPerfOpts rule (Storport)": devtest/storport-storportperfopts.
    StorPortPerfOpts: SrbProcessing, Rule, on,
    why "the call does nothing: what the miniport assumes of its DPCs and channels does not hold",
    url "devtest/storport-storportperfopts",
    exhibits "stor-port-perf-opts",
    make |_| StorPortPerfOpts
}

/// The rule.
struct StorPortPerfOpts;

impl Rule for StorPortPerfOpts {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortInitializePerfOpts])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match event.args::<args::StorPortInitializePerfOpts>() {
            Some(call) if call.PerfConfigData.pointer() == 0 && is_of_driver(event) => {
                Some(Breach::new(event, "StorPortInitializePerfOpts called with a NULL PerfConfigData"))
            }
            _ => FINE,
        }
    }
}
