//! QueuedSpinLockRelease: KeReleaseInStackQueuedSpinLock is for locks that KeAcquireInStackQueuedSpinLock
//! took.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{DdiSet, Event, Interest};
use kernel_sim::seen::lock_of_handle;

rule! {
    /// KeReleaseInStackQueuedSpinLock releases a lock that KeAcquireInStackQueuedSpinLock took.
    ///
    /// ## What is checked
    /// At each KeReleaseInStackQueuedSpinLock, that the lock of the handle is held on this processor, and
    /// that KeAcquireInStackQueuedSpinLock took it: not the routine for DISPATCH_LEVEL, after which the
    /// IRQL in the handle is whatever the memory held. Off unless asked for: a lock that is not held is a
    /// stop of the machine, and ReleaseMismatch finds what was taken in another way.
    ///
    /// ## Why it matters
    /// The IRQL falls to a level that no acquire saved, or the queue of the lock is corrupted.
    ///
    /// ## Source
    /// Microsoft, "QueuedSpinLockRelease rule (Storport)": devtest/storport-queuedspinlockrelease.
    QueuedSpinLockRelease: Locking, Rule, off,
    why "the IRQL falls to whatever the handle's memory held, or the queue of the lock is corrupted",
    url "devtest/storport-queuedspinlockrelease",
    stop DRIVER_VERIFIER_DETECTED_VIOLATION / 0x40007,
    exhibits "queued-spin-lock-release" with "--rules all",
    make |_| QueuedSpinLockRelease
}

/// The rule.
struct QueuedSpinLockRelease;

impl Rule for QueuedSpinLockRelease {
    fn interest(&self) -> Interest {
        let enter = DdiSet::of(&[&row::KeReleaseInStackQueuedSpinLock]);
        Interest { enter, lock_sites: true, ..Interest::NOTHING }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let call = event.args::<args::KeReleaseInStackQueuedSpinLock>().filter(|_| is_of_driver(event));
        let Some(call) = call else { return FINE };
        let held = lock_of_handle(call.LockHandle.pointer()).and_then(|lock| event.held_lock(lock));
        match held {
            Some(held) if *held.routine == row::KeAcquireInStackQueuedSpinLock => FINE,
            Some(held) => {
                let what =
                    format!("KeReleaseInStackQueuedSpinLock for a spin lock that {} took", held.routine.name);
                Some(Breach::new(event, what).earlier([event.taken(&held)]))
            }
            None => {
                let what = "KeReleaseInStackQueuedSpinLock with a handle whose lock is not held here";
                Some(Breach::new(event, what))
            }
        }
    }
}
