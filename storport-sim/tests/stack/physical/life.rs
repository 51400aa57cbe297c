//! An adapter's life with hardware: started, stopped, restarted, pulled out, refused.

use crate::physical_entry;
use crate::rig::physical::{self, with_adapter};
use crate::rig::{assert_completed, executions, read_once, stopped, tiny};
use kernel_sim::bugcheck::SPIN_LOCK_ALREADY_OWNED;
use kernel_sim::ddi::*;
use kernel_sim::irql::Irql;
use kernel_sim::machine::{Execution, Machine};
use kernel_sim::processor::Processor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use storport_sim::client::{Device, Threads, sleep_us};
use storport_sim::ddi::*;
use storport_sim::{Adapter, PciSlot, RebalanceError, StartError};

/// How often a control type was called.
fn controls(kind: SCSI_ADAPTER_CONTROL_TYPE) -> u32 {
    physical::extension().controls[kind as usize].load(SeqCst)
}

#[test]
fn requests_wait_for_a_stopped_adapter_to_start_again() {
    for (cpus, execution, name) in executions(6) {
        let outcome = physical::run(cpus, execution, 0, 1, |_| {
            with_adapter(Some(physical::entry), physical::slot(&[]), |adapter| {
                let disk = Device::from(adapter.disks()[0]);
                adapter.stop();
                assert_eq!((controls(ScsiStopAdapter), physical::extension().is_stopped), (1, 1));
                let done = Arc::new(AtomicU32::new(0));
                let seen = Arc::clone(&done);
                let thread = Threads::start(1, move |_| {
                    assert_eq!(read_once(disk), STATUS_SUCCESS);
                    seen.store(1, SeqCst);
                });
                sleep_us(1_000_000);
                assert_eq!(done.load(SeqCst), 0, "a request went to a stopped adapter");
                adapter.restart().unwrap();
                assert_eq!(controls(ScsiRestartAdapter), 1);
                thread.join();
                assert_eq!(done.load(SeqCst), 1);
            });
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn an_adapter_that_was_pulled_out_ends_its_requests() {
    for (cpus, execution, name) in executions(6) {
        let outcome = physical::run(cpus, execution, 0, 1, |bench| {
            let machine = Machine::current().unwrap();
            let driver = machine.load_driver(Some(physical::entry)).unwrap();
            let adapter = Adapter::start_device(driver, physical::slot(&[])).unwrap();
            let disk = Device::from(adapter.disks()[0]);
            bench.behaviour.lock().hangs = true;
            let reads = Threads::start(3, move |_| assert_eq!(read_once(disk), STATUS_NO_SUCH_DEVICE));
            sleep_us(1_000_000);
            bench.behaviour.lock().is_gone = true;
            adapter.surprise_remove();
            reads.join();
            machine.unload_driver(driver);
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_miniport_is_started_as_what_it_registered() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(physical::entry)).unwrap();
        assert_eq!(Adapter::start(driver).err(), Some(StartError::WrongKind { is_virtual: false }));
        assert_eq!(Adapter::start_device(driver, PciSlot::new(1)).err(), Some(StartError::NoDevice(1)));
        // The vendor is not the one it looks for.
        let start = Adapter::start_device(driver, PciSlot::new(0).at(2, 7));
        assert_eq!(start.err(), Some(StartError::NotFound(SP_RETURN_NOT_FOUND)));
        machine.unload_driver(driver);
        let driver = machine.load_driver(Some(tiny::entry)).unwrap();
        let start = Adapter::start_device(driver, physical::slot(&[]));
        assert_eq!(start.err(), Some(StartError::WrongKind { is_virtual: true }));
        machine.unload_driver(driver);
    });
    assert_completed(&outcome, "kinds");
}

unsafe extern "C-unwind" fn initialize_under_the_lock(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension; taking the lock it holds is the mistake under
    // test.
    unsafe {
        assert_eq!(Processor::current().irql(), Irql(6));
        let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
        StorPortAcquireSpinLock(extension, InterruptLock, std::ptr::null_mut(), &raw mut handle);
    }
    TRUE
}
physical_entry!(takes_the_interrupt_lock, |data| data.HwInitialize = Some(initialize_under_the_lock));

#[test]
fn hw_initialize_runs_at_dirql_under_the_interrupt_lock() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(takes_the_interrupt_lock), physical::slot(&[]), |_| {});
    });
    assert_eq!(stopped(&outcome).0, SPIN_LOCK_ALREADY_OWNED.code);
}

