//! Work items, DPCs, bus and state changes: what Storport does for a miniport.

use crate::physical_entry;
use crate::rig::physical::{self, Extension, with_adapter};
use crate::rig::{assert_completed, disk, executions, on_threads, read_once, slow_executions};
use kernel_sim::ddi::*;
use kernel_sim::irql::Irql;
use kernel_sim::machine::Execution;
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::SeqCst;
use storport_sim::client::{Device, sleep_us};
use storport_sim::ddi::*;
use storport_sim::scsi::Lun;

unsafe extern "C-unwind" fn work(extension: PVOID, context: PVOID, worker: PVOID) {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        assert_eq!(Processor::current().irql(), Irql::PASSIVE);
        let e = extension.cast::<Extension>();
        // Queues itself again, twice.
        if (*e).work_calls.fetch_add(1, SeqCst) < 2 {
            let status = StorPortQueueWorkItem(extension, Some(work), worker, context);
            assert_eq!(status, STOR_STATUS_SUCCESS);
        }
    }
}
unsafe extern "C-unwind" fn start_io_with_work(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let e = extension.cast::<Extension>();
        if *SrbGetCdb(srb.cast()) == 0x28 {
            let worker = (*e).worker;
            let status = StorPortQueueWorkItem(extension, Some(work), worker, null_mut());
            assert!(matches!(status, STOR_STATUS_SUCCESS | STOR_STATUS_BUSY), "{status:#x}");
            let again = StorPortQueueWorkItem(extension, None, worker, null_mut());
            assert_eq!(again, STOR_STATUS_INVALID_PARAMETER);
        }
        physical::HwStartIo(extension, srb)
    }
}
physical_entry!(works, |data| data.HwStartIo = Some(start_io_with_work));

#[test]
fn a_worker_runs_at_passive_level_and_may_queue_itself() {
    for (cpus, execution, name) in executions(6) {
        let outcome = physical::run(cpus, execution, 0, 1, |_| {
            with_adapter(Some(works), physical::slot(&[]), |adapter| {
                assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
                while physical::extension().work_calls.load(SeqCst) < 3 {
                    sleep_us(1000);
                }
            });
        });
        assert_completed(&outcome, &name);
    }
}

/// Issues one DPC from every processor; its instances must not meet.
unsafe extern "C-unwind" fn lonely_dpc(_dpc: PSTOR_DPC, extension: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = extension.cast::<Extension>();
        assert_eq!((*e).aborts.fetch_add(1, SeqCst), 0, "two instances of one DPC");
        StorPortReadRegisterUlong(extension, physical::register_at(e, 0));
        (*e).aborts.fetch_sub(1, SeqCst);
        (*e).work_calls.fetch_add(1, SeqCst);
    }
}
unsafe extern "C-unwind" fn make_lonely(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        StorPortInitializeDpc(extension, &raw mut (*extension.cast::<Extension>()).dpcs[0], Some(lonely_dpc));
    }
    TRUE
}
unsafe extern "C-unwind" fn initialize_lonely(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        assert_eq!(StorPortEnablePassiveInitialization(extension, Some(make_lonely)), TRUE);
        physical::HwInitialize(extension)
    }
}
unsafe extern "C-unwind" fn build_and_issue(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        // Only in HwStorInitialize.
        assert_eq!(StorPortEnablePassiveInitialization(extension, Some(make_lonely)), FALSE);
        let dpc = &raw mut (*extension.cast::<Extension>()).dpcs[0];
        StorPortIssueDpc(extension, dpc, null_mut(), null_mut());
        physical::HwBuildIo(extension, srb)
    }
}
physical_entry!(issues, |data| {
    data.HwInitialize = Some(initialize_lonely);
    data.HwBuildIo = Some(build_and_issue);
});

#[test]
fn instances_of_one_dpc_are_serialised() {
    for (cpus, execution, name) in executions(8) {
        let outcome = physical::run(cpus, execution, 0, 1, |_| {
            with_adapter(Some(issues), physical::slot(&[]), |adapter| {
                let disk = Device::from(adapter.disks()[0]);
                on_threads(4, move |_| assert_eq!(read_once(disk), STATUS_SUCCESS));
                assert!(physical::extension().work_calls.load(SeqCst) > 0);
            });
        });
        assert_completed(&outcome, &name);
    }
}

