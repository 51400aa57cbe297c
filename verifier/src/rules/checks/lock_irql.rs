//! LockIrql: a spin lock that an interrupt takes is held at that interrupt's level everywhere.
//!
//! The other half of a lock order: an interrupt that comes while its processor holds the lock below the
//! interrupt's level waits for itself. Told from a run in which both happened, far apart. Invariant: what is
//! told can hang one processor, unless the driver keeps its device from interrupting meanwhile.

use super::lock_order::{ACQUIRES, OTHER_ACQUIRES};
use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::held::HeldLock;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::irql::Irql;
use kernel_sim::moment::Moment;
use kernel_sim::routine::{Callback, INTERRUPT_SERVICE};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use storport_sim::callbacks::{HW_STOR_INTERRUPT, HW_STOR_MS_INTERRUPT};

rule! {
    /// A spin lock that an interrupt service routine takes is held at its level everywhere.
    ///
    /// ## What is checked
    /// Each spin lock that the driver takes, over the whole run: if an interrupt service routine takes it,
    /// and other code holds it at a lower IRQL than that routine runs at. Only what is held after the first
    /// interrupt counts; before, the interrupt may not be connected yet. Off unless asked for: a driver that
    /// keeps its device from interrupting while it holds the lock is told of as well.
    ///
    /// ## Why it matters
    /// The interrupt comes on the processor that holds the lock, and waits there for what it has stopped.
    ///
    /// ## Source
    /// Our own check. The driver guide has KeSynchronizeExecution and KeAcquireInterruptSpinLock for what is
    /// shared with an interrupt service routine.
    LockIrql: Checks, Check, off,
    why "an interrupt on the processor that holds the lock waits there for ever, since its holder cannot go on",
    exhibits "lock-in-interrupt" with "--rules all",
    make |_| LockIrql::default()
}

static INTERRUPTS: &[&Callback] = &[&INTERRUPT_SERVICE, &HW_STOR_INTERRUPT, &HW_STOR_MS_INTERRUPT];

/// How one lock was taken.
#[derive(Default)]
struct Uses {
    /// In the interrupt service routine of the highest level, and when.
    interrupt: Option<(Irql, Moment)>,
    /// At the lowest level elsewhere, and when.
    elsewhere: Option<(Irql, Moment)>,
}

/// The check.
#[derive(Default)]
struct LockIrql {
    /// Whether there was an interrupt: before the first, locks are not looked at.
    has_interrupted: AtomicBool,
    /// By machine address.
    locks: Mutex<BTreeMap<u64, Uses>>,
}

impl Uses {
    fn taken(&mut self, event: &Event<'_>, lock: &HeldLock) -> Seen {
        let is_interrupt = event.frame().is_some_and(|frame| INTERRUPTS.contains(&frame.kind));
        let now = event.irql();
        let earlier = if is_interrupt {
            if self.interrupt.as_ref().is_none_or(|(level, _)| *level < lock.irql_before) {
                self.interrupt =
                    Some((lock.irql_before, event.taken(lock).labelled("taken in an interrupt")));
            }
            self.elsewhere.as_ref().filter(|(level, _)| *level < lock.irql_before)
        } else {
            if self.elsewhere.as_ref().is_none_or(|(level, _)| *level > now) {
                self.elsewhere = Some((now, event.taken(lock).labelled("held below its level")));
            }
            self.interrupt.as_ref().filter(|(level, _)| *level > now)
        };
        let (level, moment) = earlier?;
        let what = if is_interrupt {
            format!(
                "an interrupt service routine at {} takes a spin lock that other code holds at {level}",
                lock.irql_before
            )
        } else {
            format!("a spin lock is held at {now} that an interrupt service routine takes at {level}")
        };
        Some(Breach::new(event, what).earlier([moment.clone()]))
    }
}

impl Rule for LockIrql {
    fn interest(&self) -> Interest {
        let calls = Interest::NOTHING.exit(ACQUIRES).exit(OTHER_ACQUIRES).callbacks(INTERRUPTS);
        Interest { lock_sites: true, ..calls }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match event.kind {
            EventKind::Begin(_) => self.has_interrupted.store(true, Ordering::Relaxed),
            EventKind::Exit(..) if self.has_interrupted.load(Ordering::Relaxed) && is_of_driver(event) => {
                let lock = event.held_last()?;
                return self.locks.lock().entry(lock.address).or_default().taken(event, &lock);
            }
            _ => {}
        }
        FINE
    }
}
