//! Lock programs: exactly one execution for each order of the critical sections.

use super::*;

/// `ROUNDS` critical sections on each processor, all of one lock.
fn rounds<const ROUNDS: u32>(config: Config) -> Outcome {
    config.run_on_every_processor(SpinLock::new(0), |lock: &SpinLock<u32>, _| {
        for _ in 0..ROUNDS {
            *lock.lock() += 1;
        }
    })
}

/// The same with a lock for each processor.
fn rounds_of_own(config: Config) -> Outcome {
    let locks: [SpinLock<u32>; 4] = std::array::from_fn(|_| SpinLock::new(0));
    config.run_on_every_processor(locks, |locks, cpu| {
        for _ in 0..20 {
            *locks[usize::from(cpu)].lock() += 1;
        }
    })
}

/// A test-and-set lock made by hand.
struct TestAndSet(UnsafeCell<LONG>);
// SAFETY: only touched by interlocked calls.
unsafe impl Sync for TestAndSet {}

fn test_and_set(config: Config) -> Outcome {
    config.run_on_every_processor(TestAndSet(UnsafeCell::new(0)), |lock, _| {
        for _ in 0..2 {
            // SAFETY: the cell lives as long as the machine.
            unsafe {
                while InterlockedExchange(lock.0.get(), 1) != 0 {
                    KeStallExecutionProcessor(1);
                }
                InterlockedExchange(lock.0.get(), 0);
            }
        }
    })
}

#[track_caller]
fn is_complete(coverage: &Coverage, executions: u64) {
    assert!(coverage.is_complete(), "{}", coverage.statement());
    assert_eq!((coverage.executions, coverage.impossible), (executions, 0));
}

#[test]
fn one_execution_for_each_order_of_critical_sections() {
    static W1: Driver = model(2, &rounds::<3>);
    static W2: Driver = model(3, &rounds::<2>);
    static SIX: Driver = model(2, &rounds::<6>);
    static THREE: Driver = model(3, &rounds::<3>);
    for (driver, executions) in [(&W1, 20), (&W2, 90), (&SIX, 924), (&THREE, 1680)] {
        for jobs in [1, 2, 4] {
            let (coverage, _) = explore(driver, jobs);
            is_complete(&coverage, executions);
            assert!(jobs > 1 || coverage.redundant == 0, "{} were redundant", coverage.redundant);
        }
    }
}

#[test]
fn locks_that_are_not_shared_give_one_execution() {
    static OWN: Driver = model(4, &rounds_of_own);
    let (coverage, _) = explore(&OWN, 1);
    is_complete(&coverage, 1);
    assert_eq!(coverage.redundant, 0);
}

#[test]
fn a_lock_made_by_hand_costs_little_more_than_a_real_one() {
    static HAND: Driver = model(2, &test_and_set);
    for jobs in [1, 2] {
        let (coverage, _) = explore(&HAND, jobs);
        assert!(jobs > 1 || coverage.redundant == 0, "{} were redundant", coverage.redundant);
        // Six orders of the critical sections, and ten ways to look in vain.
        is_complete(&coverage, 16);
        assert_eq!(coverage.cut_polling, 10);
        assert_eq!(coverage.polls.len(), 1);
    }
}
