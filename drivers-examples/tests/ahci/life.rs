//! An adapter's life under load: stopped and restarted, pulled out, its disks unplugged and plugged in.

use crate::rig::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;

#[test]
fn requests_survive_a_stop_and_a_restart() {
    for (cpus, seed) in seeded(100) {
        let setup = Setup { is_power_managed: seed % 2 == 0, ..ONE_DISK };
        let outcome = run(setup, cpus, Execution::Seeded(seed), |bench| {
            let load = Load::start(bench.disk(0), 6, 6);
            for _ in 0..2 {
                bench.adapter.stop();
                wait_ms(20);
                bench.adapter.restart().unwrap();
            }
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS]);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn a_device_that_does_not_answer_at_first_is_found() {
    let plans = ["aborted:op=inquiry,times=2", "dropped:op=inquiry,times=2", "hung:op=inquiry,times=1"];
    for (cpus, seed) in seeded(20) {
        for plan in plans {
            for packet in [None, Some(0)] {
                let setup = Setup { plan, packet, ..ONE_DISK };
                let outcome = run(setup, cpus, Execution::Seeded(seed), |bench| {
                    let load = Load::start(bench.disk(0), 2, 2);
                    load.wait();
                    load.endings.assert_only(&[STATUS_SUCCESS]);
                    Some(bench.adapter)
                });
                assert_completed(&outcome, &format!("{plan}: {cpus} CPUs, seed {seed}"));
            }
        }
    }
}

#[test]
fn a_device_that_never_says_who_it_is_is_none() {
    for (cpus, seed) in seeded(20) {
        let setup = Setup { plan: "aborted:op=inquiry", ..ONE_DISK };
        let outcome = run(setup, cpus, Execution::Seeded(seed), |bench| {
            assert!(bench.adapter.disks().is_empty());
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn a_shutdown_flushes() {
    for (cpus, seed) in seeded(20) {
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), |bench| {
            let load = Load::start(bench.disk(0), 3, 2);
            bench.adapter.shut_down();
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS]);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn requests_end_when_the_adapter_is_pulled_out() {
    for (cpus, seed) in seeded(80) {
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), |bench| {
            let load = Load::start(bench.disk(0), 6, 50);
            wait_ms(1);
            bench.medium.pull_out();
            machine().touch_device(0);
            load.stop();
            bench.adapter.surprise_remove();
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS, STATUS_DEVICE_DOES_NOT_EXIST]);
            None
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn an_adapter_that_goes_in_the_middle_of_a_command_is_removed() {
    for (cpus, seed) in seeded(80) {
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), move |bench| {
            bench.faults(&format!("removal:after={}", seed % 20), seed);
            let load = Load::start(bench.disk(0), 6, 50);
            while !bench.medium.is_gone() {
                wait_ms(1);
            }
            load.stop();
            bench.adapter.surprise_remove();
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS, STATUS_DEVICE_DOES_NOT_EXIST]);
            None
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn requests_end_when_a_disk_is_unplugged_and_it_works_again_when_it_is_back() {
    for (cpus, seed) in seeded(80) {
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), |bench| {
            let load = Load::start(bench.disk(0), 6, 50);
            let disk = bench.unplug(0).unwrap();
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS, STATUS_DEVICE_DOES_NOT_EXIST]);
            wait_ms(500);
            bench.adapter.wait_for_scans();
            bench.plug_in(0, disk);
            wait_ms(500);
            bench.adapter.wait_for_scans();
            let load = Load::start(bench.disk(0), 3, 2);
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS]);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn a_disk_that_is_plugged_in_while_another_works_is_found() {
    for (cpus, seed) in seeded(60) {
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), |bench| {
            let load = Load::start(bench.disk(0), 4, 4);
            bench.plug_in(1, disk());
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS]);
            wait_ms(500);
            bench.adapter.wait_for_scans();
            let disks = bench.adapter.all_disks();
            assert_eq!(disks.len(), 2);
            let load = Load::start(disks[1] as usize, 3, 2);
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS]);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn a_disk_that_comes_and_goes_ends_where_it_is() {
    for (cpus, seed) in seeded(60) {
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), |bench| {
            let load = Load::start(bench.disk(0), 4, 30);
            for n in 0..4 {
                let disk = bench.unplug(0).unwrap();
                wait_ms(n);
                bench.plug_in(0, disk);
                wait_ms(2 * n);
            }
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS, STATUS_DEVICE_DOES_NOT_EXIST, STATUS_IO_TIMEOUT]);
            wait_ms(1000);
            bench.adapter.wait_for_scans();
            let load = Load::start(bench.disk(0), 3, 2);
            load.wait();
            load.endings.assert_only(&[STATUS_SUCCESS]);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn an_adapter_is_removed_while_a_disk_is_being_plugged_in() {
    for (cpus, seed) in seeded(60) {
        let outcome = run(ONE_DISK, cpus, Execution::Seeded(seed), move |bench| {
            bench.plug_in(1, disk());
            wait_ms(seed as i64 % 40);
            Some(bench.adapter)
        });
        assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    }
}
