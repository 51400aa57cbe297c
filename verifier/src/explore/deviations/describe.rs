//! The choices of any strategy, described as deviations.

use super::{Counts, Deviation, Place};
use crate::explore::steady::steady_here;
use kernel_sim::choose::{Choice, Choose, Enabled, Parted, Transition};
use parking_lot::Mutex;
use std::sync::Arc;

/// What is known of a run's choices. Filled while the run is made.
#[derive(Default, Debug)]
pub struct Description {
    /// Where they deviate from the default scheduler's, in the order they were made.
    pub deviations: Vec<Deviation>,
    /// Every choice that was there, if that was asked for, in the order they were made.
    pub points: Vec<Point>,
}

/// A choice, and what else could have been taken.
#[derive(Clone, Debug)]
pub struct Point {
    /// Where the running processor was.
    pub place: Place,
    /// Whether it was a pick.
    pub picks: bool,
    /// The how-manieth choice of its kind there it was.
    pub nth: u32,
    /// What could have been taken that was not.
    pub others: Vec<Choice>,
}

impl Point {
    /// Whether `deviation` is for this choice.
    #[must_use]
    pub fn is_for(&self, deviation: &Deviation) -> bool {
        self.picks == deviation.picks() && self.nth == deviation.nth && self.place == deviation.place
    }

    /// The deviations that begin here.
    pub fn deviations(&self) -> impl Iterator<Item = Deviation> {
        self.others.iter().map(|take| Deviation { place: self.place.clone(), nth: self.nth, take: *take })
    }
}

/// A strategy whose choices are described.
pub struct Describing {
    inner: Box<dyn Choose>,
    counts: Counts,
    with_points: bool,
    description: Arc<Mutex<Description>>,
}

impl Describing {
    /// Describes what `inner` chooses; `with_points` also what it did not. The description is whole
    /// when the run is over.
    #[must_use]
    pub fn new(inner: Box<dyn Choose>, with_points: bool) -> (Describing, Arc<Mutex<Description>>) {
        let description = Arc::new(Mutex::new(Description::default()));
        let describing = Describing {
            inner,
            counts: Counts::default(),
            with_points,
            description: Arc::clone(&description),
        };
        (describing, description)
    }

    /// Notes a choice where the default scheduler takes `usual`.
    fn note(&mut self, taken: Choice, usual: Choice, others: impl FnOnce() -> Vec<Choice>) {
        let picks = matches!(taken, Choice::Picked(_));
        let (place, nth) = self.counts.count(picks);
        let mut description = self.description.lock();
        if self.with_points {
            description.points.push(Point { place: place.clone(), picks, nth, others: others() });
        }
        if taken != usual {
            description.deviations.push(Deviation { place, nth, take: taken });
        }
    }
}

impl Choose for Describing {
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        let taken = self.inner.choose(step, enabled)?;
        let others =
            || (0..enabled.len()).map(|k| enabled.nth(k)).filter(|t| *t != taken).map(Choice::Took).collect();
        self.note(Choice::Took(taken), Choice::Took(steady_here(enabled)), others);
        Some(taken)
    }

    fn pick(&mut self, step: u64, n: u32) -> Option<u32> {
        let taken = self.inner.pick(step, n)?;
        let others = || (0..n).filter(|k| *k != taken).map(Choice::Picked).collect();
        self.note(Choice::Picked(taken), Choice::Picked(0), others);
        Some(taken)
    }

    fn parted(&self) -> Parted {
        self.inner.parted()
    }
}
