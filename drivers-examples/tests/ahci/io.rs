//! Reads, writes and flushes: what is written is read back, however many requests are out.

use crate::rig::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use storport_sim::client::Client;

/// Runs a load of so many clients on a machine; every request succeeds.
fn loaded(setup: Setup, cpus: u8, execution: Execution, clients: u32, rounds: u32, what: &str) {
    let outcome = run(setup, cpus, execution, move |bench| {
        Load::of(clients, rounds).run(bench.disk(0)).assert_only(&[STATUS_SUCCESS]);
        // Nor was anything sent twice to get there.
        let statistics = bench.adapter().statistics(bench.adapter().disks()[0]).unwrap();
        assert_eq!((statistics.retries, statistics.timeouts), (0, 0));
    });
    assert_completed(&outcome, what);
}

#[test]
fn what_is_written_is_read_back() {
    for (cpus, seed) in seeded(100) {
        for by_message in [true, false] {
            let setup = Setup { by_message, ..ONE_DISK };
            let what = format!("{cpus} CPUs, seed {seed}, message {by_message}");
            loaded(setup, cpus, Execution::Seeded(seed), 4, 4, &what);
        }
    }
}

#[test]
fn an_adapter_without_queueing_gets_commands_that_are_not_queued() {
    for (cpus, seed) in seeded(60) {
        let setup = Setup { queues: false, ..ONE_DISK };
        loaded(setup, cpus, Execution::Seeded(seed), 6, 4, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn more_requests_than_slots_wait_for_one() {
    for (cpus, seed) in seeded(30) {
        loaded(ONE_DISK, cpus, Execution::Seeded(seed), 48, 2, &format!("{cpus} CPUs, seed {seed}"));
    }
}

#[test]
fn processors_that_really_run_at_once_lose_nothing() {
    for cpus in [1, 2, 4] {
        for by_message in [true, false] {
            let setup = Setup { by_message, ..ONE_DISK };
            loaded(setup, cpus, Execution::Parallel, 40, 20, &format!("{cpus} CPUs, message {by_message}"));
        }
    }
}

#[test]
fn a_request_is_cut_into_what_the_adapter_moves_at_once() {
    on_seeds(ONE_DISK, 10, move |bench, _| {
        let mut client = Client::new(bench.disk(0), 600 << 10);
        let pattern = |at: usize| ((at / 512) ^ at) as u8;
        client.data().iter_mut().enumerate().for_each(|(at, byte)| *byte = pattern(at));
        assert_eq!(client.write(512, 600 << 10), (STATUS_SUCCESS, 600 << 10));
        client.data().fill(0);
        assert_eq!(client.read(512, 600 << 10), (STATUS_SUCCESS, 600 << 10));
        let wrong = client.data().iter().enumerate().position(|(at, byte)| *byte != pattern(at));
        assert_eq!(wrong, None);
    });
}

#[test]
fn each_port_has_its_own_disk() {
    let setup = Setup { disks: 2, ..ONE_DISK };
    on_seeds(setup, 50, move |bench, _| {
        let loads = [0, 1].map(|n| Load::of(4, 3).start(bench.disk(n)));
        for load in loads {
            load.wait().assert_only(&[STATUS_SUCCESS]);
        }
    });
}
