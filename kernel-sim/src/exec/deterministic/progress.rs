//! When no processor makes progress: time passes, a loop that polls is a livelock, and a run comes to rest.
//!
//! Polling calls in a row are counted, for the machine and for each processor. It chooses nothing. Invariant:
//! a run ends by itself, with a name for what it waits for.

#![expect(unsafe_code, reason = "fibers and host threads share the machine by pointers")]

use super::Deterministic;
use crate::bugcheck::{Ending, Endless, Livelock};
use crate::choose::{Enabled, Transition};
use crate::frame::Frame;
use crate::machine::Machine;
use crate::processor::Processor;

/// Polling steps in a row, with nothing else enabled, that make a livelock.
const POLLS_MAX: u64 = 100_000;
/// Polling steps in a row after which what is polled for is taken to depend on a later timer.
pub(super) const POLLS_PATIENCE: u64 = 1_000;
/// Polling calls in a row of one processor that make a livelock even if other things still happen, such as a
/// periodic timer.
const OWN_POLLS_MAX: u32 = 2_000_000;

/// How often a run is looked at before it is given up, and how many of those looks may meet one callback of
/// raised IRQL: it has made a quarter of all steps then.
const LOOKS: u64 = 64;
const LOOKS_AT_ONE_MAX: u16 = 16;

/// Steps that one callback of a driver's may make in a row with nothing else possible: it waits for nothing
/// then, and nothing waits for a turn.
const ALONE_MAX: u64 = 1_000_000;

/// What may run alone: as long as no choice is made and no thread is switched to.
#[derive(Clone, Copy, Default)]
pub(super) struct Alone {
    choices: usize,
    switches: u64,
    /// The step of the look that met it first.
    since: u64,
    /// Whether that is too long ago.
    is_too_long: bool,
}

/// The step of the look that comes after step `step`.
pub(super) fn look_after(step: u64, steps_max: u64) -> u64 {
    step.saturating_add(steps_max.div_ceil(LOOKS)).min(steps_max)
}

/// The farthest that time leaps to a timer: a second, which is how often drivers look after their devices.
const LEAP_NS_MAX: u64 = 1_000_000_000;

impl Deterministic {
    /// Notes a call: a polling one brings a livelock nearer, any other is progress.
    #[inline]
    pub(crate) fn note_call(&self, machine: &Machine, cpu: &Processor, polls: bool) {
        if polls {
            self.note_look(machine, cpu);
        } else {
            self.note_progress();
            self.own_polls[usize::from(cpu.index())].set(0);
        }
    }

    /// Notes that something happened.
    #[inline]
    pub(super) fn note_progress(&self) {
        self.polls.set(0);
        self.switches.set(0);
    }

    /// Notes that a call only looked at something.
    pub(crate) fn note_look(&self, machine: &Machine, cpu: &Processor) {
        self.switches.set(0);
        self.polls.set(self.polls.get() + 1);
        let own = &self.own_polls[usize::from(cpu.index())];
        own.set(own.get() + 1);
        if own.get() == OWN_POLLS_MAX {
            self.stop_livelock(machine, cpu, u64::from(OWN_POLLS_MAX));
        }
    }

    #[cold]
    fn stop_livelock(&self, machine: &Machine, cpu: &Processor, polls: u64) {
        machine.stop(Ending::Livelock(Box::new(Livelock { place: cpu.place(), polls })));
    }

    /// From now on a standstill is the regular end of the run, not a deadlock.
    pub(crate) fn end_when_still(&self) {
        self.ends_when_still.set(true);
    }

