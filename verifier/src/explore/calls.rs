//! Which call each step of an execution carried out, and which each processor is about to make.
//!
//! The machine announces a call when a processor comes to it and shows the step that carried it out
//! only as touched objects. This puts the two together, also where an interrupt or a DPC came in
//! between. It judges nothing.

use kernel_sim::choose::{Step, Transition};
use kernel_sim::routine::DdiInfo;
use kernel_sim::site::Site;

/// A routine and the place in the driver's source that calls it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    file: &'static str,
    line: u32,
    column: u32,
    routine: u16,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// Where.
    pub(super) place: Place,
    /// What.
    pub(super) routine: &'static DdiInfo,
    /// The object of its first pointer, as a machine address; 0 if there is none.
    pub(super) object: u64,
}

/// Calls announced on a processor that it may still come back to.
const REMEMBERED: usize = 4;

/// What is known of one processor.
#[derive(Clone, Default)]
struct Processor {
    pending: Option<Call>,
    /// Latest first.
    announced: [Option<Call>; REMEMBERED],
}

/// Follows the calls of one execution.
#[derive(Default)]
pub(super) struct Calls {
    processors: Vec<Processor>,
}

impl Calls {
    /// Takes note of a step; returns the call it carried out, if it did.
    pub(super) fn follow(&mut self, step: &Step<'_>) -> Option<Call> {
        let n = usize::from(step.cpu);
        if self.processors.len() <= n {
            self.processors.resize(n + 1, Processor::default());
        }
        let processor = &mut self.processors[n];
        match step.transition {
            // The processor only lent itself; it is where it was.
            Transition::Device(_) | Transition::Timer => None,
            Transition::Run(_) => {
                let made = processor.pending.take();
                processor.comes_to(step);
                made
            }
            // Something begins on top of the pending call.
            Transition::Interrupt(_) | Transition::Dpc(_) | Transition::Switch(_) => {
                processor.comes_to(step);
                None
            }
        }
    }

    /// The call that a processor is about to make.
    pub(super) fn pending(&self, cpu: u8) -> Option<&Call> {
        self.processors.get(usize::from(cpu))?.pending.as_ref()
    }
}

impl Processor {
    fn comes_to(&mut self, step: &Step<'_>) {
        self.pending = step.next.map(|(routine, site)| {
            let place = place(routine, site);
            let known = self.announced.iter().position(|c| c.is_some_and(|c| c.place == place));
            // Announced without an object: it came back to a call that was announced before.
            let object = match (step.next_object, known) {
                (0, Some(at)) => self.announced[at].map_or(0, |c| c.object),
                (object, _) => object,
            };
            let call = Call { place, routine, object };
            self.announced[..=known.unwrap_or(REMEMBERED - 1)].rotate_right(1);
            self.announced[0] = Some(call);
            call
        });
    }
}

fn place(routine: &'static DdiInfo, site: Site) -> Place {
    Place { file: site.file(), line: site.line(), column: site.column(), routine: routine.id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_sim::ddi::row;

    fn step(transition: Transition, next: Option<(&'static DdiInfo, Site)>, object: u64) -> Step<'static> {
        Step { number: 1, transition, touches: &[], cpu: 0, next, next_object: object }
    }

    #[test]
    fn a_call_that_was_interrupted_is_still_made() {
        let (outer, inner) = (Site::caller(), Site::caller());
        let mut calls = Calls::default();
        let acquire = Some((&row::KeAcquireSpinLock, outer));
        assert!(calls.follow(&step(Transition::Run(0), acquire, 0x1000)).is_none());
        // An interrupt comes in, makes one call of its own, and is through.
        calls.follow(&step(Transition::Interrupt(0), Some((&row::KeSetEvent, inner)), 0x2000));
        assert_eq!(calls.pending(0).unwrap().object, 0x2000);
        calls.follow(&step(Transition::Device(0), Some((&row::KeSetEvent, inner)), 0));
        let made = calls.follow(&step(Transition::Run(0), acquire, 0)).unwrap();
        assert_eq!((made.object, made.routine.name), (0x2000, "KeSetEvent"));
        let made = calls.follow(&step(Transition::Run(0), None, 0)).unwrap();
        assert_eq!((made.object, made.routine.name), (0x1000, "KeAcquireSpinLock"));
        assert!(calls.pending(0).is_none() && calls.pending(7).is_none());
    }
}
