//! A run made from the default scheduler and deviations from it.

use super::{Deviation, Spot, here};
use crate::explore::steady::steady_here;
use kernel_sim::choose::{Choice, Choose, Enabled, Parted, Transition};
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What to do with a deviation that cannot be taken where it applies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Misfit {
    /// The run ends there, and says why.
    Parts,
    /// The default scheduler's choice is made.
    IsSkipped,
}

/// At which step each deviation of a list was taken; `None` while it was not. Filled while the run is
/// made.
pub type Outcomes = Arc<Mutex<Vec<Option<u64>>>>;

/// The default scheduler with deviations.
pub struct Deviating {
    deviations: Vec<Deviation>,
    misfit: Misfit,
    /// The step at which the run is given up.
    steps_max: u64,
    spots: BTreeMap<Spot, Due>,
    /// Deviations whose choice has not come yet. When there are none left, nothing is counted.
    left: usize,
    outcomes: Outcomes,
    parted: Option<Parted>,
}

/// The choices at one spot: how many there were, and which deviations are still to come.
struct Due {
    count: u32,
    /// Number of the choice and index of the deviation, the last first.
    to_come: Vec<(u32, usize)>,
}

impl Deviating {
    /// The default scheduler with `deviations`. Two of them must not be for the same choice.
    #[must_use]
    pub fn new(deviations: Vec<Deviation>, misfit: Misfit) -> Deviating {
        let outcomes = Arc::new(Mutex::new(vec![None; deviations.len()]));
        let left = deviations.len();
        let spots = BTreeMap::new();
        Deviating { deviations, misfit, steps_max: u64::MAX, spots, left, outcomes, parted: None }
    }

    /// Gives the run up at step `steps_max`.
    #[must_use]
    pub fn at_most(mut self, steps_max: u64) -> Deviating {
        self.steps_max = steps_max;
        self
    }

    /// Where it will say which deviations were taken.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        Arc::clone(&self.outcomes)
    }

    /// Counts a choice here; returns the deviation that is for it.
    fn due(&mut self, picks: bool) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        let (spot, place) = here(picks);
        let due = self.spots.entry(spot).or_insert_with(|| {
            let is_here = |d: &Deviation| d.place == place && d.picks() == picks;
            let there = self.deviations.iter().enumerate().filter(|(_, d)| is_here(d));
            let mut to_come: Vec<_> = there.map(|(index, d)| (d.nth, index)).collect();
            to_come.sort_unstable_by(|a, b| b.cmp(a));
            Due { count: 0, to_come }
        });
        due.count = due.count.saturating_add(1);
        let now = due.count;
        let (_, index) = due.to_come.pop_if(|(nth, _)| *nth == now)?;
        self.left -= 1;
        Some(index)
    }

    fn took(&self, index: usize, step: u64) {
        self.outcomes.lock()[index] = Some(step);
    }

    /// A deviation could not be taken: `Some` if the run goes on.
    fn misfit<T>(&mut self, step: u64, usual: T, why: String) -> Option<T> {
        match self.misfit {
            Misfit::IsSkipped => Some(usual),
            Misfit::Parts => {
                self.parted = Some(Parted { step, why });
                None
            }
        }
    }
}

impl Choose for Deviating {
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        let usual = steady_here(enabled);
        if step > self.steps_max {
            self.parted = Some(Parted { step, why: "the run was given up: it takes too long".into() });
            return None;
        }
        let Some(index) = self.due(false) else { return Some(usual) };
        match self.deviations[index].take {
            Choice::Took(t) if enabled.contains(t) => {
                self.took(index, step);
                Some(t)
            }
            take => self.misfit(step, usual, why_not(take)),
        }
    }

    fn pick(&mut self, step: u64, n: u32) -> Option<u32> {
        let Some(index) = self.due(true) else { return Some(0) };
        match self.deviations[index].take {
            Choice::Picked(k) if k < n => {
                self.took(index, step);
                Some(k)
            }
            Choice::Picked(k) => {
                self.misfit(step, 0, format!("the schedule picks number {k}, only {n} are there"))
            }
            take => self.misfit(step, 0, why_not(take)),
        }
    }

    fn parted(&self) -> Parted {
        self.parted.clone().expect("asked only after a refusal")
    }
}

/// Why a choice that is not enabled is not.
fn why_not(take: Choice) -> String {
    let Choice::Took(transition) = take else {
        return "the schedule picks where there is nothing to pick".into();
    };
    match transition {
        Transition::Run(n) => format!("the schedule resumes CPU {n}, but {}", state(n)),
        Transition::Interrupt(n) => {
            format!("the schedule interrupts CPU {n}, but nothing is pended that it would accept")
        }
        Transition::Dpc(n) => {
            format!("the schedule drains the DPC queue of CPU {n}, but it is empty or masked")
        }
        Transition::Switch(n) => format!("the schedule switches threads on CPU {n}, but no other is ready"),
        Transition::Device(n) => format!("the schedule steps device {n}, but it has nothing to do"),
        Transition::Timer => "the schedule expires a timer, but none is due".into(),
    }
}

/// What a processor that cannot go on does instead.
fn state(cpu: u8) -> String {
    let machine = Machine::current().expect("choices are made on a machine");
    if cpu >= machine.processor_count() {
        return format!("the machine has only {} processors", machine.processor_count());
    }
    match machine.position(cpu) {
        (callback, Some((ddi, _))) => format!("CPU {cpu} waits at {} in {}", ddi.name, callback.name),
        (_, None) => format!("CPU {cpu} is idle"),
    }
}
