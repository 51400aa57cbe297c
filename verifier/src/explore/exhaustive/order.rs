//! The happens-before order of one execution, and its races: pairs of steps that could be turned round.
//!
//! The order is the one that every equivalent execution shares: steps of one actor, and steps that
//! conflict, in the order in which they were made. It is kept as vector clocks, one component an
//! actor. A *race* is a pair of conflicting steps with nothing in between that orders them anyway;
//! turning it round gives an execution that is not equivalent.
//!
//! Giving a lock back lets others take it, so that pair is no race; the race is between the two that
//! took it. In the same way a step that woke a processor does not race with what that one did next.

use super::event::Event;
use kernel_sim::choose::{Access, Transition, object};
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// A pair of steps that could be turned round, by their indices; the first comes first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Race {
    pub(super) first: usize,
    pub(super) second: usize,
}

/// The accesses to one object that later ones may have to come after.
#[derive(Default)]
struct History {
    /// The last access that conflicts with every other.
    change: Option<u32>,
    /// Those since that conflict with some.
    since: SmallVec<[(u32, Access); 4]>,
    /// The actor that took the lock last, if the object is a lock.
    take: Option<u32>,
}

/// The order of one execution. Reused from execution to execution, so that it allocates little.
#[derive(Default)]
pub(super) struct Order {
    /// Dense numbers of the actors seen.
    actors: Vec<usize>,
    /// The actor of each event, dense.
    actor_of: Vec<u16>,
    /// Clocks, `actors_max` components an event.
    clocks: Vec<u32>,
    width: usize,
    /// Number of each event among those of its actor, from 1.
    number: Vec<u32>,
    /// Scratch: what directly comes before an event.
    before: Vec<u32>,
}

impl Order {
    /// Orders `events`, of which the first `made` were made and the others are what processors were about
    /// to do at the end, each by itself; the races whose second step is at or after `from` are put into
    /// `races`.
    pub(super) fn analyse(&mut self, events: &[Event], made: usize, from: usize, races: &mut Vec<Race>) {
        races.clear();
        self.number_actors(events);
        self.clocks.clear();
        self.clocks.resize(events.len() * self.width, 0);
        let mut last_of: SmallVec<[Option<u32>; 8]> = SmallVec::from_elem(None, self.width);
        let mut histories: BTreeMap<u64, History> = BTreeMap::new();
        let mut everything: Option<u32> = None;
        let mut since_everything: Vec<u32> = Vec::new();
        for (at, event) in events.iter().enumerate() {
            let index = at as u32;
            let me = usize::from(self.actor_of[at]);
            self.before.clear();
            let mut taken_before: SmallVec<[u32; 2]> = SmallVec::new();
            let own = last_of[me];
            if !event.foot.touches.is_empty() {
                self.before.extend(everything);
            }
            if event.foot.touches_everything() {
                self.before.append(&mut since_everything);
                everything = Some(index);
                histories.clear();
            } else if !event.foot.touches.is_empty() {
                since_everything.push(index);
            }
            for touch in &event.foot.touches {
                let history = histories.entry(touch.object).or_default();
                if touch.access == Access::Take {
                    taken_before.extend(history.take);
                }
                comes_after(history, touch.access, &mut self.before);
                if at < made {
                    note(history, index, touch.access);
                }
            }
            // The pairs first, then the clock: which of the pairs are races shows from the clocks of
            // what lies between.
            self.join(at, own);
            let before = std::mem::take(&mut self.before);
            if at >= from {
                self.races_of(events, at, own, &before, &taken_before, races);
            }
            for b in &before {
                self.join(at, Some(*b));
            }
            self.before = before;
            self.clocks[at * self.width + me] = self.number[at];
            if at < made {
                last_of[me] = Some(index);
            }
        }
    }

    fn number_actors(&mut self, events: &[Event]) {
        self.actors.clear();
        self.actor_of.clear();
        self.number.clear();
        let mut counts: SmallVec<[u32; 8]> = SmallVec::new();
        for event in events {
            let actor = event.foot.actor.index();
            let dense = self.actors.iter().position(|a| *a == actor).unwrap_or_else(|| {
                self.actors.push(actor);
                counts.push(0);
                self.actors.len() - 1
            });
            counts[dense] += 1;
            self.actor_of.push(dense as u16);
            self.number.push(counts[dense]);
        }
        self.width = self.actors.len();
    }

