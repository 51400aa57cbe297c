//! ReleaseMismatch: a spin lock is given back by the counterpart of the routine that took it.

use crate::rules::locking::cancel_spin_lock::is_cancel_lock;
use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, Sites, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{DdiSet, Event, EventKind, Interest};
use kernel_sim::irql::Irql;
use kernel_sim::routine::{Arg, DdiInfo};
use kernel_sim::seen::lock_of_handle;

rule! {
    /// A spin lock is released by the counterpart of the routine that acquired it.
    ///
    /// ## What is checked
    /// At each release, which routine took the lock on this processor. KeAcquireSpinLock and
    /// KeAcquireSpinLockRaiseToDpc go with KeReleaseSpinLock, KeAcquireSpinLockAtDpcLevel with
    /// KeReleaseSpinLockFromDpcLevel, the ForDpc routines and the in-stack queued ones with their own;
    /// KeTryToAcquireSpinLockAtDpcLevel goes with both of the first two. And IoReleaseCancelSpinLock is
    /// passed the level at which the lock was taken, in a cancel routine that of the IRP, unless another
    /// lock is held; of other locks IrqlKeReleaseSpinLock looks at the level. A lock that is not held here
    /// is a stop of the machine. With `--sites counted` it is not known what took a lock, and nothing is
    /// checked.
    ///
    /// ## Why it matters
    /// The IRQL stays raised, or falls to a level that no acquire saved; a queued lock given back as an
    /// ordinary one has a broken queue.
    ///
    /// ## Source
    /// Our own check, drawn from the pages of the routines and from Driver Verifier's 0xC4/0x1008 and
    /// 0xC4/0x1009.
    ReleaseMismatch: Checks, Check, on,
    why "the IRQL stays raised or falls to a level that no acquire saved, or the queue of the lock is broken",
    exhibits "release-mismatch",
    make |sites| ReleaseMismatch { sites }
}

/// Releases, and the acquires that each goes with.
static PAIRS: &[(&DdiInfo, &[&DdiInfo])] = &[
    (
        &row::KeReleaseSpinLock,
        &[&row::KeAcquireSpinLock, &row::KeAcquireSpinLockRaiseToDpc, &row::KeTryToAcquireSpinLockAtDpcLevel],
    ),
    (
        &row::KeReleaseSpinLockFromDpcLevel,
        &[&row::KeAcquireSpinLockAtDpcLevel, &row::KeTryToAcquireSpinLockAtDpcLevel],
    ),
    (&row::KeReleaseSpinLockForDpc, &[&row::KeAcquireSpinLockForDpc]),
    (&row::KeReleaseInStackQueuedSpinLock, &[&row::KeAcquireInStackQueuedSpinLock]),
    (&row::KeReleaseInStackQueuedSpinLockFromDpcLevel, &[&row::KeAcquireInStackQueuedSpinLockAtDpcLevel]),
    (&row::KeReleaseInStackQueuedSpinLockForDpc, &[&row::KeAcquireInStackQueuedSpinLockForDpc]),
];

/// The check.
struct ReleaseMismatch {
    /// Whether it is known what took the locks that are held.
    sites: Sites,
}

impl Rule for ReleaseMismatch {
    fn interest(&self) -> Interest {
        if self.sites == Sites::Counted {
            return Interest::NOTHING;
        }
        let (mut enter, mut enter_unusual) = (DdiSet::EMPTY, DdiSet::of(&[&row::IoReleaseCancelSpinLock]));
        for (release, _) in PAIRS {
            let set = if release.name.contains("Queued") { &mut enter } else { &mut enter_unusual };
            set.add(&DdiSet::of(&[*release]));
        }
        Interest { enter, enter_unusual, lock_sites: true, ..Interest::NOTHING }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, args) = event.kind else { return FINE };
        if let Some(call) = event.args::<args::IoReleaseCancelSpinLock>() {
            return cancel_lock(event, Irql(call.Irql.value() as u8));
        }
        let (release, acquires) = PAIRS.iter().find(|(release, _)| *release == ddi)?;
        let first = args.first().copied().map_or(0, Arg::pointer);
        let is_queued = release.name.contains("Queued");
        let lock = if is_queued { lock_of_handle(first)? } else { first };
        let held = event.held_lock(lock).filter(|held| !acquires.contains(&held.routine))?;
        if !is_of_driver(event) {
            return FINE;
        }
        let what = format!("{} for a spin lock that {} took", ddi.name, held.routine.name);
        Some(Breach::new(event, what).earlier([event.taken(&held)]))
    }
}

/// The cancel spin lock is released, and the IRQL is to be `level`.
fn cancel_lock(event: &Event<'_>, level: Irql) -> Seen {
    let held = event.held_locks().into_iter().rfind(is_cancel_lock)?;
    let is_kept = event.held_count() > 1 && level == Irql::DISPATCH;
    if level == held.irql_before || is_kept || event.irql() != Irql::DISPATCH || !is_of_driver(event) {
        return FINE;
    }
    let before = held.irql_before;
    let what = format!("IoReleaseCancelSpinLock asked to restore {level}; the lock was taken at {before}");
    Some(Breach::new(event, what).earlier([event.taken(&held)]))
}
