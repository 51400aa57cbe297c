//! StorPortFindAdapter: HwStorFindAdapter says how much one request may move.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_FIND_ADAPTER;
use storport_sim::ddi::{SP_RETURN_FOUND, SP_UNINITIALIZED_VALUE};
use storport_sim::seen;

rule! {
    /// HwStorFindAdapter sets MaximumTransferLength and NumberOfPhysicalBreaks.
    ///
    /// ## What is checked
    /// When HwStorFindAdapter returns SP_RETURN_FOUND, neither field is SP_UNINITIALIZED_VALUE, with which
    /// both begin. Off unless asked for: the structure's page gives that value the meaning "unlimited" in
    /// the first, and another default to the second, which contradicts the rule.
    ///
    /// ## Why it matters
    /// Requests come in whatever size the class driver likes, or are cut into pieces too small to be fast.
    ///
    /// ## Source
    /// Microsoft, "StorPortFindAdapter rule (Storport)": devtest/storport-storportfindadapter.
    StorPortFindAdapter: SrbProcessing, Rule, off,
    why "requests come larger than the adapter can take, or are cut into pieces too small to be fast",
    url "devtest/storport-storportfindadapter",
    exhibits "stor-port-find-adapter" with "--rules all",
    make |_| StorPortFindAdapter
}

/// The rule.
struct StorPortFindAdapter;

impl Rule for StorPortFindAdapter {
    fn interest(&self) -> Interest {
        Interest::NOTHING.callbacks(&[&HW_STOR_FIND_ADAPTER])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some((answer, config)) = seen::found_adapter(event) else { return FINE };
        let fields = [
            ("MaximumTransferLength", config.MaximumTransferLength),
            ("NumberOfPhysicalBreaks", config.NumberOfPhysicalBreaks),
        ];
        let unset = fields.into_iter().find(|(_, value)| *value == SP_UNINITIALIZED_VALUE);
        let Some((field, _)) = unset.filter(|_| answer == u64::from(SP_RETURN_FOUND)) else { return FINE };
        Some(Breach::new(event, format!("HwStorFindAdapter leaves {field} at SP_UNINITIALIZED_VALUE")))
    }
}
