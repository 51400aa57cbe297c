//! Progress of long work, on standard error and only on a terminal.
//!
//! One line for each piece of work that is under way, the innermost last. Invariant: what is printed
//! through [`Bars::around`] stands above the lines and is never overwritten by them.

use super::{Count, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::time::Duration;

/// How often the sign of work under way turns.
const TICK: Duration = Duration::from_millis(200);

/// The lines of the work under way.
#[derive(Default)]
pub(super) struct Bars {
    /// Hidden by itself where standard error is no terminal.
    lines: MultiProgress,
    /// The work under way, the innermost last.
    open: Vec<ProgressBar>,
}

impl Bars {
    /// Shows what is told.
    pub(super) fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Began { what, counted } => self.open.push(self.lines.add(bar(what, counted))),
            Progress::At(executions) => {
                if let Some(bar) = self.open.last() {
                    bar.set_position(executions);
                }
            }
            Progress::Ended => {
                if let Some(bar) = self.open.pop() {
                    bar.finish_and_clear();
                }
            }
            Progress::Note(text) => self.around(|| anstream::eprintln!("note: {text}")),
        }
    }

    /// Prints something above the lines.
    pub(super) fn around<T>(&self, print: impl FnOnce() -> T) -> T {
        self.lines.suspend(print)
    }
}

fn bar(what: String, counted: Option<Count>) -> ProgressBar {
    let (bar, template) = match counted {
        Some(Count { total: Some(total) }) => {
            (ProgressBar::new(total), "{msg} {wide_bar} {pos}/{len} {per_sec}, {eta} left")
        }
        Some(Count { total: None }) => {
            (ProgressBar::new_spinner(), "{spinner} {msg} {pos} {per_sec} {elapsed}")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    if counted.is_none() {
        bar.enable_steady_tick(TICK);
    }
    bar
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.open.drain(..).rev() {
            bar.finish_and_clear();
        }
    }
}
