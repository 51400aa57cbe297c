//! The watchers of a machine, and the index from routines to watchers: made once, at power-on.
//!
//! An event is delivered by looking its routine up in a short sorted list; whether there is a watcher to look
//! up is one byte a routine in each processor (`processor.rs`), so a call that is not watched pays nothing.
//! Invariant: a watcher is told of what it asked for and of nothing else, in the order in which watchers were
//! added.

use crate::hook::{CALLBACKS_MAX, Event, EventKind, Interest, Watcher};
use crate::processor::flag;
use crate::routine::{DDIS_MAX, reserved};
use smallvec::SmallVec;
use std::sync::Arc;

/// The watchers of one machine.
pub(crate) struct Watching {
    watchers: Vec<(Arc<dyn Watcher>, Interest)>,
    /// Which watchers want which routine, sorted: routine, then watcher.
    enter: Pairs,
    exit: Pairs,
    enter_holding: Pairs,
    /// The flags of every routine's byte in a processor, and further flags of some routines.
    pub common: u8,
    special: SmallVec<[(u16, u8); 8]>,
    callbacks: SmallVec<[u8; 4]>,
}

type Pairs = SmallVec<[(u16, u8); 8]>;

/// Watchers a machine can have.
pub(crate) const WATCHERS_MAX: usize = 256;

impl Watching {
    /// An index of what `watchers` want.
    pub(crate) fn new(
        watchers: Vec<Arc<dyn Watcher>>,
        deterministic: bool,
        keep_sites: bool,
        keep_evidence: bool,
    ) -> Watching {
        assert!(watchers.len() <= WATCHERS_MAX, "a machine has at most {WATCHERS_MAX} watchers");
        let watchers: Vec<_> = watchers.into_iter().map(|w| (Arc::clone(&w), w.interest())).collect();
        let mut watching = Watching {
            watchers,
            enter: Pairs::new(),
            exit: Pairs::new(),
            enter_holding: Pairs::new(),
            common: 0,
            special: SmallVec::new(),
            callbacks: SmallVec::new(),
        };
        let mut all = Interest::NOTHING;
        for (n, (_, interest)) in watching.watchers.iter().enumerate() {
            let n = n as u8;
            watching.enter.extend(interest.enter.numbers().map(|routine| (routine, n)));
            watching.exit.extend(interest.exit.numbers().map(|routine| (routine, n)));
            watching.enter_holding.extend(interest.enter_holding.numbers().map(|routine| (routine, n)));
            all = all.and(interest);
        }
        for pairs in [&mut watching.enter, &mut watching.exit, &mut watching.enter_holding] {
            pairs.sort_unstable();
        }
        watching.set_flags(&all, deterministic, keep_sites, keep_evidence);
        watching
    }

    fn set_flags(&mut self, all: &Interest, deterministic: bool, keep_sites: bool, keep_evidence: bool) {
        if all.lock_count || all.lock_sites || !all.enter_holding.is_empty() {
            self.common |= flag::COUNT;
        }
        if all.lock_sites || (deterministic && keep_sites) {
            self.common |= flag::COUNT | flag::SITES;
        }
        if deterministic {
            self.common |= flag::DETERMINISTIC;
        }
        if keep_evidence {
            self.common |= flag::EVIDENCE;
        }
        let watched = self.enter.iter().chain(&self.exit).map(|(routine, _)| (*routine, flag::EVENTS));
        let holding = self.enter_holding.iter().map(|(routine, _)| (*routine, flag::HOLDING));
        self.special = watched.chain(holding).collect();
        if all.touch {
            let cells = [reserved::SHARED_READ, reserved::SHARED_WRITE].into_iter();
            let registers = crate::ddi::register_rows().map(|row| row.id);
            self.special.extend(cells.chain(registers).map(|routine| (routine, flag::EVENTS)));
        }
        if all.moved {
            let rows = crate::ddi::moving_rows().map(|row| row.id);
            self.special.extend(rows.chain([reserved::GENERAL]).map(|routine| (routine, flag::MOVED)));
        }
        self.callbacks =
            (0..CALLBACKS_MAX).filter(|n| all.callbacks.has_number(*n)).map(|n| n as u8).collect();
    }

    /// The byte of each routine.
    pub(crate) fn fill(&self, routines: &mut [u8; DDIS_MAX], callbacks: &mut [u8; CALLBACKS_MAX]) {
        routines.fill(self.common);
        for (routine, flags) in &self.special {
            routines[usize::from(*routine)] |= flags;
        }
        callbacks.fill(self.common & flag::DETERMINISTIC);
        for kind in &self.callbacks {
            callbacks[usize::from(*kind)] |= flag::EVENTS;
        }
    }

    /// Tells those who asked for it; returns what the first to object has to say. `holding`: the driver holds
    /// a spin lock at this entry.
    pub(crate) fn deliver(&self, event: &Event<'_>, holding: bool) -> Option<crate::hook::Halt> {
        match event.kind {
            EventKind::Enter(ddi, _) => {
                let halt = self.tell(of(&self.enter, ddi.id), event);
                if halt.is_some() || !holding {
                    return halt;
                }
                self.tell(of(&self.enter_holding, ddi.id), event)
            }
            EventKind::Exit(ddi, _) => self.tell(of(&self.exit, ddi.id), event),
            EventKind::Begin(frame) | EventKind::End(frame, _) => {
                self.tell_where(event, |interest| interest.callbacks.has(frame.kind))
            }
            EventKind::Moved { .. } => self.tell_where(event, |interest| interest.moved),
            EventKind::Touch { .. } => self.tell_where(event, |interest| interest.touch),
        }
    }

    fn tell(&self, pairs: &[(u16, u8)], event: &Event<'_>) -> Option<crate::hook::Halt> {
        pairs.iter().find_map(|(_, watcher)| self.watchers[usize::from(*watcher)].0.event(event))
    }

    fn tell_where(&self, event: &Event<'_>, wanted: impl Fn(&Interest) -> bool) -> Option<crate::hook::Halt> {
        self.watchers
            .iter()
            .filter(|(_, interest)| wanted(interest))
            .find_map(|(watcher, _)| watcher.event(event))
    }
}

/// The watchers of one routine.
fn of(pairs: &[(u16, u8)], routine: u16) -> &[(u16, u8)] {
    let from = pairs.partition_point(|(id, _)| *id < routine);
    let to = pairs[from..].partition_point(|(id, _)| *id == routine);
    &pairs[from..from + to]
}
