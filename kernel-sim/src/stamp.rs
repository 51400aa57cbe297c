//! Moments noted cheaply, for what may have to be shown much later.
//!
//! A [`Moment`] owns lists and is made when something was found. A [`Mark`] is what can be kept for every
//! request, block and lock: a plain value, made into a moment when somebody asks. A [`Stamp`] is a place for
//! a mark that several processors may read and write. Machine time and step are noted in the deterministic
//! executor only: reading the clock is dear in the other, which has no order of steps. Invariant: a stamp
//! that was never noted, or was cleared, gives no mark.

#![expect(unsafe_code, reason = "keeps references to static data in atomic pointers")]

use crate::ddi::Call;
use crate::irql::Irql;
use crate::machine::Machine;
pub use crate::moment::Mark;
use crate::moment::Moment;
use crate::processor::{Processor, flag};
use crate::routine::{Callback, DdiInfo, KERNEL};
use crate::site::{AtomicSite, Site};
use crate::stack::StackId;
use std::borrow::Cow;
use std::ptr::{from_ref, null_mut};
use std::sync::atomic::{
    AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

impl Mark {
    /// This call, in the callback that is active; with its stack on a machine that gathers evidence.
    #[inline]
    #[must_use]
    pub fn of(call: &Call) -> Mark {
        let gathers = call.hooks() & flag::EVIDENCE != 0;
        let stack = if gathers { call.machine().stacks.keep() } else { StackId::NONE };
        Mark { stack, ..Mark::without_stack(call) }
    }

    /// This call, in the callback that is active.
    #[inline]
    pub(crate) fn without_stack(call: &Call) -> Mark {
        let entry = Mark::of_entry(call.cpu, call.cpu.frame().kind);
        Mark { routine: Some(call.ddi), site: Some(call.site), ..entry }
    }

    /// An access at that position, in the callback that is active; with its stack on a machine that gathers
    /// evidence.
    pub(crate) fn of_access(cpu: &Processor, site: Site) -> Mark {
        Mark { site: Some(site), ..Mark::with_stack(cpu) }
    }

    /// The call that a processor is making, if it makes one, in the callback that is active; with its stack
    /// on a machine that gathers evidence.
    pub(crate) fn of_current_call(cpu: &Processor) -> Mark {
        let (routine, site) = cpu.call.get().unzip();
        Mark { routine, site, ..Mark::with_stack(cpu) }
    }

    fn with_stack(cpu: &Processor) -> Mark {
        let gathers = cpu.hooks() & flag::EVIDENCE != 0;
        let stack = if gathers { cpu.machine().stacks.keep() } else { StackId::NONE };
        Mark { stack, ..Mark::of_entry(cpu, cpu.frame().kind) }
    }

    /// The entry of a callback of that kind.
    #[inline]
    #[must_use]
    pub fn of_entry(cpu: &Processor, kind: &'static Callback) -> Mark {
        let machine = cpu.machine();
        let (step, time_ns) =
            if machine.is_deterministic() { (machine.step(), machine.time_ns()) } else { (0, 0) };
        Mark {
            callback: kind,
            routine: None,
            site: None,
            step,
            time_ns,
            stack: StackId::NONE,
            thread: cpu.thread_number(),
            cpu: cpu.index(),
            irql: cpu.irql(),
        }
    }

    /// The IRQL of the processor then.
    pub(crate) fn irql(&self) -> Irql {
        self.irql
    }

    /// The moment, on the machine that it was one of. A line of the simulator's own is left out: it is of no
    /// use to a driver's author.
    #[must_use]
    pub fn moment(&self, machine: &Machine, label: impl Into<Cow<'static, str>>) -> Moment {
        Moment {
            label: label.into(),
            thread: self.thread,
            irql: self.irql,
            step: machine.is_deterministic().then_some(self.step),
            time_ns: self.time_ns,
            call: self.routine,
            site: self.site.filter(|site| !site.is_own()),
            callbacks: if self.callback.id == KERNEL.id { Vec::new() } else { vec![self.callback] },
            stack: machine.stacks.get(self.stack),
            ..Moment::on(self.cpu)
        }
    }
}

/// A place for a mark.
#[derive(Default)]
pub struct Stamp {
    /// Null as long as nothing is noted. Stored last.
    callback: AtomicPtr<Callback>,
    /// Null for no routine.
    routine: AtomicPtr<DdiInfo>,
    site: AtomicSite,
    step: AtomicU64,
    time_ns: AtomicU64,
    stack: AtomicU32,
    thread: AtomicU32,
    cpu: AtomicU8,
    irql: AtomicU8,
}

impl Stamp {
    /// Puts a mark there.
    #[inline]
    pub fn note(&self, mark: Mark) {
        self.routine.store(mark.routine.map_or(null_mut(), |routine| from_ref(routine).cast_mut()), Relaxed);
        self.site.store(mark.site);
        self.step.store(mark.step, Relaxed);
        self.time_ns.store(mark.time_ns, Relaxed);
        self.stack.store(mark.stack.number(), Relaxed);
        self.thread.store(mark.thread, Relaxed);
        self.cpu.store(mark.cpu, Relaxed);
        self.irql.store(mark.irql.0, Relaxed);
        self.callback.store(from_ref(mark.callback).cast_mut(), Release);
    }

    /// Adds a line of the driver to what is noted.
    #[inline]
    pub fn note_site(&self, site: Option<Site>) {
        self.site.store(site);
    }

    /// Forgets what was noted.
    #[inline]
    pub fn clear(&self) {
        self.callback.store(null_mut(), Relaxed);
    }

    /// Whether a line of the driver is noted.
    #[must_use]
    pub fn has_site(&self) -> bool {
        self.site.load().is_some()
    }

    /// The number of the step; 0 in the parallel executor.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step.load(Relaxed)
    }

    /// The noted call.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        // SAFETY: only references to static data are stored.
        let callback: &'static Callback = unsafe { self.callback.load(Acquire).as_ref() }?;
        Some(Mark {
            callback,
            // SAFETY: only references to static data are stored.
            routine: unsafe { self.routine.load(Relaxed).as_ref() },
            site: self.site.load(),
            step: self.step(),
            time_ns: self.time_ns.load(Relaxed),
            stack: StackId::numbered(self.stack.load(Relaxed)),
            thread: self.thread.load(Relaxed),
            cpu: self.cpu.load(Relaxed),
            irql: Irql(self.irql.load(Relaxed)),
        })
    }

    /// The noted moment, of that machine; `None` if none was noted.
    #[must_use]
    pub fn moment(&self, machine: &Machine, label: impl Into<Cow<'static, str>>) -> Option<Moment> {
        self.mark().map(|mark| mark.moment(machine, label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugcheck::Ending;
    use crate::machine::{Config, Execution};
    use crate::routine::{DISPATCH, START_IO};

    #[test]
    fn a_stamp_gives_back_what_was_noted_until_it_is_cleared() {
        let outcome = Config::new(1, Execution::Seeded(0)).unwrap().run(|| {
            let (cpu, machine) = (Processor::current(), Machine::current().unwrap());
            let stamp = Stamp::default();
            assert_eq!(stamp.moment(machine, "never"), None);
            stamp.note(Mark::of_entry(cpu, &DISPATCH));
            let entered = stamp.moment(machine, "handed out").unwrap();
            assert_eq!((entered.callback(), entered.site), (Some(&DISPATCH), None));
            let line = Site::intern("driver.c", 7, 1);
            stamp.note_site(Some(line));
            assert_eq!(stamp.moment(machine, "handed out").unwrap().site, Some(line));
            stamp.note_site(Some(Site::caller()));
            assert_eq!(stamp.moment(machine, "handed out").unwrap().site, None, "of the simulator");
            stamp.note(Mark::of_entry(cpu, &START_IO));
            let again = stamp.moment(machine, "handed out").unwrap();
            assert_eq!((again.callback(), again.site), (Some(&START_IO), None));
            stamp.clear();
            assert_eq!(stamp.moment(machine, "cleared"), None);
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}
