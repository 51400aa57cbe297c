//! The watchers of a machine, and the index from routines to watchers: made once, at power-on.
//!
//! An event is delivered by looking its routine up in a short sorted list; whether there is a watcher to look
//! up is one byte a routine in each processor (`processor.rs`), so a call that is not watched pays nothing.
//! Invariant: a watcher is told of what it asked for and of nothing else, in the order in which watchers were
//! added.

use crate::hook::{CALLBACKS_MAX, DdiSet, Event, EventKind, Halt, Interest, Manner, Ordered, Watcher};
use crate::processor::flag;
use crate::routine::{DDIS_MAX, DdiInfo, reserved};
use smallvec::SmallVec;
use std::cell::Cell;
use std::sync::Arc;

/// The watchers of one machine.
pub(crate) struct Watching {
    watchers: Vec<Arc<dyn Watcher>>,
    /// What the index was made of: the wishes of each watcher, and whether sites and evidence are kept.
    interests: SmallVec<[Asked; 1]>,
    keeps: [bool; 2],
    routines: Index<DDIS_MAX>,
    /// The routines whose exit a watcher asked for: looked at on the way out of each call that is watched.
    exits: DdiSet,
    callbacks: Index<CALLBACKS_MAX>,
    /// Which watchers want what changes hands, and accesses to memory and to registers.
    moved: SmallVec<[u8; 8]>,
    touch: SmallVec<[u8; 8]>,
    registers: SmallVec<[u8; 8]>,
    /// Which want what orders accesses.
    order: SmallVec<[u8; 8]>,
    /// The flags of every routine's byte in a processor, and further flags of some routines.
    pub common: u8,
    special: SmallVec<[(u16, u8); 8]>,
}

/// What a watcher asked for.
enum Asked {
    /// With wishes of its own.
    Own(Box<Interest>),
    /// With wishes that last longer than the watcher.
    Lasting(&'static Interest),
}

impl Asked {
    fn by(watcher: &dyn Watcher) -> Asked {
        let lasting = watcher.lasting_interest().map(Asked::Lasting);
        lasting.unwrap_or_else(|| Asked::Own(Box::new(watcher.interest())))
    }

    fn interest(&self) -> &Interest {
        match self {
            Asked::Own(interest) => interest,
            Asked::Lasting(interest) => interest,
        }
    }

    /// Whether a watcher asks for the same, as far as a glance tells.
    fn is_asked_by(&self, watcher: &dyn Watcher) -> bool {
        match (self, watcher.lasting_interest()) {
            (Asked::Lasting(known), Some(lasting)) => std::ptr::eq(*known, lasting),
            (Asked::Own(known), None) => **known == watcher.interest(),
            _ => false,
        }
    }
}

/// When a watcher wants to be told of a routine or callback. In the order in which they are told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    /// As it is called.
    Enter,
    /// The same, if the driver holds a spin lock.
    EnterHolding,
    /// The same, at an IRQL that its page does not allow.
    EnterOutsideIrql,
    /// The same, with arguments that are out of the ordinary.
    EnterUnusual,
    /// As it returns.
    Exit,
    /// As a callback begins and ends.
    Callback,
    /// As a callback ends at another IRQL than that at which it began.
    LeavingIrql,
    /// As a callback ends with more spin locks held than it began with.
    LeavingLocks,
    /// As a callback ends that was noted.
    LeavingNoted,
}

impl When {
    const COUNT: usize = When::LeavingNoted as usize + 1;

    /// What it asks of the byte of its routine.
    fn flag(self) -> u8 {
        match self {
            When::Enter | When::Exit | When::Callback => flag::EVENTS,
            _ => flag::CONDITION,
        }
    }
}

/// That a watcher wants to be told of a routine, or of a kind of callback, by number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    number: u16,
    when: When,
    watcher: u8,
}

/// Wishes by number: who is told of it at each time.
struct Index<const NUMBERS: usize> {
    /// Sorted.
    wishes: SmallVec<[Wish; 8]>,
    /// The watchers of the wishes, in the same order.
    watchers: Vec<u8>,
    /// For each number that somebody wishes to be told of: where its watchers begin for each time, and where
    /// they end.
    rows: Vec<Row>,
    /// For each number the place of its row plus one; 0 where there is none.
    row: [u16; NUMBERS],
}

