//! What objects were given: locks, events, queues, by their numbers.
//!
//! An object's clock is what all that gave to it knew. Most often it is what the last of them knew, since
//! that one had taken from the object before; then one comparison says whether an actor knows it already,
//! and giving is a copy. Invariant: an object that was never given to gives nothing.

use super::clocks::{Actor, Clock, Clocks, Entry};
use super::table::Table;
use kernel_sim::hook::GRAIN;

/// The objects of a run: what was given to each number.
#[derive(Default)]
pub(super) struct Objects(Table<Given>);

/// What an object was given.
#[derive(Default)]
struct Given {
    clock: Clock,
    /// Whose clock that was, and its own entry then. None if it is of several that did not know of each
    /// other.
    whole: Option<(Actor, Entry)>,
}

impl Given {
    #[inline]
    fn is_known_to(&self, clock: &Clock) -> bool {
        match self.whole {
            Some((actor, entry)) => clock.of(actor) >= entry,
            None => clock.knows(&self.clock),
        }
    }

    /// What else is given to it.
    #[inline(always)]
    fn add(&mut self, clock: &Clock, whole: Option<(Actor, Entry)>) {
        if self.is_known_to(clock) {
            self.clock.set(clock);
            self.whole = whole;
        } else {
            self.clock.join(clock);
            self.whole = None;
        }
    }
}

impl Objects {
    #[inline(always)]
    fn get(&mut self, object: usize) -> Option<&mut Given> {
        self.0.get(object / GRAIN)
    }

    #[inline(always)]
    fn get_or_make(&mut self, object: usize) -> &mut Given {
        self.0.get_or_default(object / GRAIN)
    }

    /// An actor takes what an object was given.
    #[inline(always)]
    pub(super) fn takes(&mut self, clocks: &mut Clocks, actor: Actor, object: usize) {
        if let Some(given) = self.get(object)
            && !given.is_known_to(clocks.of(actor))
        {
            clocks.learns(actor, &given.clock);
        }
    }

    /// An actor gives what it knows to an object. What it does next is another stretch of its doing, once it
    /// has given to all that it gives to.
    #[inline(always)]
    pub(super) fn gives(&mut self, clocks: &Clocks, actor: Actor, object: usize) {
        let own = clocks.of(actor);
        self.get_or_make(object).add(own, Some((actor, own.of(actor))));
    }

    /// An object is given what another was given.
    pub(super) fn passes(&mut self, from: usize, to: usize) {
        if let Some(given) = self.get(from) {
            let Given { clock, whole } = Given { clock: given.clock.clone(), whole: given.whole };
            self.get_or_make(to).add(&clock, whole);
        }
    }

    /// The objects in a block of memory are no more.
    pub(super) fn forget(&mut self, from: usize, bytes: usize) {
        self.0.clear(from / GRAIN..(from + bytes).div_ceil(GRAIN), |given| *given = Given::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_sim::hook::Doer;

    /// Four objects side by side, the first at 0x100.
    const PLACES: [usize; 4] = [0x100, 0x100 + GRAIN, 0x100 + 2 * GRAIN, 0x100 + 3 * GRAIN];

    #[test]
    fn fresh_memory_gives_nothing_and_what_lies_beside_it_does() {
        let (mut objects, mut clocks) = (Objects::default(), Clocks::default());
        let [giver, taker] = [0, 1].map(|n| clocks.actor(Doer::new(n, n.into(), false, false)));
        let known = |objects: &mut Objects, clocks: &mut Clocks, place| {
            let before = clocks.of(taker).of(giver);
            objects.takes(clocks, taker, place);
            clocks.of(taker).of(giver) > before
        };
        let gives = |objects: &mut Objects, clocks: &mut Clocks, actor, place| {
            objects.gives(clocks, actor, place);
            clocks.ends_stretch(actor);
        };
        PLACES.iter().for_each(|place| gives(&mut objects, &mut clocks, giver, *place));
        objects.forget(PLACES[1], GRAIN + 1);
        assert!(!known(&mut objects, &mut clocks, PLACES[1]) && !known(&mut objects, &mut clocks, PLACES[2]));
        assert!(known(&mut objects, &mut clocks, PLACES[0]) && known(&mut objects, &mut clocks, PLACES[3]));
        // What is given to it anew is all that it gives.
        gives(&mut objects, &mut clocks, taker, PLACES[1]);
        gives(&mut objects, &mut clocks, giver, PLACES[2]);
        assert!(!known(&mut objects, &mut clocks, PLACES[1]) && known(&mut objects, &mut clocks, PLACES[2]));
    }
}
