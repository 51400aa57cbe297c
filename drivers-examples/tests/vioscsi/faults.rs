//! Completions that are lost, late, doubled; adapters that hang, run out of memory, or are pulled out.
//!
//! Where time passes on the host as in the machine (real threads), only faults that need no time-out are
//! tried.

use crate::rig::*;
use kernel_sim::ddi::STATUS_SUCCESS;
use kernel_sim::machine::Execution;
use storport_sim::Adapter;

/// Works through a fault that the class driver and its callers must not notice.
fn unnoticed(bench: &mut Bench, _seed: u64) {
    load(6, 4).run(bench.disk(0)).assert_only(&[STATUS_SUCCESS]);
}

#[test]
fn a_completion_that_never_comes_is_recovered() {
    for plan in ["dropped:op=read,times=2", "dropped:op=write,times=1; dropped:op=read,after=3,times=1"] {
        for cpus in [1, 2, 4] {
            seeds(&Setup::new(cpus).plan(plan), 40, unnoticed);
        }
    }
}

#[test]
fn recovery_starts_with_the_unit() {
    for seed in 0..20 {
        let outcome =
            run(&Setup::new(2).plan("dropped:op=read,times=1"), Execution::Seeded(seed), seed, |bench, _| {
                let disk = bench.adapter().disks()[0];
                load(2, 2).run(disk).assert_only(&[STATUS_SUCCESS]);
                let statistics = bench.adapter().statistics(disk).unwrap();
                assert_eq!((statistics.timeouts, statistics.retries >= 1), (1, true), "{statistics:?}");
            });
        assert_completed(&outcome, "one loss");
        let seconds = outcome.time_ns / 1_000_000_000;
        assert!(
            (60..70).contains(&seconds),
            "one time-out, and a unit reset that helps at once: {seconds} s"
        );
    }
}

#[test]
fn late_completions_are_waited_for() {
    for cpus in [1, 3] {
        let setup = Setup::new(cpus).plan("late:p=0.5,delay-us=700");
        seeds(&setup, 60, unnoticed);
        parallel(&setup, 4, unnoticed);
    }
}

#[test]
fn a_completion_later_than_its_request_may_take_is_not_taken_for_another() {
    for cpus in [1, 2] {
        seeds(&Setup::new(cpus).plan("late:op=read,times=3,delay-us=90000000"), 40, unnoticed);
    }
}

#[test]
fn duplicates_are_passed_over() {
    for cpus in [1, 2, 4] {
        let setup = Setup::new(cpus).plan("duplicate");
        seeds(&setup, 80, unnoticed);
        parallel(&setup, 10, unnoticed);
        let mut setup = setup;
        setup.line_only = true;
        setup.options.indirect = false;
        seeds(&setup, 40, unnoticed);
    }
}

#[test]
fn a_hung_adapter_is_reset() {
    for cpus in [1, 2, 4] {
        seeds(&Setup::new(cpus).plan("hung:op=write,times=1"), 40, unnoticed);
        seeds(&Setup::new(cpus).plan("hung:after=7,times=2,every=5"), 30, unnoticed);
    }
}

#[test]
fn an_adapter_without_memory_is_asked_again() {
    for cpus in [1, 2] {
        let setup = Setup::new(cpus).plan("allocation:p=0.2,times=6");
        seeds(&setup, 60, unnoticed);
        parallel(&setup, 2, unnoticed);
    }
}

#[test]
fn an_adapter_that_is_pulled_out_ends_every_request() {
    let gone = |bench: &mut Bench, _: u64| {
        let mut burst = Burst::default();
        // One by one, so that some are answered, and some are on their way when it happens.
        while !bench.medium().is_gone() {
            send_read(&mut burst, bench);
            sleep_us(5);
        }
        bench.end(Adapter::surprise_remove);
        assert!(burst.wait().failed() > 0);
    };
    for cpus in [1, 2, 4] {
        let setup = Setup::new(cpus).plan("removal:after=20");
        seeds(&setup, 60, gone);
        parallel(&setup, 6, gone);
    }
}

#[test]
fn everything_at_once() {
    let plan = "dropped:p=0.01,times=2; late:p=0.05; duplicate:p=0.2; hung:after=30,times=1; allocation:p=0.02,times=3";
    for cpus in [1, 2, 4] {
        let setup = Setup { disks: 2, ..Setup::new(cpus).plan(plan) };
        seeds(&setup, 40, |bench, _| {
            let loads = [0, 1].map(|n| load(4, 5).start(bench.disk(n)));
            loads.into_iter().for_each(|load| load.wait().assert_only(&[STATUS_SUCCESS]));
        });
    }
}
