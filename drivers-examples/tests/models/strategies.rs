//! Strategies: each seed is one schedule, and how soon they find what there is to find.

use crate::program::{driver, program, soak};
use drivers_examples::ALL;
use kernel_sim::choose::Recorded;
use kernel_sim::host_clock::HostClock;
use verifier::driver::{Driver, Expects, Kind};
use verifier::explore::{Chooser, Pct, Portfolio, Probe, Program, Random, Strategy, Urw};
use verifier::finding::RunEnd;
use verifier::rules::Selection;
use verifier::run::{Executor, Run};

/// Executions after which a strategy is said not to find it.
const EXECUTIONS_MAX: u64 = 3000;
/// From one start seed to the next.
const APART: u64 = 1 << 20;

const FAILING: [&str; 7] = [
    "lock-order",
    "cancel-race",
    "lock-order-buried",
    "lock-order-skewed",
    "isr-dpc-race",
    "timer-remove-race",
    "wdm-startio-rare",
];

fn explored(name: &str) -> Program {
    program(name, Executor::Deterministic)
}

fn execute(program: &Program, chooser: Chooser, seed: u64) -> Run {
    program.execute(seed, chooser).unwrap_or_else(|e| panic!("{}: {e}", program.driver.name))
}

/// The single strategies, and the portfolio last.
fn strategies(program: &Program) -> [Box<dyn Strategy>; 5] {
    let probe = Probe::of(program).unwrap_or_else(|e| panic!("{}: {e}", program.driver.name));
    [
        Box::new(Random),
        Box::new(Urw::probed(&probe)),
        Box::new(Pct::probed(2, &probe)),
        Box::new(Pct::probed(3, &probe)),
        Box::new(Portfolio::probed(&probe)),
    ]
}

#[test]
fn a_seed_is_a_schedule_that_replays() {
    for name in [
        "one-lock-3x2",
        "test-and-set",
        "lock-order-buried",
        "isr-dpc-race",
        "timer-remove-race",
        "wdm-startio-rare",
    ] {
        let program = explored(name);
        let hash = |seed, strategy: &dyn Strategy| {
            let run = execute(&program, strategy.chooser(seed), seed);
            (run.trace_hash, run.choices)
        };
        for (strategy, anew) in strategies(&program).iter().zip(&strategies(&program)) {
            for seed in 0..20 {
                let (first, choices) = hash(seed, &**strategy);
                assert_eq!(hash(seed, &**anew).0, first, "{name}, {}, seed {seed}", strategy.name());
                let recorded = Chooser::Strategy(Box::new(Recorded::new(choices)));
                let again = execute(&program, recorded, seed).trace_hash;
                assert_eq!(again, first, "{name}, {}, seed {seed}, replayed", strategy.name());
            }
        }
    }
}

#[test]
fn strategies_have_the_names_of_the_command_line() {
    let names = strategies(&explored("one-lock-2x3")).map(|s| s.name());
    assert_eq!(names, ["random", "urw", "pct:2", "pct:3", "portfolio"]);
}

#[test]
fn clean_models_are_clean_under_every_strategy() {
    for driver in ALL {
        if driver.expects == Expects::Clean && matches!(driver.kind, Kind::Model { .. }) {
            let program = explored(driver.name);
            for strategy in strategies(&program) {
                for seed in 0..soak(100, 2000) {
                    let end = execute(&program, strategy.chooser(seed), seed).end;
                    let clean = matches!(end, RunEnd::Clean);
                    assert!(clean, "{}, {}, seed {seed}: {end:?}", driver.name, strategy.name());
                }
            }
        }
    }
}

#[test]
fn what_hangs_is_reported_under_every_strategy() {
    let hangs = |d: &&&Driver| matches!(d.expects, Expects::Stops(_)) && !d.name.starts_with("vandal-");
    for driver in ALL.iter().filter(hangs) {
        let program = explored(driver.name);
        for strategy in strategies(&program) {
            for seed in 0..3 {
                let run = execute(&program, strategy.chooser(seed), seed);
                assert!(run.end.is_finding(), "{}, {}, seed {seed}", driver.name, strategy.name());
            }
        }
    }
}

/// A processor that spins on a hand-written lock goes behind the one that holds it.
#[test]
fn priorities_do_not_starve_whom_a_processor_polls_for() {
    let program = explored("test-and-set");
    let pct = Pct::prepare(3, &program).unwrap();
    let steps: Vec<u64> = (0..500).map(|seed| execute(&program, pct.chooser(seed), seed).steps).collect();
    let most = steps.iter().max().unwrap();
    // Sixteen if no processor ever has to wait.
    assert!((17..100).contains(most), "{most} steps for four critical sections");
}

