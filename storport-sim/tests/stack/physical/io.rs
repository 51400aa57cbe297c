//! Requests through a physical miniport: interrupts, locks, queues, SRBs of both kinds.

use crate::rig::physical::{self, with_adapter};
use crate::rig::{Client, assert_completed, executions, on_threads};
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use storport_sim::Adapter;

/// Writes and reads back with `threads` clients at a time, on every disk in turn.
fn clients(adapter: &Adapter, threads: usize, rounds: usize) {
    let disks: Vec<usize> = adapter.disks().iter().map(|d| *d as usize).collect();
    assert!(!disks.is_empty());
    on_threads(threads, move |n| {
        let mut client = Client::new(disks[n % disks.len()] as PDEVICE_OBJECT, 8192);
        for round in 0..rounds {
            let at = ((n * rounds + round) * 8192) as i64;
            let fill = (n * 16 + round) as u8 + 1;
            client.data().fill(fill);
            assert_eq!(client.request(IRP_MJ_WRITE, at, 8192), (STATUS_SUCCESS, 8192));
            client.data().fill(0);
            assert_eq!(client.request(IRP_MJ_READ, at, 8192), (STATUS_SUCCESS, 8192));
            assert!(client.data().iter().all(|b| *b == fill));
        }
        client.close();
    });
}

#[test]
fn one_read_comes_back_by_a_line_interrupt() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(physical::entry), physical::slot(&[]), |adapter| {
            let mut client = Client::new(adapter.disks()[0], 4096);
            assert_eq!(client.request(IRP_MJ_READ, 0, 4096), (STATUS_SUCCESS, 4096));
            client.close();
        });
    });
    assert_completed(&outcome, "one read");
}

/// Runs clients under every execution with these options.
fn in_every_execution(messages: u32, options: &'static [(&'static str, u32)]) {
    for (cpus, execution, name) in executions(6) {
        let outcome = physical::run(cpus, execution, messages, 2, move |bench| {
            with_adapter(Some(physical::entry), physical::slot(options), |adapter| clients(adapter, 4, 2));
            assert_eq!(bench.behaviour.lock().refused, 0);
        });
        assert_completed(&outcome, &format!("{options:?}, {messages} messages, {name}"));
    }
}

#[test]
fn full_duplex_with_a_line() {
    in_every_execution(0, &[]);
}

#[test]
fn full_duplex_with_a_line_and_a_dpc() {
    in_every_execution(0, &[("Dpc", 1)]);
}

#[test]
fn half_duplex() {
    in_every_execution(0, &[("HalfDuplex", 1)]);
}

#[test]
fn messages_with_one_lock() {
    in_every_execution(4, &[("Dpc", 1)]);
}

#[test]
fn messages_with_a_lock_each() {
    in_every_execution(4, &[("Dpc", 1), ("PerMessage", 1)]);
    in_every_execution(4, &[("PerMessage", 1)]);
}

#[test]
fn extended_srbs() {
    in_every_execution(4, &[("Dpc", 1), ("Extended", 1)]);
}

#[test]
fn concurrent_channels() {
    in_every_execution(4, &[("Dpc", 1), ("PerMessage", 1), ("Channels", 4)]);
}