unsafe extern "C-unwind" fn fail_to_initialize(_extension: PVOID) -> BOOLEAN {
    FALSE
}
physical_entry!(does_not_initialize, |data| data.HwInitialize = Some(fail_to_initialize));

#[test]
fn an_adapter_that_does_not_start_leaves_nothing_behind() {
    let outcome = physical::run(2, Execution::Seeded(0), 4, 1, |_| {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(does_not_initialize)).unwrap();
        let start = Adapter::start_device(driver, physical::slot(&[]));
        assert_eq!(start.err(), Some(StartError::NotInitialized));
        machine.unload_driver(driver);
        // And again, with the same device.
        with_adapter(Some(physical::entry), physical::slot(&[("Dpc", 1)]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "start");
}

/// A driver that supports ScsiAdapterPower is told of power and not of stopping.
unsafe extern "C-unwind" fn powered_control(
    extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    // SAFETY: Storport passes the adapter's live extension and parameters of the type that goes with the
    // kind.
    unsafe {
        if kind == ScsiAdapterPower {
            let power = &*parameters.cast::<STOR_ADAPTER_CONTROL_POWER>();
            assert_eq!(
                (power.Header.Version, power.Header.Size, power.Header.Address.is_null()),
                (1, 24, true)
            );
            let e = extension.cast::<physical::Extension>();
            (*e).controls[kind as usize].fetch_add(power.PowerState as u32 * 0x100, SeqCst);
        }
        let status = physical::HwAdapterControl(extension, kind, parameters);
        if kind == ScsiQuerySupportedControlTypes {
            let list = parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            *(&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>().add(ScsiAdapterPower as usize) = TRUE;
        }
        status
    }
}
physical_entry!(knows_power, |data| data.HwAdapterControl = Some(powered_control));

#[test]
fn power_stands_for_stopping_where_it_is_supported() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(knows_power), physical::slot(&[]), |adapter| {
            adapter.stop();
            assert_eq!(controls(ScsiAdapterPower), 0x400 + 1, "D3, once");
            adapter.restart().unwrap();
            assert_eq!(controls(ScsiAdapterPower), 0x500 + 2, "D0, once");
            assert_eq!((controls(ScsiStopAdapter), controls(ScsiRestartAdapter)), (0, 0));
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "power");
}

/// A driver that cannot restart is found and initialized anew, at DISPATCH_LEVEL.
unsafe extern "C-unwind" fn control_without_restart(
    extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    // SAFETY: Storport passes the adapter's live extension and parameters of the type that goes with the
    // kind.
    unsafe {
        let status = physical::HwAdapterControl(extension, kind, parameters);
        if kind == ScsiQuerySupportedControlTypes {
            let list = parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            *(&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>().add(ScsiRestartAdapter as usize) = FALSE;
        }
        status
    }
}
unsafe extern "C-unwind" fn find_once(
    extension: PVOID,
    context: PVOID,
    bus: PVOID,
    arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        if !(*extension.cast::<physical::Extension>()).base.is_null() {
            assert_eq!(Processor::current().irql(), Irql::DISPATCH);
            return SP_RETURN_FOUND;
        }
        physical::HwFindAdapter(extension, context, bus, arguments, config, again)
    }
}
physical_entry!(cannot_restart, |data| {
    data.HwAdapterControl = Some(control_without_restart);
    data.HwFindAdapter = Some(find_once);
});

#[test]
fn a_miniport_that_cannot_restart_is_found_again() {
    let outcome = physical::run(2, Execution::Seeded(5), 0, 1, |_| {
        with_adapter(Some(cannot_restart), physical::slot(&[]), |adapter| {
            adapter.stop();
            adapter.restart().unwrap();
            assert_eq!(controls(ScsiRestartAdapter), 0);
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "found again");
}

/// Frees what the passive routine allocated when the adapter is stopped, and notes that.
unsafe extern "C-unwind" fn build_stopping(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        if SrbGetSrbFunction(srb.cast()) as UCHAR != SRB_FUNCTION_PNP {
            return physical::HwBuildIo(extension, srb);
        }
        assert_eq!(KeGetCurrentIrql(), DISPATCH_LEVEL);
        StorPortFreePool(extension, (*extension.cast::<physical::Extension>()).worker);
        SrbSetSrbStatus(srb.cast(), SRB_STATUS_SUCCESS);
        StorPortNotification(RequestComplete, extension, srb);
    }
    FALSE
}
unsafe extern "C-unwind" fn build_refusing(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        if SrbGetSrbFunction(srb.cast()) as UCHAR != SRB_FUNCTION_PNP {
            return physical::HwBuildIo(extension, srb);
        }
        SrbSetSrbStatus(srb.cast(), SRB_STATUS_BUSY);
        StorPortNotification(RequestComplete, extension, srb);
    }
    FALSE
}
physical_entry!(stops, |data| {
    data.HwInitialize = Some(initialize_allocating);
    data.HwBuildIo = Some(build_stopping);
});
physical_entry!(refuses_to_stop, |data| data.HwBuildIo = Some(build_refusing));

#[test]
fn a_rebalance_finds_and_initializes_the_adapter_again() {
    for options in [&[][..], &[("Extended", 1)][..]] {
        for (cpus, execution, name) in executions(4) {
            let outcome = physical::run(cpus, execution, 0, 1, move |_| {
                with_adapter(Some(stops), physical::slot(options), |adapter| {
                    for _ in 0..2 {
                        adapter.rebalance().unwrap();
                        assert_eq!(controls(ScsiRestartAdapter), 0, "it is found again instead");
                        assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
                    }
                });
            });
            assert_completed(&outcome, &name);
        }
    }
}

#[test]
fn a_stop_that_is_refused_is_not_tried_again() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(refuses_to_stop), physical::slot(&[]), |adapter| {
            assert_eq!(adapter.rebalance(), Err(RebalanceError::NotStopped(SRB_STATUS_BUSY)));
        });
    });
    assert_completed(&outcome, "refused");
}