/// Not quite: an actor that waits for the lock cannot be chosen in its proportion.
#[test]
fn a_uniform_walk_makes_the_commonest_schedule_rarer() {
    let program = explored("lock-order-kept");
    let commonest = |strategy: &dyn Strategy| {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..2000 {
            *counts.entry(execute(&program, strategy.chooser(seed), seed).trace_hash).or_insert(0) += 1;
        }
        counts.into_values().max().expect("there are executions")
    };
    let (urw, random) = (commonest(&Urw::prepare(&program).unwrap()), commonest(&Random));
    assert!(urw < random, "{urw} of 2000, and {random} by fair coins");
}

/// Executions until the first failure, for each start seed, sorted; one more than the most if there was
/// none.
fn until_failure(program: &Program, strategy: &dyn Strategy, starts: u64) -> Vec<u64> {
    let fails = |seed| execute(program, strategy.chooser(seed), seed).end.is_finding();
    let first = |start: u64| (0..EXECUTIONS_MAX).find(|n| fails(start * APART + n));
    let mut counts: Vec<u64> =
        (0..starts).map(|start| first(start).map_or(EXECUTIONS_MAX + 1, |n| n + 1)).collect();
    counts.sort_unstable();
    counts
}

fn percentile_90(sorted: &[u64]) -> u64 {
    sorted[(sorted.len() * 9).div_ceil(10) - 1]
}

#[test]
fn the_portfolio_finds_every_failure_soon() {
    for name in FAILING {
        let program = explored(name);
        let portfolio = Portfolio::prepare(&program).unwrap();
        let counts = until_failure(&program, &portfolio, 10);
        assert!(counts[9] <= 40, "{name}: {counts:?}");
    }
}

/// With `--nocapture`, the table of executions to the first failure: median and 90th percentile.
#[test]
fn the_portfolio_is_never_far_behind_the_best_strategy() {
    if !soak(false, true) {
        return;
    }
    for name in FAILING {
        let program = explored(name);
        let counts = strategies(&program).map(|s| (s.name(), until_failure(&program, &*s, 50)));
        let cells: Vec<_> =
            counts.iter().map(|(s, c)| format!("{s} {}/{}", c[c.len() / 2], percentile_90(c))).collect();
        println!("{name:18} {}", cells.join("  "));
        let [others @ .., (_, portfolio)] = &counts;
        let best = others.iter().map(|(_, counts)| percentile_90(counts)).min().expect("four others");
        assert!(portfolio[49] <= EXECUTIONS_MAX, "{name}: not found from every start seed");
        assert!(percentile_90(portfolio) * 2 <= best * 3, "{name}: {portfolio:?}, the best {best}");
    }
}

/// The skewed inversion needs one processor to stand still while the other makes forty steps.
#[test]
fn priorities_find_what_fair_coins_do_not() {
    let program = explored("lock-order-skewed");
    assert_eq!(driver("lock-order-skewed").expects, Expects::MayStop("deadlock"));
    let found = |strategy: &dyn Strategy| {
        let end = |seed| execute(&program, strategy.chooser(seed), seed).end;
        (0..300).any(|seed| end(seed).found("deadlock"))
    };
    assert!(found(&Pct::prepare(2, &program).unwrap()));
    assert!(!found(&Random));
}

/// Nanoseconds on the host that an execution takes under each strategy: the least of many batches,
/// taken in turn, since the host has other things to do.
fn costs(program: &Program, strategies: &[&dyn Strategy], executions: u64) -> Vec<f64> {
    let mut least = vec![f64::MAX; strategies.len()];
    for batch in 0..100 {
        for (least, strategy) in least.iter_mut().zip(strategies) {
            let clock = HostClock::start();
            for seed in 0..executions {
                execute(program, strategy.chooser(seed), batch * executions + seed);
            }
            *least = least.min(clock.ns() as f64 / executions as f64);
        }
    }
    least
}

#[test]
fn priorities_cost_little_more_than_random_choices() {
    if !soak(false, true) {
        return;
    }
    for (name, executions) in [("one-lock-2x3", 400), ("one-lock-3x2", 400), ("one-lock-4x200", 20)] {
        let mut program = explored(name);
        program.setup.rules = Selection::none();
        let [random, urw, _, pct, portfolio] = strategies(&program);
        let ns = costs(&program, &[&*random, &*pct, &*urw, &*portfolio], executions);
        let [pct, urw, portfolio] = [1, 2, 3].map(|n| ns[n] / ns[0]);
        println!(
            "{name:3} random {:.0} ns  pct:3 x{pct:.2}  urw x{urw:.2}  portfolio x{portfolio:.2}",
            ns[0]
        );
        assert!(pct <= 1.2, "{name}: {pct:.2}");
    }
}
