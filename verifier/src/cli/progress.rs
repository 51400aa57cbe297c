//! Progress of a long run, on standard error and only on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// Shows that a run is going on, until it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Starts showing `what`.
    pub(super) fn start(what: String) -> Progress {
        // Hidden by itself where standard error is no terminal.
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }
}

/// Shows how far an exploration is and how fast it goes, until it is dropped.
pub(super) struct Count(ProgressBar);

impl Count {
    /// Starts counting schedules of `what`, towards `total` if there is an end.
    pub(super) fn start(what: String, total: Option<u64>) -> Count {
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{msg} {wide_bar} {pos}/{len} {per_sec}, {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {pos} {per_sec} {elapsed}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Count(bar)
    }

    /// So many have been made.
    pub(super) fn at(&self, executions: u64) {
        self.0.set_position(executions);
    }

    /// Prints a result above the bar.
    pub(super) fn around<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
