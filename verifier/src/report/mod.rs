//! Who prints the results of runs: one trait, and a file for each form.
//!
//! A command tells a [`Reporter`] what happens, in order; the reporter prints it as it goes (text, JSON
//! Lines) or as one document at its end. `text.rs` and `json.rs` are the two there are; another form is a
//! file of its own and a line in [`Format`]. The other files render parts: `ending.rs` turns a run's end
//! into the one value that is printed, `finding.rs` prints that as text.
//!
//! Invariant: renderings show what is in a run and compute nothing of their own, so they cannot disagree.

mod bars;
mod ending;
mod finding;
mod fit;
mod heartbeat;
mod json;
mod listing;
mod output;
mod page;
mod run_report;
mod shrunk;
mod source;
mod statistics;
mod stress;
mod style;
mod tally;
mod text;
mod timeline;
mod wrap;

pub use finding::finding;
pub use listing::Listing;
pub use run_report::{Kept, RunReport};
pub use style::Style;
pub use tally::Tally;
pub use wrap::WIDTH_DEFAULT;

use crate::explain::Page;
use crate::explore::findings::SiteKey;
use crate::explore::summary::Summary;
use std::time::Duration;

/// Prints the results of a command in one form.
///
/// A command calls `begin` first and `end` last, and between them the others as things happen.
pub trait Reporter: Send {
    /// A command begins.
    fn begin(&mut self, invocation: &Invocation);

    /// One run is over, whether something was found or not.
    fn run(&mut self, report: &RunReport);

    /// An exploration made a finding for the first time, in this run.
    fn finding(&mut self, key: &SiteKey, report: &RunReport);

    /// How far the work is, and remarks on it: for people who wait, on standard error.
    fn progress(&mut self, progress: Progress);

    /// The exploration of one driver is over.
    fn summary(&mut self, summary: &Summary, host: Host);

    /// A command over several drivers is over.
    fn tally(&mut self, tally: &Tally);

    /// Everything that `storsim list` names.
    fn list(&mut self, listing: &Listing);

    /// The pages of a word, one for each of its meanings.
    fn explain(&mut self, pages: &[Page]);

    /// The command is over: what was collected is printed now.
    ///
    /// # Errors
    /// When results could not be written.
    fn end(&mut self) -> std::io::Result<()>;

    /// Whether [`RunReport::trace`] would be printed: a trace that is not is not collected.
    fn wants_trace(&self) -> bool {
        false
    }
}

/// The program that was started, and what it was asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invocation {
    /// The program, as commands in reports name it.
    pub program: String,
    /// Its subcommand.
    pub command: &'static str,
}

/// How far the work is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Work begins; it may be part of work that goes on meanwhile.
    Began {
        /// The name of the work.
        what: String,
        /// Executions to make; `None` where they are not counted one by one.
        counted: Option<Count>,
    },
    /// The work that began last has made so many executions.
    At(u64),
    /// The work that began last is over.
    Ended,
    /// A remark that is no result.
    Note(String),
    /// Why one of several drivers could not be run.
    Error(String),
}

/// What there is to tell of an exploration besides its summary, which holds nothing of the host. Of merged
/// parts there is nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Host {
    /// Host time, for a rate.
    pub elapsed: Option<Duration>,
    /// It was interrupted by a signal.
    pub interrupted: bool,
    /// Schedules that were to be made, where that is known.
    pub of: Option<u64>,
}

/// Executions to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// How many; `None` where there is no end known.
    pub total: Option<u64>,
}

/// The forms of output, by their words on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

impl Format {
    /// The reporter of this form. Where standard error is no terminal, it says every `interval` how far the
    /// work is; never if that is zero.
    #[must_use]
    pub fn reporter(self, interval: Duration) -> Box<dyn Reporter> {
        match self {
            Format::Text => Box::new(text::Text::new(interval)),
            Format::Json => Box::new(json::Json::new(interval)),
        }
    }
}
