//! An ATAPI device: commands as packets, and sense data that has to be asked for.

use crate::rig::*;
use kernel_sim::ddi::*;

const PACKET: Setup = Setup { packet: Some(0), ..ONE_DISK };

fn under(plan: &'static str, seeds: u64, allowed: &'static [NTSTATUS]) {
    on_seeds(PACKET, seeds, move |bench, seed| {
        bench.faults(plan, seed);
        Load::of(5, 4).run(bench.disk(0)).assert_only(allowed);
    });
}

#[test]
fn what_is_written_is_read_back() {
    under("", 60, &[STATUS_SUCCESS]);
}

#[test]
fn sense_data_says_what_failed() {
    // A unit attention costs nothing but another try, which only its sense data can tell.
    under("unit-attention:every=3,times=4", 40, &[STATUS_SUCCESS]);
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
    on_seeds(setup, 40, move |bench, _| {
        let loads = [0, 1].map(|n| Load::of(3, 3).start(bench.disk(n)));
        for load in loads {
            load.wait().assert_only(&[STATUS_SUCCESS]);
        }
    });
}
