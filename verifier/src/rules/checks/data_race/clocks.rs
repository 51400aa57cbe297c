//! Vector clocks: what of each actor's doing comes before a point of the run.
//!
//! An actor is what is never at two places at once: a thread below DISPATCH_LEVEL, or a processor at that
//! level and above, where its DPCs, its interrupts and the threads that raised the level follow one upon
//! the other. (An interrupt in the middle of a DPC counts as between two parts of it.) A thread that raises
//! the level is the processor from then on, and itself again when it has lowered it. Invariant: an actor's
//! own entry grows whenever another may have taken from it, so that an entry names a stretch of its doing.

use kernel_sim::hook::Event;
use kernel_sim::irql::Irql;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// An actor, by the order in which they appeared.
pub(super) type Actor = u16;

/// For each actor, how far its doing is known. Missing entries are 0.
#[derive(Clone, Default, Debug)]
pub(super) struct Clock(SmallVec<[u32; 12]>);

impl Clock {
    /// How far the doing of an actor is known.
    pub(super) fn of(&self, actor: Actor) -> u32 {
        self.0.get(usize::from(actor)).copied().unwrap_or(0)
    }

    /// Both together.
    fn join(&mut self, other: &Clock) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (own, theirs) in self.0.iter_mut().zip(&other.0) {
            *own = (*own).max(*theirs);
        }
    }

    fn tick(&mut self, actor: Actor) {
        let at = usize::from(actor);
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        self.0[at] += 1;
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
    /// By processor: the thread that was seen last to have raised its level, and whose clock does not know
    /// yet what it did there.
    raised: Vec<Option<Actor>>,
    objects: BTreeMap<usize, Clock>,
}

impl Clocks {
    /// The actor of an event, whose clock is up to date.
    pub(super) fn actor(&mut self, event: &Event<'_>) -> Actor {
        let cpu = usize::from(event.cpu());
        if self.raised.len() <= cpu {
            self.raised.resize(cpu + 1, None);
        }
        let is_raised = event.irql() >= Irql::DISPATCH;
        if is_raised && event.is_on_top() {
            let processor = numbered(&mut self.processors, &mut self.clocks, cpu);
            self.settle(cpu, processor);
            return processor;
        }
        let thread = numbered(&mut self.threads, &mut self.clocks, event.thread() as usize);
        if !is_raised {
            if self.raised[cpu].is_some() {
                let processor = numbered(&mut self.processors, &mut self.clocks, cpu);
                self.settle(cpu, processor);
            }
            return thread;
        }
        let processor = numbered(&mut self.processors, &mut self.clocks, cpu);
        if self.raised[cpu] != Some(thread) {
            self.settle(cpu, processor);
            self.follows(processor, thread);
            self.raised[cpu] = Some(thread);
        }
        processor
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
        self.clocks[usize::from(earlier)].tick(earlier);
    }

    /// The clock of an actor.
    pub(super) fn of(&self, actor: Actor) -> &Clock {
        &self.clocks[usize::from(actor)]
    }

    /// An actor gives what it knows to an object.
    pub(super) fn gives(&mut self, actor: Actor, object: usize) {
        let clock = &mut self.clocks[usize::from(actor)];
        self.objects.entry(object).or_default().join(clock);
        clock.tick(actor);
    }

    /// An actor takes what an object was given.
    pub(super) fn takes(&mut self, actor: Actor, object: usize) {
        if let Some(given) = self.objects.get(&object) {
            self.clocks[usize::from(actor)].join(given);
        }
    }

    /// An object is given what another was given.
    pub(super) fn passes(&mut self, from: usize, to: usize) {
        if let Some(given) = self.objects.get(&from).cloned() {
            self.objects.entry(to).or_default().join(&given);
        }
    }

    /// The objects in a block of memory are no more.
    pub(super) fn forget(&mut self, from: usize, bytes: usize) {
        let gone: Vec<usize> = self.objects.range(from..from + bytes).map(|(object, _)| *object).collect();
        for object in gone {
            self.objects.remove(&object);
        }
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
