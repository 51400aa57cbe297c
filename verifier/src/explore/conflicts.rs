//! Which calls of one execution meet those of other parties at the same object.
//!
//! The orders of such calls are what a schedule can change; where two calls touch different objects,
//! or only look, their order changes nothing. A *point* is a call, by its place in the source, before
//! which it may pay to hold its caller until another party has come by. Three kinds, the most telling
//! first:
//!
//! - *inversions*: the call takes a spin lock while its processor holds another, and the orders seen
//!   close a cycle in which at least two processors took part;
//! - *again*: the party has used the object before in the same activation, so another's use in
//!   between could surprise it: look and act, read and write back, two critical sections that belong
//!   together;
//! - *meets*: any other call at an object that another party uses, if not both only look.
//!
//! A party is a processor in one kind of callback, a device, or the timers. Of locks only the taking is
//! a point. Known limits: routines whose rows say no more than "anything" count as changing the object
//! of their first pointer; a driver's plain memory is not seen at all; an activation is told from the
//! next only if something began on the processor in between, so two DPCs run from one queue count as
//! one. What was not seen to meet in these executions is no point.

use super::calls::{Call, Place};
use kernel_sim::choose::{Access, Step, Touch, Transition, object};
use kernel_sim::machine::Machine;
use kernel_sim::routine::Effect;
use std::collections::{BTreeMap, BTreeSet};

/// The points of a program, by kind. A place is in one set only.
#[derive(Clone, Default, Debug)]
pub(super) struct Points {
    pub(super) inversions: BTreeSet<Place>,
    pub(super) again: BTreeSet<Place>,
    pub(super) meets: BTreeSet<Place>,
}

impl Points {
    /// Adds those of another execution.
    pub(super) fn add(&mut self, other: &Points) {
        self.inversions.extend(&other.inversions);
        self.again.extend(&other.again);
        self.meets.extend(&other.meets);
        self.again.retain(|p| !self.inversions.contains(p));
        self.meets.retain(|p| !self.inversions.contains(p) && !self.again.contains(p));
    }
}

/// The processor, interrupt or device that uses an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Party {
    /// A processor, in a callback of that name.
    Processor(u8, &'static str),
    /// A processor, while something begins on it.
    Begins(u8),
    Device(u8),
    Timer,
}

/// How a party used an object from one place.
#[derive(Clone, Copy, Debug)]
struct Use {
    access: Access,
    /// It had used the object before in the same activation.
    again: bool,
}

/// Follows one execution.
#[derive(Default)]
pub(super) struct Conflicts {
    uses: BTreeMap<u64, BTreeMap<(Party, Option<Place>), Use>>,
    /// The activation in which each processor last used an object.
    last: BTreeMap<(u8, u64), u32>,
    activations: BTreeMap<u8, u32>,
    held: BTreeMap<u8, Vec<u64>>,
    locks: BTreeSet<u64>,
    /// Lock taken while another was held: by which processors, from where.
    orders: BTreeMap<(u64, u64), BTreeSet<(u8, Place)>>,
    /// The callback in which each processor makes its pending call.
    callbacks: BTreeMap<u8, &'static str>,
}

impl Conflicts {
    /// Takes note of a step and the call it carried out.
    pub(super) fn see(&mut self, step: &Step<'_>, made: Option<&Call>) {
        let cpu = step.cpu;
        let now = Machine::current().map_or("", |machine| machine.position(cpu).0.name);
        let party = match step.transition {
            Transition::Run(_) => Party::Processor(cpu, self.callbacks.get(&cpu).copied().unwrap_or(now)),
            Transition::Device(n) => Party::Device(n),
            Transition::Timer => Party::Timer,
            Transition::Interrupt(_) | Transition::Dpc(_) | Transition::Switch(_) => {
                *self.activations.entry(cpu).or_default() += 1;
                Party::Begins(cpu)
            }
        };
        let place = made.map(|call| call.place);
        for touch in step.touches.iter().filter(|t| t.object != object::EVERYTHING) {
            self.follow_lock(cpu, *touch, place);
            let is_its_object = made.is_some_and(|call| call.object == touch.object);
            let own = place.filter(|_| is_its_object || is_device(touch.object));
            self.note(party, cpu, own, touch.object, touch.access);
        }
        if let Some(call) = made.filter(|c| c.routine.effect() == Effect::Everything && c.object != 0) {
            self.note(party, cpu, Some(call.place), call.object, Access::Change);
        }
        if !matches!(step.transition, Transition::Device(_) | Transition::Timer) {
            self.callbacks.insert(cpu, now);
        }
    }

