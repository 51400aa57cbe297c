//! `Stamp`: a moment noted cheaply, for what may have to be shown much later.
//!
//! A [`Moment`] owns lists and is made when something was found. A stamp is what can be kept for every
//! request: a few plain stores, readable at any time, and made into a moment when a report asks. Machine time
//! and step are noted in the deterministic executor only: reading the clock is dear in the other, which has
//! no order of steps. Invariant: a stamp that was never noted, or was cleared, gives no moment.

#![expect(unsafe_code, reason = "keeps references to static data in atomic pointers")]

use crate::ddi::Call;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::{Processor, flag};
use crate::routine::{Callback, DdiInfo};
use crate::site::{AtomicSite, Site};
use crate::stack::StackId;
use std::borrow::Cow;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};

/// See the module page.
#[derive(Default)]
pub struct Stamp {
    /// The callback that was active; null as long as nothing is noted. Stored last.
    callback: AtomicPtr<Callback>,
    /// The routine that was called, or null.
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
    /// Notes a call of a driver, in the callback that is active.
    #[inline]
    pub fn note(&self, call: &Call) {
        self.routine.store(std::ptr::from_ref(call.ddi).cast_mut(), Relaxed);
        self.site.store(Some(call.site));
        let keeps_stacks = call.hooks() & flag::STACKS != 0;
        let stack = if keeps_stacks { call.machine().stacks.keep() } else { StackId::NONE };
        self.stack.store(stack.number(), Relaxed);
        self.note_place(call.cpu, call.cpu.frame().kind);
    }

    /// Notes that a callback of that kind is entered now. The line is not known yet; see
    /// [`Stamp::note_site`].
    #[inline]
    pub fn note_entry(&self, cpu: &Processor, kind: &'static Callback) {
        self.routine.store(null_mut(), Relaxed);
        self.site.store(None);
        self.stack.store(StackId::NONE.number(), Relaxed);
        self.note_place(cpu, kind);
    }

    #[inline]
    fn note_place(&self, cpu: &Processor, kind: &'static Callback) {
        self.cpu.store(cpu.index(), Relaxed);
        self.irql.store(cpu.irql().0, Relaxed);
        self.thread.store(cpu.thread_number(), Relaxed);
        let machine = cpu.machine();
        if machine.is_deterministic() {
            self.step.store(machine.step(), Relaxed);
            self.time_ns.store(machine.time_ns(), Relaxed);
        }
        self.callback.store(std::ptr::from_ref(kind).cast_mut(), Release);
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

    /// The noted moment, of that machine; `None` if none was noted.
    #[must_use]
    pub fn moment(&self, machine: &Machine, label: impl Into<Cow<'static, str>>) -> Option<Moment> {
        // SAFETY: only references to static data are stored.
        let callback: &'static Callback = unsafe { self.callback.load(Acquire).as_ref() }?;
        // SAFETY: only references to static data are stored.
        let call: Option<&'static DdiInfo> = unsafe { self.routine.load(Relaxed).as_ref() };
        Some(Moment {
            label: label.into(),
            thread: self.thread.load(Relaxed),
            irql: Irql(self.irql.load(Relaxed)),
            step: machine.is_deterministic().then(|| self.step()),
            time_ns: self.time_ns.load(Relaxed),
            call,
            site: self.site.load(),
            // Code outside all callbacks is a model's, or the rig's.
            callbacks: if callback.is_system { Vec::new() } else { vec![callback] },
            stack: machine.stacks.get(StackId::numbered(self.stack.load(Relaxed))),
            ..Moment::on(self.cpu.load(Relaxed))
        })
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
            stamp.note_entry(cpu, &DISPATCH);
            let entered = stamp.moment(machine, "handed out").unwrap();
            assert_eq!((entered.callback(), entered.site), (Some(&DISPATCH), None));
            let here = Site::caller();
            stamp.note_site(Some(here));
            assert_eq!(stamp.moment(machine, "handed out").unwrap().site, Some(here));
            stamp.note_entry(cpu, &START_IO);
            let again = stamp.moment(machine, "handed out").unwrap();
            assert_eq!((again.callback(), again.site), (Some(&START_IO), None));
            stamp.clear();
            assert_eq!(stamp.moment(machine, "cleared"), None);
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}
