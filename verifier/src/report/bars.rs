//! Progress of long work, on standard error.
//!
//! On a terminal one line for each piece of work that is under way, the innermost last; elsewhere a line now
//! and then (`heartbeat.rs`). Invariant: what is printed through [`Bars::around`] stands above the lines and
//! is never overwritten by them.

use super::heartbeat::Heartbeat;
use super::{Count, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

/// How often the sign of work under way turns.
const TICK: Duration = Duration::from_millis(200);

/// The lines of the work under way.
pub(super) struct Bars {
    /// Hidden by itself where standard error is no terminal.
    lines: MultiProgress,
    /// The work under way, the innermost last.
    open: Vec<ProgressBar>,
    /// Lines where it is none.
    heartbeat: Option<Heartbeat>,
}

impl Bars {
    /// Where standard error is no terminal, a line every `interval`; none if that is zero.
    pub(super) fn new(interval: Duration) -> Bars {
        let beats = !interval.is_zero() && !stderr().is_terminal();
        let heartbeat = if beats { Heartbeat::start(interval) } else { None };
        Bars { lines: MultiProgress::default(), open: Vec::new(), heartbeat }
    }

    /// Shows what is told.
    pub(super) fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Began { what, counted } => {
                if let Some(heartbeat) = &self.heartbeat {
                    heartbeat.began(&what, counted);
                }
                self.open.push(self.lines.add(bar(what, counted)));
            }
            Progress::At(executions) => {
                if let Some(heartbeat) = &self.heartbeat {
                    heartbeat.at(executions);
                }
                if let Some(bar) = self.open.last() {
                    bar.set_position(executions);
                }
            }
            Progress::Ended => {
                if let Some(heartbeat) = &self.heartbeat {
                    heartbeat.ended();
                }
                if let Some(bar) = self.open.pop() {
                    bar.finish_and_clear();
                }
            }
            Progress::Note(text) => self.around(|| anstream::eprintln!("note: {text}")),
            Progress::Error(text) => self.around(|| anstream::eprintln!("error: {text}")),
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
            (ProgressBar::new(total), "{msg} {wide_bar} {pos}/{len} {rate}, {eta} left")
        }
        Some(Count { total: None }) => (ProgressBar::new_spinner(), "{spinner} {msg} {pos} {rate} {elapsed}"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
    };
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let rate = state.per_sec();
        // A terminal that takes no more is no mistake.
        let _ = if rate < 10.0 { write!(out, "{rate:.1}/s") } else { write!(out, "{rate:.0}/s") };
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.with_key("rate", rate));
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
