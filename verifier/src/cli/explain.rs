//! `storsim explain`: what a word is about that lists or reports print.

use super::args::ExplainArguments;
use super::ended::{Found, Refusal};
use crate::driver::Driver;
use crate::explain;
use crate::program::program_name;
use crate::report::Reporter;

pub(super) fn explain(
    drivers: &[&Driver],
    arguments: &ExplainArguments,
    reporter: &mut dyn Reporter,
) -> Result<Found, Refusal> {
    let word = arguments.name.trim();
    let pages = explain::pages(drivers, word);
    if pages.is_empty() {
        let hint = explain::did_you_mean(word, explain::words(drivers));
        let hint = hint.unwrap_or_else(|| format!("see '{} list'", program_name()));
        return Err(Refusal(format!("'{word}' is no word this simulator knows; {hint}")));
    }
    reporter.explain(&pages);
    Ok(Found::Nothing)
}
