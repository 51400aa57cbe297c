//! Requests through the whole stack: class driver, port driver, miniport, disk, and back.

use crate::rig::{
    Client, DISK_BYTES, assert_completed, device_control, executions, on_threads, run, tiny, with_adapter,
};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use storport_sim::Medium;
use storport_sim::scsi::{AdditionalSense, Lun};

/// Four clients on two disks write and read back blocks of their own.
fn four_clients(disks: &[PDEVICE_OBJECT]) {
    let disks: Vec<usize> = disks.iter().map(|d| *d as usize).collect();
    assert_eq!(disks.len(), 2);
    on_threads(4, move |n| {
        let mut client = Client::new(disks[n % 2] as PDEVICE_OBJECT, 4096);
        for round in 0..4 {
            let at = ((n * 4 + round) * 4096) as i64;
            let fill = (n * 16 + round) as u8 + 1;
            client.data().fill(fill);
            assert_eq!(client.request(IRP_MJ_WRITE, at, 4096), (STATUS_SUCCESS, 4096));
            client.data().fill(0);
            assert_eq!(client.request(IRP_MJ_READ, at, 4096), (STATUS_SUCCESS, 4096));
            assert!(client.data().iter().all(|b| *b == fill));
        }
        assert_eq!(client.request(IRP_MJ_FLUSH_BUFFERS, 0, 0).0, STATUS_SUCCESS);
        client.close();
    });
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
            assert_eq!(client.request(IRP_MJ_WRITE, 1 << 20, length), (STATUS_SUCCESS, length));
            client.data().fill(0xEE);
            assert_eq!(client.request(IRP_MJ_READ, 1 << 20, length), (STATUS_SUCCESS, length));
            assert!(client.data().iter().enumerate().all(|(n, b)| *b == (n / 512) as u8));
            client.close();
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
            assert_eq!(client.request(IRP_MJ_READ, 100, 512).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.request(IRP_MJ_READ, 0, 100).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.request(IRP_MJ_READ, -512, 512).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.request(IRP_MJ_WRITE, end - 512, 1024).0, STATUS_INVALID_PARAMETER);
            assert_eq!(client.request(IRP_MJ_WRITE, end - 512, 512), (STATUS_SUCCESS, 512));
            assert_eq!(client.request(IRP_MJ_READ, end, 0), (STATUS_SUCCESS, 0));
            assert_eq!(client.request(IRP_MJ_SHUTDOWN, 0, 0).0, STATUS_INVALID_DEVICE_REQUEST);
            client.close();
        });
    });
    assert_completed(&outcome, "nonsense");
}

#[test]
fn a_disk_says_how_long_it_is() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| {
            let machine = Machine::current().unwrap();
            let answer: *mut u64 = machine.allocate_system(8).cast();
            let disk = adapter.disks()[0];
            assert_eq!(
                device_control(disk, IOCTL_DISK_GET_LENGTH_INFO, answer.cast(), 8),
                (STATUS_SUCCESS, 8)
            );
            // SAFETY: the request wrote it.
            assert_eq!(unsafe { *answer }, DISK_BYTES);
            assert_eq!(
                device_control(disk, IOCTL_DISK_GET_LENGTH_INFO, answer.cast(), 4).0,
                STATUS_BUFFER_TOO_SMALL
            );
            machine.free_system(answer.cast());
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
            assert_eq!(client.request(IRP_MJ_READ, 0, 4096), (STATUS_SUCCESS, 4096));
            client.close();
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
