//! Requests that never come back: abort, the resets, and what happens when they do not help.

use crate::physical_entry;
use crate::rig::physical::{self, Bench, with_adapter};
use crate::rig::{assert_completed, read_once, stopped};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Outcome};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use storport_sim::client::{Device, Threads};
use storport_sim::ddi::*;

/// How often each kind of recovery was asked for.
#[derive(PartialEq, Eq, Debug, Default, Clone, Copy)]
struct Asked {
    aborts: u32,
    units: u32,
    targets: u32,
    buses: u32,
}

fn asked() -> Asked {
    let e = physical::extension();
    Asked {
        aborts: e.aborts.load(SeqCst),
        units: e.unit_resets.load(SeqCst),
        targets: e.target_resets.load(SeqCst),
        buses: e.bus_resets.load(SeqCst),
    }
}

/// Reads from a device that hangs, and is well again after the first request was given up; what was asked
/// of the miniport, and how many seconds it took.
fn recovered(
    entry: PDRIVER_INITIALIZE,
    execution: Execution,
    options: &'static [(&'static str, u32)],
) -> (Asked, u64) {
    let seen = Arc::new(parking_lot::Mutex::new(Asked::default()));
    let out = Arc::clone(&seen);
    let outcome = physical::run(2, execution, 0, 1, move |bench| {
        with_adapter(entry, physical::slot(options), |adapter| {
            bench.behaviour.lock().hangs_until_reset = true;
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
            *out.lock() = asked();
        });
    });
    assert_completed(&outcome, &format!("{options:?}"));
    let asked = *seen.lock();
    (asked, outcome.time_ns / 1_000_000_000)
}

#[test]
fn a_unit_reset_comes_first() {
    for seed in 0..6 {
        for options in [&[("Resets", 1)][..], &[("Resets", 1), ("Extended", 1)][..]] {
            let (asked, seconds) = recovered(Some(physical::entry), Execution::Seeded(seed), options);
            assert_eq!(asked, Asked { units: 1, ..Asked::default() });
            assert!((60..65).contains(&seconds), "{seconds} s");
        }
    }
}

#[test]
fn a_bus_reset_follows_a_unit_reset_that_fails() {
    for seed in 0..6 {
        let (asked, seconds) = recovered(Some(physical::entry), Execution::Seeded(seed), &[]);
        assert_eq!(asked, Asked { units: 1, buses: 1, ..Asked::default() });
        assert!((60..65).contains(&seconds), "{seconds} s");
    }
}

#[test]
fn a_bus_reset_follows_a_unit_reset_that_never_comes_back() {
    // The reset SRB itself is lost, and is late again after the bus reset.
    let outcome = physical::run(2, Execution::Seeded(1), 0, 1, |bench| {
        with_adapter(Some(physical::entry), physical::slot(&[("Resets", 2)]), |adapter| {
            bench.behaviour.lock().hangs_until_reset = true;
            let status = read_once(adapter.disks()[0]);
            unreachable!("the request waits behind the lost reset, which stops the machine: {status:#x}");
        });
    });
    assert_eq!(stopped(&outcome), (SCSI_VERIFIER_DETECTED_VIOLATION.code, 0x1007));
    let seconds = outcome.time_ns / 1_000_000_000;
    assert!((80..90).contains(&seconds), "60 s, 10 s for the step, 10 s more: {seconds} s");
}

unsafe extern "C-unwind" fn find_and_ask_for_aborts(
    extension: PVOID,
    context: PVOID,
    bus: PVOID,
    arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport's own arguments, passed on; the configuration is live.
    unsafe {
        (*config).FeatureSupport |= STOR_ADAPTER_FEATURE_ABORT_COMMAND;
        physical::HwFindAdapter(extension, context, bus, arguments, config, again)
    }
}
physical_entry!(aborts, |data| {
    // Features of miniports are other bits in another place: these say nothing of aborts.
    data.FeatureSupport = 0;
    data.HwFindAdapter = Some(find_and_ask_for_aborts);
});
physical_entry!(says_all_of_the_miniport, |data| data.FeatureSupport = ULONG::MAX);

