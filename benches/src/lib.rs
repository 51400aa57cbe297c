//! What a hook, a lock, a scheduling step, a request costs: the measured loops.
//!
//! A function of [`locks`], [`callbacks`], [`completion`], [`steps`] or [`requests`] runs one loop on a
//! simulated machine and returns how long it took. The criterion benchmarks in `benches/` time these loops,
//! the program
//! `instructions` counts their instructions under valgrind, and `results` writes the tables of RESULTS.md.
//! Invariant: every figure stands beside a baseline ([`baseline`]) that was measured in the same run.
//!
//! [`programs`] are small programs on which schedule explorers are compared; [`peers`] runs them under
//! shuttle and loom, [`explorers`] under ours. [`throughput`] is a table of its own: requests per second
//! through whole drivers.

pub mod baseline;
pub mod callbacks;
pub mod completion;
pub mod contention;
pub mod elsewhere;
pub mod explorers;
pub mod locks;
pub mod peers;
pub mod programs;
pub mod requests;
pub mod schedules;
pub mod steps;
pub mod throughput;

use kernel_sim::bugcheck::Ending;
use kernel_sim::machine::{Config, Execution};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use verifier::rules::{self, Sites};

/// What watches while the loop runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watching {
    /// No watcher.
    Nobody,
    /// SpinLockSafe, counting only.
    Counted,
    /// SpinLockSafe, with acquire sites.
    Sites,
    /// LockOrder alone.
    Order,
    /// Every rule and check.
    All,
    /// Sixty watchers, each of a routine that the measured loops do not call.
    Elsewhere,
}

impl Watching {
    /// A machine of `cpus` processors under `execution`, watched like this.
    ///
    /// # Panics
    /// When `cpus` is not 1 to 64.
    #[must_use]
    pub fn machine(self, cpus: u8, execution: Execution) -> Config {
        let config = Config::new(cpus, execution).expect("1 to 64 processors").keep_sites(false);
        let sites = match self {
            Watching::Nobody => return config,
            Watching::Counted => Sites::Counted,
            Watching::Sites | Watching::Order => Sites::Kept,
            Watching::All => {
                let watchers = rules::TABLE.iter().filter_map(|row| rules::watcher(row, Sites::Kept));
                return watchers.fold(config, Config::watch);
            }
            Watching::Elsewhere => return elsewhere::watchers().fold(config, Config::watch),
        };
        let name = if self == Watching::Order { "LockOrder" } else { "SpinLockSafe" };
        let row = rules::find(name).expect("a row of the table");
        config.watch(rules::watcher(row, sites).expect("it has a rule"))
    }
}

/// Runs `body` as the boot thread of a machine, and returns the time that `body` measured.
///
/// # Panics
/// When the run does not end by itself: a loop that breaks a rule or stops the machine measures nothing.
#[must_use]
pub fn timed(config: Config, body: impl FnOnce() -> Duration + Send + 'static) -> Duration {
    let ns = Arc::new(AtomicU64::new(0));
    let result = Arc::clone(&ns);
    let outcome = config.run(move || {
        let took = body();
        result.store(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), SeqCst);
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    Duration::from_nanos(ns.load(SeqCst))
}