    fn join(&mut self, at: usize, with: Option<u32>) {
        let Some(with) = with else { return };
        let (head, tail) = self.clocks.split_at_mut(at * self.width);
        let from = &head[with as usize * self.width..][..self.width];
        for (mine, theirs) in tail[..self.width].iter_mut().zip(from) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// Whether event `a` happened before event `b`, or is it.
    pub(super) fn is_before(&self, a: usize, b: usize) -> bool {
        self.clocks[b * self.width + usize::from(self.actor_of[a])] >= self.number[a]
    }

    /// The latest of its processor's steps before which interrupt, DPC or switch `at` could have come,
    /// the first to try being `own`. Where it was enabled it is planned for anyway.
    fn earlier_place(&self, events: &[Event], own: usize, at: usize) -> Option<Race> {
        let event = &events[at];
        let mine = (0..=own).rev().filter(|e| self.actor_of[*e] == self.actor_of[at]);
        for first in mine {
            if events[first].enabled.contains(event.label.transition)
                || !self.came_by_itself(events, first, at)
            {
                return None;
            }
            if events[first].would_accept(event) {
                return Some(Race { first, second: at });
            }
        }
        None
    }

    /// Whether what made step `second` possible, as far as others are concerned, did not come after
    /// step `first` of the same processor.
    fn came_by_itself(&self, events: &[Event], first: usize, second: usize) -> bool {
        let what = events[second].label.transition;
        let others = (first..second).rev().filter(|e| self.actor_of[*e] != self.actor_of[second]);
        for at in others {
            if !events[at].enabled.contains(what) && events[at + 1].enabled.contains(what) {
                return !self.is_before(first, at);
            }
        }
        // It was pended all along, or its own processor pended it: as it lowered its IRQL, or queued it.
        (first..second)
            .filter(|e| self.actor_of[*e] == self.actor_of[second])
            .all(|e| !pends(&events[e], &events[second]))
    }

    /// Whether what step `second` did could have been done before step `first`: not if `first`, or
    /// something that happened after it, is what made it possible.
    fn could_come_before(&self, events: &[Event], first: usize, second: usize) -> bool {
        let what = events[second].label.transition;
        let actor = self.actor_of[second];
        for at in (first..second).rev() {
            if self.actor_of[at] == actor && at != first {
                // Before its own last step it was about to do something else.
                return true;
            }
            if !events[at].enabled.contains(what) {
                return at != first && !self.is_before(first, at);
            }
        }
        true
    }

    /// The races in which event `at` is the second. Its clock so far is that of its actor's last step.
    fn races_of(
        &self,
        events: &[Event],
        at: usize,
        own: Option<u32>,
        before: &[u32],
        taken_before: &[u32],
        races: &mut Vec<Race>,
    ) {
        let event = &events[at];
        // A processor that did something else before it turned to this: it could have turned first.
        if !matches!(event.label.transition, Transition::Run(_)) {
            races.extend(own.and_then(|own| self.earlier_place(events, own as usize, at)));
        }
        for &b in before {
            let b = b as usize;
            // Its actor knew of it already: nothing to turn round.
            let known = self.is_before(b, at) || self.actor_of[b] == self.actor_of[at];
            let between = || before.iter().any(|c| *c as usize != b && self.is_before(b, *c as usize));
            if !known
                && !between()
                && !gives_what_is_taken(&events[b], event)
                && self.could_come_before(events, b, at)
            {
                races.push(Race { first: b, second: at });
            }
        }
        for &t in taken_before {
            let t = t as usize;
            if self.actor_of[t] != self.actor_of[at] && !self.is_before(t, at) {
                // Known by another way than through the lock itself?
                let otherwise = before.iter().any(|c| {
                    let c = *c as usize;
                    c != t && self.is_before(t, c) && !gives_what_is_taken(&events[c], event)
                });
                let race = Race { first: t, second: at };
                if !otherwise && !races.contains(&race) {
                    races.push(race);
                }
            }
        }
    }
}

/// Adds what an access has to come after to `before`.
fn comes_after(history: &History, access: Access, before: &mut Vec<u32>) {
    before.extend(history.change);
    before.extend(history.since.iter().filter(|(_, how)| access.conflicts(*how)).map(|(other, _)| *other));
}

/// Adds an access to an object's history.
fn note(history: &mut History, index: u32, access: Access) {
    if matches!(access, Access::Look | Access::Add) {
        history.since.push((index, access));
        return;
    }
    history.change = Some(index);
    history.since.clear();
    if access == Access::Take {
        history.take = Some(index);
    }
}

/// Whether a step of a processor is what pended an interrupt, DPC or switch there: it changed what the
/// other one found, and was not merely in its way.
fn pends(first: &Event, second: &Event) -> bool {
    let queue = match second.label.transition {
        Transition::Dpc(n) => object::DPCS + u64::from(n),
        Transition::Switch(n) => object::READY + u64::from(n),
        _ => object::LINES,
    };
    first.foot.touches_everything() || first.foot.touches.iter().any(|t| t.object == queue)
}

/// Whether `first` gives back a lock that `second` takes.
fn gives_what_is_taken(first: &Event, second: &Event) -> bool {
    let given = first.foot.touches.iter().filter(|t| t.access == Access::Give);
    given.into_iter().any(|t| t.object != object::EVERYTHING && second.foot.takes(t.object))
}
