//! SpinLock: what KeAcquireSpinLock took is given back before it is taken again, and before the routine ends.

use super::held;
use crate::rules::row::rule;
use crate::rules::{Rule, Seen};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{DdiSet, Event, Interest};

rule! {
    /// A spin lock that KeAcquireSpinLock took is released before it is acquired again and before the routine
    /// ends.
    ///
    /// ## What is checked
    /// KeAcquireSpinLock and KeAcquireSpinLockRaiseToDpc for a lock that KeAcquireSpinLock took on this
    /// processor and that is held still; and each callback that returns with a lock that KeAcquireSpinLock
    /// took in it. Different locks may be nested. Off unless asked for: that a lock is taken twice is a stop
    /// of the machine (SPIN_LOCK_ALREADY_OWNED), and LockLeftHeld finds a lock that is left held whatever
    /// routine took it.
    ///
    /// ## Why it matters
    /// Spin locks are not recursive: the processor spins for ever. A lock that is left behind does that to
    /// the next processor that wants it.
    ///
    /// ## Source
    /// Microsoft, "SpinLock rule (Storport)": devtest/storport-spinlock; that different locks may be nested
    /// stands on the page of the WDM rule of that name.
    SpinLock: Locking, Rule, off,
    why "spin locks are not recursive: on hardware this processor, or the next that wants the lock, spins for ever",
    url "devtest/storport-spinlock",
    stop DRIVER_VERIFIER_DETECTED_VIOLATION / 0x40009,
    exhibits "spin-lock" with "--rules all",
    make |_| SpinLock
}

/// The rule.
struct SpinLock;

impl Rule for SpinLock {
    fn interest(&self) -> Interest {
        let enter_holding = DdiSet::of(&[&row::KeAcquireSpinLock, &row::KeAcquireSpinLockRaiseToDpc]);
        Interest { enter_holding, lock_sites: true, ..held::ends_of_callbacks() }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let raising = event.args::<args::KeAcquireSpinLockRaiseToDpc>().map(|call| call.SpinLock);
        match event.args::<args::KeAcquireSpinLock>().map(|call| call.SpinLock).or(raising) {
            Some(lock) => held::taken_again(event, lock.pointer(), &[&row::KeAcquireSpinLock]),
            None => held::left_held(event, |lock| *lock.routine == row::KeAcquireSpinLock),
        }
    }
}