    /// Keeps the locks that the processor holds.
    fn follow_lock(&mut self, cpu: u8, touch: Touch, place: Option<Place>) {
        let held = self.held.entry(cpu).or_default();
        match touch.access {
            Access::Take => {
                self.locks.insert(touch.object);
                for outer in held.iter().filter(|outer| **outer != touch.object) {
                    // The kernel itself takes some without a call of the driver's.
                    let Some(place) = place else { continue };
                    self.orders.entry((*outer, touch.object)).or_default().insert((cpu, place));
                }
                held.push(touch.object);
            }
            Access::Give => held.retain(|lock| *lock != touch.object),
            _ => {}
        }
    }

    fn note(&mut self, party: Party, cpu: u8, place: Option<Place>, object: u64, access: Access) {
        let activation = self.activations.get(&cpu).copied().unwrap_or(0);
        let again = matches!(party, Party::Processor(..))
            && self.last.insert((cpu, object), activation) == Some(activation);
        let known = self.uses.entry(object).or_default().entry((party, place));
        known
            .and_modify(|u| {
                u.access = u.access.and(access);
                u.again |= again;
            })
            .or_insert(Use { access, again });
    }

    /// The points of the execution so far.
    pub(super) fn points(&self) -> Points {
        let mut points = Points { inversions: self.inversions(), ..Points::default() };
        for (at, uses) in &self.uses {
            let is_lock = self.locks.contains(at);
            let counts = |u: &Use| u.access != Access::Give;
            for ((party, place), mine) in uses.iter().filter(|(_, u)| counts(u)) {
                let Some(place) = place else { continue };
                let is_contended = uses.iter().any(|((other, _), theirs)| {
                    other != party && counts(theirs) && (is_lock || mine.access.conflicts(theirs.access))
                });
                if is_contended {
                    let kind =
                        if mine.again && !is_device(*at) { &mut points.again } else { &mut points.meets };
                    kind.insert(*place);
                }
            }
        }
        let mut sorted = Points::default();
        sorted.add(&points);
        sorted
    }

    /// The places that take the inner lock of an order which others close to a cycle.
    fn inversions(&self) -> BTreeSet<Place> {
        let inner = self.orders.keys().map(|(_, inner)| *inner);
        let reach: BTreeMap<u64, BTreeSet<u64>> = inner.map(|lock| (lock, self.reachable(lock))).collect();
        let mut places = BTreeSet::new();
        for ((outer, inner), takers) in &self.orders {
            let back = &reach[inner];
            // The orders on a cycle with this one; itself among them, if it is on any.
            let cycle = self.orders.iter().filter(|((a, b), _)| back.contains(a) && reach[b].contains(outer));
            let processors: BTreeSet<u8> =
                cycle.flat_map(|(_, takers)| takers).map(|(cpu, _)| *cpu).collect();
            if back.contains(outer) && processors.len() > 1 {
                places.extend(takers.iter().map(|(_, place)| *place));
            }
        }
        places
    }

    /// The locks that were taken, directly or through others, while `from` was held; and itself.
    fn reachable(&self, from: u64) -> BTreeSet<u64> {
        let mut found = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            for ((_, inner), _) in self.orders.range((at, 0)..=(at, u64::MAX)) {
                if found.insert(*inner) {
                    open.push(*inner);
                }
            }
        }
        found
    }
}

