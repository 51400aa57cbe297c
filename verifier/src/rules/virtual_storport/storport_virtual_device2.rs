//! StorPortVirtualDevice2: VirtualDevice is TRUE for a virtual adapter.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::ddi::TRUE;
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_FIND_ADAPTER;
use storport_sim::ddi::SP_RETURN_FOUND;
use storport_sim::seen;

rule! {
    /// HwStorFindAdapter of a virtual miniport sets VirtualDevice to TRUE.
    ///
    /// ## What is checked
    /// The configuration, when HwStorFindAdapter returns SP_RETURN_FOUND.
    ///
    /// ## Why it matters
    /// Storport treats the adapter as what it is not: it waits for an interrupt and resources that it has
    /// not. Here it does not start at all.
    ///
    /// ## Source
    /// Microsoft, "StorPortVirtualDevice2 rule (Storport)": devtest/storport-storportvirtualdevice2.
    StorPortVirtualDevice2: VirtualStorport, Rule, on, only Virtual,
    why "Storport treats the adapter as what it is not, and it does not start",
    url "devtest/storport-storportvirtualdevice2",
    exhibits "stor-port-virtual-device2",
    make |_| StorPortVirtualDevice2
}

/// The rule.
struct StorPortVirtualDevice2;

impl Rule for StorPortVirtualDevice2 {
    fn interest(&self) -> Interest {
        Interest::NOTHING.callbacks(&[&HW_STOR_FIND_ADAPTER])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match seen::found_adapter(event) {
            Some((answer, config))
                if answer == u64::from(SP_RETURN_FOUND) && config.VirtualDevice != TRUE =>
            {
                let what = format!("HwStorFindAdapter leaves VirtualDevice at {}", config.VirtualDevice);
                Some(Breach::new(event, what))
            }
            _ => FINE,
        }
    }
}
