//! The course of a command over its drivers, one after the other, and what it came to.
//!
//! Of several drivers one that cannot be run is no reason to leave out the rest: why is said, and the next
//! one is begun. Of a single one it is the command's own refusal. Invariant: every driver is in the tally
//! once.

use super::ended::{Found, Refusal};
use super::interrupt::Interrupt;
use crate::driver::Driver;
use crate::report::{Progress, Reporter, Tally};

pub(super) struct Course {
    tally: Tally,
    found: Found,
    is_single: bool,
}

impl Course {
    /// Over so many drivers.
    pub(super) fn of(drivers: usize) -> Course {
        Course { tally: Tally::default(), found: Found::Nothing, is_single: drivers == 1 }
    }

    /// Notes how a driver came out.
    pub(super) fn note(
        &mut self,
        driver: &Driver,
        result: Result<Found, Refusal>,
        reporter: &mut dyn Reporter,
    ) -> Result<(), Refusal> {
        let found = match result {
            Err(why) if self.is_single => return Err(why),
            Err(Refusal(why)) => {
                reporter.progress(Progress::Error(why));
                Found::Refused
            }
            Ok(found) => found,
        };
        match found {
            Found::Nothing => self.tally.clean += 1,
            Found::Something => self.tally.found.push(driver.name),
            Found::Limit | Found::Refused => self.tally.not_run.push(driver.name),
            Found::Interrupted(_) => self.tally.interrupted.push(driver.name),
        }
        if self.found == Found::Nothing || found == Found::Something {
            self.found = found;
        }
        Ok(())
    }

    /// Notes those whose turn never comes.
    pub(super) fn not_begun<'a>(&mut self, drivers: impl IntoIterator<Item = &'a &'static Driver>) {
        self.tally.not_begun.extend(drivers.into_iter().map(|driver| driver.name));
    }

    /// Tells the tally, where there were several; returns what it all came to.
    pub(super) fn end(self, interrupt: &Interrupt, reporter: &mut dyn Reporter) -> Found {
        if !self.is_single {
            reporter.tally(&self.tally);
        }
        match interrupt.came() {
            Some(signal) if self.found != Found::Something => Found::Interrupted(signal),
            _ => self.found,
        }
    }
}
