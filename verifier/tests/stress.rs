//! Explorations of models small enough to know what must be found.

use kernel_sim::safe::SpinLock;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use verifier::driver::{Driver, Expects, Kind};
use verifier::explore::findings::{SiteKey, Tally};
use verifier::explore::stress::{Explored, Listener, Stress};
use verifier::explore::{Program, Random};
use verifier::rules::{Selection, Sites};
use verifier::run::{Contents, Executor, Run, Setup};
use verifier::workload::{Amount, Mode, Options};

/// A model on two processors.
const fn model(name: &'static str, run: &'static verifier::driver::RunModel) -> Driver {
    let kind = Kind::Model { cpus: 2, run };
    Driver {
        name,
        aliases: &[],
        summary: "a model",
        expects: Expects::Clean,
        kind,
        cancels: false,
        reads_registry: false,
        image: None,
        sources: &[],
    }
}

/// Two locks, in one order on processor 0, in the other on processor 1: some schedules deadlock, and
/// all at the same two sites. Which processor closes the cycle differs.
static TWO_ORDERS: Driver = model("two-orders", &|config| {
    config.run_on_every_processor([SpinLock::new(0u64), SpinLock::new(0)], |locks, cpu| {
        let (first, second) = if cpu == 0 { (0, 1) } else { (1, 0) };
        let _outer = locks[first].lock();
        let _inner = locks[second].lock();
    })
});

/// Each processor panics, at a line of its own, if it sees the other one half way.
static TWO_PANICS: Driver = model("two-panics", &|config| {
    config.run_on_every_processor([SpinLock::new(0u64), SpinLock::new(0)], |locks, cpu| {
        let other = usize::from(1 - cpu);
        *locks[usize::from(cpu)].lock() += 1;
        let seen = *locks[other].lock();
        assert!(cpu == 0 || seen == 0, "processor 0 was first");
        *locks[usize::from(cpu)].lock() += 1;
        let seen = *locks[other].lock();
        assert!(cpu == 1 || seen != 1, "processor 1 was half way");
    })
});

static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

/// What it does depends on how often it was executed, which no driver may.
static FORGETFUL: Driver = model("forgetful", &|config| {
    config.run_on_every_processor(SpinLock::new(0u64), |lock, cpu| {
        let _held = lock.lock();
        assert!(cpu == 1 || EXECUTIONS.fetch_add(1, SeqCst) != 30, "the thirty-first time");
    })
});

/// Remembers what it was told; ends the exploration after so many executions.
#[derive(Default)]
struct RunReport {
    findings: Vec<(u64, SiteKey, bool)>,
    end_after: Option<u64>,
}

impl Listener for RunReport {
    fn found(&mut self, seed: u64, key: &SiteKey, run: Option<Run>) -> Result<(), String> {
        self.findings.push((seed, key.clone(), run.is_some()));
        Ok(())
    }

