//! Polling loops: a processor that looks again at what it has just looked at waits.
//!
//! A loop that polls would give endlessly many executions, one for each number of looks. There are two
//! kinds of loops.
//!
//! One *spins*: it repeats an interlocked operation that changed nothing, or stalls between its looks. The
//! executions in which its first look fails are the same as those in which that look comes later. So a
//! processor about to repeat it is held back for the rest of the execution; what it does once the awaited
//! change has come is explored where its first look comes after the change.
//!
//! One merely *looks* at the same thing from the same line, which may also be a loop over something else. It
//! may do so a few times ([`LOOKS_MAX`]); then it is held back until the awaited change comes, and goes on.
//!
//! If nothing else can happen and the change has not come, a processor held back goes on: it polls for what
//! never comes, or until it gives up. What a driver does when it gives up although the change would have come
//! later is not explored; the search says where. Invariant: a processor is held back only where it would
//! repeat itself.

use super::event::{Actor, Foot};
use kernel_sim::choose::{Access, Step, Touch, Transition, object};
use kernel_sim::routine::Effect;
use kernel_sim::site::Site;
use smallvec::SmallVec;

/// Equal looks in a row for which a processor is not yet held back.
const LOOKS_MAX: usize = 4;

/// One look of a loop, or another call.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Call {
    site: Site,
    object: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    No,
    /// Until the awaited change comes.
    UntilAnswered,
    /// For the rest of the execution; whether the awaited change has come.
    ForGood {
        answered: bool,
    },
}

struct Processor {
    /// The looks since anything else, and all that they looked at.
    looks: SmallVec<[Call; 8]>,
    objects: SmallVec<[u64; 8]>,
    /// One of the looks was an interlocked operation in vain, or time was passed between them.
    spins: bool,
    /// The call that the next step makes, and what it may do.
    next: Option<(Call, Effect)>,
    held: Held,
    /// An interrupt or DPC runs on top of a processor that was held: how, and before which call.
    suspended: Option<(Held, Option<(Call, Effect)>)>,
    /// It was let go: it may repeat itself.
    released: bool,
}

impl Default for Processor {
    fn default() -> Processor {
        Processor {
            looks: SmallVec::new(),
            objects: SmallVec::new(),
            spins: false,
            next: None,
            held: Held::No,
            suspended: None,
            released: false,
        }
    }
}

impl Processor {
    fn forget_looks(&mut self) {
        self.looks.clear();
        self.objects.clear();
        self.spins = false;
        self.released = false;
    }

    /// Whether it is about to repeat itself, and how long to hold it back then.
    fn repeats(&self) -> Held {
        let Some((next, _)) = self.next else { return Held::No };
        let times = self.looks.iter().filter(|l| **l == next).count();
        if self.released || next.object == 0 || times == 0 {
            Held::No
        } else if self.spins {
            Held::ForGood { answered: false }
        } else if times >= LOOKS_MAX {
            Held::UntilAnswered
        } else {
            Held::No
        }
    }

    /// A step of another actor may be what it waits for.
    fn note_answer(&mut self, foot: &Foot) {
        let changes = |t: &Touch| {
            t.access != Access::Look
                && t.object != object::CLOCK
                && (t.object == object::EVERYTHING || self.objects.contains(&t.object))
        };
        if !foot.touches.iter().any(changes) {
            return;
        }
        let held = self.suspended.as_mut().map_or(&mut self.held, |(held, _)| held);
        match held {
            Held::No => {}
            Held::UntilAnswered => *held = Held::No,
            Held::ForGood { answered } => *answered = true,
        }
    }
}

/// The polling processors of one execution.
#[derive(Default)]
pub(super) struct Spins {
    processors: Vec<Processor>,
    /// Where processors were held, since this was last emptied.
    pub(super) sites: Vec<Site>,
}

impl Spins {
    pub(super) fn clear(&mut self) {
        self.processors.clear();
    }

    fn of(&mut self, cpu: u8) -> &mut Processor {
        let n = usize::from(cpu);
        if self.processors.len() <= n {
            self.processors.resize_with(n + 1, Processor::default);
        }
        &mut self.processors[n]
    }

