//! What the disk, the adapter and the wire do wrong, by fault plan: every request ends, data is never wrong.

use crate::rig::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;

/// Runs a load under a fault plan; requests end in `allowed` only. Answers how many did not succeed, over all seeds.
fn under(plan: &'static str, seeds: u64, allowed: &'static [NTSTATUS]) -> u32 {
    let failed = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    for (cpus, seed) in seeded(seeds) {
        let total = std::sync::Arc::clone(&failed);
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), move |bench| {
            bench.faults(plan, seed);
            let load = Load::start(bench.disk(0), 6, 4);
            load.wait();
            load.endings.assert_only(allowed);
            let failures = allowed.iter().filter(|s| **s != STATUS_SUCCESS).map(|s| load.endings.count(*s));
            total.fetch_add(failures.sum(), std::sync::atomic::Ordering::SeqCst);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{plan}: {cpus} CPUs, seed {seed}"));
    }
    failed.load(std::sync::atomic::Ordering::SeqCst)
}

#[test]
fn a_bad_block_fails_its_own_request_only() {
    // Client 2's part of the disk, and nobody else's: the others are sent again after the queue was given up.
    let failed = under("medium-error:lba=16..24,op=read", 60, &[STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR]);
    // Four reads of one client in each run.
    assert_eq!(failed, 4 * 3 * 60 * soak() as u32);
}

#[test]
fn a_block_that_cannot_be_written_fails_its_own_request_only() {
    let failed = under("medium-error:lba=16..24,op=write", 60, &[STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR]);
    assert_eq!(failed, 4 * 3 * 60 * soak() as u32);
}

#[test]
fn a_flush_that_fails_fails_by_itself() {
    let failed = under("medium-error:op=flush", 30, &[STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR]);
    assert!(failed > 0);
}

#[test]
fn commands_that_are_given_up_are_sent_again() {
    // No more faults than the class driver tries again.
    for kind in ["aborted", "busy", "task-set-full", "allocation"] {
        for every in ["every=3", "every=7"] {
            let plan: &'static str = format!("{kind}:{every},times=4").leak();
            assert_eq!(under(plan, 20, &[STATUS_SUCCESS]), 0, "{plan}");
        }
    }
}

#[test]
fn errors_in_a_row_end() {
    for plan in ["aborted:p=0.5", "medium-error:p=0.3", "bad-sense:p=0.3", "short:p=0.3"] {
        under(plan, 25, &[STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR]);
    }
}

#[test]
fn unit_attentions_are_none_of_an_ata_disk() {
    assert_eq!(under("unit-attention:every=3", 20, &[STATUS_SUCCESS]), 0);
}

#[test]
fn completions_that_are_late_or_come_twice_do_no_harm() {
    for plan in
        ["late:every=3,delay-us=2000", "late:p=0.5", "duplicate:every=3", "duplicate:p=0.5;late:p=0.5"]
    {
        assert_eq!(under(plan, 60, &[STATUS_SUCCESS]), 0, "{plan}");
    }
}

#[test]
fn completions_that_never_come_are_made_up_for_by_a_reset() {
    for plan in ["dropped:every=9,times=3", "dropped:times=1,op=flush", "dropped:times=1,op=write"] {
        assert_eq!(under(plan, 40, &[STATUS_SUCCESS]), 0, "{plan}");
    }
}

#[test]
fn a_device_that_hangs_is_reset() {
    for plan in ["hung:after=5,times=1", "hung:every=11,times=2", "hung:op=flush,times=1"] {
        assert_eq!(under(plan, 40, &[STATUS_SUCCESS]), 0, "{plan}");
    }
}

#[test]
fn everything_at_once() {
    let plan = "medium-error:p=0.02;aborted:p=0.05;busy:p=0.05;dropped:p=0.01;late:p=0.1;duplicate:p=0.1;hung:p=0.005";
    under(plan, 60, &[STATUS_SUCCESS, STATUS_IO_DEVICE_ERROR, STATUS_IO_TIMEOUT]);
}
