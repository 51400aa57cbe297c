//! Requests through the whole stack: class driver, port driver, miniport, disk, and back.

use crate::rig::{DISK_BYTES, assert_completed, executions, run, tiny, with_adapter, write_and_read};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use storport_sim::Medium;
use storport_sim::client::{Client, Request};
use storport_sim::scsi::{AdditionalSense, Lun};

/// Four clients on two disks write and read back blocks of their own.
fn four_clients(disks: &[PDEVICE_OBJECT]) {
    assert_eq!(disks.len(), 2);
    write_and_read(disks, 4, 4, 4096);
}

#[test]
fn what_was_written_is_read_back() {
    for (cpus, execution, name) in executions(8) {
        let outcome = run(cpus, execution, 2, || {
            with_adapter(Some(tiny::entry), |adapter| four_clients(adapter.disks()));
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_miniport_may_complete_later_and_elsewhere() {
    for (cpus, execution, name) in executions(8) {
        let outcome = run(cpus, execution, 2, || {
            with_adapter(Some(tiny::entry_that_completes_in_a_dpc), |adapter| four_clients(adapter.disks()));
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_seed_gives_one_trace() {
    let trace = || {
        let outcome = run(3, Execution::Seeded(7), 2, || {
            with_adapter(Some(tiny::entry), |adapter| four_clients(adapter.disks()));
        });
        outcome.trace_hash
    };
    assert_eq!(trace(), trace());
}

#[test]
fn a_long_request_goes_as_several() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| {
            // The miniport takes 64 KiB at once.
            let length = 200 << 10;
            let mut client = Client::new(adapter.disks()[0], length);
            for (n, byte) in client.data().iter_mut().enumerate() {
                *byte = (n / 512) as u8;
            }
            assert_eq!(client.write(1 << 20, length), (STATUS_SUCCESS, length));
            client.data().fill(0xEE);
            assert_eq!(client.read(1 << 20, length), (STATUS_SUCCESS, length));
            assert!(client.data().iter().enumerate().all(|(n, b)| *b == (n / 512) as u8));
        });
    });
    assert_completed(&outcome, "a long request");
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| {
            let mut client = Client::new(adapter.disks()[0], 4096);
            let end = DISK_BYTES as i64;
            assert_eq!(client.read(100, 512).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.read(0, 100).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.read(-512, 512).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.write(end - 512, 1024).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.write(end - 512, 512), (STATUS_SUCCESS, 512));
            assert_eq!(client.read(end, 0), (STATUS_SUCCESS, 0));
            assert_eq!(client.request(Request::Other(IRP_MJ_SHUTDOWN)).0, STATUS_INVALID_DEVICE_REQUEST);
        });
    });
    assert_completed(&outcome, "nonsense");
}

#[test]
fn a_disk_says_how_long_it_is() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| {
            let mut client = Client::new(adapter.disks()[0], 8);
            assert_eq!(client.control(IOCTL_DISK_GET_LENGTH_INFO, &[], 8), (STATUS_SUCCESS, 8));
            assert_eq!(client.data(), DISK_BYTES.to_le_bytes());
            assert_eq!(client.control(IOCTL_DISK_GET_LENGTH_INFO, &[], 4).0, STATUS_BUFFER_TOO_SMALL);
        });
    });
    assert_completed(&outcome, "length");
}

#[test]
fn a_unit_attention_is_not_the_clients_business() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| {
            let medium = Medium::of(Machine::current().unwrap()).unwrap();
            let mut client = Client::new(adapter.disks()[0], 4096);
            medium.with(|target| {
                let disk = target.disk_mut(Lun::ZERO).unwrap();
                disk.raise_unit_attention(AdditionalSense::CAPACITY_DATA_HAS_CHANGED);
                disk.raise_unit_attention(AdditionalSense::BUS_RESET);
            });
            assert_eq!(client.read(0, 4096), (STATUS_SUCCESS, 4096));
        });
    });
    assert_completed(&outcome, "unit attention");
}

#[test]
fn a_target_without_disks_is_an_adapter_without_disks() {
    let outcome = run(1, Execution::Seeded(0), 0, || {
        with_adapter(Some(tiny::entry), |adapter| assert!(adapter.disks().is_empty()));
    });
    assert_completed(&outcome, "no disks");
}
