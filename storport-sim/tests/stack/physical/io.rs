//! Requests through a physical miniport: interrupts, locks, queues, SRBs of both kinds.

use crate::rig::physical::{self, with_adapter};
use crate::rig::{assert_completed, executions, on_threads, read_once, write_and_read};
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use kernel_sim::processor::Processor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use storport_sim::Adapter;
use storport_sim::client::{Client, Device};
use storport_sim::scsi::{AdditionalSense, Lun};

/// Writes and reads back with `threads` clients at a time, on every disk in turn.
fn clients(adapter: &Adapter, threads: usize, rounds: usize) {
    write_and_read(adapter.disks(), threads, rounds, 8192);
}

#[test]
fn one_read_comes_back_by_a_line_interrupt() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(physical::entry), physical::slot(&[]), |adapter| {
            let mut client = Client::new(adapter.disks()[0], 4096);
            assert_eq!(client.read(0, 4096), (STATUS_SUCCESS, 4096));
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

#[test]
fn a_seed_gives_one_trace() {
    let trace = || {
        let options = [("Dpc", 1), ("PerMessage", 1), ("Channels", 2)];
        let outcome = physical::run(3, Execution::Seeded(11), 4, 2, move |_| {
            with_adapter(Some(physical::entry), physical::slot(&options), |adapter| clients(adapter, 4, 2));
        });
        assert_completed(&outcome, "trace");
        outcome.trace_hash
    };
    assert_eq!(trace(), trace());
}

#[test]
fn start_io_runs_one_at_a_time_or_as_often_as_there_are_channels() {
    let most = |channels: u32, execution| {
        let seen = Arc::new(AtomicU32::new(0));
        let most = Arc::clone(&seen);
        let outcome = physical::run(4, execution, 4, 2, move |_| {
            let slot = physical::slot(&[("Dpc", 1), ("PerMessage", 1), ("Channels", channels)]);
            with_adapter(Some(physical::entry), slot, |adapter| {
                clients(adapter, 8, 3);
                most.store(physical::extension().starts_most.load(SeqCst), SeqCst);
            });
        });
        assert_completed(&outcome, "channels");
        seen.load(SeqCst)
    };
    let seeds = || (0..24).map(Execution::Seeded).chain([Execution::Parallel]);
    assert!(seeds().all(|execution| most(0, execution) == 1));
    let with_three: Vec<u32> = seeds().map(|execution| most(3, execution)).collect();
    assert!(with_three.iter().all(|n| *n <= 3), "{with_three:?}");
    assert!(with_three.iter().any(|n| *n > 1), "no schedule had two calls at once");
}

#[test]
fn an_adapter_has_no_more_requests_than_it_takes() {
    let most = |limit: u32, execution| {
        let seen = Arc::new(AtomicU32::new(0));
        let most = Arc::clone(&seen);
        let outcome = physical::run(2, execution, 0, 2, move |bench| {
            with_adapter(Some(physical::entry), physical::slot(&[("MaxIo", limit)]), |adapter| {
                bench.behaviour.lock().posted_most = 0;
                clients(adapter, 8, 2);
            });
            most.store(bench.behaviour.lock().posted_most, SeqCst);
        });
        assert_completed(&outcome, "limit");
        seen.load(SeqCst)
    };
    for execution in (0..12).map(Execution::Seeded).chain([Execution::Parallel]) {
        assert!(most(2, execution) <= 2);
    }
    assert!((0..12).any(|seed| most(100, Execution::Seeded(seed)) > 2));
}

#[test]
fn redirected_completions_come_back_to_the_processor_that_asked() {
    for seed in 0..12 {
        let outcome = physical::run(4, Execution::Seeded(seed), 4, 2, |_| {
            let slot = physical::slot(&[("Dpc", 1), ("PerMessage", 1), ("Channels", 4)]);
            with_adapter(Some(physical::entry), slot, |adapter| {
                let disk = Device::from(adapter.disks()[0]);
                on_threads(4, move |_| {
                    let here = Processor::current().index();
                    let mut client = Client::new(disk, 512);
                    for _ in 0..3 {
                        assert_eq!(client.read(0, 512), (STATUS_SUCCESS, 512));
                        assert_eq!(client.completed_on(), Some(here));
                    }
                });
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
    }
}

#[test]
fn what_lists_cannot_describe_goes_as_several() {
    for (options, srbs) in
        [([("Breaks", 5), ("MaxTransfer", 1 << 20)], 4), ([("Breaks", 17), ("MaxTransfer", 32 << 10)], 2)]
    {
        let outcome = physical::run(1, Execution::Seeded(3), 0, 1, move |bench| {
            with_adapter(Some(physical::entry), physical::slot(&options), |adapter| {
                // 5 elements describe 4 pages wherever the first begins.
                let mut client = Client::new(adapter.disks()[0], 64 << 10);
                let before = bench.behaviour.lock().carried_out;
                assert_eq!(client.write(0, 64 << 10), (STATUS_SUCCESS, 64 << 10));
                assert_eq!(bench.behaviour.lock().carried_out - before, srbs);
            });
        });
        assert_completed(&outcome, &format!("{options:?}"));
    }
}

#[test]
fn the_class_driver_counts_what_comes_back() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |bench| {
        with_adapter(Some(physical::entry), physical::slot(&[]), |adapter| {
            let disk = adapter.disks()[0];
            bench.target.lock().disk_mut(Lun::ZERO).unwrap().raise_unit_attention(AdditionalSense::BUS_RESET);
            assert_eq!(read_once(disk), STATUS_SUCCESS);
            let statistics = adapter.statistics(disk).unwrap();
            assert_eq!((statistics.completed, statistics.unit_attentions), (1, 1));
            assert_eq!((statistics.retries, statistics.timeouts, statistics.failures), (0, 0, 0));
            assert_eq!(adapter.statistics(std::ptr::null_mut()), None);
        });
    });
    assert_completed(&outcome, "statistics");
}
