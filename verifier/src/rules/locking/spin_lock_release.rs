//! SpinLockRelease: KeReleaseSpinLock is for locks that KeAcquireSpinLock or KeAcquireSpinLockRaiseToDpc
//! took.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{Event, Interest};
use kernel_sim::routine::DdiInfo;

rule! {
    /// KeReleaseSpinLock releases a lock that KeAcquireSpinLock or KeAcquireSpinLockRaiseToDpc took.
    ///
    /// ## What is checked
    /// At each KeReleaseSpinLock, that this processor holds the lock, and that one of these two routines took
    /// it, or KeTryToAcquireSpinLockAtDpcLevel, whose page names KeReleaseSpinLock as its counterpart. Off
    /// unless asked for: a lock that is not held here is a stop of the machine (0xC4/0x1004, 0xC4/0x1007),
    /// and ReleaseMismatch finds what was taken in another way.
    ///
    /// ## Why it matters
    /// The routine lowers the IRQL to a level that no acquire saved; or the lock is free while its owner is
    /// still inside.
    ///
    /// ## Source
    /// Microsoft, "SpinLockRelease rule (Storport)": devtest/storport-spinlockrelease.
    SpinLockRelease: Locking, Rule, off,
    why "the IRQL falls to a level that no acquire saved, or the lock is free while its owner is still inside",
    url "devtest/storport-spinlockrelease",
    stop DRIVER_VERIFIER_DETECTED_VIOLATION / 0x4000B,
    exhibits "spin-lock-release" with "--rules all",
    make |_| SpinLockRelease
}

static ACQUIRES: [&DdiInfo; 3] =
    [&row::KeAcquireSpinLock, &row::KeAcquireSpinLockRaiseToDpc, &row::KeTryToAcquireSpinLockAtDpcLevel];

/// The rule.
struct SpinLockRelease;

impl Rule for SpinLockRelease {
    fn interest(&self) -> Interest {
        Interest { lock_sites: true, ..Interest::unusual(&[&row::KeReleaseSpinLock]) }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some(call) = event.args::<args::KeReleaseSpinLock>().filter(|_| is_of_driver(event)) else {
            return FINE;
        };
        match event.held_lock(call.SpinLock.pointer()) {
            Some(held) if ACQUIRES.contains(&held.routine) => FINE,
            Some(held) => {
                let what = format!("KeReleaseSpinLock for a spin lock that {} took", held.routine.name);
                Some(Breach::new(event, what).earlier([event.taken(&held)]))
            }
            None => Some(Breach::new(event, "KeReleaseSpinLock for a spin lock that is not held here")),
        }
    }
}
