//! SpinLockSafe: no request is completed or started while a spin lock is held.
//!
//! The counting is the machine's (each processor counts the locks its driver holds); the rule is one
//! comparison at three calls.

use super::{Sites, rule};
use crate::finding::{Scene, Violation};
use kernel_sim::ddi::row;
use kernel_sim::hook::{DdiSet, Event, EventKind, Halt, Interest, Watcher};
use std::sync::Arc;

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
    /// IoStartNextPacketByKey is watched too; that is our extension.
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
    INFO: "SpinLockSafe", Rule, true,
    Some("learn.microsoft.com/windows-hardware/drivers/devtest/storport-spinlocksafe"),
    Some(|sites| Arc::new(SpinLockSafe { sites }))
}

/// The watcher.
pub struct SpinLockSafe {
    /// Whether acquire sites are kept for the report.
    pub sites: Sites,
}

impl Watcher for SpinLockSafe {
    fn interest(&self) -> Interest {
        Interest {
            enter_holding: DdiSet::of(&[
                &row::IoCompleteRequest,
                &row::IoStartNextPacket,
                &row::IoStartNextPacketByKey,
            ]),
            lock_count: true,
            lock_sites: self.sites == Sites::Kept,
            ..Interest::NOTHING
        }
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        let EventKind::Enter(ddi, _) = event.kind else { return None };
        let held_count = event.held_count();
        if held_count == 0 {
            return None;
        }
        let locks =
            if held_count == 1 { "a spin lock".to_owned() } else { format!("{held_count} spin locks") };
        let is_extension = std::ptr::eq(ddi, &raw const row::IoStartNextPacketByKey);
        Some(Halt(Box::new(Violation {
            rule: INFO.name,
            what: format!("{} called while the driver holds {locks}", ddi.name),
            why: if std::ptr::eq(ddi, &raw const row::IoCompleteRequest) {
                "completion routines run inside this call: one that wants the lock spins for ever, on a customer's machine"
            } else {
                "StartIo runs inside this call: if it wants the lock, this processor spins for ever"
            },
            note: is_extension.then_some(
                "Microsoft's rule does not name IoStartNextPacketByKey; watching it is our extension",
            ),
            scene: Scene::of(event, ddi.name),
            held_count,
        })))
    }
}
