//! DataRace: two plain accesses to the same memory, one of them a write, are in some order.
//!
//! `clocks.rs` follows what comes before what, `objects.rs` what was given to locks and the like, `shadow.rs`
//! remembers accesses, both in a `table.rs`. The race is told from a run in which the two happened far apart:
//! what is looked at is whether anything kept them apart. Only plain accesses race: those that the WDK calls
//! interlocked, acquire, release or no-fence do not, and a word that was ever accessed like that orders all
//! its accesses, since on Windows an aligned scalar is whole.
//! Invariant: what is told could happen at once on some schedule, as far as the mechanisms of the system
//! go.

mod clocks;
mod objects;
mod shadow;
mod table;

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen};
use clocks::{Actor, Clocks};
use kernel_sim::hook::{Event, EventKind, Interest, Manner, Order, Ordered, TouchKind};
use objects::Objects;
use parking_lot::Mutex;
use shadow::{Access, Past, Shadow};
use std::cell::Cell;
use std::collections::BTreeSet;

rule! {
    /// Two accesses to the same memory, one of them a write, are kept apart by something.
    ///
    /// ## What is checked
    /// Each plain access to memory that several processors share: of Rust drivers the `Shared` cells, of C
    /// drivers built with `storsim cc --race` every load and store. Two of them are in order if one
    /// processor made both at DISPATCH_LEVEL or above, or one thread below; or if between them a lock was
    /// given back and taken, an event set and waited for, a DPC or a work item queued and run, a thread
    /// started or ended, a timer armed and expired, a device written to that interrupted, a request sent,
    /// completed, and its slot used again. They need not have happened at the same time: it is enough that
    /// nothing forbade it. Interlocked operations, ReadAcquire, WriteRelease, ReadNoFence and WriteNoFence
    /// are no plain accesses, and order what is around them (the last two do not). In the deterministic
    /// executor only.
    ///
    /// ## Why it matters
    /// Two processors that add to one counter count one; a flag is seen before what it announces.
    ///
    /// ## Source
    /// Our own check, by the order of events ("happens before"), as ThreadSanitizer has it.
    DataRace: Checks, Check, on,
    why "nothing keeps the two apart: made at once, one of them is lost, or half of a change is seen",
    exhibits "data-race",
    make |_| DataRace::default()
}

#[derive(Default)]
struct State {
    clocks: Clocks,
    objects: Objects,
    shadow: Shadow,
    /// Words that were accessed in another way than plainly.
    ordered: BTreeSet<usize>,
}

/// The check.
#[derive(Default)]
struct DataRace(Mutex<State>);

impl Rule for DataRace {
    fn interest(&self) -> Interest {
        Interest { touch: true, order: true, ..Interest::NOTHING }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let state = &mut *self.0.lock();
        match event.kind {
            EventKind::Touch { address, bytes, kind, manner, .. } => {
                state.touch(event, address, bytes, kind, manner)
            }
            _ => FINE,
        }
    }

    fn ordered(&self, what: &[Cell<Ordered>]) {
        let state = &mut *self.0.lock();
        what.iter().for_each(|ordered| state.ordered(ordered.get()));
    }
}

impl State {
    fn ordered(&mut self, Ordered { doer, object, order }: Ordered) {
        let State { clocks, objects, .. } = self;
        match order {
            Order::Gives => {
                let actor = clocks.actor(doer);
                objects.gives(clocks, actor, object);
                clocks.ends_stretch(actor);
            }
            Order::GivesToBoth { other } => {
                let actor = clocks.actor(doer);
                objects.gives(clocks, actor, object);
                objects.gives(clocks, actor, other);
                clocks.ends_stretch(actor);
            }
            Order::Takes => {
                let actor = clocks.actor(doer);
                objects.takes(clocks, actor, object);
            }
            Order::TakesFromBoth { other } => {
                let actor = clocks.actor(doer);
                objects.takes(clocks, actor, object);
                objects.takes(clocks, actor, other);
            }
            Order::Meets => {
                let actor = clocks.actor(doer);
                objects.takes(clocks, actor, object);
                objects.gives(clocks, actor, object);
                clocks.ends_stretch(actor);
            }
            Order::Passes { to } => objects.passes(object, to),
            Order::Fresh { bytes } => {
                objects.forget(object, bytes);
                self.shadow.forget(object, bytes);
                if !self.ordered.is_empty() {
                    let gone: Vec<usize> = self.ordered.range(object..object + bytes).copied().collect();
                    for word in gone {
                        self.ordered.remove(&word);
                    }
                }
            }
        }
    }

    fn touch(
        &mut self,
        event: &Event<'_>,
        address: usize,
        bytes: usize,
        kind: TouchKind,
        manner: Manner,
    ) -> Seen {
        match manner {
            Manner::Register | Manner::NoFence => return FINE,
            _ if bytes == 0 || !event.is_shared_memory(address) => return FINE,
            Manner::Plain | Manner::Ordered => {}
        }
        let actor = self.clocks.actor(event.doer());
        if manner == Manner::Ordered {
            self.ordered.insert(address);
        } else {
            let seen = self.plain(event, actor, address, bytes, kind);
            if seen.is_some() {
                return seen;
            }
        }
        if !self.ordered.is_empty() && self.ordered.contains(&address) {
            if kind != TouchKind::Write {
                self.objects.takes(&mut self.clocks, actor, address);
            }
            if kind != TouchKind::Read {
                self.objects.gives(&self.clocks, actor, address);
                self.clocks.ends_stretch(actor);
            }
        }
        FINE
    }

    #[inline]
    fn plain(
        &mut self,
        event: &Event<'_>,
        actor: Actor,
        address: usize,
        bytes: usize,
        kind: TouchKind,
    ) -> Seen {
        let is_write = kind != TouchKind::Read;
        let clock = self.clocks.of(actor);
        let mut access = |access| self.shadow.access(access, actor, clock, || event.mark(event.site));
        let past = match Access::of_one_word(address, bytes, is_write) {
            Some(only) => access(only),
            None => Access::parts(address, bytes, is_write).find_map(access),
        }?;
        race(event, &past, address, bytes, is_write)
    }
}

/// What is said of an access that races with one before it.
#[cold]
fn race(event: &Event<'_>, past: &Past, address: usize, bytes: usize, is_write: bool) -> Seen {
    let verb = |is_write| if is_write { "written" } else { "read" };
    let (now, before) = (verb(is_write), verb(past.is_write));
    let earlier = event.moment_of(&past.mark, before);
    let who = if earlier.cpu != event.cpu() {
        format!("CPU {}", earlier.cpu)
    } else if earlier.thread != event.thread() {
        format!("another thread of CPU {}", earlier.cpu)
    } else {
        format!("CPU {} at another level", earlier.cpu)
    };
    let shown = kernel_sim::report_address(event.machine_address(address));
    let what = format!(
        "{bytes} bytes at {shown} are {now} here and were {before} by {who}, and nothing orders the two"
    );
    Some(Breach::new(event, what).earlier([earlier]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_sim::hook::Doer;

    #[test]
    fn of_words_in_fresh_memory_nothing_is_known_any_more() {
        let mut state = State { ordered: [0xF8, 0x100, 0x104, 0x108].into(), ..State::default() };
        let doer = Doer::new(0, 0, false, false);
        state.ordered(Ordered { doer, object: 0x100, order: Order::Fresh { bytes: 8 } });
        assert_eq!(state.ordered, [0xF8, 0x108].into());
    }
}
