//! Stop, restart, removal in all its forms; units that come and go; how many workers there are.

use crate::rig::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use storport_sim::Adapter;
use storport_sim::client::{Burst, slow_executions};
use storport_sim::scsi::Lun;

/// Seeds, and real threads.
fn everywhere(seeds: u64) -> impl Iterator<Item = (u8, Execution, u64)> {
    let seeded = seeded(seeds).map(|(cpus, seed)| (cpus, Execution::Seeded(seed), seed));
    seeded.chain((1..=4).map(|cpus| (cpus, Execution::Parallel, 0)))
}

#[test]
fn an_adapter_that_was_stopped_goes_on_where_it_was() {
    for (cpus, execution, seed) in everywhere(20) {
        run(cpus, execution, 1, move |bench| {
            bench.faults("late:every=3,delay-us=50", seed);
            for _ in 0..2 {
                assert_eq!(work(bench.disk(0), 2, 2), 0);
                bench.adapter().stop();
                bench.adapter().restart().expect("the adapter restarts");
            }
            assert_eq!(work(bench.disk(0), 2, 2), 0);
        });
    }
}

#[test]
fn requests_that_come_while_it_is_stopped_wait() {
    for (cpus, execution, _) in everywhere(20) {
        run(cpus, execution, 1, |bench| {
            bench.adapter().stop();
            let disk = bench.disk(0);
            let threads = Threads::start(3, move |n| {
                let mut client = Client::new(disk, BYTES);
                client.data().fill(5);
                assert_eq!(client.write(i64::from(n) * BYTES as i64, BYTES), (STATUS_SUCCESS, BYTES));
                assert_eq!(client.flush(), STATUS_SUCCESS);
            });
            bench.adapter().restart().expect("the adapter restarts");
            threads.join();
        });
    }
}

#[test]
fn removal_in_the_middle_of_work_ends_every_request() {
    for end in [Adapter::remove, Adapter::surprise_remove] {
        for (cpus, execution, seed) in everywhere(30) {
            // On real threads a minute is a minute: none is dropped there.
            let is_real = matches!(execution, Execution::Parallel);
            let dropped = if is_real { "" } else { "; dropped:every=7,times=1" };
            let plan = format!("late:every=2,delay-us=300{dropped}");
            run(cpus, execution, 1, move |bench| {
                bench.faults(&plan, seed);
                // Sent before the end begins, and waited for after it: a device that is gone takes no
                // requests.
                let mut sent = Burst::default();
                for n in 0..9 {
                    let write = Request::Write { offset: n * BYTES as i64, bytes: BYTES };
                    sent.send(bench.disk(0), if n % 3 == 0 { Request::Flush } else { write }, 1);
                }
                bench.end(end);
                sent.wait().assert_only(&[STATUS_SUCCESS, STATUS_NO_SUCH_DEVICE]);
            });
        }
    }
}

#[test]
fn units_come_and_go_while_it_runs() {
    for (cpus, execution, _) in slow_executions(10) {
        run(cpus, execution, 1, |bench| {
            let three = Lun::new(3).unwrap();
            assert!(bench.medium().plug_in(three, disk()).is_none());
            // The driver has not looked yet: the next request makes it look.
            assert_eq!(work(bench.disk(0), 1, 1), 0);
            bench.adapter().wait_for_scans();
            let disks = bench.adapter().all_disks();
            assert_eq!(disks.len(), 2, "a disk that was plugged in is found");
            assert_eq!(work(disks[1], 2, 2), 0);
            assert_eq!(bench.medium().unplug(three).unwrap().blocks() * 512, DISK_BYTES);
            assert_eq!(work(bench.disk(0), 1, 1), 0);
            bench.adapter().wait_for_scans();
            assert!(work(disks[1], 1, 1) > 0, "a disk that was pulled out answers");
            assert_eq!(work(bench.disk(0), 1, 1), 0);
        });
    }
}

#[test]
fn sixty_four_units_are_served() {
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        run(2, execution, 64, |bench| {
            assert_eq!(bench.adapter().disks().len(), 64);
            for disk in [0, 1, 31, 63] {
                assert_eq!(work(bench.adapter().disks()[disk], 2, 2), 0);
            }
        });
    }
}

#[test]
fn the_registry_says_how_many_workers_there_are() {
    for workers in [0, 1, 5, 16, u32::MAX] {
        for (cpus, seed) in seeded(5) {
            run_with_workers(cpus, Execution::Seeded(seed), 1, Some(workers), |bench| {
                assert_eq!(work(bench.disk(0), 4, 3), 0);
            });
        }
    }
}