/// An adapter is stopped when its DPCs have returned, also those that its last request did not wait for.
#[test]
fn dpcs_return_before_their_adapter_is_stopped() {
    unsafe extern "C-unwind" fn control(
        extension: PVOID,
        kind: SCSI_ADAPTER_CONTROL_TYPE,
        parameters: PVOID,
    ) -> SCSI_ADAPTER_CONTROL_STATUS {
        // SAFETY: Storport passes the adapter's live extension, and what belongs to the type.
        unsafe {
            let e = extension.cast::<Extension>();
            if kind == ScsiStopAdapter {
                for _ in 0..3 {
                    assert_eq!((*e).aborts.load(SeqCst), 0, "a DPC runs while the adapter is stopped");
                    StorPortReadRegisterUlong(extension, physical::register_at(e, 0));
                }
            }
            physical::HwAdapterControl(extension, kind, parameters)
        }
    }
    /// Has nothing to do, and takes its time.
    unsafe extern "C-unwind" fn long_dpc(_dpc: PSTOR_DPC, extension: PVOID, _a1: PVOID, _a2: PVOID) {
        // SAFETY: Storport passes the adapter's live extension.
        unsafe {
            let e = extension.cast::<Extension>();
            (*e).aborts.fetch_add(1, SeqCst);
            (0..9).for_each(|_| {
                StorPortReadRegisterUlong(extension, physical::register_at(e, 0));
            });
            (*e).aborts.fetch_sub(1, SeqCst);
        }
    }
    unsafe extern "C-unwind" fn make_long(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension.
        unsafe {
            let dpc = &raw mut (*extension.cast::<Extension>()).dpcs[0];
            StorPortInitializeDpc(extension, dpc, Some(long_dpc));
        }
        TRUE
    }
    unsafe extern "C-unwind" fn initialize(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension.
        unsafe {
            assert_eq!(StorPortEnablePassiveInitialization(extension, Some(make_long)), TRUE);
            physical::HwInitialize(extension)
        }
    }
    /// Completes the request, then issues the DPC.
    unsafe extern "C-unwind" fn interrupt(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension.
        unsafe {
            let is_ours = physical::HwInterrupt(extension);
            let dpc = &raw mut (*extension.cast::<Extension>()).dpcs[0];
            StorPortIssueDpc(extension, dpc, null_mut(), null_mut());
            is_ours
        }
    }
    physical_entry!(stops, |data| {
        data.HwInitialize = Some(initialize);
        data.HwInterrupt = Some(interrupt);
        data.HwAdapterControl = Some(control);
    });
    for seed in 0..60 {
        let outcome = physical::run(2, Execution::Seeded(seed), 0, 1, |_| {
            let slot = physical::slot(&[]).control_without_lock();
            with_adapter(Some(stops), slot, |adapter| {
                assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
                adapter.stop();
                adapter.restart().unwrap();
                assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
    }
}

#[test]
fn a_dpc_that_is_cancelled_does_not_run() {
    unsafe extern "C-unwind" fn issue_and_cancel(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            let dpc = &raw mut (*extension.cast::<Extension>()).dpcs[0];
            assert_eq!(StorPortIssueDpc(extension, dpc, null_mut(), null_mut()), TRUE);
            assert_eq!(StorPortIssueDpc(extension, dpc, null_mut(), null_mut()), FALSE);
            assert_eq!(StorPortCancelDpc(extension, dpc), TRUE);
            assert_eq!(StorPortCancelDpc(extension, dpc), FALSE);
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(cancels, |data| {
        data.HwInitialize = Some(initialize_lonely);
        data.HwBuildIo = Some(issue_and_cancel);
    });
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(cancels), physical::slot(&[]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
            assert_eq!(physical::extension().work_calls.load(SeqCst), 0);
        });
    });
    assert_completed(&outcome, "cancelled");
}

#[test]
fn a_disk_that_comes_or_goes_is_noticed_when_the_miniport_says_so() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            if *SrbGetCdb(srb.cast()) == 0x28 {
                StorPortNotification(BusChangeDetected, extension, 0);
            }
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(notices, |data| data.HwBuildIo = Some(build));
    for (cpus, execution, name) in slow_executions(6) {
        let outcome = physical::run(cpus, execution, 0, 1, |bench| {
            with_adapter(Some(notices), physical::slot(&[]), |adapter| {
                let first = adapter.disks()[0];
                let one = Lun::new(1).unwrap();
                bench.target.lock().attach(one, disk());
                assert_eq!(read_once(first), STATUS_SUCCESS);
                adapter.wait_for_scans();
                let disks = adapter.all_disks();
                assert_eq!(disks.len(), 2);
                assert_eq!(read_once(disks[1]), STATUS_SUCCESS);
                adapter.wait_for_scans();
                bench.target.lock().detach(one);
                assert_eq!(read_once(first), STATUS_SUCCESS);
                adapter.wait_for_scans();
                assert_eq!(adapter.all_disks(), disks);
                assert_eq!(read_once(disks[1]), STATUS_NO_SUCH_DEVICE);
            });
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_stop_in_the_middle_of_a_scan_comes_to_its_end() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            if *SrbGetCdb(srb.cast()) == 0x28 {
                StorPortNotification(BusChangeDetected, extension, 0);
            }
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(notices, |data| data.HwBuildIo = Some(build));
    for (cpus, execution, name) in executions(20) {
        let outcome = physical::run(cpus, execution, 0, 1, |bench| {
            with_adapter(Some(notices), physical::slot(&[]), |adapter| {
                let first = adapter.disks()[0];
                bench.target.lock().attach(Lun::new(1).unwrap(), disk());
                for _ in 0..3 {
                    assert_eq!(read_once(first), STATUS_SUCCESS);
                    adapter.stop();
                    adapter.restart().unwrap();
                }
                // A change that was reported while the adapter was stopped is not forgotten.
                adapter.wait_for_scans();
                assert_eq!(adapter.all_disks().len(), 2);
            });
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_change_reported_during_the_start_is_not_forgotten() {
    unsafe extern "C-unwind" fn count(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            (*extension.cast::<Extension>()).aborts.fetch_add(1, SeqCst);
            physical::HwBuildIo(extension, srb)
        }
    }
    unsafe extern "C-unwind" fn count_and_notify(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            // With the very first request, long before there are disks.
            if (*extension.cast::<Extension>()).aborts.load(SeqCst) == 0 {
                StorPortNotification(BusChangeDetected, extension, 0);
            }
            count(extension, srb)
        }
    }
    physical_entry!(calm, |data| data.HwBuildIo = Some(count));
    physical_entry!(nervous, |data| data.HwBuildIo = Some(count_and_notify));
    for (cpus, execution, name) in executions(4) {
        let outcome = physical::run(cpus, execution, 0, 1, |_| {
            let requests = |entry| {
                let mut requests = 0;
                with_adapter(entry, physical::slot(&[]), |adapter| {
                    adapter.wait_for_scans();
                    requests = physical::extension().aborts.load(SeqCst);
                });
                requests
            };
            let once = requests(Some(calm as unsafe extern "C-unwind" fn(_, _) -> _));
            assert!(requests(Some(nervous)) > once, "the port driver did not look again");
        });
        assert_completed(&outcome, &name);
    }
}

unsafe extern "C-unwind" fn changed(
    extension: PVOID,
    context: PVOID,
    address_type: SHORT,
    address: PVOID,
    status: ULONG,
) {
    // SAFETY: Storport passes the adapter's live extension; the address is the one reported.
    unsafe {
        assert_eq!(Processor::current().irql(), Irql::DISPATCH);
        assert_eq!((address_type, status, context), (1, 0, extension));
        assert_eq!(address, (*extension.cast::<Extension>()).scratch.cast());
        (*extension.cast::<Extension>()).timer_calls.fetch_add(1, SeqCst);
    }
}
unsafe extern "C-unwind" fn report_change(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let e = extension.cast::<Extension>();
        if *SrbGetCdb(srb.cast()) == 0x28 {
            let address: PVOID = (*e).scratch.cast();
            let report = || StorPortStateChangeDetected(extension, 1, address, 0, Some(changed), extension);
            assert_eq!(report(), STOR_STATUS_SUCCESS);
            // Not before the first has been answered.
            assert_eq!(report(), STOR_STATUS_BUSY);
        }
        physical::HwStartIo(extension, srb)
    }
}
physical_entry!(reports, |data| data.HwStartIo = Some(report_change));

#[test]
fn a_state_change_is_answered_once() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(reports), physical::slot(&[]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
            adapter.wait_for_scans();
            assert_eq!(physical::extension().timer_calls.load(SeqCst), 1);
        });
    });
    assert_completed(&outcome, "state change");
}
