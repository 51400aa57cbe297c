//! StorPortStartIo: HwStorStartIo starts a request, and does not allocate or stall.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::ddi::{FALSE, row};
use kernel_sim::hook::{Event, EventKind, Interest};
use storport_sim::callbacks::HW_STOR_START_IO;
use storport_sim::ddi::row as storport;
use storport_sim::seen;

rule! {
    /// HwStorStartIo neither allocates nor stalls the processor.
    ///
    /// ## What is checked
    /// Calls of the routines that the rule names, made in HwStorStartIo itself: StorPortStallExecution, and
    /// of an adapter with hardware those of the kernel that allocate. StorPortAllocatePool is not among
    /// them. A virtual miniport, which has no HwStorBuildIo in which it could allocate, is told of stalls
    /// only; SpNoWait, which is off unless asked for, names its allocations as well.
    ///
    /// ## Why it matters
    /// HwStorStartIo runs at DISPATCH_LEVEL, of an adapter with hardware under the StartIo lock: every
    /// other request of the adapter waits as long.
    ///
    /// ## Source
    /// Microsoft, "StorPortStartIo rule (Storport)": devtest/storport-storportstartio.
    StorPortStartIo: SrbProcessing, Rule, on,
    why "every other request of the adapter waits as long, under the StartIo lock",
    url "devtest/storport-storportstartio",
    exhibits "stor-port-start-io",
    make |_| StorPortStartIo
}

/// The rule.
struct StorPortStartIo;

impl Rule for StorPortStartIo {
    fn interest(&self) -> Interest {
        Interest::enter(&[
            &row::ExAllocatePool2,
            &row::ExAllocatePoolWithTag,
            &row::IoAllocateIrp,
            &storport::StorPortStallExecution,
        ])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        let Some(frame) = event.frame().filter(|frame| *frame.kind == HW_STOR_START_IO) else { return FINE };
        let is_virtual = || seen::configuration(frame.adapter).is_none_or(|c| c.VirtualDevice != FALSE);
        if *ddi != storport::StorPortStallExecution && is_virtual() {
            return FINE;
        }
        Some(Breach::new(event, format!("{} called in HwStorStartIo", ddi.name)))
    }
}
