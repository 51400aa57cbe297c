//! SpinLockSafe: no request is completed or started while a spin lock is held.
//!
//! The counting is the machine's (each processor counts the locks its driver holds); the rule is one
//! comparison at four calls.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, Sites};
use kernel_sim::ddi::row;
use kernel_sim::hook::{DdiSet, Event, EventKind, Interest};
use storport_sim::ddi::row as storport;

rule! {
    /// IoCompleteRequest and IoStartNextPacket are not called while a spin lock is held.
    ///
    /// ## What is checked
    /// Each processor counts the spin locks that drivers hold on it, whatever took them:
    /// KeAcquireSpinLock and its RaiseToDpc, AtDpcLevel, ForDpc and try forms, the in-stack queued
    /// family, interrupt spin locks (KeAcquireInterruptSpinLock, KeSynchronizeExecution), the cancel
    /// spin lock, and Storport's locks taken by the miniport. A cancel routine is entered with the
    /// cancel lock counted. Locks that the system holds around a callback are not the driver's. The
    /// count at either call must be zero; in which order nested locks were released does not matter.
    /// IoStartNextPacketByKey and StorPortCompleteServiceIrp are watched too; that is our extension.
    ///
    /// ## Why it matters
    /// Both calls run driver code before they return: completion routines of the drivers above, or
    /// this driver's own StartIo. Code reached there that wants the same lock spins for ever at
    /// raised IRQL; code that wants another lock can close a cycle of lock orders. The machine hangs,
    /// seldom, and far from the cause.
    ///
    /// ## Source
    /// Microsoft, "SpinLockSafe rule (Storport)": devtest/storport-spinlocksafe. The static rule
    /// names eight routines and reports false positives for nested locks; counting at run time has
    /// neither limit. Microsoft documents no bug check for it.
    SpinLockSafe: Locking, Rule, on,
    why "completion routines run inside this call: one that wants the lock spins for ever, on a customer's machine",
    url "devtest/storport-spinlocksafe",
    exhibits "spin-lock-safe",
    make |sites| SpinLockSafe { sites }
}

/// The rule.
struct SpinLockSafe {
    /// Whether acquire sites are kept for the report.
    sites: Sites,
}

impl Rule for SpinLockSafe {
    fn interest(&self) -> Interest {
        Interest {
            enter_holding: DdiSet::of(&[
                &row::IoCompleteRequest,
                &row::IoStartNextPacket,
                &row::IoStartNextPacketByKey,
                &storport::StorPortCompleteServiceIrp,
            ]),
            lock_sites: self.sites == Sites::Kept,
            ..Interest::NOTHING
        }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        let held_count = event.held_count();
        let locks =
            if held_count == 1 { "a spin lock".to_owned() } else { format!("{held_count} spin locks") };
        let breach = Breach::new(event, format!("{} called while the driver holds {locks}", ddi.name))
            .earlier(event.held_locks().iter().map(|lock| event.taken(lock)));
        let starts = [&row::IoStartNextPacket, &row::IoStartNextPacketByKey].contains(&ddi);
        let breach = if starts {
            breach.why("StartIo runs inside this call: if it wants the lock, this processor spins for ever")
        } else {
            breach
        };
        if [&row::IoStartNextPacketByKey, &storport::StorPortCompleteServiceIrp].contains(&ddi) {
            return Some(
                breach.note(format!(
                    "Microsoft's rule does not name {}; watching it is our extension",
                    ddi.name
                )),
            );
        }
        Some(breach)
    }
}