    /// Whether a transition is not that of a processor held back.
    pub(super) fn allows(&self, transition: Transition) -> bool {
        match transition {
            Transition::Run(n) => self.processors.get(usize::from(n)).is_none_or(|p| p.held == Held::No),
            _ => true,
        }
    }

    /// Whether a change has come that a processor held back for good waits for.
    pub(super) fn any_answered(&self) -> bool {
        self.processors.iter().any(|p| p.held == Held::ForGood { answered: true })
    }

    /// Lets the processor of a transition go on polling.
    pub(super) fn release(&mut self, transition: Transition) {
        if let Transition::Run(n) = transition {
            let processor = self.of(n);
            processor.held = Held::No;
            processor.released = true;
        }
    }

    /// The processors that are about to take a lock, and the locks.
    pub(super) fn about_to_take(&self) -> impl Iterator<Item = (u8, u64)> + use<'_> {
        let lock =
            |p: &Processor| p.next.filter(|(_, effect)| *effect == Effect::Acquire).map(|(c, _)| c.object);
        self.processors.iter().enumerate().filter_map(move |(n, p)| Some((n as u8, lock(p)?)))
    }

    /// Notes a step.
    pub(super) fn stepped(&mut self, step: &Step<'_>, foot: &Foot) {
        for (n, processor) in self.processors.iter_mut().enumerate() {
            // What runs on top of a processor may well make the change it waits for.
            if foot.actor != Actor::Processor(n as u8) || processor.suspended.is_some() {
                processor.note_answer(foot);
            }
        }
        let next = step.next.map(|(ddi, site)| (Call { site, object: step.next_object }, ddi.effect()));
        match step.transition {
            Transition::Run(n) => self.went_on(n, next, foot),
            Transition::Interrupt(n) | Transition::Dpc(n) | Transition::Switch(n) => {
                let processor = self.of(n);
                if processor.suspended.is_none() {
                    if processor.held == Held::No {
                        processor.forget_looks();
                    } else {
                        processor.suspended = Some((processor.held, processor.next));
                        processor.held = Held::No;
                    }
                }
                self.settle(n, next);
            }
            Transition::Device(_) | Transition::Timer => {}
        }
    }

    /// A processor went on, and is now about to make the call `next`.
    fn went_on(&mut self, n: u8, next: Option<(Call, Effect)>, foot: &Foot) {
        let processor = self.of(n);
        if processor.suspended.is_none() {
            match processor.next {
                Some((call, effect)) if looked(foot) => {
                    processor.looks.push(call);
                    processor.objects.extend(foot.touches.iter().map(|t| t.object));
                    let in_vain =
                        effect == Effect::Body && foot.touches.iter().all(|t| t.access == Access::Look);
                    let passes_time = foot.touches.iter().any(|t| t.object == object::CLOCK);
                    processor.spins |= in_vain || passes_time;
                }
                _ => processor.forget_looks(),
            }
        }
        self.settle(n, next);
    }

    /// A processor is about to make the call `next`: holds it back if it repeats itself.
    fn settle(&mut self, n: u8, next: Option<(Call, Effect)>) {
        let processor = self.of(n);
        processor.next = next;
        if let Some((held, at)) = processor.suspended {
            // What ran on top of it may be through.
            if at == next {
                processor.suspended = None;
                processor.held = held;
            }
            return;
        }
        processor.held = processor.repeats();
        if let (true, Some((call, _))) = (processor.held != Held::No, next)
            && !self.sites.contains(&call.site)
        {
            self.sites.push(call.site);
        }
    }
}

/// Whether a step only looked: at its object, at the clock, at a device's registers.
fn looked(foot: &Foot) -> bool {
    !foot.touches.is_empty()
        && foot.touches.iter().all(|t| {
            t.access == Access::Look && t.object != object::EVERYTHING
                || t.object == object::CLOCK && t.access == Access::Add
                || (object::DEVICES..object::DEVICES + 64).contains(&t.object)
        })
}