    fn progress(&mut self, executions: u64) -> ControlFlow<()> {
        if self.end_after.is_some_and(|n| executions >= n) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn program(driver: &'static Driver) -> Program {
    let workload = Options {
        mode: Mode::RandRw,
        amount: Amount::Ios(1),
        block_bytes: 4096.into(),
        depth: 1,
        flush_every: 0,
        cancel_every: 0,
        service_every: 0,
        luns: 1,
        seed: 1,
        zeroed: true,
    };
    let setup = Setup {
        cpus: 2,
        executor: Executor::Deterministic,
        seed: 1,
        workload,
        disturbances: Default::default(),
        contents: Contents::Memory { bytes: 1 << 20 },
        units: Default::default(),
        memory: verifier::run::MemoryChoice::Drawn,
        environment: Default::default(),
        rules: Selection::default(),
        exceptions: Vec::new(),
        sites: Sites::Kept,
        evidence: false,
        patience: kernel_sim::machine::PATIENCE,
    };
    Program { driver, setup }
}

fn explore(
    driver: &'static Driver,
    seeds: Range<u64>,
    keep_going: bool,
    jobs: usize,
    told: &mut RunReport,
) -> Explored {
    let jobs = NonZeroUsize::new(jobs).expect("a job");
    let program = program(driver);
    let stress = Stress { program: &program, strategy: &Random, seeds, keep_going, jobs };
    stress.run(told).unwrap_or_else(|e| panic!("{e}"))
}

fn found(explored: Explored) -> Vec<(SiteKey, Tally)> {
    explored.findings.by_seed()
}

#[test]
fn a_deadlock_is_one_finding_whichever_processor_closes_the_cycle() {
    let mut told = RunReport::default();
    let explored = explore(&TWO_ORDERS, 0..1000, true, 2, &mut told);
    let found = found(explored);
    let [(key, tally)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((key.rule.as_str(), key.waits.len()), ("deadlock", 1), "both wait for the inner lock");
    assert!(tally.count > 100 && tally.count < 900, "{tally:?}");
    assert_eq!(told.findings, [(tally.seed, key.clone(), true)]);
}

#[test]
fn distinct_sites_are_distinct_findings_told_in_the_order_of_seeds() {
    let mut one = RunReport::default();
    let first = explore(&TWO_PANICS, 0..3000, true, 1, &mut one);
    let (seeds, steps) = (first.seeds.clone(), first.steps);
    let first = found(first);
    assert_eq!((seeds, first.len()), (0..3000, 2), "{first:?}");
    assert!(one.findings.is_sorted_by_key(|(seed, ..)| *seed));
    for jobs in [2, 3, 8] {
        let mut told = RunReport::default();
        let again = explore(&TWO_PANICS, 0..3000, true, jobs, &mut told);
        assert_eq!((again.steps, &told.findings), (steps, &one.findings));
        assert_eq!(found(again), first);
    }
}

#[test]
fn parts_of_a_range_add_up_to_the_whole() {
    let part = |seeds| explore(&TWO_ORDERS, seeds, true, 2, &mut RunReport::default());
    let whole = part(0..2000);
    let parts = [part(0..1), part(1..777), part(777..2000)];
    assert_eq!(parts.iter().map(|p| p.steps).sum::<u64>(), whole.steps);
    let counts = parts.into_iter().flat_map(found).map(|(_, tally)| tally.count).sum::<u64>();
    assert_eq!(counts, found(whole)[0].1.count);
}

#[test]
fn an_exploration_that_is_ended_has_executed_all_seeds_up_to_some_one() {
    let mut told = RunReport { end_after: Some(2000), ..RunReport::default() };
    let explored = explore(&TWO_ORDERS, 0..u64::MAX, true, 2, &mut told);
    assert!(explored.seeds.end >= 2000 && explored.seeds.end < u64::MAX);
    let again = explore(&TWO_ORDERS, explored.seeds.clone(), true, 1, &mut RunReport::default());
    assert_eq!((again.steps, found(again)), (explored.steps, found(explored)));
}

#[test]
fn a_finding_that_does_not_come_again_is_told_without_its_run() {
    let mut told = RunReport::default();
    let explored = explore(&FORGETFUL, 0..100, true, 1, &mut told);
    assert_eq!(explored.findings.len(), 1);
    let [(seed, key, again)] = &told.findings[..] else { panic!("{:?}", told.findings) };
    // The first seed was executed twice.
    assert_eq!((*seed, key.rule.as_str(), *again), (29, "KMODE_EXCEPTION_NOT_HANDLED", false));
}

#[test]
fn a_listener_that_fails_ends_the_exploration() {
    struct Fails;
    impl Listener for Fails {
        fn found(&mut self, _: u64, _: &SiteKey, _: Option<Run>) -> Result<(), String> {
            Err("no room".into())
        }
        fn progress(&mut self, _: u64) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }
    let program = program(&TWO_ORDERS);
    let jobs = NonZeroUsize::new(2).expect("a job");
    let stress = Stress { program: &program, strategy: &Random, seeds: 0..u64::MAX, keep_going: true, jobs };
    assert_eq!(stress.run(&mut Fails).unwrap_err().to_string(), "no room");
}
