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

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
