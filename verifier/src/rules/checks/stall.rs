//! Calls that keep a processor busy, and for how long one stretch of driver code has done so: what two checks
//! of time at raised IRQL have in common.
//!
//! Machine time passes while a driver stalls and while every processor waits, not while code runs. So what
//! one processor's driver code takes is the sum of its own stalls; that of others, meanwhile, is not its
//! doing. Invariant: a stretch is told from every other on its processor, because the sum that it began with
//! is never seen again after its first stall.

use crate::rules::Sites;
use crate::rules::state::PerCpu;
use kernel_sim::ddi::row as kernel;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::irql::Irql;
use kernel_sim::moment::Moment;
use kernel_sim::routine::{Arg, Callback, DEFERRED_ROUTINE, INTERRUPT_SERVICE};
use storport_sim::callbacks::{HW_STOR_DPC, HW_STOR_INTERRUPT, HW_STOR_MS_INTERRUPT};
use storport_sim::ddi::row;

/// A call that is about to keep its processor busy.
#[derive(Clone, Copy)]
pub(super) struct Stall {
    /// For so many microseconds.
    pub us: u64,
    /// How many the page of the routine allows at most.
    pub us_max: u64,
    /// What the page says, as a sentence part.
    pub page: &'static str,
}

/// Calls that stall, and where the locks that are held were taken.
pub(super) fn interest(sites: Sites) -> Interest {
    Interest {
        lock_sites: sites == Sites::Kept,
        ..Interest::enter(&[&kernel::KeStallExecutionProcessor, &row::StorPortStallExecution])
    }
}

impl Stall {
    /// The stall that an event is the entry of, at DISPATCH_LEVEL or above.
    pub(super) fn at_raised_irql(event: &Event<'_>) -> Option<Stall> {
        let EventKind::Enter(ddi, args) = event.kind else { return None };
        let us = args.first().copied().map_or(0, Arg::value);
        if event.irql() < Irql::DISPATCH {
            return None;
        }
        Some(if *ddi == kernel::KeStallExecutionProcessor {
            Stall { us, us_max: 50, page: "its page allows 50" }
        } else {
            Stall { us, us_max: 999, page: "its page wants less than a millisecond" }
        })
    }
}

/// What kind of driver code a stretch is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An interrupt service routine.
    Interrupt,
    /// A deferred routine.
    Deferred,
    /// Another callback, at DISPATCH_LEVEL or above.
    Other,
    /// A spin lock is held.
    Lock,
}

/// A stretch of driver code that goes on: a callback, or the time for which a spin lock is held.
pub(super) struct Stretch {
    pub kind: Kind,
    /// The callback; that in which the lock was taken.
    pub callback: &'static Callback,
    /// Microseconds of stalls in it, the present one included.
    pub us: u64,
    /// The same without those of callbacks that the system ran inside it. `None`: the present one is of such.
    pub own_us: Option<u64>,
    /// How the sum stood when it began: what it is told from others by.
    began_at: u64,
    /// When the lock was taken.
    taken: Option<Moment>,
}

/// The stretches around a stall, innermost first; the lock that has been held longest last.
pub(super) fn around(event: &Event<'_>, stall: Stall) -> Vec<Stretch> {
    let now = event.stalled_us().saturating_add(stall.us);
    let kind_of = |callback: &Callback| match callback {
        c if [&INTERRUPT_SERVICE, &HW_STOR_INTERRUPT, &HW_STOR_MS_INTERRUPT].contains(&c) => Kind::Interrupt,
        c if [&DEFERRED_ROUTINE, &HW_STOR_DPC].contains(&c) => Kind::Deferred,
        _ => Kind::Other,
    };
    let frames = std::iter::successors(event.frame(), |frame| frame.outer());
    let with_origin = frames.scan(true, |is_own, frame| {
        *is_own &= !frame.kind.is_system;
        Some((frame, *is_own))
    });
    let raised = with_origin.filter(|(f, _)| !f.kind.is_system && f.irql() >= Irql::DISPATCH);
    let callbacks = raised.map(|(frame, is_own)| {
        let us = now.saturating_sub(frame.stalled_us());
        Stretch {
            kind: kind_of(frame.kind),
            callback: frame.kind,
            us,
            own_us: is_own.then(|| us.saturating_sub(frame.system_us())),
            began_at: frame.stalled_us(),
            taken: None,
        }
    });
    let mut all: Vec<_> = callbacks.collect();
    if let Some(lock) = event.held_locks().first() {
        all.push(Stretch {
            kind: Kind::Lock,
            callback: lock.callback,
            us: now.saturating_sub(lock.stalled_us),
            own_us: None,
            began_at: lock.stalled_us,
            taken: Some(event.taken(lock)),
        });
    }
    all
}

impl Stretch {
    /// What it is, as a sentence part: "in DpcRoutine".
    pub(super) fn in_words(&self) -> String {
        match self.kind {
            Kind::Lock => "with a spin lock held".into(),
            _ => format!("in {}", self.callback.name),
        }
    }
}

/// First stalls that are remembered of one processor: more than callbacks nest.
const REMEMBERED: usize = 8;

/// The first stall of each stretch, by processor.
#[derive(Default)]
pub(super) struct FirstStalls(PerCpu<Vec<(&'static str, u64, Moment)>>);

impl FirstStalls {
    /// Remembers the stall of an event as the first of each stretch that has none yet.
    pub(super) fn note(&self, event: &Event<'_>, stretches: &[Stretch]) {
        for stretch in stretches.iter().filter(|stretch| stretch.kind != Kind::Lock) {
            let is_known = |(callback, began_at, _): &(&str, u64, Moment)| {
                (*callback, *began_at) == (stretch.callback.name, stretch.began_at)
            };
            self.0.of(event, |all| {
                if !all.iter().any(is_known) {
                    if all.len() == REMEMBERED {
                        all.remove(0);
                    }
                    let first = event.moment_to_keep().labelled("first kept busy");
                    all.push((stretch.callback.name, stretch.began_at, first));
                }
            });
        }
    }

    /// The moments that a finding about a stretch shows: when the lock was taken, or the first stall if the
    /// present one is another.
    pub(super) fn earlier(&self, event: &Event<'_>, stretch: &Stretch) -> Vec<Moment> {
        if let Some(taken) = &stretch.taken {
            return vec![taken.clone()];
        }
        let is_it = |(callback, began_at, first): &&(&str, u64, Moment)| {
            (*callback, *began_at) == (stretch.callback.name, stretch.began_at)
                && (first.step, first.site) != (Some(event.step()), Some(event.site))
        };
        self.0.of(event, |all| all.iter().find(is_it).map(|(.., first)| first.clone())).into_iter().collect()
    }
}
