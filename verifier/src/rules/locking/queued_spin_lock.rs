//! QueuedSpinLock: an in-stack queued spin lock is given back before it is taken again, and before the
//! routine ends.

use super::held;
use crate::rules::row::rule;
use crate::rules::{Rule, Seen};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{Event, Interest};

rule! {
    /// A queued spin lock that KeAcquireInStackQueuedSpinLock took is released before it is acquired again
    /// and before the routine ends.
    ///
    /// ## What is checked
    /// KeAcquireInStackQueuedSpinLock for a lock that it took on this processor and that is held still; and
    /// each callback that returns with a lock that it took. Different locks may be nested. Off unless asked
    /// for, for the reasons of SpinLock.
    ///
    /// ## Why it matters
    /// The handle lies on the stack of the routine: when that returns, the queue of the lock goes on through
    /// memory that is something else by then.
    ///
    /// ## Source
    /// Microsoft, "QueuedSpinLock rule (Storport)": devtest/storport-queuedspinlock.
    QueuedSpinLock: Locking, Rule, off,
    why "the handle is on a stack that is used for something else next, and the queue of the lock goes on through it",
    url "devtest/storport-queuedspinlock",
    stop DRIVER_VERIFIER_DETECTED_VIOLATION / 0x40006,
    exhibits "queued-spin-lock" with "--rules all",
    make |_| QueuedSpinLock
}

/// The rule.
struct QueuedSpinLock;

impl Rule for QueuedSpinLock {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::KeAcquireInStackQueuedSpinLock]);
        Interest { lock_sites: true, ..calls.and(&held::ends_of_callbacks()) }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let own = &row::KeAcquireInStackQueuedSpinLock;
        match event.args::<args::KeAcquireInStackQueuedSpinLock>() {
            Some(call) => held::taken_again(event, call.SpinLock.pointer(), &[own]),
            None => held::left_held(event, |lock| lock.routine == own),
        }
    }
}
