//! A driver of this crate as a program to explore.

use drivers_examples::ALL;
use verifier::driver::Driver;
use verifier::explore::Program;
use verifier::rules::{Selection, Sites};
use verifier::run::{Contents, Executor, Run, Setup};
use verifier::workload::{Amount, Mode, Options};

/// `small`, or `large` under `STORSIM_SOAK`.
pub fn soak<T>(small: T, large: T) -> T {
    if std::env::var_os("STORSIM_SOAK").is_some() { large } else { small }
}

/// The driver of that name.
pub fn driver(name: &str) -> &'static Driver {
    ALL.iter().copied().find(|d| d.is_called(name)).unwrap_or_else(|| panic!("no driver {name}"))
}

/// What `storsim run NAME --ios 20` runs.
pub fn program(name: &str, executor: Executor) -> Program {
    let driver = driver(name);
    Program {
        driver,
        setup: Setup {
            cpus: driver.kind.cpus(4),
            executor,
            seed: 1,
            workload: Options {
                mode: Mode::RandRw,
                amount: Amount::Ios(20),
                block_bytes: 4096.into(),
                depth: 8,
                flush_every: 0,
                cancel_every: if driver.cancels { 16 } else { 0 },
                service_every: 32,
                luns: 1,
                seed: 1,
                zeroed: true,
            },
            disturbances: Default::default(),
            contents: Contents::Memory { bytes: 16 << 20 },
            units: Default::default(),
            memory: verifier::run::MemoryChoice::Drawn,
            environment: Default::default(),
            rules: Selection::default(),
            exceptions: Vec::new(),
            sites: Sites::Kept,
            evidence: false,
            patience: kernel_sim::machine::PATIENCE,
        },
    }
}

/// One run by the machine's own choices.
pub fn run(name: &str, executor: Executor, seed: u64) -> Run {
    let chooser = verifier::explore::Chooser::Seeded;
    program(name, executor).execute(seed, chooser).unwrap_or_else(|e| panic!("{name}: {e}"))
}
