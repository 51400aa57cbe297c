//! The bus an adapter sits on: configuration space, register ranges, ports; and its units as they come and
//! go.

use crate::physical_entry;
use crate::rig::physical::{self, Extension, with_adapter};
use crate::rig::{assert_completed, disk, executions, read_once, slow_executions};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use std::sync::atomic::Ordering::SeqCst;
use storport_sim::ddi::*;
use storport_sim::scsi::Lun;
use storport_sim::{Adapter, StartOptions};

#[test]
fn configuration_space_is_read_and_written_where_the_page_allows_it() {
    unsafe extern "C-unwind" fn find(
        extension: PVOID,
        context: PVOID,
        bus: PVOID,
        arguments: PCHAR,
        config: PPORT_CONFIGURATION_INFORMATION,
        again: PBOOLEAN,
    ) -> ULONG {
        // SAFETY: Storport passes the adapter's live extension and a live configuration; buffers are on this
        // thread's stack.
        unsafe {
            let (slot, kind) = ((*config).SlotNumber, PCIConfiguration as ULONG);
            let mut command = 0x0006u16;
            let written =
                StorPortSetBusDataByOffset(extension, kind, 2, slot, (&raw mut command).cast(), 4, 2);
            assert_eq!(written, 2);
            let mut header = [0u8; 300];
            let to: PVOID = header.as_mut_ptr().cast();
            assert_eq!(StorPortGetBusData(extension, kind, 2, slot, to, 300), 256, "as far as it goes");
            assert_eq!(header[4..6], [6, 0]);
            assert_eq!(StorPortGetBusData(extension, kind, 2, slot + 1, to, 64), 0, "another slot");
            assert_eq!(StorPortGetBusData(extension, 0, 2, slot, to, 64), 0, "another kind of data");
            physical::HwFindAdapter(extension, context, bus, arguments, config, again)
        }
    }
    unsafe extern "C-unwind" fn start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the
        // buffer is on this thread's stack.
        unsafe {
            let mut header = [0u8; 64];
            let to: PVOID = header.as_mut_ptr().cast();
            assert_eq!(StorPortGetBusData(extension, PCIConfiguration as ULONG, 2, 7, to, 64), 0);
            physical::HwStartIo(extension, srb)
        }
    }
    physical_entry!(configures, |data| {
        data.HwFindAdapter = Some(find);
        data.HwStartIo = Some(start_io);
    });
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(configures), physical::slot(&[]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "configuration space");
}

#[test]
fn ranges_are_as_the_slot_says_and_ports_are_ports() {
    unsafe extern "C-unwind" fn find(
        extension: PVOID,
        context: PVOID,
        bus: PVOID,
        arguments: PCHAR,
        config: PPORT_CONFIGURATION_INFORMATION,
        again: PBOOLEAN,
    ) -> ULONG {
        // SAFETY: Storport passes the adapter's live extension and a live configuration; two ranges were
        // given.
        unsafe {
            let c = &mut *config;
            assert_eq!(c.NumberOfAccessRanges, 2);
            let ranges = std::slice::from_raw_parts(c.AccessRanges.cast::<ACCESS_RANGE>(), 2);
            assert_eq!(ranges[0].RangeInMemory, TRUE);
            assert_eq!((ranges[1].RangeInMemory, ranges[1].RangeLength), (FALSE, 0x40));
            let start = ranges[1].RangeStart;
            let port = StorPortGetDeviceBase(extension, PCIBus, 2, start, 0x40, TRUE).cast::<u32>();
            // The same register, as a port.
            let id = StorPortReadPortUlong(extension, port);
            assert_eq!(id, u32::from_le_bytes(*b"THBA"));
            let mut twice = [0; 2];
            StorPortReadPortBufferUlong(extension, port, twice.as_mut_ptr(), 2);
            assert_eq!(twice, [id; 2]);
            StorPortFreeDeviceBase(extension, port.cast());
            c.NumberOfAccessRanges = 1;
            physical::HwFindAdapter(extension, context, bus, arguments, config, again)
        }
    }
    physical_entry!(has_ports, |data| data.HwFindAdapter = Some(find));
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        let slot = physical::slot(&[]).memory_range(0, 0x100).port_range(0, 0x40);
        with_adapter(Some(has_ports), slot, |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "ranges");
}