/// Keeps memory from HwStorInitialize's passive routine to the removal it is told of.
unsafe extern "C-unwind" fn allocate_passively(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension; the output is on this thread's stack.
    unsafe {
        let mut memory = std::ptr::null_mut();
        let status = StorPortAllocatePool(extension, 100, 1, &raw mut memory);
        (*extension.cast::<physical::Extension>()).worker = memory;
        BOOLEAN::from(status == STOR_STATUS_SUCCESS)
    }
}
unsafe extern "C-unwind" fn initialize_allocating(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        StorPortEnablePassiveInitialization(extension, Some(allocate_passively));
        physical::HwInitialize(extension)
    }
}
unsafe extern "C-unwind" fn build_freeing(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        if SrbGetSrbFunction(srb.cast()) as UCHAR != SRB_FUNCTION_PNP {
            return physical::HwBuildIo(extension, srb);
        }
        let (action, flags) = if (*srb).Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK {
            let data = SrbGetSrbExDataByType(srb.cast(), SrbExDataTypePnP).cast::<SRBEX_DATA_PNP>();
            ((*data).PnPAction, (*data).SrbPnPFlags)
        } else {
            let pnp = srb.cast::<SCSI_PNP_REQUEST_BLOCK>();
            ((*pnp).PnPAction, (*pnp).SrbPnPFlags)
        };
        assert_eq!((action, flags), (StorRemoveDevice, SRB_PNP_FLAGS_ADAPTER_REQUEST));
        assert_eq!(controls(ScsiStopAdapter), 0, "announced before the stop");
        StorPortFreePool(extension, (*extension.cast::<physical::Extension>()).worker);
        SrbSetSrbStatus(srb.cast(), SRB_STATUS_SUCCESS);
        StorPortNotification(RequestComplete, extension, srb);
    }
    FALSE
}
physical_entry!(frees_at_removal, |data| {
    data.HwInitialize = Some(initialize_allocating);
    data.HwBuildIo = Some(build_freeing);
});

