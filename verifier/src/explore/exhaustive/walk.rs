//! One execution of the search: follows what is prescribed, then goes its own way.
//!
//! Past the prescription it prefers the processor that runs, so that executions are easy to read, and
//! never takes a step that is asleep. It records every step with its footprint. Invariant: what it
//! does depends on its task alone.

use super::event::{Actor, EnabledSet, Event, Foot, Label};
use super::spin::Spins;
use super::tree::{Sleeper, Task};
use kernel_sim::choose::{Choose, Enabled, Parted, Step, Transition};
use kernel_sim::machine::{Accepts, Machine};
use parking_lot::Mutex;
use std::sync::Arc;

/// Why an execution was cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// The first prescribed step that is new was not possible: there is nothing to explore.
    Impossible,
    /// All that could be done is explored elsewhere.
    Asleep,
    /// A processor polled for something that has come since; an execution that polls only after it came is
    /// explored elsewhere.
    Spinning,
    /// It took too many steps.
    TooLong,
}

/// The step that is being made.
struct Next {
    label: Label,
    enabled: EnabledSet,
    accepts: Option<Accepts>,
}

/// The record of one execution. Reused from execution to execution.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) task: Task,
    pub(super) events: Vec<Event>,
    /// What was asleep before each step from `task.known` on.
    pub(super) sleeps: Vec<Vec<Sleeper>>,
    /// Other picks than those made, by the step in which they could be made.
    pub(super) variants: Vec<(usize, Label)>,
    pub(super) cut: Option<Cut>,
    /// The prescribed step that was not possible, and before which step.
    pub(super) dropped: Option<(usize, Label)>,
    /// How many of the events were made; the rest is what processors waited for at the end.
    pub(super) made: usize,
    pub(super) spins: Spins,
    sleep: Vec<Sleeper>,
    next: Option<Next>,
    picked: usize,
    steps_max: usize,
}

impl Walk {
    /// Prepares for the task in `self.task`.
    pub(super) fn begin(&mut self, steps_max: usize) {
        self.events.clear();
        for sleep in &mut self.sleeps {
            sleep.clear();
        }
        self.variants.clear();
        self.cut = None;
        self.dropped = None;
        self.spins.clear();
        self.sleep.clear();
        self.next = None;
        self.steps_max = steps_max;
    }

    /// Adds what processors were about to do when the machine stopped: taking locks that others hold.
    /// Their races are as real as those of steps that were made.
    pub(super) fn add_blocked(&mut self) {
        let Some(enabled) = self.events.last().map(|e| e.enabled) else { return };
        for (n, lock) in self.spins.about_to_take() {
            let label = Label::of(Transition::Run(n));
            self.events.push(Event { label, foot: Foot::taking(n, lock), enabled, accepts: None });
        }
    }

    fn choose(&mut self, enabled: &Enabled<'_>) -> Option<Transition> {
        let depth = self.events.len();
        if depth >= self.steps_max {
            return self.cut(Cut::TooLong);
        }
        if depth == self.task.known {
            self.sleep.clear();
            self.sleep.extend(self.task.sleep.iter().cloned());
        }
        if depth >= self.task.known {
            let at = depth - self.task.known;
            if self.sleeps.len() <= at {
                self.sleeps.push(Vec::new());
            }
            self.sleeps[at].clear();
            self.sleeps[at].extend(self.sleep.iter().cloned());
        }
        let label = match self.task.path.get(depth) {
            Some(label) if enabled.contains(label.transition) && self.spins.allows(label.transition) => {
                label.clone()
            }
            Some(label) => {
                self.dropped = Some((depth, label.clone()));
                if depth == self.task.known {
                    return self.cut(Cut::Impossible);
                }
                // The steps on the way here are new: what follows them has to be explored all the same.
                self.task.path.truncate(depth);
                Label::of(self.free_choice(enabled)?)
            }
            None => Label::of(self.free_choice(enabled)?),
        };
        let transition = label.transition;
        self.picked = 0;
        let accepts = match Actor::of(transition) {
            Actor::Processor(n) => Machine::current().map(|machine| machine.accepts(n)),
            Actor::Device(_) | Actor::Timer => None,
        };
        self.next = Some(Next { label, enabled: EnabledSet::of(enabled), accepts });
        Some(transition)
    }

    fn cut(&mut self, why: Cut) -> Option<Transition> {
        self.cut = Some(why);
        None
    }

    /// What to do where nothing is prescribed: go on with the last actor if that can, else the first
    /// that is awake.
    fn free_choice(&mut self, enabled: &Enabled<'_>) -> Option<Transition> {
        let awake = |walk: &Walk, t: Transition| {
            walk.spins.allows(t)
                && !walk.sleep.iter().any(|s| s.label.transition == t && s.label.picks.is_empty())
        };
        if let Some(Actor::Processor(n)) = self.events.last().map(|e| e.foot.actor) {
            let on = Transition::Run(n);
            if enabled.contains(on) && awake(self, on) {
                return Some(on);
            }
        }
        if let Some(t) = (0..enabled.len()).map(|k| enabled.nth(k)).find(|t| awake(self, *t)) {
            return Some(t);
        }
        if (0..enabled.len()).any(|k| self.spins.allows(enabled.nth(k))) {
            return self.cut(Cut::Asleep);
        }
        // Only processors that poll are left.
        if self.spins.any_answered() {
            return self.cut(Cut::Spinning);
        }
        let t = enabled.nth(0);
        self.spins.release(t);
        Some(t)
    }

    fn pick(&mut self, n: u32) -> Option<u32> {
        let at = self.events.len();
        let label = &mut self.next.as_mut().expect("picks are made in the course of a step").label;
        let mut prescribed = label.picks.get(self.picked).copied();
        if prescribed.is_some_and(|pick| u32::from(pick) >= n) {
            self.dropped = Some((at, label.clone()));
            self.task.path.truncate(at);
            label.picks.truncate(self.picked);
            prescribed = None;
        }
        let pick = prescribed.unwrap_or(0);
        if prescribed.is_none() {
            label.picks.push(pick);
            for other in 1..n.min(u32::from(u16::MAX)) {
                let mut variant = label.clone();
                variant.picks[self.picked] = other as u16;
                self.variants.push((at, variant));
            }
        }
        self.picked += 1;
        Some(u32::from(pick))
    }

    fn stepped(&mut self, step: &Step<'_>) {
        let foot = Foot::of(step);
        let Some(Next { label, enabled, accepts }) = self.next.take() else {
            // Power-on.
            self.spins.stepped(step, &foot);
            return;
        };
        if self.events.len() >= self.task.known {
            self.sleep.retain(|s| !s.foot.conflicts(&foot));
        }
        self.spins.stepped(step, &foot);
        self.events.push(Event { label, foot, enabled, accepts });
    }
}

/// The walk as the machine's strategy.
pub(super) struct Walker(pub(super) Arc<Mutex<Walk>>);

impl Choose for Walker {
    fn choose(&mut self, _step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        self.0.lock().choose(enabled)
    }

    fn pick(&mut self, _step: u64, n: u32) -> Option<u32> {
        self.0.lock().pick(n)
    }

    fn parted(&self) -> Parted {
        let walk = self.0.lock();
        Parted { step: walk.events.len() as u64, why: format!("the search ended here: {:?}", walk.cut) }
    }

    fn lets_others_finish(&self) -> bool {
        true
    }

    fn follows(&self) -> bool {
        true
    }

    fn stepped(&mut self, step: &Step<'_>) {
        self.0.lock().stepped(step);
    }
}
