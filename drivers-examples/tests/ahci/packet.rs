//! An ATAPI device: commands as packets, and sense data that has to be asked for.

use crate::rig::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;

const PACKET: Setup = Setup { packet: Some(0), ..ONE_DISK };

fn under(plan: &'static str, seeds: u64, allowed: &'static [NTSTATUS]) {
    for (cpus, seed) in seeded(seeds) {
        let outcome = run(PACKET, cpus, Execution::Seeded(seed), move |bench| {
            bench.faults(plan, seed);
            let load = Load::start(bench.disk(0), 5, 4);
            load.wait();
            load.endings.assert_only(allowed);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{plan}: {cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn what_is_written_is_read_back() {
    under("", 60, &[STATUS_SUCCESS]);
}

#[test]
fn sense_data_says_what_failed() {
    // A unit attention costs nothing but another try, which only its sense data can tell.
    under("unit-attention:every=3", 40, &[STATUS_SUCCESS]);
    under("aborted:every=4,times=4", 40, &[STATUS_SUCCESS]);
    under("medium-error:p=0.2", 40, &[STATUS_SUCCESS, STATUS_DEVICE_DATA_ERROR]);
}

#[test]
fn lost_and_repeated_answers_do_no_harm() {
    for plan in ["late:p=0.4", "duplicate:p=0.4", "dropped:every=7,times=2", "hung:after=3,times=1"] {
        under(plan, 30, &[STATUS_SUCCESS]);
    }
}

#[test]
fn a_disk_and_an_atapi_device_share_an_adapter() {
    let setup = Setup { disks: 2, packet: Some(1), by_message: false, ..ONE_DISK };
    for (cpus, seed) in seeded(40) {
        let outcome = run(setup, cpus, Execution::Seeded(seed), |bench| {
            let loads = [0, 1].map(|n| Load::start(bench.disk(n), 3, 3));
            for load in &loads {
                load.wait();
                load.endings.assert_only(&[STATUS_SUCCESS]);
            }
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}
