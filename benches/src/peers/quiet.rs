//! Silence on standard error while a peer looks for a failure.
//!
//! shuttle reports a failing schedule with `eprintln!`, whatever its configuration, and both peers
//! report by a panic, which the panic hook prints. The search is the measurement here, not the
//! report, so the process's standard error is `/dev/null` meanwhile. That is the whole process's:
//! one search at a time, and what other threads print in that time is lost too.

use parking_lot::{Mutex, MutexGuard};
use rustix::io::dup;
use rustix::stdio::{dup2_stderr, stderr};
use std::fs::File;
use std::os::fd::OwnedFd;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Standard error is silent while this lives.
#[derive(Debug)]
pub struct Quiet {
    original: OwnedFd,
    _turn: MutexGuard<'static, ()>,
}

impl Quiet {
    /// Silences standard error; waits while another search has silenced it.
    ///
    /// # Panics
    /// When the process has no file descriptors left, or no `/dev/null`.
    #[must_use]
    pub fn new() -> Quiet {
        let turn = ONE_AT_A_TIME.lock();
        let original = dup(stderr()).expect("standard error can be duplicated");
        let null = File::options().write(true).open("/dev/null").expect("/dev/null opens");
        dup2_stderr(&null).expect("standard error can be replaced");
        Quiet { original, _turn: turn }
    }
}

impl Default for Quiet {
    fn default() -> Self {
        Quiet::new()
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // If it cannot be restored there is nowhere left to say so.
        let _ = dup2_stderr(&self.original);
    }
}
