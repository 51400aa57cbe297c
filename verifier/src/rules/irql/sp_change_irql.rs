//! SpChangeIrql: a callback of a miniport returns at the IRQL it was entered at.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::hook::{CallbackSet, Event, EventKind, Interest};
use storport_sim::callbacks::MINIPORT;

rule! {
    /// A callback of a miniport returns at the IRQL at which it was entered.
    ///
    /// ## What is checked
    /// The IRQL at the end of each callback that Storport makes, against that at its beginning, whatever
    /// changed it. Off unless asked for: the machine stops for the same mistake (IRQL_UNEXPECTED_VALUE), as
    /// Windows does, and says which call left the level changed.
    ///
    /// ## Why it matters
    /// Storport goes on at the wrong level: switched away from while it holds its own locks, or with every
    /// DPC of this processor kept waiting.
    ///
    /// ## Source
    /// Microsoft, "SpChangeIrql rule (Storport)": devtest/storport-spchangeirql.
    SpChangeIrql: Irql, Rule, off,
    why "Storport goes on at the wrong level: switched away from under its locks, or with DPCs kept waiting",
    url "devtest/storport-spchangeirql",
    stop IRQL_UNEXPECTED_VALUE,
    exhibits "sp-change-irql" with "--rules all",
    make |_| SpChangeIrql
}

/// The rule.
struct SpChangeIrql;

impl Rule for SpChangeIrql {
    fn interest(&self) -> Interest {
        Interest { leaving_irql: CallbackSet::of(MINIPORT), ..Interest::NOTHING }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::End(frame, _) = event.kind else { return FINE };
        let (entered, now) = (frame.irql(), event.irql());
        let what = format!("{} was entered at {entered} and returned at {now}", frame.kind.name);
        Some(Breach::new(event, what).earlier(event.irql_changed()))
    }
}