/// Whether an object is a device: every register of it is the same one to the machine.
fn is_device(at: u64) -> bool {
    (object::DEVICES..object::DEVICES + 64).contains(&at)
}

#[cfg(test)]
mod tests {
    use crate::driver::{Driver, Expects, Kind};
    use crate::explore::{Probe, Program};
    use crate::rules::{Selection, Sites};
    use crate::run::{Contents, Executor, Setup};
    use crate::workload::{Amount, Mode, Options};

    use kernel_sim::safe::SpinLock;
    use kernel_sim::shared::Shared;

    const fn model(run: &'static crate::driver::RunModel) -> Driver {
        Driver {
            name: "model",
            aliases: &[],
            summary: "",
            expects: Expects::Clean,
            kind: Kind::Model { cpus: 2, run },
            cancels: false,
            reads_registry: false,
            image: None,
            sources: &[],
        }
    }

    /// How many points of each kind the probes of a model see.
    fn points(driver: &'static Driver) -> [usize; 3] {
        let workload = Options {
            mode: Mode::Read,
            amount: Amount::Ios(1),
            block_bytes: 512.into(),
            depth: 1,
            flush_every: 0,
            cancel_every: 0,
            service_every: 0,
            luns: 1,
            seed: 0,
            zeroed: true,
        };
        let setup = Setup {
            cpus: 2,
            executor: Executor::Deterministic,
            seed: 0,
            workload,
            disturbances: Default::default(),
            contents: Contents::Memory { bytes: 512 },
            units: Default::default(),
            memory: crate::run::MemoryChoice::Plain,
            environment: Default::default(),
            rules: Selection::none(),
            exceptions: Vec::new(),
            sites: Sites::Counted,
            evidence: false,
            patience: kernel_sim::machine::PATIENCE,
        };
        let points = Probe::of(&Program { driver, setup }).unwrap().points;
        [points.inversions.len(), points.again.len(), points.meets.len()]
    }

    #[test]
    fn inverted_orders_are_seen_and_orders_alike_are_not() {
        static INVERTED: Driver = model(&|config| {
            config.run_on_every_processor([const { SpinLock::new(()) }; 2], |locks, cpu| {
                let (first, second) = if cpu == 0 { (0, 1) } else { (1, 0) };
                let _first = locks[first].lock();
                let _second = locks[second].lock();
            })
        });
        static ORDERED: Driver = model(&|config| {
            config.run_on_every_processor([const { SpinLock::new(()) }; 2], |locks, _cpu| {
                let _first = locks[0].lock();
                let _second = locks[1].lock();
            })
        });
        // The first lock is taken with none held.
        assert_eq!(points(&INVERTED), [1, 0, 1]);
        assert_eq!(points(&ORDERED), [0, 0, 2]);
    }

    #[test]
    fn a_write_back_comes_again_and_what_one_party_uses_alone_is_no_point() {
        static WRITES_BACK: Driver = model(&|config| {
            config.run_on_every_processor(Shared::new(0_u32), |cell, _cpu| cell.set(cell.get() + 1))
        });
        static EACH_ITS_OWN: Driver = model(&|config| {
            config.run_on_every_processor([const { Shared::new(0_u32) }; 2], |cells, cpu| {
                let cell = &cells[usize::from(cpu)];
                cell.set(cell.get() + 1);
            })
        });
        static BOTH_LOOK: Driver = model(&|config| {
            config.run_on_every_processor(Shared::new(0_u32), |cell, _cpu| {
                cell.get();
            })
        });
        assert_eq!(points(&WRITES_BACK), [0, 1, 1]);
        assert_eq!(points(&EACH_ITS_OWN), [0, 0, 0]);
        assert_eq!(points(&BOTH_LOOK), [0, 0, 0]);
    }
}
