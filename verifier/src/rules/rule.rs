//! `Rule`: what a rule is asked, and how it says that something is wrong.
//!
//! A rule is told of what it asked for ([`Interest`]) and looks at it; what it says becomes a finding of its
//! row and ends the run. Its state, if it has any, is of `state.rs`. Invariant: a rule sees and never steers.

use super::row::Row;
use super::state::Empties;
use crate::finding::Finding;
use kernel_sim::hook::{Event, EventKind, Halt, Interest, Ordered, Watcher};
use kernel_sim::moment::Moment;
use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, OnceLock};

/// Whether acquire sites of held locks are kept: what a report quotes, at a few nanoseconds a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sites {
    /// Kept.
    Kept,
    /// Only counted.
    Counted,
}

/// The verdict on one event: usually that nothing is broken.
pub type Seen = Option<Box<Breach>>;

/// The event breaks nothing.
pub const FINE: Seen = None;

/// Whether an event is the driver's doing: in one of its callbacks, or outside all, where models and programs
/// run. What the port driver and the class driver do is not.
#[must_use]
pub fn is_of_driver(event: &Event<'_>) -> bool {
    event.frame().is_none_or(|frame| !frame.kind.is_system)
}

/// One rule at work, in one run.
pub trait Rule: Send + Sync {
    /// The events to be told of: the same whenever the rule is made for the same row and [`Sites`].
    fn interest(&self) -> Interest;

    /// Looks at an event. In the parallel executor several processors call at once.
    fn see(&self, event: &Event<'_>) -> Seen;

    /// Notes what ordered accesses: see [`Watcher::ordered`].
    fn ordered(&self, _what: &[Cell<Ordered>]) {}

    /// Its keyed state, which empties itself as things end.
    fn state(&self) -> Option<&dyn Empties> {
        None
    }
}

/// A promise that was broken.
pub struct Breach {
    what: String,
    why: &'static str,
    now: Moment,
    earlier: Vec<Moment>,
    note: Option<Cow<'static, str>>,
}

impl Breach {
    /// The event breaks the rule: `what` is one sentence.
    pub fn new(event: &Event<'_>, what: impl Into<String>) -> Box<Breach> {
        let mut now = event.moment();
        match event.kind {
            EventKind::Enter(ddi, _) | EventKind::Exit(ddi, _) => {
                (now.call, now.site) = (Some(ddi), Some(event.site));
            }
            // The callback is over: the driver's last line in it is the nearest to show.
            EventKind::End(frame, _) => (now.call, now.site) = (None, frame.last_site()),
            EventKind::Begin(_) => (now.call, now.site) = (None, None),
            EventKind::Moved { .. } => now.site = Some(event.site),
            EventKind::Touch { .. } => {
                (now.call, now.site) = (None, Some(event.site));
            }
        }
        Box::new(Breach { what: what.into(), why: "", now, earlier: Vec::new(), note: None })
    }

    /// Why a person should care, where the row's own sentence is too general.
    #[must_use]
    pub fn why(mut self: Box<Self>, why: &'static str) -> Box<Breach> {
        self.why = why;
        self
    }

    /// Moments that led to it, oldest first.
    #[must_use]
    pub fn earlier(mut self: Box<Self>, moments: impl IntoIterator<Item = Moment>) -> Box<Breach> {
        self.earlier.extend(moments);
        self
    }

    /// A remark.
    #[must_use]
    pub fn note(mut self: Box<Self>, note: impl Into<Cow<'static, str>>) -> Box<Breach> {
        self.note = Some(note.into());
        self
    }
}

/// A rule as the machine's hook knows it. Of a type for each rule, so that telling it is one call.
struct Watching<R> {
    row: &'static Row,
    rule: R,
    interest: &'static Interest,
}

/// The rule of a row as a watcher. What it asks for is the same in each run, and kept in `interest`.
pub(super) fn watching<R: Rule + 'static>(
    row: &'static Row,
    rule: R,
    interest: &'static OnceLock<Interest>,
) -> Arc<dyn Watcher> {
    let asked = || {
        let own = rule.interest();
        rule.state().map_or(own, |state| own.and(&state.interest()))
    };
    let interest = interest.get_or_init(asked);
    debug_assert_eq!(*interest, asked(), "{row:?}");
    Arc::new(Watching { row, rule, interest })
}

/// The rule of `row` as a watcher for one run; `None` where the workload or the machine finds it.
#[must_use]
pub fn watcher(row: &'static Row, sites: Sites) -> Option<Arc<dyn Watcher>> {
    row.make.map(|make| make(row, sites))
}

impl<R: Rule> Watcher for Watching<R> {
    fn interest(&self) -> Interest {
        *self.interest
    }

    fn lasting_interest(&self) -> Option<&'static Interest> {
        Some(self.interest)
    }

    fn ordered(&self, what: &[Cell<Ordered>]) {
        self.rule.ordered(what);
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        let seen = self.rule.see(event);
        if let EventKind::End(..) = event.kind
            && let Some(state) = self.rule.state()
        {
            state.see(event);
        }
        seen.map(|breach| found(self.row, *breach))
    }
}

#[cold]
fn found(row: &'static Row, breach: Breach) -> Halt {
    Halt(Box::new(Finding {
        of: row,
        what: breach.what,
        why: if breach.why.is_empty() { row.why } else { breach.why },
        now: breach.now,
        also: Vec::new(),
        earlier: breach.earlier,
        stop: row.stop.map(crate::finding::Stop::of_row),
        note: breach.note,
    }))
}