    /// How many polling calls and futile thread switches in a row were made since anything else happened.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.get() + self.switches.get()
    }

    /// Whether the run has made as many steps as it may; or one DPC, ISR or other callback of raised IRQL,
    /// which should end soon, too many of them; or another one too many alone. Looks now and then, at the
    /// processor that runs.
    #[cold]
    pub(super) fn has_no_end(&self, machine: &Machine, step: u64) -> bool {
        self.look_at.set(look_after(step, self.steps_max));
        let cpu = &machine.processors[usize::from(self.current.get())];
        let met_too_often = |frame: &Frame<'_>| frame.look() >= LOOKS_AT_ONE_MAX;
        let is_endless = match cpu.raised_frame() {
            Some(frame) => {
                self.alone.take();
                met_too_often(frame)
            }
            None => {
                self.look_who_is_alone(cpu, step);
                self.alone.get().is_too_long
            }
        };
        is_endless || step >= self.steps_max
    }

    /// Notes for how long one activation of the driver's has run alone, as far as looks have met it.
    fn look_who_is_alone(&self, cpu: &Processor, step: u64) {
        // SAFETY: one host thread; the strategy is not at work.
        let choices = unsafe { &*self.choices.get() }.len();
        let mut switches = 0;
        cpu.count(|stats| switches = stats.switches);
        let was_met = cpu.outermost_frame().is_some_and(|frame| frame.look() > 1);
        let before = self.alone.get();
        let is_same = was_met && (before.choices, before.switches) == (choices, switches);
        let since = if is_same { before.since } else { step };
        let is_too_long = is_same && step - since >= ALONE_MAX;
        self.alone.set(Alone { choices, switches, since, is_too_long });
    }

    /// The run does not come to its end.
    #[cold]
    pub(super) fn give_up(&self, machine: &Machine, steps: u64) -> Option<Transition> {
        let cpu = &machine.processors[usize::from(self.current.get())];
        let is_alone = self.alone.get().is_too_long;
        machine.stop(Ending::Endless(Box::new(Endless { place: cpu.place(), steps, is_alone })));
        None
    }

    /// No processor can go on now: advances machine time to the next timer, or ends the run.
    #[cold]
    pub(super) fn let_time_pass(&self, machine: &Machine) -> Option<()> {
        let due = self.next_due_ns.get();
        if due == u64::MAX {
            machine
                .stop(Ending::Deadlock(Box::new(machine.standstill("no processor and no thread can go on"))));
            return None;
        }
        self.note_waited();
        self.time_ns.set(due.max(self.time_ns.get()));
        Some(())
    }

    /// Time leaps to the next timer, if that is not far, though processors have work: as on a machine that
    /// was held up between two instructions. A time-out of many seconds is left alone: what it guards has had
    /// few steps.
    #[cold]
    pub(super) fn leap(&self, step: u64) {
        self.leaps_at.set(step + u64::from(self.timers_every));
        let (due, now) = (self.next_due_ns.get(), self.time_ns.get());
        if due > now && due - now <= LEAP_NS_MAX {
            self.time_ns.set(due);
        }
    }

    /// No processor can go on, and that is the regular end: parks the fiber that noticed, for good or until
    /// the machine is powered on again; then it is like any other that was parked at a choice.
    #[cold]
    pub(super) fn rest(&self, machine: &Machine) -> Option<Transition> {
        self.at_rest.set(true);
        let cpu = &machine.processors[usize::from(self.current.get())];
        // SAFETY: we run on the fiber of this processor's thread.
        unsafe { (*cpu.thread.get()).parker.park() };
        (!machine.is_quiet()).then(|| self.order.get())
    }

    /// A processor has been polling for long: moves to the next timer if nothing else could help, and calls
    /// it a livelock when nothing will.
    #[cold]
    pub(super) fn lose_patience(&self, machine: &Machine, enabled: &Enabled<'_>) -> Option<()> {
        if !enabled.is_only_running() || !self.polls.get().is_multiple_of(POLLS_PATIENCE) {
            return Some(());
        }
        let due = self.next_due_ns.get();
        if due != u64::MAX {
            self.note_waited();
            self.time_ns.set(due.max(self.time_ns.get()));
        }
        if self.polls.get() >= POLLS_MAX {
            let cpu = &machine.processors[usize::from(self.current.get())];
            self.stop_livelock(machine, cpu, self.polls.get());
            return None;
        }
        Some(())
    }
}
