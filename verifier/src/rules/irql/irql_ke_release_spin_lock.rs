//! IrqlKeReleaseSpinLock: KeReleaseSpinLock at DISPATCH_LEVEL, and back to the level before the acquire.

use super::range;
use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, Sites, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{DdiSet, Event, Interest};
use kernel_sim::irql::Irql;

rule! {
    /// KeReleaseSpinLock is called at DISPATCH_LEVEL, and restores the IRQL that its acquire found.
    ///
    /// ## What is checked
    /// At each KeReleaseSpinLock of a lock that KeAcquireSpinLock or KeAcquireSpinLockRaiseToDpc took: the
    /// IRQL is DISPATCH_LEVEL, and NewIrql is the level at which the lock was taken. While another spin lock
    /// is held NewIrql has to be DISPATCH_LEVEL; so locks may be given back in another order than they were
    /// taken, the first one's level with the last of them, but not below the level of the callback.
    ///
    /// ## Why it matters
    /// A level too low lets DPCs and other threads in while another lock is held, or inside a DPC; a level
    /// too high keeps every DPC of this processor waiting from then on.
    ///
    /// ## Source
    /// Microsoft, "IrqlKeReleaseSpinLock rule (Storport)": devtest/storport-irqlkereleasespinlock; that
    /// NewIrql is the saved level stands on the page of the WDM rule of that name.
    IrqlKeReleaseSpinLock: Irql, Rule, on,
    why "at a level too low DPCs come in where a lock is held, at one too high no DPC runs here any more",
    url "devtest/storport-irqlkereleasespinlock",
    stop DRIVER_VERIFIER_DETECTED_VIOLATION / 0x20015,
    exhibits "irql-ke-release-spin-lock",
    make |sites| IrqlKeReleaseSpinLock { sites }
}

/// The rule.
struct IrqlKeReleaseSpinLock {
    /// Whether the locks that are held are known one by one; only then can a level be compared.
    sites: Sites,
}

impl Rule for IrqlKeReleaseSpinLock {
    fn interest(&self) -> Interest {
        let calls = DdiSet::of(&[&row::KeReleaseSpinLock]);
        match self.sites {
            Sites::Kept => Interest {
                enter_outside_irql: calls,
                enter_unusual: calls,
                lock_sites: true,
                ..Interest::NOTHING
            },
            Sites::Counted => Interest { enter_outside_irql: calls, ..Interest::NOTHING },
        }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some(call) = event.args::<args::KeReleaseSpinLock>() else { return FINE };
        if event.irql() != Irql::DISPATCH {
            return range::judge(event);
        }
        let Some(taken) = event.held_lock(call.SpinLock.pointer()) else { return FINE };
        // What took the lock without raising is another rule's matter.
        let raised = [&row::KeAcquireSpinLock, &row::KeAcquireSpinLockRaiseToDpc].contains(&taken.routine);
        if !raised || !is_of_driver(event) {
            return FINE;
        }
        let (before, level) = (taken.irql_before, Irql(call.NewIrql.value() as u8));
        let entered = event.frame().map_or(Irql::PASSIVE, |frame| frame.irql());
        let what = match event.held_count() {
            2.. if level == Irql::DISPATCH => return FINE,
            2.. => format!("KeReleaseSpinLock lowers the IRQL to {level} while another spin lock is held"),
            // Locks given back in another order than they were taken pass the first one's level on.
            _ if level == before || (before == Irql::DISPATCH && (entered..before).contains(&level)) => {
                return FINE;
            }
            _ => format!("KeReleaseSpinLock asked to restore {level}; the lock was taken at {before}"),
        };
        Some(Breach::new(event, what).earlier(event.held_locks().iter().map(|lock| event.taken(lock))))
    }
}
