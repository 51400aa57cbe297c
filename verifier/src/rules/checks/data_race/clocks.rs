//! Vector clocks: what of each actor's doing comes before a point of the run.
//!
//! An actor is what is never at two places at once: a thread below DISPATCH_LEVEL, or a processor at that
//! level and above, where its DPCs, its interrupts and the threads that raised the level follow one upon
//! the other. (An interrupt in the middle of a DPC counts as between two parts of it.) A thread that raises
//! the level is the processor from then on, and itself again when it has lowered it. Invariant: an actor's
//! own entry grows whenever another may have taken from it, so that an entry names a stretch of its doing;
//! who knows an entry of an actor knows all that the actor knew at the end of that stretch.

use kernel_sim::hook::Doer;

/// An actor, by the order in which they appeared.
pub(super) type Actor = u16;

/// Most runs have no more actors; a number that is known to the compiler makes a copy a few instructions.
const FEW: usize = 16;

/// How far an actor's doing is known, in stretches of it. Signed: of such numbers every x64 processor finds
/// the greater ones of several pairs at once.
pub(super) type Entry = i32;

/// For each actor, how far its doing is known: of the first actors, and of further ones. Missing entries
/// are 0.
#[derive(Clone, Default, Debug)]
pub(super) struct Clock([Entry; FEW], Vec<Entry>);

impl Clock {
    /// How far the doing of an actor is known.
    #[inline]
    pub(super) fn of(&self, actor: Actor) -> Entry {
        let at = usize::from(actor);
        if at < FEW { self.0[at] } else { self.1.get(at - FEW).copied().unwrap_or(0) }
    }

    /// Becomes the same as another.
    #[inline]
    pub(super) fn set(&mut self, other: &Clock) {
        self.0 = other.0;
        if !(self.1.is_empty() && other.1.is_empty()) {
            self.1.clone_from(&other.1);
        }
    }

    /// Both together.
    pub(super) fn join(&mut self, other: &Clock) {
        if self.1.len() < other.1.len() {
            self.1.resize(other.1.len(), 0);
        }
        for (own, theirs) in self.0.iter_mut().zip(&other.0) {
            *own = (*own).max(*theirs);
        }
        for (own, theirs) in self.1.iter_mut().zip(&other.1) {
            *own = (*own).max(*theirs);
        }
    }

    /// Whether all that another knows is known.
    pub(super) fn knows(&self, other: &Clock) -> bool {
        let few = self.0.iter().zip(&other.0).fold(true, |knows, (own, theirs)| knows & (own >= theirs));
        let mut more = (FEW..).zip(&other.1);
        few && more.all(|(actor, theirs)| self.of(actor as Actor) >= *theirs)
    }

    #[inline]
    fn tick(&mut self, actor: Actor) {
        let at = usize::from(actor);
        if at < FEW {
            self.0[at] += 1;
            return;
        }
        if self.1.len() <= at - FEW {
            self.1.resize(at - FEW + 1, 0);
        }
        self.1[at - FEW] += 1;
    }
}

/// The clocks of a run.
#[derive(Default)]
pub(super) struct Clocks {
    /// The actors that are processors, and those that are threads, by number; 0 for one that has not
    /// appeared, else one more than its number among the actors.
    processors: Vec<Actor>,
    threads: Vec<Actor>,
    clocks: Vec<Clock>,
    /// By processor: who acted there last, and as which actor; `None` before the first.
    last: Vec<(Option<Doer>, Actor)>,
    /// By processor: the thread that was seen last to have raised its level, and whose clock does not know
    /// yet what it did there.
    raised: Vec<Option<Actor>>,
}

impl Clocks {
    /// The actor that someone is, whose clock is up to date.
    #[inline]
    pub(super) fn actor(&mut self, doer: Doer) -> Actor {
        match self.last.get(usize::from(doer.cpu())) {
            Some((last, actor)) if *last == Some(doer) => *actor,
            _ => self.another(doer),
        }
    }