/// Supports start, removals and power of units; counts what it was told by unit.
unsafe extern "C-unwind" fn unit_control(
    extension: PVOID,
    kind: SCSI_UNIT_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_UNIT_CONTROL_STATUS {
    // SAFETY: Storport passes the adapter's live extension and parameters of the type that goes with the
    // kind.
    unsafe {
        if kind == ScsiQuerySupportedUnitControlTypes {
            let list = parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
            *flags.add(ScsiUnitStart as usize) = TRUE;
            *flags.add(ScsiUnitSurpriseRemoval as usize) = TRUE;
            *flags.add(ScsiUnitRemove as usize) = TRUE;
            *flags.add(ScsiUnitPower as usize) = TRUE;
            return ScsiUnitControlSuccess;
        }
        let e = &*extension.cast::<Extension>();
        let (address, level) = if kind == ScsiUnitPower {
            let power = &*parameters.cast::<STOR_UNIT_CONTROL_POWER>();
            assert_eq!(power.PowerAction, StorPowerActionNone);
            // Asleep and awake again, in that order.
            let sleeps = e.controls[20 + kind as usize].load(SeqCst) % 2 == 0;
            assert_eq!(power.PowerState, if sleeps { StorPowerDeviceD3 } else { StorPowerDeviceD0 });
            (&*power.Address.cast::<STOR_ADDR_BTL8>(), DISPATCH_LEVEL)
        } else {
            (&*parameters.cast::<STOR_ADDR_BTL8>(), PASSIVE_LEVEL)
        };
        assert_eq!((address.Type, address.Path, address.Target), (1, 0, 0));
        assert_eq!(KeGetCurrentIrql(), level);
        let extension_of_unit = StorPortGetLogicalUnit(extension, 0, 0, address.Lun).cast::<u32>();
        if kind == ScsiUnitStart {
            assert_eq!(*extension_of_unit, 0, "a new device has a fresh extension");
            *extension_of_unit = 1;
        }
        assert_eq!(*extension_of_unit, 1);
        e.controls[20 + kind as usize % 12].fetch_add(1 << (8 * address.Lun), SeqCst);
    }
    ScsiUnitControlSuccess
}
unsafe extern "C-unwind" fn build_noticing(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        if *SrbGetCdb(srb.cast()) == 0x28 {
            StorPortNotification(BusChangeDetected, extension, 0);
        }
        physical::HwBuildIo(extension, srb)
    }
}
physical_entry!(controls_units, |data| {
    data.HwUnitControl = Some(unit_control);
    data.SpecificLuExtensionSize = 4;
    data.HwBuildIo = Some(build_noticing);
});

