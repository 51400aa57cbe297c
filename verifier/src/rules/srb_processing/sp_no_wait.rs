//! SpNoWait: HwStorStartIo does not wait.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::ddi::row;
use kernel_sim::hook::{Event, EventKind, Interest};
use storport_sim::callbacks::HW_STOR_START_IO;
use storport_sim::ddi::row as storport;

rule! {
    /// HwStorStartIo neither waits nor allocates.
    ///
    /// ## What is checked
    /// Calls of the routines that the rule names, made in HwStorStartIo itself: those of StorPortStartIo,
    /// and those that wait. Off unless asked for, for the same reasons.
    ///
    /// ## Why it matters
    /// HwStorStartIo runs at DISPATCH_LEVEL, of an adapter with hardware under the StartIo lock: every
    /// other request of the adapter waits as long.
    ///
    /// ## Source
    /// Microsoft, "SpNoWait rule (Storport)": devtest/storport-spnowait.
    SpNoWait: SrbProcessing, Rule, off,
    why "every other request of the adapter waits as long, under the StartIo lock",
    url "devtest/storport-spnowait",
    exhibits "sp-no-wait" with "--rules all",
    make |_| SpNoWait
}

/// The rule.
struct SpNoWait;

impl Rule for SpNoWait {
    fn interest(&self) -> Interest {
        Interest::enter(&[
            &row::ExAllocatePool2,
            &row::ExAllocatePoolWithTag,
            &row::ExWaitForRundownProtectionRelease,
            &row::IoAllocateIrp,
            &row::KeWaitForMultipleObjects,
            &row::KeWaitForSingleObject,
            &storport::StorPortStallExecution,
        ])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        if event.frame().is_none_or(|frame| *frame.kind != HW_STOR_START_IO) {
            return FINE;
        }
        Some(Breach::new(event, format!("{} called in HwStorStartIo", ddi.name)))
    }
}
