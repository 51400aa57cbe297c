//! StorPortVirtualDevice: VirtualDevice is FALSE for an adapter with hardware.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::ddi::FALSE;
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_FIND_ADAPTER;
use storport_sim::ddi::SP_RETURN_FOUND;
use storport_sim::seen;

rule! {
    /// HwStorFindAdapter of an adapter with hardware leaves VirtualDevice at FALSE.
    ///
    /// ## What is checked
    /// The configuration, when HwStorFindAdapter returns SP_RETURN_FOUND.
    ///
    /// ## Why it matters
    /// Storport treats the adapter as what it is not: without interrupt and DMA. Here it does not start at
    /// all.
    ///
    /// ## Source
    /// Microsoft, "StorPortVirtualDevice rule (Storport)": devtest/storport-storportvirtualdevice.
    StorPortVirtualDevice: VirtualStorport, Rule, on, only Physical,
    why "Storport treats the adapter as what it is not, and it does not start",
    url "devtest/storport-storportvirtualdevice",
    exhibits "stor-port-virtual-device",
    make |_| StorPortVirtualDevice
}

/// The rule.
struct StorPortVirtualDevice;

impl Rule for StorPortVirtualDevice {
    fn interest(&self) -> Interest {
        Interest::NOTHING.callbacks(&[&HW_STOR_FIND_ADAPTER])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match seen::found_adapter(event) {
            Some((answer, config))
                if answer == u64::from(SP_RETURN_FOUND) && config.VirtualDevice != FALSE =>
            {
                let what = format!("HwStorFindAdapter leaves VirtualDevice at {}", config.VirtualDevice);
                Some(Breach::new(event, what))
            }
            _ => FINE,
        }
    }
}
