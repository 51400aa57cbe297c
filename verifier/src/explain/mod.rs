//! What every word means that lists and reports print: drivers, rows, sets, strategies, faults, events, parts
//! of the environment, routines.
//!
//! Each kind of word has a file here, which makes a [`Page`] from the table that the word stands in; no text
//! about a single word is written here. Invariant: a word of `storsim list`, and one that a report has in
//! brackets, has a page. A word may have several: `removal` is a fault and an event.

mod disturbance;
mod driver;
mod environment;
mod near;
mod page;
mod routine;
mod row;
mod strategy;

pub use page::Page;
pub use routine::{irqls, link, watched_by};

pub(crate) use near::did_you_mean;

use crate::driver::Driver;

/// The pages of `word`: of a driver of `drivers`, or of anything else that has a name. None for a word that
/// has no meaning.
#[must_use]
pub fn pages(drivers: &[&Driver], word: &str) -> Vec<Page> {
    let mut pages = Vec::new();
    pages.extend(row::page(word));
    pages.extend(row::page_of_set(word));
    pages.extend(driver::page(drivers, word));
    pages.extend(strategy::page(word));
    pages.extend(disturbance::page_of_fault(word));
    pages.extend(disturbance::page_of_event(word));
    pages.extend(environment::page(word));
    pages.extend(routine::page(word));
    pages
}

/// Every word that has a page, but for the numbers of stops and what follows a strategy's colon.
#[must_use]
pub fn words(drivers: &[&Driver]) -> Vec<&'static str> {
    let of_drivers = drivers.iter().flat_map(|driver| driver.names());
    of_drivers
        .chain(row::words())
        .chain(strategy::words())
        .chain(disturbance::words())
        .chain(environment::words())
        .chain(routine::words())
        .collect()
}
