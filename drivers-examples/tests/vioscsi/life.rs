//! Stop and restart, removal, units plugged in and pulled out, all under load.

use crate::rig::*;
use kernel_sim::ddi::STATUS_SUCCESS;
use storport_sim::Adapter;
use storport_sim::client::Client;

#[test]
fn nothing_is_lost_over_stop_and_restart() {
    let stop_and_go = |bench: &mut Bench, _: u64| {
        let running = load(4, 6).start(bench.disk(0));
        for _ in 0..3 {
            sleep_us(50);
            bench.adapter().stop();
            sleep_us(100);
            bench.adapter().restart().expect("the adapter starts again");
        }
        running.wait().assert_only(&[STATUS_SUCCESS]);
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
    seeds(&Setup::new(2), 20, |bench, _| {
        load(2, 2).run(bench.disk(0)).assert_only(&[STATUS_SUCCESS]);
        bench.adapter().stop();
    });
}

#[test]
fn units_come_and_go_under_load() {
    let plug = |bench: &mut Bench, _: u64| {
        let running = load(4, 8).start(bench.disk(0));
        for round in 0..3 {
            bench.plug_in(5, disk());
            // Each time it is a new device.
            while bench.adapter().present_disks().len() < 2 {
                sleep_us(100);
            }
            let visitor = bench.adapter().present_disks()[1];
            while Client::new(visitor, 512).read(0, 512).0 != STATUS_SUCCESS {
                sleep_us(100);
            }
            let visits = load(2, 2 + round).start(visitor);
            if round == 1 {
                visits.wait().assert_only(&[STATUS_SUCCESS]);
                bench.unplug(5);
            } else {
                bench.unplug(5);
                let _how_many = visits.wait().failed();
            }
            while bench.medium().changes() != 0 {
                sleep_us(100);
            }
            sleep_us(2000);
            bench.adapter().wait_for_scans();
        }
        running.wait().assert_only(&[STATUS_SUCCESS]);
    };
    for cpus in [1, 2, 4] {
        seeds(&Setup::new(cpus), 20, plug);
    }
    // Each visitor is busy for seconds of the host's clock, as the class driver waits after a unit attention.
    parallel(&Setup::new(2), 1, plug);
}

#[test]
fn a_surprise_removal_under_load_ends_every_request() {
    let pull = |bench: &mut Bench, seed: u64| {
        let mut burst = Burst::default();
        (0..20).for_each(|_| send_read(&mut burst, bench));
        sleep_us(seed % 17);
        bench.medium().pull_out();
        (0..5).for_each(|_| send_read(&mut burst, bench));
        bench.end(Adapter::surprise_remove);
        let endings = burst.wait();
        let (good, failed) = (endings.succeeded(), endings.failed());
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
        seeds(&Setup::new(cpus).plan("late:p=0.3,delay-us=400"), 60, |bench, seed| {
            let mut burst = Burst::default();
            (0..12).for_each(|_| send_read(&mut burst, bench));
            sleep_us(seed % 31 * 10);
            bench.end(Adapter::remove);
            let endings = burst.wait();
            assert_eq!((endings.succeeded(), endings.failed()), (12, 0));
        });
    }
}
