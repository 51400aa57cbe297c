//! LockLeftHeld: a callback returns without the spin locks that it took.

use crate::rules::locking::held;
use crate::rules::row::rule;
use crate::rules::{Rule, Seen, Sites};
use kernel_sim::hook::{Event, Interest};

rule! {
    /// A callback returns without the spin locks that it took.
    ///
    /// ## What is checked
    /// How many spin locks the driver holds on the processor, whatever routine took them, at the beginning
    /// and at the end of each callback. The routines of a cancel-safe queue are left out: one takes a lock
    /// and another gives it back. What a system thread or a model leaves behind is a stop of the machine.
    ///
    /// ## Why it matters
    /// The next processor that wants the lock spins for ever, at a time and in a place that say nothing about
    /// the routine that kept it.
    ///
    /// ## Source
    /// Our own check, drawn from Microsoft's rules SpinLock, SpinLockDpc, QueuedSpinLock and CancelSpinLock,
    /// each of which asks it of one routine.
    LockLeftHeld: Checks, Check, on,
    why "the next processor that wants the lock spins for ever, far from the routine that kept it",
    exhibits "lock-left-held",
    make |sites| LockLeftHeld { sites }
}

/// The check.
struct LockLeftHeld {
    /// Whether acquire sites are kept for the report.
    sites: Sites,
}

impl Rule for LockLeftHeld {
    fn interest(&self) -> Interest {
        Interest { lock_sites: self.sites == Sites::Kept, ..held::ends_of_callbacks() }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        held::left_held(event, held::was_taken_by_driver).or_else(|| held::left_counted(event))
    }
}
