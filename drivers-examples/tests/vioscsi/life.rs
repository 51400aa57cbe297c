//! Stop and restart, removal, units plugged in and pulled out, all under load.

use crate::client;
use crate::rig::{Bench, Setup, disk, parallel, seeds, sleep_us, unit};
use kernel_sim::machine::Machine;

#[test]
fn nothing_is_lost_over_stop_and_restart() {
    let stop_and_go = |bench: Bench| {
        let tally = client::start(bench.adapter.disks()[0], 4, 6);
        for _ in 0..3 {
            sleep_us(50);
            bench.adapter.stop();
            sleep_us(100);
            bench.adapter.restart().expect("the adapter starts again");
        }
        tally.wait();
        tally.assert_all_good();
        bench.adapter.remove();
    };
    for cpus in [1, 2, 4] {
        seeds(&Setup::new(cpus), 80, stop_and_go);
        parallel(&Setup::new(cpus), 10, stop_and_go);
        let line = Setup { line_only: true, ..Setup::new(cpus) };
        seeds(&line, 40, stop_and_go);
    }
}

#[test]
fn a_stopped_adapter_can_be_removed() {
    seeds(&Setup::new(2), 20, |bench| {
        client::work(bench.adapter.disks()[0], 2, 2).assert_all_good();
        bench.adapter.stop();
        bench.adapter.remove();
    });
}

#[test]
fn units_come_and_go_under_load() {
    let plug = |bench: Bench| {
        let machine = Machine::current().unwrap();
        let tally = client::start(bench.adapter.disks()[0], 4, 8);
        for round in 0..3 {
            bench.medium.plug_in(unit(5), disk());
            machine.touch_device(0);
            while bench.adapter.all_disks().len() < 2 {
                sleep_us(100);
            }
            let visitor = bench.adapter.all_disks()[1];
            while !client::is_served(visitor) {
                sleep_us(100);
            }
            let visits = client::start(visitor, 2, 2 + round);
            if round == 1 {
                visits.wait();
                visits.assert_all_good();
            }
            bench.medium.unplug(unit(5));
            machine.touch_device(0);
            visits.wait();
            while bench.medium.changes() != 0 {
                sleep_us(100);
            }
            sleep_us(2000);
            bench.adapter.wait_for_scans();
        }
        tally.wait();
        tally.assert_all_good();
        bench.adapter.remove();
    };
    for cpus in [1, 2, 4] {
        seeds(&Setup::new(cpus), 60, plug);
        parallel(&Setup::new(cpus), 4, plug);
    }
}

#[test]
fn a_surprise_removal_under_load_ends_every_request() {
    let pull = |bench: Bench| {
        let mut burst = client::Burst::default();
        (0..20).for_each(|_| burst.send(bench.adapter.disks()[0]));
        sleep_us((bench.seed % 17) as i64);
        bench.medium.pull_out();
        (0..5).for_each(|_| burst.send(bench.adapter.disks()[0]));
        bench.adapter.surprise_remove();
        let (good, failed) = burst.wait();
        assert!(good + failed == 25 && failed >= 5, "{good} good, {failed} failed");
    };
    for cpus in [1, 2, 4] {
        seeds(&Setup::new(cpus), 80, pull);
        parallel(&Setup::new(cpus), 10, pull);
    }
}

#[test]
fn removal_waits_for_what_is_out() {
    for cpus in [1, 2] {
        seeds(&Setup::new(cpus).plan("late:p=0.3,delay-us=400"), 60, |bench| {
            let mut burst = client::Burst::default();
            (0..12).for_each(|_| burst.send(bench.adapter.disks()[0]));
            sleep_us((bench.seed % 31) as i64 * 10);
            bench.adapter.remove();
            assert_eq!(burst.wait(), (12, 0));
        });
    }
}
