//! Calls at an IRQL that their page does not allow: the one judgement of the rules that name routines.
//!
//! The limits are those of the DDI tables, which are the documented ones; a rule says only whose calls it
//! looks at. The hook compares the levels (`Interest::enter_outside_irql`), so a call at an allowed level
//! costs no more than one that nobody watches. Invariant: a call inside the documented range is never told.

use super::{irql_dispatch, sp_irql, storport_irql, wdm};
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::irql::Irql;
use kernel_sim::routine::DdiInfo;

/// A rule about the IRQL of calls of some routines.
pub(in crate::rules) struct IrqlRange {
    calls: &'static [&'static DdiInfo],
}

impl IrqlRange {
    /// A rule about these routines.
    pub(in crate::rules) fn of(calls: &'static [&'static DdiInfo]) -> IrqlRange {
        IrqlRange { calls }
    }
}

impl Rule for IrqlRange {
    fn interest(&self) -> Interest {
        Interest::outside_irql(self.calls)
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        judge(event)
    }
}

/// The routines that rules with a list of their own name.
pub(in crate::rules) fn named() -> impl Iterator<Item = &'static DdiInfo> {
    static SINGLE: &[&DdiInfo] = &[&row::KeReleaseSpinLock, &row::KeSetEvent, &row::PAGED_CODE];
    let lists = [irql_dispatch::CALLS, sp_irql::CALLS, storport_irql::CALLS, SINGLE];
    lists.into_iter().chain(wdm::LISTS.iter().copied()).flatten().copied()
}

/// The verdict on a call at a level outside its range.
pub(in crate::rules) fn judge(event: &Event<'_>) -> Seen {
    let EventKind::Enter(ddi, _) = event.kind else { return FINE };
    let Some((lowest, highest)) = ddi.irql.filter(|_| is_of_driver(event)) else { return FINE };
    let limit = match (lowest, highest) {
        (lowest, highest) if lowest == highest => format!("{lowest} only"),
        (Irql::PASSIVE, highest) => format!("{highest} at most"),
        (lowest, Irql::HIGH) => format!("{lowest} at least"),
        (lowest, highest) => format!("{lowest} to {highest}"),
    };
    let what = format!("{} called at {}; its page allows {limit}", ddi.name, event.irql());
    let breach = Breach::new(event, what);
    let held = event.held_locks();
    if held.is_empty() {
        return Some(breach.earlier(event.irql_changed()));
    }
    Some(breach.earlier(held.iter().map(|lock| event.taken(lock))))
}
