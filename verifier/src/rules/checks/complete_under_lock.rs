//! CompleteUnderLock: a miniport completes requests without a spin lock of its own.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{DdiSet, Event, Interest};
use storport_sim::ddi::{TABLE, row};
use storport_sim::seen::{self, Notification};

rule! {
    /// A miniport holds no spin lock of its own while it completes a request.
    ///
    /// ## What is checked
    /// At StorPortNotification(RequestComplete), that the driver holds no spin lock on this processor but
    /// Storport's own. Off unless asked for: no page forbids it, and a Storport that completes requests in a
    /// DPC of its own lets it pass.
    ///
    /// ## Why it matters
    /// Storport may complete the request before the call returns and call HwStorStartIo with the next one: if
    /// that wants the lock, the processor spins for ever.
    ///
    /// ## Source
    /// Our own check, drawn from faults that public virtual miniports had.
    CompleteUnderLock: Checks, Check, off,
    why "HwStorStartIo may run inside this call: if it wants the lock, this processor spins for ever",
    exhibits "complete-under-own-lock" with "--rules all",
    make |_| CompleteUnderLock
}

/// The check.
struct CompleteUnderLock;

impl Rule for CompleteUnderLock {
    fn interest(&self) -> Interest {
        let enter_holding = DdiSet::of(&[&row::StorPortNotification]);
        Interest { enter_holding, lock_sites: true, ..Interest::NOTHING }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let completes = matches!(seen::notification(event), Some(Notification::RequestComplete(_)));
        if !completes || !is_of_driver(event) {
            return FINE;
        }
        let is_own = |routine| !TABLE.contains(&routine);
        let held = event.held_locks();
        let own: Vec<_> = held.iter().filter(|lock| is_own(lock.routine)).collect();
        if own.is_empty() {
            return FINE;
        }
        let breach =
            Breach::new(event, "a request is completed while the miniport holds a spin lock of its own");
        Some(breach.earlier(own.into_iter().map(|lock| event.taken(lock))))
    }
}
