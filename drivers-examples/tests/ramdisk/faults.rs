//! Answers that come late, twice or never, and a partner that hangs, has no memory, or goes.

use crate::rig::{run, run_with_policy, seeded, starts_not, work};
use kernel_sim::machine::Execution;
use storport_sim::Adapter;

/// Works through a plan; every request has to succeed in the end, and at least one has to have met a fault.
fn survives(cpus: u8, execution: Execution, plan: &'static str, seed: u64) -> u64 {
    let outcome = run(cpus, execution, 1, move |bench| {
        bench.faults(plan, seed);
        assert_eq!(work(bench.disk(0), 3, 6), 0, "requests failed");
        assert!(bench.faults_met() > 0, "no request met a fault");
    });
    outcome.time_ns / 1_000_000_000
}

fn survives_everywhere(plan: &'static str, seeds: u64) {
    for (cpus, seed) in seeded(seeds) {
        survives(cpus, Execution::Seeded(seed), plan, seed);
    }
    for cpus in 1..=4 {
        survives(cpus, Execution::Parallel, plan, 1);
    }
}

#[test]
fn late_answers_are_waited_for() {
    survives_everywhere("late:every=3,delay-us=700; late:op=flush", 40);
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    survives_everywhere("duplicate:every=2; duplicate:op=flush", 40);
}

#[test]
fn a_partner_without_memory_is_asked_again() {
    survives_everywhere("allocation:every=9,times=3", 5);
}

#[test]
fn what_is_never_answered_is_given_up_and_sent_again() {
    for (cpus, seed) in seeded(25) {
        let plan = "dropped:op=read,after=2,times=2; dropped:op=flush,after=3,times=1";
        let seconds = survives(cpus, Execution::Seeded(seed), plan, seed);
        assert!(seconds >= 60, "Storport waits a minute before it gives a request up, not {seconds} s");
    }
}

#[test]
fn a_hung_partner_works_again_after_a_reset() {
    for (cpus, seed) in seeded(25) {
        let plan = "hung:after=7,times=1";
        let seconds = survives(cpus, Execution::Seeded(seed), plan, seed);
        assert!(seconds >= 60, "{seconds} s");
    }
}

#[test]
fn answers_that_outlive_their_requests_are_ignored() {
    for (cpus, seed) in seeded(25) {
        // Two minutes late: after the abort, while the same request is out again.
        survives(cpus, Execution::Seeded(seed), "late:after=5,times=2,delay-us=61000000", seed);
    }
}

#[test]
fn everything_at_once() {
    for (cpus, seed) in seeded(60) {
        let plan = "late:p=0.2; duplicate:p=0.2; allocation:p=0.05,times=2; dropped:p=0.1,times=2; hung:p=0.05,times=1";
        run(cpus, Execution::Seeded(seed), 1, move |bench| {
            bench.faults(plan, seed);
            assert_eq!(work(bench.disk(0), 4, 5), 0, "requests failed");
        });
    }
}

/// How a gone partner's adapter is taken away.
fn loses_its_partner(execution: fn(u64) -> Execution, end: fn(Adapter)) {
    for (cpus, seed) in seeded(if matches!(execution(0), Execution::Parallel) { 1 } else { 25 }) {
        run(cpus, execution(seed), 2, move |bench| {
            bench.faults("removal:after=17; late:every=2", seed);
            let failed = work(bench.disk(0), 3, 6);
            assert!(failed > 0, "a partner that is gone answers");
            assert!(bench.medium().is_gone());
            bench.adapter().wait_for_scans();
            bench.end(end);
        });
    }
}

#[test]
fn a_partner_that_is_gone_takes_everything_along() {
    loses_its_partner(Execution::Seeded, Adapter::remove);
    loses_its_partner(Execution::Seeded, Adapter::surprise_remove);
    loses_its_partner(|_| Execution::Parallel, Adapter::remove);
}

#[test]
fn a_pool_that_says_no_loses_no_request() {
    for (cpus, seed) in seeded(20) {
        // Both places where a request is put on the list; and the machine remembers which failed.
        let plan = "allocation:site=ramdisk/outstanding.rs,p=0.5,times=6";
        let outcome = run_with_policy(cpus, Execution::Seeded(seed), plan, seed, |bench, seed| {
            bench.faults("late:every=2,delay-us=30", seed);
            assert_eq!(work(bench.disk(0), 3, 5), 0, "requests failed");
        });
        assert!(!outcome.failed_allocations.is_empty());
        let only_pool = outcome.failed_allocations.iter().all(|f| f.ddi == "StorPortAllocatePool");
        assert!(only_pool, "{:?}", outcome.failed_allocations);
    }
}

#[test]
fn an_adapter_without_memory_for_its_threads_does_not_start() {
    for failing in 1..=3 {
        let plan = format!("allocation:site=miniport/thread.rs,after={},times=1", failing - 1);
        starts_not(&plan);
    }
}