#[test]
fn a_unit_that_comes_back_is_a_new_device() {
    for (cpus, execution, name) in slow_executions(4) {
        let outcome = physical::run(cpus, execution, 0, 2, |bench| {
            with_adapter(Some(controls_units), physical::slot(&[]), |adapter| {
                let told = |kind: SCSI_UNIT_CONTROL_TYPE| {
                    physical::extension().controls[20 + kind as usize].load(SeqCst)
                };
                assert_eq!((told(ScsiUnitStart), told(ScsiUnitSurpriseRemoval)), (0x101, 0));
                let gone = bench.target.lock().detach(Lun::new(1).unwrap());
                assert!(gone.is_some());
                assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
                adapter.wait_for_scans();
                assert_eq!((told(ScsiUnitSurpriseRemoval), told(ScsiUnitRemove)), (0x100, 0));
                assert_eq!(adapter.present_disks(), [adapter.disks()[0]]);
                // It comes back: the scan that finds it has removed the old device.
                bench.target.lock().attach(Lun::new(1).unwrap(), disk());
                assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
                adapter.wait_for_scans();
                assert_eq!((told(ScsiUnitRemove), told(ScsiUnitStart)), (0x100, 0x201));
                assert_eq!(read_once(adapter.disks()[1]), STATUS_NO_SUCH_DEVICE, "open still");
                adapter.wait_for_scans();
                assert_eq!(read_once(adapter.present_disks()[1]), STATUS_SUCCESS);
                adapter.wait_for_scans();
                // It goes for good, and every handle to it is closed.
                assert!(bench.target.lock().detach(Lun::new(1).unwrap()).is_some());
                assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
                adapter.wait_for_scans();
                adapter.remove_gone_disks();
                assert_eq!((told(ScsiUnitSurpriseRemoval), told(ScsiUnitRemove)), (0x200, 0x200));
            });
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_unit_sleeps_and_wakes_and_is_asked_for_its_capabilities() {
    for (cpus, execution, name) in executions(4) {
        let outcome = physical::run(cpus, execution, 0, 2, |_| {
            with_adapter(Some(controls_units), physical::slot(&[]), |adapter| {
                let power = || physical::extension().controls[20 + ScsiUnitPower as usize].load(SeqCst);
                let [first, second] = adapter.disks() else { panic!("two disks") };
                assert!(adapter.query_unit(*first));
                assert!(adapter.put_unit_to_sleep(*first));
                assert_eq!(power(), 1);
                assert_eq!(read_once(*second), STATUS_SUCCESS, "the other unit works on");
                adapter.wake_unit(*first);
                assert_eq!(power(), 2);
                assert_eq!(read_once(*first), STATUS_SUCCESS);
                adapter.wait_for_scans();
                assert!(!adapter.put_unit_to_sleep(adapter.device()), "no disk");
            });
        });
        assert_completed(&outcome, &name);
    }
}

/// A power request: the state, and whether it is about the adapter.
unsafe fn power_of(srb: PSCSI_REQUEST_BLOCK) -> (STOR_DEVICE_POWER_STATE, bool) {
    // SAFETY: the caller has an SRB of SRB_FUNCTION_POWER, whose data is of that kind.
    let (state, action, flags) = unsafe {
        if (*srb).Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK {
            let data = SrbGetSrbExDataByType(srb.cast(), SrbExDataTypePower).cast::<SRBEX_DATA_POWER>();
            assert_eq!((*data).Length, SRBEX_DATA_POWER_LENGTH);
            ((*data).DevicePowerState, (*data).PowerAction, (*data).SrbPowerFlags)
        } else {
            let power = srb.cast::<SCSI_POWER_REQUEST_BLOCK>();
            ((*power).DevicePowerState, (*power).PowerAction, (*power).SrbPowerFlags)
        }
    };
    assert_eq!(action, StorPowerActionNone);
    (state, flags & SRB_POWER_FLAGS_ADAPTER_REQUEST != 0)
}

/// Notes what SRBs say of power and of starts, in the order they come: a digit each.
unsafe extern "C-unwind" fn build_noting(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let e = &*extension.cast::<Extension>();
        let digit = match SrbGetSrbFunction(srb.cast()) as UCHAR {
            SRB_FUNCTION_POWER => {
                let (state, is_about_adapter) = power_of(srb);
                let (awake, lun) = (state == StorPowerDeviceD0, u32::from(SrbGetLun(srb.cast())));
                assert!(awake || state == StorPowerDeviceD3);
                // Before the stop, and after the restart.
                let control = |kind: SCSI_ADAPTER_CONTROL_TYPE| e.controls[kind as usize].load(SeqCst);
                if is_about_adapter {
                    let (stops, restarts) = if awake { (1, 1) } else { (0, 0) };
                    assert_eq!((control(ScsiStopAdapter), control(ScsiRestartAdapter)), (stops, restarts));
                }
                match (is_about_adapter, awake) {
                    (false, false) => 1 + lun,
                    (false, true) => 3 + lun,
                    (true, false) => 5,
                    (true, true) => 6,
                }
            }
            SRB_FUNCTION_PNP if pnp_of(srb) == (StorStartDevice, 0) => 7 + u32::from(SrbGetLun(srb.cast())),
            _ => return physical::HwBuildIo(extension, srb),
        };
        let said = &e.controls[20];
        said.store(said.load(SeqCst) * 10 + digit, SeqCst);
        SrbSetSrbStatus(srb.cast(), SRB_STATUS_SUCCESS);
        StorPortNotification(RequestComplete, extension, srb);
    }
    FALSE
}

/// A plug and play request: the action and the flags.
unsafe fn pnp_of(srb: PSCSI_REQUEST_BLOCK) -> (ULONG, ULONG) {
    // SAFETY: the caller has an SRB of SRB_FUNCTION_PNP, whose data is of that kind.
    unsafe {
        if (*srb).Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK {
            let data = SrbGetSrbExDataByType(srb.cast(), SrbExDataTypePnP).cast::<SRBEX_DATA_PNP>();
            ((*data).PnPAction, (*data).SrbPnPFlags)
        } else {
            let pnp = srb.cast::<SCSI_PNP_REQUEST_BLOCK>();
            ((*pnp).PnPAction, (*pnp).SrbPnPFlags)
        }
    }
}
physical_entry!(hears_by_srbs, |data| data.HwBuildIo = Some(build_noting));

#[test]
fn without_unit_control_a_miniport_hears_by_srbs() {
    for (options, announces_starts) in [(&[][..], true), (&[("Extended", 1)][..], true), (&[][..], false)] {
        let outcome = physical::run(2, Execution::Seeded(0), 0, 2, move |_| {
            let driver = Machine::current().unwrap().load_driver(Some(hears_by_srbs)).unwrap();
            let start = StartOptions { announces_starts, ..StartOptions::default() };
            let adapter = Adapter::start_with(driver, Some(physical::slot(options)), start).unwrap();
            let said = || physical::extension().controls[20].swap(0, SeqCst);
            assert_eq!(said(), if announces_starts { 78 } else { 0 });
            let [_, second] = adapter.disks() else { panic!("two disks") };
            assert!(adapter.put_unit_to_sleep(*second));
            assert_eq!(said(), 2);
            adapter.wake_unit(*second);
            assert_eq!(said(), 4);
            adapter.stop();
            assert_eq!(said(), 5);
            adapter.restart().unwrap();
            assert_eq!(said(), 6);
            assert_eq!(read_once(*second), STATUS_SUCCESS);
            adapter.remove();
            Machine::current().unwrap().unload_driver(driver);
        });
        assert_completed(&outcome, &format!("{options:?}"));
    }
}

#[test]
fn a_shutdown_reaches_every_unit() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            if SrbGetSrbFunction(srb.cast()) as UCHAR == SRB_FUNCTION_SHUTDOWN {
                (*extension.cast::<Extension>()).aborts.fetch_add(1 << (4 * SrbGetLun(srb.cast())), SeqCst);
            }
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(counts, |data| data.HwBuildIo = Some(build));
    for options in [&[][..], &[("Extended", 1)][..]] {
        let outcome = physical::run(1, Execution::Seeded(0), 0, 2, move |_| {
            with_adapter(Some(counts), physical::slot(options), |adapter| {
                adapter.shut_down();
                assert_eq!(physical::extension().aborts.load(SeqCst), 0x11);
            });
        });
        assert_completed(&outcome, &format!("{options:?}"));
    }
}

#[test]
fn a_pause_of_the_adapter_and_of_a_unit_hold_requests_back() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            let e = &*extension.cast::<Extension>();
            if *SrbGetCdb(srb.cast()) == 0x28 {
                match e.aborts.fetch_add(1, SeqCst) {
                    0 => assert_eq!(StorPortPause(extension, 2), TRUE),
                    1 => assert_eq!(StorPortPauseDevice(extension, 0, 0, 0, 3), TRUE),
                    2 => StorPortNotification(LinkDown, extension, ()),
                    _ => assert_eq!(StorPortPauseDevice(extension, 0, 0, 9, 3), FALSE, "no such unit"),
                }
            }
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(pauses, |data| data.HwBuildIo = Some(build));
    for seed in 0..4 {
        let outcome = physical::run(2, Execution::Seeded(seed), 0, 1, |_| {
            with_adapter(Some(pauses), physical::slot(&[]), |adapter| {
                for _ in 0..4 {
                    assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
                }
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
        // 2 s for the adapter, 3 s for the unit, 30 s for the link.
        assert_eq!(outcome.time_ns / 1_000_000_000, 35);
    }
}