impl<const NUMBERS: usize> Index<NUMBERS> {
    fn new() -> Index<NUMBERS> {
        Index { wishes: SmallVec::new(), watchers: Vec::new(), rows: Vec::new(), row: [0; NUMBERS] }
    }

    fn add(&mut self, watcher: u8, when: When, numbers: impl Iterator<Item = u16>) {
        self.wishes.extend(numbers.map(|number| Wish { number, when, watcher }));
    }

    /// To be called once, when all wishes are there.
    fn sort(&mut self) {
        self.wishes.sort_unstable();
        self.watchers = self.wishes.iter().map(|wish| wish.watcher).collect();
        let mut begin = 0;
        for wishes in self.wishes.chunk_by(|a, b| a.number == b.number) {
            let before = |time: usize| wishes.partition_point(|wish| (wish.when as usize) < time);
            self.rows.push(std::array::from_fn(|time| (begin + before(time)) as u16));
            self.row[usize::from(wishes[0].number)] = self.rows.len() as u16;
            begin += wishes.len();
        }
    }

    /// The watchers of a number.
    #[inline]
    fn of(&self, number: u16) -> Told<'_> {
        match self.row[usize::from(number)] {
            0 => Told { row: &NO_WATCHERS, watchers: &[] },
            row => Told { row: &self.rows[usize::from(row) - 1], watchers: &self.watchers },
        }
    }
}

/// Where the watchers of a number begin for each time, and where they end.
type Row = [u16; When::COUNT + 1];

const NO_WATCHERS: Row = [0; When::COUNT + 1];

/// The watchers of one number.
#[derive(Clone, Copy)]
struct Told<'a> {
    row: &'a Row,
    watchers: &'a [u8],
}

impl<'a> Told<'a> {
    /// The watchers that wish to be told of it then.
    #[inline]
    fn at(self, when: When) -> &'a [u8] {
        let time = when as usize;
        &self.watchers[usize::from(self.row[time])..usize::from(self.row[time + 1])]
    }
}

