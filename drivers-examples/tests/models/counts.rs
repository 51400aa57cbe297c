//! Exhaustive searches of the models: the number of schedules is the one their pages give, a near miss fails
//! under none of them, a race under some.

use crate::program::program;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use verifier::explore::exhaustive::{Control, Coverage, Limits, exhaust};
use verifier::run::Executor;

/// The coverage of an exhaustive search of at most so many executions, and how many executions failed.
fn explored(name: &str, executions: u64) -> (Coverage, usize) {
    let limits = Limits { executions, keep_going: true, ..Limits::default() };
    let failed = AtomicUsize::new(0);
    let count = |run: verifier::run::Run| {
        failed.fetch_add(usize::from(run.end.is_finding()), SeqCst);
    };
    let program = program(name, Executor::Deterministic);
    let coverage =
        exhaust(&program, 1, &limits, &Control::default(), &count).unwrap_or_else(|e| panic!("{name}: {e}"));
    (coverage, failed.into_inner())
}

#[test]
fn one_schedule_for_each_order_of_the_critical_sections() {
    for (name, schedules) in [
        ("one-lock-2x3", 20),
        ("one-lock-3x2", 90),
        ("one-lock-2x6", 924),
        ("one-lock-3x3", 1680),
        ("lock-each-4x200", 1),
    ] {
        let (coverage, failed) = explored(name, u64::MAX);
        assert!(coverage.is_complete(), "{name}: {}", coverage.statement());
        assert_eq!((coverage.executions, failed), (schedules, 0), "{name}");
    }
}

#[test]
fn near_misses_fail_under_no_schedule_and_races_under_some() {
    for name in [
        "lock-order-kept",
        "cancel-race-locked",
        "lock-order-skewed-kept",
        "isr-dpc-synchronized",
        "timer-remove-flushed",
    ] {
        let (coverage, failed) = explored(name, 200_000);
        assert!(coverage.is_complete(), "{name}: {}", coverage.statement());
        assert_eq!(failed, 0, "{name}");
    }
    for name in ["lock-order", "cancel-race", "lock-order-skewed", "isr-dpc-race", "timer-remove-race"] {
        let (coverage, failed) = explored(name, 200_000);
        assert!(coverage.is_complete(), "{name}: {}", coverage.statement());
        assert!(failed > 0 && (failed as u64) < coverage.executions, "{name}: {failed} failed");
    }
}
