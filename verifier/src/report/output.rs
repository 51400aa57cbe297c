//! Standard output, where results go, and what happens when it does not take them.
//!
//! A full disk or a closed descriptor is no reason to lose a finding: it goes to standard error then, and
//! the command says at its end what was wrong. A pipe that its reader has closed, as `head` does, is no
//! mistake, and what it would have shown is dropped. Invariant: nothing here panics.

use super::Progress;
use super::bars::Bars;
use parking_lot::Mutex;
use std::io::{self, ErrorKind, Write as _};
use std::time::Duration;

/// Standard output below the lines of the work under way.
pub(super) struct Output {
    bars: Bars,
    /// Why nothing is written to it any more.
    failed: Mutex<Option<io::Error>>,
}

impl Output {
    /// `interval` is between two signs of life on standard error; see [`Bars::new`].
    pub(super) fn new(interval: Duration) -> Output {
        Output { bars: Bars::new(interval), failed: Mutex::default() }
    }

    /// Prints a result.
    pub(super) fn print(&self, text: &str) {
        let _ = self.write(text);
    }

    /// Prints what was found: on standard error if standard output does not take it.
    pub(super) fn print_finding(&self, text: &str) {
        if !self.write(text) {
            self.bars.around(|| {
                // There is no third place to go to.
                let _ = anstream::stderr().lock().write_all(text.as_bytes());
            });
        }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        self.bars.show(progress);
    }

    /// Whether everything was written, as far as anybody wanted to read it.
    ///
    /// # Errors
    /// The first error of standard output.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match self.failed.get_mut().take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether the text has been written, or is not wanted.
    fn write(&self, text: &str) -> bool {
        let mut failed = self.failed.lock();
        if failed.is_none() {
            let mut out = anstream::stdout().lock();
            let written = || out.write_all(text.as_bytes()).and_then(|()| out.flush());
            *failed = self.bars.around(written).err();
        }
        failed.as_ref().is_none_or(|error| error.kind() == ErrorKind::BrokenPipe)
    }
}
