//! A request through a whole driver: 4 KiB random reads through `ramdisk`, one outstanding.

use crate::Watching;
use std::time::Duration;
use verifier::driver::Driver;
use verifier::rules::{self, Sites};
use verifier::session::{self, Contents, Executor, Setup};
use verifier::workload::{Amount, Mode, Options};

/// `n` reads of 4 KiB through `driver`, parallel executor, one processor, each verified by the
/// workload as every run does; power-on and unload included.
///
/// # Panics
/// When the run is refused or finds something.
#[must_use]
pub fn reads(driver: &'static Driver, watching: Watching, depth: u32, n: u64) -> Duration {
    let setup = Setup {
        cpus: 1,
        executor: Executor::Parallel,
        seed: 1,
        workload: Options {
            mode: Mode::RandRead,
            amount: Amount::Ios(n.max(1)),
            block_bytes: 4096.into(),
            depth,
            flush_every: 0,
            cancel_every: 0,
            service_every: 0,
            seed: 1,
            zeroed: false,
        },
        adversity: Default::default(),
        contents: Contents::Memory { bytes: 1 << 20 },
        rules: if watching == Watching::Nobody { Vec::new() } else { rules::TABLE.to_vec() },
        sites: if watching == Watching::Counted { Sites::Counted } else { Sites::Kept },
    };
    let run = session::run(driver, &setup, None, None).unwrap_or_else(|e| panic!("{e}"));
    assert!(!run.verdict.is_finding(), "{:?}", run.verdict);
    run.elapsed
}
