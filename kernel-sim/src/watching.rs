//! The watchers of a machine, and the index from routines to watchers: made once, at power-on.
//!
//! An event is delivered by looking its routine up in a short sorted list; whether there is a watcher to look
//! up is one byte a routine in each processor (`processor.rs`), so a call that is not watched pays nothing.
//! Invariant: a watcher is told of what it asked for and of nothing else, in the order in which watchers were
//! added.

use crate::hook::{CALLBACKS_MAX, CallbackSet, DdiSet, Event, EventKind, Halt, Interest, Watcher};
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
    enter_outside_irql: Pairs,
    enter_unusual: Pairs,
    /// Which watchers want which kind of callback, sorted in the same way.
    callbacks: Pairs,
    leaving_locks: Pairs,
    leaving_noted: Pairs,
    /// Which watchers want what changes hands, and accesses.
    moved: SmallVec<[u8; 8]>,
    touch: SmallVec<[u8; 8]>,
    /// Which want what orders accesses.
    order: SmallVec<[u8; 8]>,
    /// The flags of every routine's byte in a processor, and further flags of some routines.
    pub common: u8,
    special: SmallVec<[(u16, u8); 8]>,
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
        let told = |interest: Interest| {
            let is_told = deterministic || !interest.order;
            Interest { order: interest.order && is_told, touch: interest.touch && is_told, ..interest }
        };
        let watchers: Vec<_> = watchers.into_iter().map(|w| (Arc::clone(&w), told(w.interest()))).collect();
        let mut watching = Watching {
            watchers,
            enter: Pairs::new(),
            exit: Pairs::new(),
            enter_holding: Pairs::new(),
            enter_outside_irql: Pairs::new(),
            enter_unusual: Pairs::new(),
            callbacks: Pairs::new(),
            leaving_locks: Pairs::new(),
            leaving_noted: Pairs::new(),
            moved: SmallVec::new(),
            touch: SmallVec::new(),
            order: SmallVec::new(),
            common: 0,
            special: SmallVec::new(),
        };
        let mut all = Interest::NOTHING;
        for (n, (_, interest)) in watching.watchers.iter().enumerate() {
            let n = n as u8;
            let pairs =
                |wanted: &DdiSet| wanted.numbers().map(move |routine| (routine, n)).collect::<Pairs>();
            watching.enter.extend(pairs(&interest.enter));
            watching.exit.extend(pairs(&interest.exit));
            watching.enter_holding.extend(pairs(&interest.enter_holding));
            watching.enter_outside_irql.extend(pairs(&interest.enter_outside_irql));
            watching.enter_unusual.extend(pairs(&interest.enter_unusual));
            let kinds = |wanted: CallbackSet| {
                (0..CALLBACKS_MAX)
                    .filter(move |kind| wanted.has_number(*kind))
                    .map(move |kind| (kind as u16, n))
            };
            watching.callbacks.extend(kinds(interest.callbacks));
            watching.leaving_locks.extend(kinds(interest.leaving_locks));
            watching.leaving_noted.extend(kinds(interest.leaving_noted));
            watching.moved.extend(interest.moved.then_some(n));
            watching.touch.extend(interest.touch.then_some(n));
            watching.order.extend(interest.order.then_some(n));
            all = all.and(interest);
        }
        for pairs in [
            &mut watching.enter,
            &mut watching.exit,
            &mut watching.enter_holding,
            &mut watching.enter_outside_irql,
            &mut watching.enter_unusual,
            &mut watching.leaving_locks,
            &mut watching.leaving_noted,
            &mut watching.callbacks,
        ] {
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
        let conditions = self.enter_holding.iter().chain(&self.enter_outside_irql).chain(&self.enter_unusual);
        let on_condition = conditions.map(|(routine, _)| (*routine, flag::CONDITION));
        self.special = watched.chain(on_condition).collect();
        if all.touch {
            let cells = [
                reserved::SHARED_READ,
                reserved::SHARED_WRITE,
                reserved::MEMORY_READ,
                reserved::MEMORY_WRITE,
            ]
            .into_iter();
            let registers = crate::ddi::register_rows().map(|row| row.id);
            let interlocked = crate::ddi::interlocked_rows().map(|row| row.id);
            let touching = cells.chain(registers).chain(interlocked);
            self.special.extend(touching.map(|routine| (routine, flag::EVENTS)));
        }
        self.special.extend(all.order.then_some((reserved::ORDER, flag::EVENTS)));
        if all.moved {
            let rows = crate::ddi::moving_rows().map(|row| row.id);
            self.special.extend(rows.chain([reserved::GENERAL]).map(|routine| (routine, flag::MOVED)));
        }
    }

    /// The byte of each routine.
    pub(crate) fn fill(&self, routines: &mut [u8; DDIS_MAX], callbacks: &mut [u8; CALLBACKS_MAX]) {
        routines.fill(self.common);
        for (routine, flags) in &self.special {
            routines[usize::from(*routine)] |= flags;
        }
        callbacks.fill(self.common & flag::DETERMINISTIC);
        for (kind, _) in &self.callbacks {
            callbacks[usize::from(*kind)] |= flag::EVENTS;
        }
        for (kind, _) in self.leaving_locks.iter().chain(&self.leaving_noted) {
            callbacks[usize::from(*kind)] |= flag::CONDITION;
        }
    }

    /// Tells those who asked for it; returns what the first to object has to say.
    pub(crate) fn deliver(&self, event: &Event<'_>) -> Option<Halt> {
        match event.kind {
            EventKind::Enter(ddi, _) => self.tell(of(&self.enter, ddi.id), event).or_else(|| {
                let holding = of(&self.enter_holding, ddi.id);
                let holds = !holding.is_empty() && event.held_count() != 0;
                let halt = if holds { self.tell(holding, event) } else { None };
                halt.or_else(|| {
                    let outside = of(&self.enter_outside_irql, ddi.id);
                    let is_outside = !outside.is_empty() && ddi.is_outside(event.irql());
                    if is_outside { self.tell(outside, event) } else { None }
                })
            }),
            EventKind::Exit(ddi, _) => self.tell(of(&self.exit, ddi.id), event),
            EventKind::Begin(frame) => self.tell(of(&self.callbacks, frame.kind.id), event),
            EventKind::End(frame, _) => {
                let kind = frame.kind.id;
                let (leaves, noted) = (event.held_count() > frame.held_count(), frame.is_noted());
                let halt = self.tell(of(&self.callbacks, kind), event);
                let halt = halt
                    .or_else(|| if leaves { self.tell(of(&self.leaving_locks, kind), event) } else { None });
                halt.or_else(|| if noted { self.tell(of(&self.leaving_noted, kind), event) } else { None })
            }
            EventKind::Moved { .. } => self.tell_all(&self.moved, event),
            EventKind::Touch { .. } => self.tell_all(&self.touch, event),
            EventKind::Order { .. } => self.tell_all(&self.order, event),
        }
    }

    /// Tells those who asked for calls with unusual arguments.
    pub(crate) fn deliver_unusual(&self, event: &Event<'_>) -> Option<Halt> {
        match event.kind {
            EventKind::Enter(ddi, _) => self.tell(of(&self.enter_unusual, ddi.id), event),
            _ => None,
        }
    }

    fn tell(&self, pairs: &[(u16, u8)], event: &Event<'_>) -> Option<Halt> {
        pairs.iter().find_map(|(_, watcher)| self.watchers[usize::from(*watcher)].0.event(event))
    }

    fn tell_all(&self, watchers: &[u8], event: &Event<'_>) -> Option<Halt> {
        watchers.iter().find_map(|watcher| self.watchers[usize::from(*watcher)].0.event(event))
    }
}

/// The watchers of one routine.
fn of(pairs: &[(u16, u8)], routine: u16) -> &[(u16, u8)] {
    let from = pairs.partition_point(|(id, _)| *id < routine);
    let to = pairs[from..].partition_point(|(id, _)| *id == routine);
    &pairs[from..from + to]
}
