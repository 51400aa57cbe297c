//! What the disk, the adapter and the wire do wrong, by fault plan: every request ends, data is never wrong.

use crate::rig::*;
use kernel_sim::machine::Execution;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use storport_sim::ddi::*;

/// Runs a load under a fault plan; requests end in `allowed` only. Returns how many did not succeed, over all
/// seeds.
fn under(plan: &'static str, seeds: u64, allowed: &'static [NTSTATUS]) -> u32 {
    under_on(ONE_DISK, plan, seeds, allowed)
}

/// As [`under`], on another machine.
fn under_on(setup: Setup, plan: &'static str, seeds: u64, allowed: &'static [NTSTATUS]) -> u32 {
    let failed = Arc::new(AtomicU32::new(0));
    let total = Arc::clone(&failed);
    on_seeds(setup, seeds, move |bench, seed| {
        bench.faults(plan, seed);
        let endings = Load::of(6, 4).run(bench.disk(0));
        endings.assert_only(allowed);
        total.fetch_add(endings.failed(), SeqCst);
    });
    failed.load(SeqCst)
}

/// What requests may end with under many faults.
const ERRORS: &[NTSTATUS] = &[
    STATUS_SUCCESS,
    STATUS_DATA_OVERRUN,
    STATUS_DEVICE_DATA_ERROR,
    STATUS_DEVICE_HARDWARE_ERROR,
    STATUS_IO_DEVICE_ERROR,
    STATUS_IO_TIMEOUT,
];

#[test]
fn a_bad_block_fails_its_own_request_only() {
    // Thread 2's part of the disk, and no other's: the other requests are sent again after the queue was
    // given up.
    let failed = under("medium-error:lba=16..24,op=read", 60, &[STATUS_SUCCESS, STATUS_DEVICE_DATA_ERROR]);
    // Four reads of one thread in each run.
    assert_eq!(failed, 4 * 3 * 60 * soak() as u32);
}

#[test]
fn a_block_that_cannot_be_written_fails_its_own_request_only() {
    let failed =
        under("medium-error:lba=16..24,op=write", 60, &[STATUS_SUCCESS, STATUS_DEVICE_HARDWARE_ERROR]);
    assert_eq!(failed, 4 * 3 * 60 * soak() as u32);
}

#[test]
fn a_flush_that_fails_fails_by_itself() {
    let failed = under("medium-error:op=flush", 30, &[STATUS_SUCCESS, STATUS_DEVICE_HARDWARE_ERROR]);
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
        under(plan, 25, ERRORS);
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
fn errors_without_queueing_are_found_by_the_slot() {
    let setup = Setup { queues: false, ..ONE_DISK };
    let failed =
        under_on(setup, "medium-error:lba=16..24,op=read", 40, &[STATUS_SUCCESS, STATUS_DEVICE_DATA_ERROR]);
    assert_eq!(failed, 4 * 3 * 40 * soak() as u32);
    for plan in ["aborted:every=5,times=4", "late:p=0.4", "duplicate:p=0.4", "dropped:every=9,times=2"] {
        assert_eq!(under_on(setup, plan, 30, &[STATUS_SUCCESS]), 0, "{plan}");
    }
    let failed = under_on(setup, "short:op=read,p=0.3", 20, ERRORS);
    assert!(failed < 6 * 4 * 3 * 20 * soak() as u32);
}

#[test]
fn errors_on_processors_that_really_run_at_once() {
    for plan in ["medium-error:p=0.05;aborted:p=0.1", "late:p=0.3;duplicate:p=0.3", "busy:p=0.1;short:p=0.1"]
    {
        let outcome = run(ONE_DISK, 4, Execution::Parallel, move |bench| {
            bench.faults(plan, 1);
            let load = Load::of(16, 20).start(bench.disk(0));
            load.wait().assert_only(ERRORS);
        });
        assert_completed(&outcome, plan);
    }
}

#[test]
fn a_reset_in_the_middle_of_everything_loses_nothing() {
    let retried = Arc::new(AtomicU64::new(0));
    for (cpus, seed) in seeded(100) {
        let setup = Setup { queues: seed % 2 == 0, ..ONE_DISK };
        let total = Arc::clone(&retried);
        let outcome = run(setup, cpus, Execution::Seeded(seed), move |bench| {
            let load = Load::of(8, 6).start(bench.disk(0));
            // As often as the class driver sends a request again. Each time the disk has come back before,
            // and has others' requests too.
            for _ in 0..4 {
                unit(bench).execute(&[0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0], Data::In(512)).good();
                assert_eq!(unit(bench).function(SRB_FUNCTION_RESET_LOGICAL_UNIT), SRB_STATUS_SUCCESS);
            }
            load.wait().assert_only(&[STATUS_SUCCESS]);
            let statistics = bench.adapter().statistics(bench.adapter().disks()[0]).unwrap();
            total.fetch_add(statistics.retries, SeqCst);
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
    let retried = retried.load(SeqCst);
    assert!(retried > 100, "{retried} requests were with the device when it was reset");
}

/// Refuses the resets of unit and target, so that the bus has to be reset.
unsafe extern "C-unwind" fn refuse_resets(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        match SrbGetSrbFunction(srb.cast()) as UCHAR {
            SRB_FUNCTION_RESET_LOGICAL_UNIT | SRB_FUNCTION_RESET_DEVICE => {
                SrbSetSrbStatus(srb.cast(), SRB_STATUS_INVALID_REQUEST);
                StorPortNotification(RequestComplete, extension, srb);
                FALSE
            }
            _ => drivers_examples::ahci::HwBuildIo(extension, srb),
        }
    }
}

unsafe extern "C-unwind" fn resets_the_bus_only(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { drivers_examples::ahci::register(driver, path, |data| data.HwBuildIo = Some(refuse_resets)) }
}

#[test]
fn the_bus_is_reset_where_unit_and_target_cannot_be() {
    let setup = Setup { entry: Some(resets_the_bus_only), ..ONE_DISK };
    for plan in ["dropped:every=9,times=2", "hung:after=5,times=1"] {
        assert_eq!(under_on(setup, plan, 40, &[STATUS_SUCCESS]), 0, "{plan}");
    }
}

#[test]
fn everything_at_once() {
    let plan = "medium-error:p=0.02;aborted:p=0.05;busy:p=0.05;dropped:p=0.01;late:p=0.1;duplicate:p=0.1;hung:p=0.005";
    under(plan, 60, ERRORS);
}
