//! IrqlKeSetEvent: KeSetEvent at DISPATCH_LEVEL at most, and below it if a wait is to follow.

use super::range;
use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::hook::{Event, Interest};
use kernel_sim::irql::Irql;

rule! {
    /// KeSetEvent is called at DISPATCH_LEVEL at most, and at APC_LEVEL at most with Wait TRUE.
    ///
    /// ## What is checked
    /// The IRQL at each call, and the Wait argument.
    ///
    /// ## Why it matters
    /// Above DISPATCH_LEVEL the kernel's own lock on the event may be held by the code that was interrupted:
    /// the processor waits for itself. With Wait TRUE the call returns at DISPATCH_LEVEL with that lock held,
    /// for a wait that may not be made there.
    ///
    /// ## Source
    /// Microsoft, "IrqlKeSetEvent rule (WDM)": devtest/wdm-irqlkesetevent.
    IrqlKeSetEvent: Irql, Rule, on,
    why "the kernel's own lock on the event may be held by the code that was interrupted: the processor waits for itself",
    url "devtest/wdm-irqlkesetevent",
    stop DRIVER_VERIFIER_DETECTED_VIOLATION / 0x20016,
    exhibits "irql-ke-set-event",
    make |_| IrqlKeSetEvent
}

/// The rule.
struct IrqlKeSetEvent;

impl Rule for IrqlKeSetEvent {
    fn interest(&self) -> Interest {
        Interest::outside_irql(&[&row::KeSetEvent]).and(&Interest::unusual(&[&row::KeSetEvent]))
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if event.irql() > Irql::DISPATCH {
            return range::judge(event);
        }
        // At an allowed level only a call with Wait TRUE is told.
        if event.irql() < Irql::DISPATCH || !is_of_driver(event) {
            return FINE;
        }
        Some(Breach::new(
            event,
            "KeSetEvent with Wait TRUE called at DISPATCH_LEVEL; it allows APC_LEVEL at most",
        ))
    }
}
