//! An adapter's life under load: stopped and restarted, pulled out, its disks unplugged and plugged in.

use crate::rig::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use storport_sim::Adapter;

#[test]
fn requests_survive_a_stop_and_a_restart() {
    for (cpus, seed) in seeded(100) {
        let setup = Setup { is_power_managed: seed % 2 == 0, ..ONE_DISK };
        let outcome = run(setup, cpus, Execution::Seeded(seed), |bench| {
            let load = Load::of(6, 6).start(bench.disk(0));
            for _ in 0..2 {
                bench.adapter().stop();
                wait_ms(20);
                bench.adapter().restart().unwrap();
            }
            load.wait().assert_only(&[STATUS_SUCCESS]);
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn a_device_that_does_not_answer_at_first_is_found() {
    let plans = ["aborted:op=inquiry,times=2", "dropped:op=inquiry,times=2", "hung:op=inquiry,times=1"];
    for plan in plans {
        for packet in [None, Some(0)] {
            on_seeds(Setup { plan, packet, ..ONE_DISK }, 20, |bench, _| {
                Load::of(2, 2).run(bench.disk(0)).assert_only(&[STATUS_SUCCESS]);
            });
        }
    }
}

#[test]
fn a_device_that_never_says_who_it_is_is_none() {
    let setup = Setup { plan: "aborted:op=inquiry", ..ONE_DISK };
    on_seeds(setup, 20, |bench, _| assert!(bench.adapter().disks().is_empty()));
}

#[test]
fn a_shutdown_flushes() {
    on_seeds(ONE_DISK, 20, move |bench, _| {
        let load = Load::of(3, 2).start(bench.disk(0));
        bench.adapter().shut_down();
        load.wait().assert_only(&[STATUS_SUCCESS]);
    });
}

#[test]
fn requests_end_when_the_adapter_is_pulled_out() {
    on_seeds(ONE_DISK, 80, move |bench, _| {
        let load = Load::of(6, 50).start(bench.disk(0));
        wait_ms(1);
        bench.medium().pull_out();
        Machine::current().unwrap().touch_device(0);
        load.stop();
        bench.end(Adapter::surprise_remove);
        load.wait().assert_only(&[STATUS_SUCCESS, STATUS_NO_SUCH_DEVICE]);
    });
}

#[test]
fn an_adapter_that_goes_in_the_middle_of_a_command_is_removed() {
    on_seeds(ONE_DISK, 80, move |bench, seed| {
        bench.faults(&format!("removal:after={}", seed % 20), seed);
        let load = Load::of(6, 50).start(bench.disk(0));
        while !bench.medium().is_gone() {
            wait_ms(1);
        }
        load.stop();
        bench.end(Adapter::surprise_remove);
        load.wait().assert_only(&[STATUS_SUCCESS, STATUS_NO_SUCH_DEVICE]);
    });
}

#[test]
fn requests_end_when_a_disk_is_unplugged_and_a_new_disk_works_when_it_is_back() {
    on_seeds(ONE_DISK, 80, move |bench, _| {
        let load = Load::of(6, 50).start(bench.disk(0));
        let disk = bench.unplug(0).unwrap();
        load.wait().assert_only(&[STATUS_SUCCESS, STATUS_NO_SUCH_DEVICE]);
        wait_ms(500);
        bench.adapter().wait_for_scans();
        bench.plug_in(0, disk);
        wait_ms(500);
        bench.adapter().wait_for_scans();
        let present = bench.adapter().present_disks();
        Load::of(3, 2).run(present[0]).assert_only(&[STATUS_SUCCESS]);
    });
}

#[test]
fn a_disk_that_is_plugged_in_while_another_works_is_found() {
    on_seeds(ONE_DISK, 60, move |bench, _| {
        let load = Load::of(4, 4).start(bench.disk(0));
        bench.plug_in(1, disk());
        load.wait().assert_only(&[STATUS_SUCCESS]);
        wait_ms(500);
        bench.adapter().wait_for_scans();
        let disks = bench.adapter().all_disks();
        assert_eq!(disks.len(), 2);
        Load::of(3, 2).run(disks[1]).assert_only(&[STATUS_SUCCESS]);
    });
}

#[test]
fn a_disk_that_comes_and_goes_ends_where_it_is() {
    on_seeds(ONE_DISK, 60, move |bench, _| {
        let load = Load::of(4, 30).start(bench.disk(0));
        for n in 0..4 {
            let disk = bench.unplug(0).unwrap();
            wait_ms(n);
            bench.plug_in(0, disk);
            wait_ms(2 * n);
        }
        load.wait().assert_only(&[STATUS_SUCCESS, STATUS_NO_SUCH_DEVICE, STATUS_IO_TIMEOUT]);
        wait_ms(1000);
        bench.adapter().wait_for_scans();
        let present = bench.adapter().present_disks();
        Load::of(3, 2).run(present[0]).assert_only(&[STATUS_SUCCESS]);
    });
}

#[test]
fn an_adapter_is_removed_while_a_disk_is_being_plugged_in() {
    on_seeds(ONE_DISK, 60, move |bench, seed| {
        bench.plug_in(1, disk());
        wait_ms(seed % 40);
    });
}
