//! Steps as the search sees them: what began a step, what it touched, and when two may be exchanged.
//!
//! Invariant: two steps that do not [conflict](Foot::conflicts) lead to the same state in either order.

use kernel_sim::choose::{Access, Enabled, OtherTransitions, Step, Touch, Transition, object};
use kernel_sim::machine::Accepts;
use smallvec::SmallVec;

/// What a step is called in a search: how it began, and what was picked in the course of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Label {
    pub(super) transition: Transition,
    pub(super) picks: SmallVec<[u16; 8]>,
}

impl Label {
    pub(super) fn of(transition: Transition) -> Label {
        Label { transition, picks: SmallVec::new() }
    }
}

/// The actor that makes a step. All steps of one actor are in order: a processor does one thing at a time, be
/// it going on, an interrupt, a DPC or a thread switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Actor {
    Processor(u8),
    Device(u8),
    Timer,
}

impl Actor {
    pub(super) fn of(transition: Transition) -> Actor {
        match transition {
            Transition::Run(n) | Transition::Interrupt(n) | Transition::Dpc(n) | Transition::Switch(n) => {
                Actor::Processor(n)
            }
            Transition::Device(n) => Actor::Device(n),
            Transition::Timer => Actor::Timer,
        }
    }

    /// A small number for it: processors, then devices, then the timer.
    pub(super) fn index(self) -> usize {
        match self {
            Actor::Processor(n) => usize::from(n),
            Actor::Device(n) => 64 + usize::from(n),
            Actor::Timer => 128,
        }
    }
}

/// What a step touched, and who made it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Foot {
    pub(super) actor: Actor,
    pub(super) touches: SmallVec<[Touch; 3]>,
    /// A bit for every object, so that most pairs are told apart at once.
    mask: u64,
}

impl Foot {
    pub(super) fn of(step: &Step<'_>) -> Foot {
        let mut touches: SmallVec<[Touch; 3]> = SmallVec::from_slice(step.touches);
        if touches.len() > 1 {
            touches.sort_unstable();
        }
        let mask = touches.iter().fold(0, |mask, touch| mask | bit(touch.object));
        Foot { actor: Actor::of(step.transition), touches, mask }
    }

    /// A step of processor `n` that takes the lock `lock`.
    pub(super) fn taking(n: u8, lock: u64) -> Foot {
        let mut touches = SmallVec::new();
        touches.push(Touch { object: lock, access: Access::Take });
        Foot { actor: Actor::Processor(n), touches, mask: bit(lock) }
    }

    /// Whether it matters which of the two steps comes first.
    pub(super) fn conflicts(&self, other: &Foot) -> bool {
        if self.actor == other.actor {
            return true;
        }
        if self.mask & other.mask == 0 {
            return false;
        }
        if self.touches_everything() || other.touches_everything() {
            return !self.touches.is_empty() && !other.touches.is_empty();
        }
        let with =
            |a: &Touch| other.touches.iter().any(|b| a.object == b.object && a.access.conflicts(b.access));
        self.touches.iter().any(with)
    }

    pub(super) fn touches_everything(&self) -> bool {
        self.touches.first().is_some_and(|t| t.object == object::EVERYTHING)
    }

    /// Whether it took the lock that `object` is.
    pub(super) fn takes(&self, object: u64) -> bool {
        self.touches.iter().any(|t| t.object == object && t.access == Access::Take)
    }
}

fn bit(object: u64) -> u64 {
    if object == object::EVERYTHING {
        u64::MAX
    } else {
        1 << (object.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58)
    }
}

/// The transitions that were enabled at some point.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnabledSet {
    run: u64,
    others: OtherTransitions,
}

impl EnabledSet {
    pub(super) const NOTHING: EnabledSet = EnabledSet { run: 0, others: OtherTransitions::NONE };

    pub(super) fn of(enabled: &Enabled<'_>) -> EnabledSet {
        EnabledSet { run: enabled.run(), others: *enabled.others() }
    }

    pub(super) fn contains(&self, transition: Transition) -> bool {
        Enabled::with(self.run, &self.others).contains(transition)
    }

    /// What else `actor` could do where it does `transition`.
    pub(super) fn alternatives(&self, transition: Transition) -> impl Iterator<Item = Transition> + use<'_> {
        let ways: [Option<Transition>; 4] = match Actor::of(transition) {
            Actor::Processor(n) if self.others.interrupt | self.others.dpc | self.others.switch != 0 => [
                Some(Transition::Run(n)),
                Some(Transition::Interrupt(n)),
                Some(Transition::Dpc(n)),
                Some(Transition::Switch(n)),
            ],
            _ => [None; 4],
        };
        ways.into_iter().flatten().filter(move |other| *other != transition && self.contains(*other))
    }

    /// Transitions of other actors that this step of `actor` disabled without taking them: a line served
    /// elsewhere, a timer cancelled.
    pub(super) fn taken_away(
        &self,
        after: &EnabledSet,
        actor: Actor,
    ) -> impl Iterator<Item = Transition> + use<> {
        let gone = |before: u64, after: u64| Bits(before & !after);
        let (a, b) = (self.others, after.others);
        gone(a.interrupt, b.interrupt)
            .map(Transition::Interrupt)
            .chain(gone(a.dpc, b.dpc).map(Transition::Dpc))
            .chain(gone(a.switch, b.switch).map(Transition::Switch))
            .chain(gone(a.device, b.device).map(Transition::Device))
            .chain((a.timer && !b.timer).then_some(Transition::Timer))
            .filter(move |t| Actor::of(*t) != actor)
    }
}

/// The indices of the set bits, ascending.
struct Bits(u64);

impl Iterator for Bits {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let n = self.0.trailing_zeros() as u8;
        (self.0 != 0).then(|| {
            self.0 &= self.0 - 1;
            n
        })
    }
}

/// One step of an execution.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) label: Label,
    pub(super) foot: Foot,
    /// The transitions that were enabled before it.
    pub(super) enabled: EnabledSet,
    /// What its processor would have accepted before it; `None` for a step of a device or timer.
    pub(super) accepts: Option<Accepts>,
}

impl Event {
    /// Whether the processor of `self` would have accepted before it what `other` is.
    pub(super) fn would_accept(&self, other: &Event) -> bool {
        let (Some(here), Some(there)) = (self.accepts, other.accepts) else { return false };
        match other.label.transition {
            Transition::Interrupt(_) => here.irql < there.pended,
            Transition::Dpc(_) | Transition::Switch(_) => here.dispatches,
            _ => false,
        }
    }
}