    /// The same, where another acted on the processor before.
    fn another(&mut self, doer: Doer) -> Actor {
        let cpu = usize::from(doer.cpu());
        if self.raised.len() <= cpu {
            self.raised.resize(cpu + 1, None);
            self.last.resize(cpu + 1, (None, 0));
        }
        let thread = (!doer.is_on_top() || !doer.is_raised())
            .then(|| numbered(&mut self.threads, &mut self.clocks, doer.thread() as usize));
        let processor = numbered(&mut self.processors, &mut self.clocks, cpu);
        let actor = match thread {
            Some(thread) if !doer.is_raised() => {
                self.settle(cpu, processor);
                thread
            }
            Some(thread) => {
                if self.raised[cpu] != Some(thread) {
                    self.settle(cpu, processor);
                    self.follows(processor, thread);
                    self.raised[cpu] = Some(thread);
                }
                processor
            }
            None => {
                self.settle(cpu, processor);
                processor
            }
        };
        self.last[cpu] = (Some(doer), actor);
        actor
    }

    /// The thread that had raised the level of a processor has lowered it, or is interrupted.
    fn settle(&mut self, cpu: usize, processor: Actor) {
        if let Some(thread) = self.raised[cpu].take() {
            self.follows(thread, processor);
        }
    }

    /// What one actor does from now on comes after what another has done.
    fn follows(&mut self, later: Actor, earlier: Actor) {
        let before = self.clocks[usize::from(earlier)].clone();
        self.clocks[usize::from(later)].join(&before);
        self.ends_stretch(earlier);
    }

    /// The clock of an actor.
    #[inline]
    pub(super) fn of(&self, actor: Actor) -> &Clock {
        &self.clocks[usize::from(actor)]
    }

    /// An actor knows what a clock says, too.
    pub(super) fn learns(&mut self, actor: Actor, clock: &Clock) {
        self.clocks[usize::from(actor)].join(clock);
    }

    /// Another may have taken from the actor: what it does from now on is another stretch.
    #[inline]
    pub(super) fn ends_stretch(&mut self, actor: Actor) {
        self.clocks[usize::from(actor)].tick(actor);
    }
}

/// The actor of that number among those of its kind.
fn numbered(kind: &mut Vec<Actor>, clocks: &mut Vec<Clock>, number: usize) -> Actor {
    if kind.len() <= number {
        kind.resize(number + 1, 0);
    }
    if kind[number] == 0 {
        let actor = clocks.len() as Actor;
        clocks.push(Clock::default());
        clocks[usize::from(actor)].tick(actor);
        kind[number] = actor + 1;
    }
    kind[number] - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A late actor, a later one, the first behind the few, and two of these.
    const ACTORS: [Actor; 5] = [25, 40, FEW as Actor, FEW as Actor - 1, 0];

    fn clock(entries: &[(Actor, Entry)]) -> Clock {
        let mut clock = Clock::default();
        for (actor, entry) in entries {
            (0..*entry).for_each(|_| clock.tick(*actor));
        }
        clock
    }

    #[test]
    fn each_actor_has_an_entry_of_its_own() {
        let entries: Vec<(Actor, Entry)> = ACTORS.into_iter().zip(2..).collect();
        let clock = clock(&entries);
        for actor in 0..60 {
            let entry = entries.iter().find(|(other, _)| *other == actor).map_or(0, |(_, entry)| *entry);
            assert_eq!(clock.of(actor), entry, "{actor}");
        }
    }

    #[test]
    fn a_clock_joined_or_set_says_what_the_other_says() {
        let (few, many) = (clock(&[(0, 3), (17, 5)]), clock(&[(0, 2), (1, 4), (17, 1), (30, 6)]));
        for (mut joined, other) in [(few.clone(), &many), (many.clone(), &few)] {
            joined.join(other);
            assert_eq!([0, 1, 17, 30].map(|actor| joined.of(actor)), [3, 4, 5, 6]);
            joined.set(other);
            assert_eq!([0, 1, 17, 30].map(|actor| joined.of(actor)), [0, 1, 17, 30].map(|n| other.of(n)));
        }
        let mut filled = Clock::default();
        filled.set(&many);
        assert_eq!(filled.of(30), 6);
    }

    #[test]
    fn who_knows_a_clock_knows_each_entry_of_it() {
        let (some, more) = (clock(&[(0, 1), (17, 1)]), clock(&[(0, 2), (17, 1), (30, 1)]));
        assert!(more.knows(&some) && more.knows(&more) && !some.knows(&more));
        assert!(!clock(&[(0, 9)]).knows(&some) && !clock(&[(17, 9)]).knows(&some));
    }
}