#[test]
fn abort_is_tried_where_the_miniport_asks_for_it() {
    for seed in 0..6 {
        let (asked, _) = recovered(Some(aborts), Execution::Seeded(seed), &[("Resets", 1)]);
        assert_eq!(asked, Asked { aborts: 1, ..Asked::default() });
        // Refused: the unit reset is next.
        let (asked, _) = recovered(Some(aborts), Execution::Seeded(seed), &[]);
        assert_eq!(asked, Asked { aborts: 1, units: 1, buses: 1, ..Asked::default() });
        let (asked, _) = recovered(Some(says_all_of_the_miniport), Execution::Seeded(seed), &[("Resets", 1)]);
        assert_eq!(asked, Asked { units: 1, ..Asked::default() });
    }
}

/// Completes nothing but the reset SRB itself.
unsafe extern "C-unwind" fn claims_success(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let e = extension.cast::<physical::Extension>();
        let counter = match SrbGetSrbFunction(srb.cast()) as UCHAR {
            SRB_FUNCTION_RESET_LOGICAL_UNIT => &(*e).unit_resets,
            SRB_FUNCTION_RESET_DEVICE => &(*e).target_resets,
            _ => return physical::HwBuildIo(extension, srb),
        };
        counter.fetch_add(1, SeqCst);
        SrbSetSrbStatus(srb.cast(), SRB_STATUS_SUCCESS);
        StorPortNotification(RequestComplete, extension, srb);
    }
    FALSE
}
unsafe extern "C-unwind" fn reset_nothing(extension: PVOID, _path: ULONG) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe { (*extension.cast::<physical::Extension>()).bus_resets.fetch_add(1, SeqCst) };
    TRUE
}
physical_entry!(resets_nothing, |data| {
    data.HwBuildIo = Some(claims_success);
    data.HwResetBus = Some(reset_nothing);
});

fn hang(bench: &Bench, entry: PDRIVER_INITIALIZE, options: &[(&str, u32)]) {
    with_adapter(entry, physical::slot(options), |adapter| {
        bench.behaviour.lock().hangs = true;
        read_once(adapter.disks()[0]);
    });
}

#[test]
fn a_request_that_outlives_every_reset_is_lost() {
    // Each step succeeds and leaves the request: 60 s until the next.
    let run = |options: &'static [(&'static str, u32)]| -> Outcome {
        physical::run(2, Execution::Seeded(4), 0, 1, move |bench| hang(bench, Some(resets_nothing), options))
    };
    for (options, seconds) in [(&[][..], 180), (&[("Resets", 1)][..], 240)] {
        let outcome = run(options);
        assert_eq!(stopped(&outcome), (SCSI_VERIFIER_DETECTED_VIOLATION.code, 0x1007));
        let took = outcome.time_ns / 1_000_000_000;
        assert!((seconds..seconds + 8).contains(&took), "{options:?}: {took} s");
    }
}

#[test]
fn new_requests_wait_while_a_unit_is_reset() {
    for seed in 0..8 {
        let outcome = physical::run(3, Execution::Seeded(seed), 0, 1, |bench| {
            with_adapter(
                Some(physical::entry),
                physical::slot(&[("Resets", 1), ("LunDepth", 2)]),
                |adapter| {
                    bench.behaviour.lock().hangs_until_reset = true;
                    let disk = Device::from(adapter.disks()[0]);
                    let reads = Threads::start(5, move |_| assert_eq!(read_once(disk), STATUS_SUCCESS));
                    reads.join();
                    let statistics = adapter.statistics(adapter.disks()[0]).unwrap();
                    assert!(statistics.timeouts >= 1 && statistics.retries >= 1, "{statistics:?}");
                },
            );
        });
        assert_completed(&outcome, &format!("seed {seed}"));
    }
}
