//! SpinLockDpc: what KeAcquireSpinLockRaiseToDpc took is given back before it is taken again, and before the
//! routine ends.

use super::held;
use crate::rules::row::rule;
use crate::rules::{Rule, Seen};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{DdiSet, Event, Interest};

rule! {
    /// A spin lock that KeAcquireSpinLockRaiseToDpc took is released before it is acquired again and before
    /// the routine ends.
    ///
    /// ## What is checked
    /// As SpinLock, of locks that KeAcquireSpinLockRaiseToDpc took. Off unless asked for, for the same
    /// reason.
    ///
    /// ## Why it matters
    /// Spin locks are not recursive: the processor spins for ever. A lock that is left behind does that to
    /// the next processor that wants it.
    ///
    /// ## Source
    /// Microsoft, "SpinLockDpc rule (Storport)": devtest/storport-spinlockdpc.
    SpinLockDpc: Locking, Rule, off,
    why "spin locks are not recursive: on hardware this processor, or the next that wants the lock, spins for ever",
    url "devtest/storport-spinlockdpc",
    exhibits "spin-lock-dpc" with "--rules all",
    make |_| SpinLockDpc
}

/// The rule.
struct SpinLockDpc;

impl Rule for SpinLockDpc {
    fn interest(&self) -> Interest {
        let enter_holding = DdiSet::of(&[&row::KeAcquireSpinLock, &row::KeAcquireSpinLockRaiseToDpc]);
        Interest { enter_holding, lock_sites: true, ..held::ends_of_callbacks() }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let raising = event.args::<args::KeAcquireSpinLockRaiseToDpc>().map(|call| call.SpinLock);
        match event.args::<args::KeAcquireSpinLock>().map(|call| call.SpinLock).or(raising) {
            Some(lock) => held::taken_again(event, lock.pointer(), &[&row::KeAcquireSpinLockRaiseToDpc]),
            None => held::left_held(event, |lock| *lock.routine == row::KeAcquireSpinLockRaiseToDpc),
        }
    }
}
