//! The last moment of each of many things, by their addresses.
//!
//! A table of fixed size, in which a thing may lose its place to another: so noting costs the same however
//! long a run is. It is for evidence only. Invariant: what it returns was noted of that very address; what it
//! has forgotten it does not return.

use crate::stamp::{Mark, Stamp};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Places of the table.
const PLACES: usize = 256;
/// Blocks of memory lie at multiples of this.
const GRAIN: usize = 64;

/// See the module page. Made with its first use: most machines have none.
#[derive(Default)]
pub(crate) struct Marks(OnceLock<Box<[Place]>>);

/// The address of a thing, or 0, and when it happened to it.
#[derive(Default)]
struct Place(AtomicUsize, Stamp);

impl Marks {
    /// Notes when it happened to the thing at an address.
    pub(crate) fn note(&self, address: usize, mark: Mark) {
        let places = self.0.get_or_init(|| (0..PLACES).map(|_| Place::default()).collect());
        let place = &places[place_of(address)];
        place.0.store(address, Relaxed);
        place.1.note(mark);
    }

    /// When it happened last to the thing at an address, as far as that is still known.
    pub(crate) fn get(&self, address: usize) -> Option<Mark> {
        let place = self.place(address)?;
        place.1.mark()
    }

    /// Forgets what was noted of an address.
    pub(crate) fn forget(&self, address: usize) {
        if let Some(place) = self.place(address) {
            place.1.clear();
        }
    }

    fn place(&self, address: usize) -> Option<&Place> {
        let place = &self.0.get()?[place_of(address)];
        (place.0.load(Relaxed) == address).then_some(place)
    }
}

fn place_of(address: usize) -> usize {
    address / GRAIN % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugcheck::Ending;
    use crate::machine::{Config, Execution};
    use crate::processor::Processor;
    use crate::routine::DISPATCH;

    #[test]
    fn what_lost_its_place_or_was_forgotten_is_not_returned() {
        let outcome = Config::new(1, Execution::Seeded(0)).unwrap().run(|| {
            let marks = Marks::default();
            let (one, same_place, other) = (GRAIN, GRAIN * (PLACES + 1), GRAIN * 2);
            let mark = Mark::of_entry(Processor::current(), &DISPATCH);
            assert!(marks.get(one).is_none());
            marks.note(one, mark);
            marks.note(other, mark);
            assert!(marks.get(one).is_some() && marks.get(same_place).is_none());
            marks.note(same_place, mark);
            assert!(marks.get(one).is_none() && marks.get(same_place).is_some());
            marks.forget(other);
            assert!(marks.get(other).is_none());
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}