/// What a watcher with this interest is told of: who asks for what orders accesses is told of neither where
/// that is unknown.
fn told(interest: Interest, deterministic: bool) -> Interest {
    let is_told = deterministic || !interest.order;
    Interest { order: interest.order && is_told, touch: interest.touch && is_told, ..interest }
}

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
        let mut watching = Watching {
            interests: watchers.iter().map(|watcher| Asked::by(&**watcher)).collect(),
            watchers,
            keeps: [keep_sites, keep_evidence],
            routines: Index::new(),
            exits: DdiSet::EMPTY,
            callbacks: Index::new(),
            moved: SmallVec::new(),
            touch: SmallVec::new(),
            registers: SmallVec::new(),
            order: SmallVec::new(),
            common: 0,
            special: SmallVec::new(),
        };
        let mut all = Interest::NOTHING;
        for (n, asked) in watching.interests.iter().enumerate() {
            let (n, interest) = (n as u8, &told(*asked.interest(), deterministic));
            for (when, wanted) in [
                (When::Enter, &interest.enter),
                (When::EnterHolding, &interest.enter_holding),
                (When::EnterOutsideIrql, &interest.enter_outside_irql),
                (When::EnterUnusual, &interest.enter_unusual),
                (When::Exit, &interest.exit),
            ] {
                watching.routines.add(n, when, wanted.numbers());
            }
            for (when, wanted) in [
                (When::Callback, interest.callbacks),
                (When::LeavingIrql, interest.leaving_irql),
                (When::LeavingLocks, interest.leaving_locks),
                (When::LeavingNoted, interest.leaving_noted),
            ] {
                watching.callbacks.add(n, when, wanted.numbers());
            }
            watching.moved.extend(interest.moved.then_some(n));
            watching.touch.extend(interest.touch.then_some(n));
            watching.registers.extend(interest.registers.then_some(n));
            watching.order.extend(interest.order.then_some(n));
            all = all.and(interest);
        }
        watching.exits = all.exit;
        watching.routines.sort();
        watching.callbacks.sort();
        watching.set_flags(&all, deterministic, keep_sites, keep_evidence);
        watching
    }

    /// Takes other watchers, of a deterministic machine, if they ask for what those before them asked for:
    /// then the index is theirs, too. Else returns them.
    pub(crate) fn replace(
        &mut self,
        watchers: Vec<Arc<dyn Watcher>>,
        keep_sites: bool,
        keep_evidence: bool,
    ) -> Result<(), Vec<Arc<dyn Watcher>>> {
        let is_as_before = self.keeps == [keep_sites, keep_evidence]
            && watchers.len() == self.interests.len()
            && watchers.iter().zip(&self.interests).all(|(watcher, known)| known.is_asked_by(&**watcher));
        if !is_as_before {
            return Err(watchers);
        }
        self.watchers = watchers;
        Ok(())
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
        self.special = self.routines.wishes.iter().map(|wish| (wish.number, wish.when.flag())).collect();
        if all.touch {
            let cells = [
                reserved::SHARED_READ,
                reserved::SHARED_WRITE,
                reserved::MEMORY_READ,
                reserved::MEMORY_WRITE,
            ]
            .into_iter();
            let interlocked = crate::ddi::interlocked_rows().map(|row| row.id);
            self.special.extend(cells.chain(interlocked).map(|routine| (routine, flag::EVENTS)));
        }
        if all.registers {
            self.special.extend(crate::ddi::register_rows().map(|row| (row.id, flag::EVENTS)));
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
        for wish in &self.callbacks.wishes {
            callbacks[usize::from(wish.number)] |= wish.when.flag();
        }
    }

    /// Whether a watcher asked for the exit of this routine.
    #[inline]
    pub(crate) fn is_exit_told(&self, ddi: &DdiInfo) -> bool {
        self.exits.has(ddi)
    }

    /// Tells those who asked for it; returns what the first to object has to say.
    #[inline(always)]
    pub(crate) fn deliver(&self, event: &Event<'_>) -> Option<Halt> {
        match event.kind {
            EventKind::Enter(ddi, _) => {
                let told = self.routines.of(ddi.id);
                self.tell(told.at(When::Enter), event)
                    .or_else(|| self.tell_if(told.at(When::EnterHolding), event, || event.held_count() != 0))
                    .or_else(|| {
                        let is_outside = || ddi.is_outside(event.irql());
                        self.tell_if(told.at(When::EnterOutsideIrql), event, is_outside)
                    })
            }
            EventKind::Exit(ddi, _) => self.tell(self.routines.of(ddi.id).at(When::Exit), event),
            EventKind::Begin(frame) => self.tell(self.callbacks.of(frame.kind.id).at(When::Callback), event),
            EventKind::End(frame, _) => {
                let told = self.callbacks.of(frame.kind.id);
                let is_leaving = || event.held_count() > frame.held_count();
                self.tell(told.at(When::Callback), event)
                    .or_else(|| {
                        self.tell_if(told.at(When::LeavingIrql), event, || event.irql() != frame.irql())
                    })
                    .or_else(|| self.tell_if(told.at(When::LeavingLocks), event, is_leaving))
                    .or_else(|| self.tell_if(told.at(When::LeavingNoted), event, || frame.is_noted()))
            }
            EventKind::Moved { .. } => self.tell(&self.moved, event),
            EventKind::Touch { manner, .. } => self.deliver_touch(event, manner),
        }
    }

    /// Tells those who asked for accesses of one.
    pub(crate) fn deliver_touch(&self, event: &Event<'_>, manner: Manner) -> Option<Halt> {
        self.tell(if manner == Manner::Register { &self.registers } else { &self.touch }, event)
    }

    /// Tells those who asked for what orders accesses.
    pub(crate) fn deliver_order(&self, orders: &[Cell<Ordered>]) {
        for watcher in &self.order {
            self.watchers[usize::from(*watcher)].ordered(orders);
        }
    }

    /// Tells those who asked for calls with unusual arguments.
    pub(crate) fn deliver_unusual(&self, event: &Event<'_>) -> Option<Halt> {
        match event.kind {
            EventKind::Enter(ddi, _) => self.tell(self.routines.of(ddi.id).at(When::EnterUnusual), event),
            _ => None,
        }
    }

    /// Tells those who asked for it on a condition, which is looked at only if there are such watchers.
    #[inline]
    fn tell_if(&self, watchers: &[u8], event: &Event<'_>, holds: impl FnOnce() -> bool) -> Option<Halt> {
        if watchers.is_empty() || !holds() {
            return None;
        }
        self.tell(watchers, event)
    }

    #[inline]
    fn tell(&self, watchers: &[u8], event: &Event<'_>) -> Option<Halt> {
        for watcher in watchers {
            let halt = self.watchers[usize::from(*watcher)].event(event);
            if halt.is_some() {
                return halt;
            }
        }
        None
    }
}
