//! Trims through the stack, and what happens to an adapter from outside while it is used.

use crate::rig::{DISK_BYTES, assert_completed, run, tiny, with_adapter};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use storport_sim::client::Client;
use storport_sim::ddi::*;
use storport_sim::disk::fault::FaultInjector;
use storport_sim::{Adapter, Medium};

/// Sends a trim of these ranges, offset and length in bytes; its status. `change` has its way with the
/// header.
fn trim(
    disk: PDEVICE_OBJECT,
    ranges: &[(i64, u64)],
    change: impl FnOnce(&mut DEVICE_MANAGE_DATA_SET_ATTRIBUTES),
) -> NTSTATUS {
    Client::new(disk, 16384).trim_with(ranges, change)
}

fn on_a_disk(body: impl FnOnce(PDEVICE_OBJECT, &Adapter) + Send + 'static) {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| body(adapter.disks()[0], adapter));
    });
    assert_completed(&outcome, "a trim");
}

#[test]
fn what_is_trimmed_reads_as_zeros_and_its_neighbours_do_not() {
    on_a_disk(|disk, _| {
        let mut client = Client::new(disk, 8192);
        client.data().fill(7);
        assert_eq!(client.write(0, 8192), (STATUS_SUCCESS, 8192));
        assert_eq!(trim(disk, &[(512, 1024), (4096, 512)], |_| {}), STATUS_SUCCESS);
        assert_eq!(client.read(0, 8192), (STATUS_SUCCESS, 8192));
        for (n, sector) in client.data().chunks(512).enumerate() {
            let expected = if [1, 2, 8].contains(&n) { 0 } else { 7 };
            assert!(sector.iter().all(|b| *b == expected), "sector {n}");
        }
    });
}

#[test]
fn more_ranges_than_one_command_takes_go_as_several() {
    on_a_disk(|disk, adapter| {
        let before = adapter.statistics(disk).unwrap().completed;
        let ranges: Vec<_> = (0..600).map(|n| (n * 1024, 512)).collect();
        assert_eq!(trim(disk, &ranges, |_| {}), STATUS_SUCCESS);
        // 256, 256 and 88.
        assert_eq!(adapter.statistics(disk).unwrap().completed - before, 3);
        assert_eq!(trim(disk, &[(0, 0)], |_| {}), STATUS_SUCCESS);
        assert_eq!(trim(disk, &[(0, DISK_BYTES)], |_| {}), STATUS_SUCCESS);
        assert_eq!(adapter.statistics(disk).unwrap().completed - before, 4);
    });
}

#[test]
fn trims_that_make_no_sense_are_refused() {
    on_a_disk(|disk, _| {
        let end = DISK_BYTES as i64;
        for range in [(100, 512), (0, 100), (-512, 512), (end, 512), (0, u64::MAX), (i64::MAX, 512)] {
            assert_eq!(trim(disk, &[(0, 512), range], |_| {}), STATUS_INVALID_PARAMETER, "{range:?}");
        }
        let refused = |change: fn(&mut DEVICE_MANAGE_DATA_SET_ATTRIBUTES)| trim(disk, &[(0, 512)], change);
        assert_eq!(refused(|h| h.DataSetRangesLength = 17), STATUS_INVALID_PARAMETER);
        assert_eq!(refused(|h| h.DataSetRangesLength = 4096), STATUS_INVALID_PARAMETER);
        assert_eq!(refused(|h| h.DataSetRangesLength = 0), STATUS_INVALID_PARAMETER);
        assert_eq!(refused(|h| h.DataSetRangesOffset = u32::MAX), STATUS_INVALID_PARAMETER);
        assert_eq!(refused(|h| h.DataSetRangesOffset = 0), STATUS_INVALID_PARAMETER);
        assert_eq!(refused(|h| h.Size = 0), STATUS_INVALID_PARAMETER);
        assert_eq!(refused(|h| h.Action = 2), STATUS_NOT_SUPPORTED);
        assert_eq!(refused(|h| h.Flags = DEVICE_DSM_FLAG_ENTIRE_DATA_SET_RANGE), STATUS_NOT_SUPPORTED);
    });
}

