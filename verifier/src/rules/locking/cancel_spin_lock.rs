//! CancelSpinLock: the cancel spin lock is taken once and given back before the callback returns.

use super::held;
use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::held::HeldLock;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::routine::CANCEL;

rule! {
    /// The cancel spin lock is acquired once, released once, and not held when a callback returns.
    ///
    /// ## What is checked
    /// IoAcquireCancelSpinLock while this processor holds the lock, IoReleaseCancelSpinLock while it does
    /// not, and each callback that returns with the lock after it acquired it. A cancel routine is entered
    /// with the lock held and has to release it; one that does not is a stop of the machine
    /// (DRIVER_RETURNED_HOLDING_CANCEL_LOCK). Off unless asked for: the machine stops for the first two as
    /// well, and LockLeftHeld finds the third.
    ///
    /// ## Why it matters
    /// There is one such lock in the whole system: from then on every cancellation waits.
    ///
    /// ## Source
    /// Microsoft, "CancelSpinLock rule (Storport)": devtest/storport-cancelspinlock; that the lock may not be
    /// acquired twice stands on the page of the WDM rule of that name.
    CancelSpinLock: Locking, Rule, off,
    why "there is one cancel spin lock in the system: every cancellation waits for it from now on",
    url "devtest/storport-cancelspinlock",
    exhibits "cancel-spin-lock" with "--rules all",
    make |_| CancelSpinLock
}

/// The rule.
struct CancelSpinLock;

/// Whether a lock that is held is the cancel spin lock: acquired, or a cancel routine's from its beginning.
pub(in crate::rules) fn is_cancel_lock(lock: &HeldLock) -> bool {
    *lock.routine == row::IoAcquireCancelSpinLock
        || (lock.callback.id == CANCEL.id && !held::was_taken_by_driver(lock))
}

impl Rule for CancelSpinLock {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::IoAcquireCancelSpinLock, &row::IoReleaseCancelSpinLock]);
        Interest { lock_sites: true, ..calls.and(&held::ends_of_callbacks()) }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else {
            return held::left_held(event, |lock| *lock.routine == row::IoAcquireCancelSpinLock);
        };
        if !is_of_driver(event) {
            return FINE;
        }
        let held = event.held_locks().into_iter().rfind(is_cancel_lock);
        match (*ddi == row::IoAcquireCancelSpinLock, held) {
            (true, Some(held)) => {
                let what = "IoAcquireCancelSpinLock while this processor holds the cancel spin lock";
                Some(Breach::new(event, what).earlier([event.taken(&held)]))
            }
            (false, None) => {
                Some(Breach::new(event, "IoReleaseCancelSpinLock for a cancel spin lock that is not held"))
            }
            _ => FINE,
        }
    }
}
