//! ForDpcOutsideDpc: the ForDpc routines are for DPCs.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::routine::DEFERRED_ROUTINE;
use storport_sim::callbacks::HW_STOR_DPC;

rule! {
    /// KeAcquireSpinLockForDpc and KeAcquireInStackQueuedSpinLockForDpc are called in DPC routines only.
    ///
    /// ## What is checked
    /// The callbacks around each call: one of them is a DPC routine, Storport's included.
    ///
    /// ## Why it matters
    /// On Windows these routines raise the IRQL only for a DPC that is threaded; elsewhere they may leave the
    /// thread below DISPATCH_LEVEL with the lock: it is switched away from, and a DPC that wants the lock
    /// spins for ever.
    ///
    /// ## Source
    /// Our own check; that a threaded DPC is the place for them stands on the routines' pages.
    ForDpcOutsideDpc: Checks, Check, on,
    why "outside a DPC the thread may stay below DISPATCH_LEVEL with the lock: a DPC that wants it spins for ever",
    exhibits "for-dpc-outside-dpc",
    make |_| ForDpcOutsideDpc
}

/// The check.
struct ForDpcOutsideDpc;

impl Rule for ForDpcOutsideDpc {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::KeAcquireSpinLockForDpc, &row::KeAcquireInStackQueuedSpinLockForDpc])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        let mut around = std::iter::successors(event.frame(), |frame| frame.outer());
        let in_dpc = around.any(|frame| [&DEFERRED_ROUTINE, &HW_STOR_DPC].contains(&frame.kind));
        if in_dpc || !is_of_driver(event) {
            return FINE;
        }
        Some(Breach::new(event, format!("{} called outside a DPC", ddi.name)))
    }
}
