//! A whole execution of a small model, as an exploration makes it by the million.

use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Config, Execution, Outcome};
use kernel_sim::safe::SpinLock;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::time::Duration;
use verifier::driver::{Driver, Expects, Kind};
use verifier::explore::findings::Identity;
use verifier::explore::stress::{Listener, Stress};
use verifier::explore::{Program, Random};
use verifier::rules::{RuleInfo, Sites};
use verifier::session::{Contents, Executor, Run, Setup};
use verifier::workload::{Amount, Mode, Options};

/// Processors of the model.
const CPUS: u8 = 2;

/// Two processors that take one lock three times each.
fn three_lock_pairs(config: Config) -> Outcome {
    config.run_on_every_processor(SpinLock::new(0u64), |lock, _| {
        for _ in 0..3 {
            *lock.lock() += 1;
        }
    })
}

static MODEL: Driver = Driver {
    name: "three-lock-pairs",
    summary: "two processors, one lock, three times each",
    expects: Expects::Clean,
    kind: Kind::Model { cpus: CPUS, run: &three_lock_pairs },
    cancels: false,
    sources: &[],
};

/// How long the executions of these seeds take, called directly in a loop.
///
/// # Panics
/// Never, unless the simulator fails.
#[must_use]
pub fn direct(seeds: Range<u64>) -> Duration {
    let clock = HostClock::start();
    for seed in seeds {
        let config = Config::new(CPUS, Execution::Seeded(seed)).expect("two processors");
        std::hint::black_box(three_lock_pairs(config));
    }
    clock.elapsed()
}

/// Listens to nothing and never ends it.
struct Nobody;

impl Listener for Nobody {
    fn found(&mut self, _: u64, _: &Identity, _: Option<Run>) -> Result<(), String> {
        Ok(())
    }

    fn progress(&mut self, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// How long they take as an exploration with these rules on so many host threads.
///
/// # Panics
/// Never, unless the simulator fails.
#[must_use]
pub fn explored(seeds: Range<u64>, rules: Vec<&'static RuleInfo>, jobs: usize) -> Duration {
    let workload = Options {
        mode: Mode::RandRw,
        amount: Amount::Ios(1),
        block_bytes: 4096,
        depth: 1,
        flush_every: 0,
        cancel_every: 0,
        service_every: 0,
        seed: 1,
        zeroed: true,
    };
    let setup = Setup {
        cpus: CPUS,
        executor: Executor::Deterministic,
        seed: 1,
        workload,
        contents: Contents::Memory { bytes: 1 << 20 },
        rules,
        sites: Sites::Kept,
    };
    let program = Program { driver: &MODEL, setup };
    let jobs = NonZeroUsize::new(jobs).expect("a job");
    let clock = HostClock::start();
    let stress = Stress { program: &program, strategy: &Random, seeds, keep_going: false, jobs };
    let explored = stress.run(&mut Nobody).unwrap_or_else(|e| panic!("{e}"));
    assert!(explored.findings.is_empty());
    clock.elapsed()
}
