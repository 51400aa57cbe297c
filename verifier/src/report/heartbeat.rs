//! Signs of life on standard error where that is no terminal: a line now and then, so that a build server
//! that ends silent jobs does not end this one.
//!
//! A thread of its own looks at the work under way, so a line comes whatever the command is busy with.
//! Nothing is decided by the clock but when to print. Invariant: a command that is over before the first line
//! is due prints none.

use super::Count;
use kernel_sim::host_clock::HostClock;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Prints lines until it is dropped.
pub(super) struct Heartbeat {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    /// The work under way, the innermost last.
    open: Vec<Work>,
    is_over: bool,
}

struct Work {
    what: String,
    counted: Option<Count>,
    executions: u64,
    clock: HostClock,
}

impl Heartbeat {
    /// A line every `interval` from now on; `None` where the host has no thread for it.
    pub(super) fn start(interval: Duration) -> Option<Heartbeat> {
        let shared = Arc::new(Shared::default());
        let seen = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("heartbeat".into()).spawn(move || seen.print(interval)).ok()?;
        Some(Heartbeat { shared, thread: Some(thread) })
    }

    pub(super) fn began(&self, what: &str, counted: Option<Count>) {
        let work = Work { what: what.to_owned(), counted, executions: 0, clock: HostClock::start() };
        self.shared.state.lock().open.push(work);
    }

    pub(super) fn at(&self, executions: u64) {
        if let Some(work) = self.shared.state.lock().open.last_mut() {
            work.executions = executions;
        }
    }

    pub(super) fn ended(&self) {
        self.shared.state.lock().open.pop();
    }
}

impl Shared {
    fn print(&self, interval: Duration) {
        let mut state = self.state.lock();
        while !state.is_over {
            let is_due = self.ended.wait_for(&mut state, interval).timed_out();
            if let (true, Some(work)) = (is_due, state.open.last()) {
                anstream::eprintln!("{}", work.line());
            }
        }
    }
}

impl Work {
    fn line(&self) -> String {
        let seconds = self.clock.elapsed().as_secs();
        let done = match self.counted {
            Some(Count { total: Some(total) }) => format!(" {} of {total} schedules,", self.executions),
            Some(Count { total: None }) => format!(" {} schedules,", self.executions),
            None => String::new(),
        };
        format!("{}:{done} {seconds} s so far", self.what)
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.shared.state.lock().is_over = true;
        self.shared.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            // It prints and waits, and cannot have panicked but for a closed standard error.
            let _ = thread.join();
        }
    }
}
