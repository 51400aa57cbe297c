//! Requests through whole drivers: 4 KiB random reads, each compared with what its block must hold as in
//! every run.

use crate::Watching;
use std::time::Duration;
use verifier::driver::Driver;
use verifier::rules::{Selection, Sites};
use verifier::run::{self, Chooser, Contents, Executor, MemoryChoice, Setup};
use verifier::workload::{Amount, Mode, Options};

/// Bytes of all disks together: they fit a cache.
const WORKING_SET: u64 = 4 << 20;

/// Reads through a driver.
#[derive(Clone, Copy)]
pub struct Reads {
    /// The driver.
    pub driver: &'static Driver,
    /// Processors, 1 to 64.
    pub cpus: u8,
    /// Requests outstanding, over all processors.
    pub depth: u32,
    /// Disks the requests go to in turn.
    pub units: u8,
    /// Who watches.
    pub watching: Watching,
    /// Which executor.
    pub executor: Executor,
    /// How the machine's memory is kept.
    pub memory: MemoryChoice,
}

impl Reads {
    /// Through this driver on one processor, 32 outstanding, one disk, no watcher, on a real thread, plain
    /// memory.
    #[must_use]
    pub fn through(driver: &'static Driver) -> Reads {
        Reads {
            driver,
            cpus: 1,
            depth: 32,
            units: 1,
            watching: Watching::Nobody,
            executor: Executor::Parallel,
            memory: MemoryChoice::Plain,
        }
    }

    /// How long `n` of them take, power-on and unload included.
    ///
    /// # Panics
    /// When the run is refused or finds something.
    #[must_use]
    pub fn time(self, n: u64) -> Duration {
        let setup = Setup {
            cpus: self.cpus,
            executor: self.executor,
            seed: 1,
            workload: Options {
                mode: Mode::RandRead,
                amount: Amount::Ios(n.max(1)),
                block_bytes: 4096.into(),
                depth: self.depth,
                flush_every: 0,
                cancel_every: 0,
                service_every: 0,
                luns: self.units,
                seed: 1,
                zeroed: false,
            },
            disturbances: Default::default(),
            contents: Contents::Memory { bytes: WORKING_SET / u64::from(self.units) },
            units: Default::default(),
            memory: self.memory,
            environment: Default::default(),
            exceptions: Vec::new(),
            rules: match self.watching {
                Watching::Nobody => Selection::none(),
                Watching::All => Selection::all(),
                _ => Selection::of(|row| row.name == "SpinLockSafe"),
            },
            sites: if self.watching == Watching::Counted { Sites::Counted } else { Sites::Kept },
            evidence: false,
            patience: kernel_sim::machine::PATIENCE,
        };
        let run = run::once(self.driver, &setup, setup.seed, Chooser::Seeded, None)
            .unwrap_or_else(|e| panic!("{e}"));
        assert!(!run.end.is_finding(), "{:?}", run.end);
        run.elapsed
    }
}
