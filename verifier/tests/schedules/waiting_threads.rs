//! Two threads of one processor that wait for one lock, and a strategy that would rather switch between them
//! than let the holder go on.

use crate::models::{ONE_LOCK_THREE_THREADS, program};
use verifier::explore;
use verifier::finding::RunEnd;

#[test]
fn two_waiting_threads_are_not_switched_for_ever() {
    let program = program(&ONE_LOCK_THREE_THREADS);
    for name in ["pct", "pct:5", "portfolio", "urw", "random"] {
        let strategy = explore::strategy(name, &program).expect("a strategy");
        for seed in 1..201 {
            let run = program.execute(seed, strategy.chooser(seed)).expect("a model runs");
            assert!(matches!(run.end, RunEnd::Clean), "{name}, seed {seed}: {:?}", run.end);
            assert!(run.steps < 20_000, "{name}, seed {seed}: {} steps", run.steps);
        }
    }
}