#[test]
fn a_removal_is_announced_so_that_memory_can_be_given_back() {
    for options in [&[][..], &[("Extended", 1)][..]] {
        for disks in [0, 1] {
            // Unloading with memory left behind would be a bug check.
            let outcome = physical::run(1, Execution::Seeded(0), 0, disks, move |_| {
                with_adapter(Some(frees_at_removal), physical::slot(options), |_| {});
            });
            assert_completed(&outcome, &format!("{options:?}, {disks} disks"));
        }
    }
}

#[test]
fn a_stopped_miniport_that_is_pulled_out_is_not_called_again() {
    for announced in [false, true] {
        let outcome = physical::run(1, Execution::Seeded(0), 0, 1, move |bench| {
            let machine = Machine::current().unwrap();
            // Any SRB_FUNCTION_PNP would be one after the stop, which it does not expect.
            let driver = machine.load_driver(Some(frees_at_removal)).unwrap();
            let adapter = Adapter::start_device(driver, physical::slot(&[])).unwrap();
            adapter.stop();
            assert_eq!(controls(ScsiStopAdapter), 1);
            bench.behaviour.lock().is_gone = true;
            if announced {
                adapter.surprise_removal();
                adapter.restart().unwrap();
            }
            let extension = physical::extension();
            adapter.surprise_removal();
            assert_eq!(extension.controls.iter().map(|calls| calls.load(SeqCst)).sum::<u32>(), 2);
            adapter.surprise_remove();
            machine.unload_driver(driver);
        });
        assert_completed(&outcome, &format!("announced while it was stopped: {announced}"));
    }
}

/// Asks for more of an uncached extension each time the adapter is found.
unsafe extern "C-unwind" fn find_growing(
    extension: PVOID,
    context: PVOID,
    bus: PVOID,
    arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        (*config).Master = TRUE;
        let times = (*extension.cast::<physical::Extension>()).controls[30].fetch_add(1, SeqCst) + 1;
        let bytes = 0x1000 * times;
        let memory: *mut u8 = StorPortGetUncachedExtension(extension, config, bytes).cast();
        assert_eq!(StorPortGetUncachedExtension(extension, config, 2 * bytes).cast::<u8>(), memory);
        memory.add(bytes as usize - 1).write(1);
        let mut reach = 0;
        StorPortGetPhysicalAddress(extension, std::ptr::null_mut(), memory.cast(), &raw mut reach);
        assert_eq!(reach, bytes);
        physical::HwFindAdapter(extension, context, bus, arguments, config, again)
    }
}
physical_entry!(finds_growing, |data| {
    data.HwFindAdapter = Some(find_growing);
    data.HwInitialize = Some(initialize_allocating);
    data.HwBuildIo = Some(build_stopping);
});

#[test]
fn an_uncached_extension_may_be_larger_after_a_rebalance() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(finds_growing), physical::slot(&[]), |adapter| {
            adapter.rebalance().unwrap();
            assert_eq!(physical::extension().controls[30].load(SeqCst), 2);
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "a larger one");
}
