//! A schedule as the default scheduler and a short list of deviations from it.
//!
//! A deviation says where the running processor was, and what is taken there instead of what
//! [`steady`](super::steady::steady) would take. *Where* is no step number, which any edit of the
//! driver moves, but a [`Place`]: the processor, the driver callback it is in, the call it is about to
//! make, and the how-manieth time that is so while there is a choice. Moved lines and calls added
//! elsewhere leave it where it was.
//!
//! Every run can be described like this: [`Describing`] compares the choices of any strategy with the
//! default scheduler's. [`Deviating`] makes a run from a description. Invariant: a run made from the
//! description of another makes the same choices, so it has the same trace hash.

mod describe;
mod deviate;
mod text;

pub use describe::{Describing, Description, Point};
pub use deviate::{Deviating, Misfit, Outcomes};

use kernel_sim::choose::Choice;
use kernel_sim::machine::Machine;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where a processor is, as far as a person could tell it again after an unrelated edit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The processor.
    pub cpu: u8,
    /// Its innermost driver callback; `kernel` where there is none.
    pub callback: Cow<'static, str>,
    /// The call it is about to make or making; `None` between calls of the simulator itself.
    pub call: Option<Cow<'static, str>>,
}

/// One choice that is made otherwise than the default scheduler would.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deviation {
    /// Where the running processor is.
    pub place: Place,
    /// The how-manieth choice of that kind there it is, from 1. Which transition comes next is one
    /// kind; which of several threads, timers or commands is picked is another.
    pub nth: u32,
    /// What is taken instead.
    pub take: Choice,
}

impl Deviation {
    /// Which choice it is for: of two deviations for the same choice only one can be made.
    #[must_use]
    pub fn at(&self) -> (Place, bool, u32) {
        (self.place.clone(), self.picks(), self.nth)
    }

    /// Whether it is for a pick.
    fn picks(&self) -> bool {
        matches!(self.take, Choice::Picked(_))
    }
}

/// A place and a kind of choice, by number: what is counted while a run is made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Spot {
    cpu: u8,
    picks: bool,
    callback: u16,
    call: Option<u16>,
}

/// Counts the choices at each spot.
#[derive(Default)]
struct Counts(BTreeMap<Spot, u32>);

impl Counts {
    /// Counts a choice; returns its place and its number among the choices there.
    fn count(&mut self, picks: bool) -> (Place, u32) {
        let (spot, place) = here(picks);
        let n = self.0.entry(spot).or_insert(0);
        *n = n.saturating_add(1);
        (place, *n)
    }
}

/// Where the running processor is.
fn here(picks: bool) -> (Spot, Place) {
    let machine = Machine::current().expect("choices are made on a machine");
    let cpu = machine.running();
    let (callback, call) = machine.position(cpu);
    let spot = Spot { cpu, picks, callback: callback.id, call: call.map(|(ddi, _)| ddi.id) };
    let place =
        Place { cpu, callback: callback.name.into(), call: call.map(|(ddi, _)| Cow::Borrowed(ddi.name)) };
    (spot, place)
}