#[test]
fn a_trim_is_tried_again_and_fails_as_its_unit_says() {
    on_a_disk(|disk, adapter| {
        let medium = Medium::of(Machine::current().unwrap()).unwrap();
        let inject = |plan: &str| {
            let plan = plan.parse().unwrap();
            medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, 1))));
        };
        assert_eq!(trim(disk, &[(0, 512)], |_| {}), STATUS_SUCCESS);
        inject("aborted:op=unmap,times=2;unit-attention:op=unmap,times=2");
        assert_eq!(trim(disk, &[(0, 512)], |_| {}), STATUS_SUCCESS);
        let statistics = adapter.statistics(disk).unwrap();
        assert_eq!((statistics.retries, statistics.unit_attentions), (2, 2));
        inject("aborted:op=unmap");
        assert_eq!(trim(disk, &[(0, 512)], |_| {}), STATUS_IO_DEVICE_ERROR);
    });
}

#[test]
fn a_bad_medium_is_a_data_error() {
    on_a_disk(|disk, _| {
        let medium = Medium::of(Machine::current().unwrap()).unwrap();
        let plan = "medium-error:lba=8..9".parse().unwrap();
        medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, 1))));
        let mut client = Client::new(disk, 8192);
        assert_eq!(client.read(0, 4096), (STATUS_SUCCESS, 4096));
        assert_eq!(client.read(0, 8192).0, STATUS_DEVICE_DATA_ERROR);
    });
}

#[test]
fn a_disk_says_whether_it_takes_trims() {
    on_a_disk(|disk, _| {
        let mut client = Client::new(disk, 512);
        let mut ask = |property: u32, bytes: usize| {
            let query = [property.to_le_bytes(), PropertyStandardQuery.to_le_bytes(), [0; 4]].concat();
            let (status, length) =
                client.control(IOCTL_STORAGE_QUERY_PROPERTY, &query[..bytes.min(12)], bytes);
            (status, length, client.data()[..length].to_vec())
        };
        let (status, length, answer) = ask(StorageDeviceLBProvisioningProperty, 512);
        assert_eq!((status, length), (STATUS_SUCCESS, 40));
        // SAFETY: forty bytes of plain numbers.
        let said = unsafe { answer.as_ptr().cast::<DEVICE_LB_PROVISIONING_DESCRIPTOR>().read_unaligned() };
        assert_eq!((said.Version, said.Size), (40, 40));
        assert_eq!(said._bitfield_1 & 3, 3, "thin, and reads as zeros");
        assert_eq!((said.MaxUnmapLbaCount, said.MaxUnmapBlockDescriptorCount), (0x80_0000, 256));
        let (status, length, _) = ask(StorageDeviceLBProvisioningProperty, 12);
        assert_eq!((status, length), (STATUS_SUCCESS, 12));
        assert_eq!(ask(StorageDeviceLBProvisioningProperty, 8).0, STATUS_INVALID_PARAMETER);
        assert_eq!(ask(0, 512).0, STATUS_NOT_SUPPORTED);
    });
}

/// Bus resets that `CountsResets` saw.
#[derive(Default)]
struct Resets(AtomicU32);

unsafe extern "C-unwind" fn count_reset(_extension: PVOID, _path: ULONG) -> BOOLEAN {
    let resets = Machine::current().unwrap().attached::<Resets>().unwrap();
    resets.0.fetch_add(1, SeqCst);
    TRUE
}

unsafe extern "C-unwind" fn counts_resets(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { tiny::register(driver, path, |data| data.HwResetBus = Some(count_reset)) }
}

#[test]
fn an_adapter_is_reset_and_pulled_out_while_its_disks_are_open() {
    let outcome = run(2, Execution::Seeded(3), 1, || {
        let machine = Machine::current().unwrap();
        machine.attach(Arc::<Resets>::default());
        let driver = machine.load_driver(Some(counts_resets)).unwrap();
        let adapter = Adapter::start(driver).unwrap();
        let disk = adapter.disks()[0];
        let mut client = Client::new(disk, 4096);
        adapter.reset_bus(0);
        let resets = machine.attached::<Resets>().unwrap();
        assert_eq!(resets.0.load(SeqCst), 1);
        // The miniport refuses the SRB that resets the unit, but there is nothing to reset for.
        assert!(adapter.reset_unit(disk));
        assert!(!adapter.reset_unit(adapter.device()), "no disk of its");
        assert_eq!(client.read(0, 4096), (STATUS_SUCCESS, 4096));
        assert_eq!(adapter.present_disks(), [disk]);
        adapter.surprise_removal();
        adapter.surprise_removal();
        assert_eq!(client.read(0, 4096).0, STATUS_NO_SUCH_DEVICE);
        assert!(!adapter.reset_unit(disk));
        adapter.surprise_remove();
        drop(client);
        machine.unload_driver(driver);
    });
    assert_completed(&outcome, "reset and removal");
}
