//! The end that is asked for: SIGINT, SIGTERM, and `--time`.
//!
//! A first signal is noted, and said; the commands look at it and end what is under way, and the machines
//! that run are hurried ([`kernel_sim::fault::hurry`]), so that no driver can keep them. The second signal
//! ends the process as if there were no handler. The end of the time does what a first signal does.
//! Invariant: what was found by then is told.

use kernel_sim::fault::hurry;
use kernel_sim::host_clock::HostClock;
use parking_lot::{Condvar, Mutex};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// How often it is looked whether the machines are to be hurried.
const TICK: Duration = Duration::from_millis(50);

/// How long a second signal is taken for the first: `timeout` and shells send one to the process and to its
/// group.
const SAME_SIGNAL: Duration = Duration::from_millis(300);

/// Whether the end has come.
pub(super) struct Interrupt(Arc<State>);

struct State {
    signal: Arc<AtomicUsize>,
    /// That a signal came was said.
    is_told: AtomicBool,
    time: Mutex<Option<(HostClock, Duration)>>,
}

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the host does not let us.
    pub(super) fn listen() -> std::io::Result<Interrupt> {
        let signal = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            flag::register_conditional_default(number, Arc::clone(&again))?;
            flag::register_usize(number, Arc::clone(&signal), number.unsigned_abs() as usize)?;
        }
        let state = Arc::new(State { signal, is_told: AtomicBool::new(false), time: Mutex::new(None) });
        let watched = Arc::clone(&state);
        std::thread::Builder::new().name("interrupt".into()).spawn(move || watched.watch(&again))?;
        Ok(Interrupt(state))
    }

    /// The time that is given from now on; `None`: any.
    pub(super) fn give(&self, time: Option<Duration>) {
        *self.0.time.lock() = time.map(|time| (HostClock::start(), time));
        hurry(self.is_over());
    }

    /// Number of the signal that came, if one did.
    pub(super) fn came(&self) -> Option<u8> {
        self.0.came()
    }

    /// Whether a signal came, or the time that was given is over.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over()
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // What was under way may have ended before the next look.
        self.0.tell();
    }
}

impl State {
    /// Says once that a signal came, if one did.
    fn tell(&self) {
        if self.came().is_some() && !self.is_told.swap(true, SeqCst) {
            anstream::eprintln!("interrupted: ending what is under way; once more ends it at once");
        }
    }

    fn came(&self) -> Option<u8> {
        let signal = self.signal.load(SeqCst);
        (signal != 0).then(|| u8::try_from(signal).unwrap_or(u8::MAX))
    }

    fn is_over(&self) -> bool {
        let time = self.time.lock();
        self.came().is_some() || time.is_some_and(|(clock, time)| clock.elapsed() >= time)
    }

    /// Hurries the machines when the end has come, and says so of a signal; a while later `again` lets the
    /// next one end the process.
    fn watch(&self, again: &AtomicBool) {
        let (never, bell) = (Mutex::new(()), Condvar::new());
        let mut guard = never.lock();
        let mut seen: Option<HostClock> = None;
        loop {
            bell.wait_for(&mut guard, TICK);
            if self.is_over() {
                hurry(true);
            }
            self.tell();
            match seen {
                None => seen = self.came().map(|_| HostClock::start()),
                Some(seen) if seen.elapsed() >= SAME_SIGNAL => again.store(true, SeqCst),
                Some(_) => {}
            }
        }
    }
}
