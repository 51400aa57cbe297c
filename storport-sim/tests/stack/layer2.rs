//! A miniport at layer 2.

use crate::rig::{assert_completed, executions, run, with_adapter, write_and_read};
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use kernel_sim::safe::SpinLock;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::client::{Client, Request};
use storport_sim::ddi::{IOCTL_MINIPORT_PROCESS_SERVICE_IRP, SRB_FUNCTION_FLUSH};
use storport_sim::miniport::{
    AdapterControl, Configuration, FindError, ServiceIrp, Srb, SrbStatus, UnitAddress, UnitControl,
    VirtualMiniport, register,
};

/// Executes requests at once, keeps service requests until it is removed, and owns something on the host.
struct Keeper {
    medium: Arc<Medium>,
    flushes: SpinLock<u32>,
    kept: SpinLock<Vec<ServiceIrp>>,
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register::<Keeper>(driver, path) }
}

impl VirtualMiniport for Keeper {
    const SERVICE_REQUESTS: bool = true;

    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Keeper, FindError> {
        let medium = Machine::current().and_then(Medium::of).ok_or(FindError::NotFound)?;
        configuration.set_addresses(1, 1, 8).set_lun_queue_depth(2).set_caches_data(true);
        Ok(Keeper { medium, flushes: SpinLock::new(0), kept: SpinLock::new(Vec::new()) })
    }

    fn start_io(&self, mut srb: Srb) {
        if srb.function() == SRB_FUNCTION_FLUSH {
            *self.flushes.lock() += 1;
            srb.complete(SrbStatus::SUCCESS);
            return;
        }
        let (lun, cdb) = (srb.lun(), srb.cdb());
        let answer = self.medium.execute(lun, &cdb, srb.data().into());
        srb.complete_as(&answer);
    }

    fn reset_bus(&self, _path: u8) -> bool {
        true
    }

    fn process_service_request(&self, irp: ServiceIrp) {
        self.kept.lock().push(irp);
    }

    fn complete_service_irps(&self) {
        let kept = std::mem::take(&mut *self.kept.lock());
        for mut irp in kept {
            irp.buffer()[..4].copy_from_slice(b"bye!");
            irp.complete(STATUS_CANCELLED, 4);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // What the driver cached was flushed before it was removed; nothing is known of a machine that
        // stopped.
        let flushes = *self.flushes.get_mut();
        self.medium.with(|target| assert!(flushes as usize == target.luns().count() || flushes == 0));
    }
}

#[test]
fn requests_and_removal() {
    for (cpus, execution, name) in executions(8) {
        let outcome = run(cpus, execution, 3, || {
            with_adapter(Some(entry), |adapter| {
                write_and_read(adapter.disks(), 6, 1, 8192);
            });
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn a_service_request_that_is_kept_ends_with_the_adapter() {
    let outcome = run(2, Execution::Seeded(3), 1, || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(entry)).unwrap();
        let adapter = storport_sim::Adapter::start(driver).unwrap();
        let mut client = Client::new(adapter.device(), 16);
        client.send(Request::Control { code: IOCTL_MINIPORT_PROCESS_SERVICE_IRP, input: 16, room: 16 });
        assert_eq!(client.wait_for(0), None);
        assert!(!client.cancel(), "the driver has set no cancel routine");
        adapter.remove();
        assert_eq!(client.wait_for(0), Some((STATUS_CANCELLED, 4)));
        assert_eq!(client.data()[..4], *b"bye!");
        drop(client);
        machine.unload_driver(driver);
    });
    assert_completed(&outcome, "kept");
}

#[test]
fn a_machine_that_stops_gives_back_what_the_driver_owned() {
    let watch: Arc<parking_lot::Mutex<Option<std::sync::Weak<Medium>>>> = Arc::default();
    for execution in [Execution::Seeded(0), Execution::Parallel] {
        let keep = Arc::clone(&watch);
        let outcome = run(2, execution, 1, move || {
            let machine = Machine::current().unwrap();
            *keep.lock() = Some(Arc::downgrade(&Medium::of(machine).unwrap()));
            with_adapter(Some(entry), |adapter| {
                Client::new(adapter.device(), 0).control(0, &[], 0);
                panic!("on purpose");
            });
        });
        assert!(matches!(outcome.ending, Ending::BugCheck(_)), "{:?}", outcome.ending);
        assert!(watch.lock().take().unwrap().upgrade().is_none(), "the medium is still owned");
    }
}

/// Notes what it is told of its adapter and its units.
struct Listener {
    medium: Arc<Medium>,
}

type News = Vec<(u8, UnitControl, u8)>;
static HEARD: parking_lot::Mutex<(News, u32)> = parking_lot::Mutex::new((Vec::new(), 0));

impl VirtualMiniport for Listener {
    const HEARS_OF_REMOVAL: bool = true;
    const HEARS_OF_UNITS: bool = true;

    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Listener, FindError> {
        let medium = Machine::current().and_then(Medium::of).ok_or(FindError::NotFound)?;
        configuration.set_addresses(1, 1, 8);
        Ok(Listener { medium })
    }

    fn start_io(&self, mut srb: Srb) {
        if !srb.is_scsi() {
            srb.complete(SrbStatus::SUCCESS);
            return;
        }
        let (lun, cdb) = (srb.lun(), srb.cdb());
        let answer = self.medium.execute(lun, &cdb, srb.data().into());
        srb.complete_as(&answer);
    }

    fn reset_bus(&self, _path: u8) -> bool {
        true
    }

    fn adapter_control(&self, control: AdapterControl) -> bool {
        if control == AdapterControl::SurpriseRemoval {
            HEARD.lock().1 += 1;
        }
        true
    }

    fn unit_control(&self, unit: UnitAddress, control: UnitControl) -> bool {
        // SAFETY: asks where this processor is.
        let level = unsafe { KeGetCurrentIrql() };
        HEARD.lock().0.push((unit.lun, control, level));
        true
    }
}

unsafe extern "C-unwind" fn listens(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register::<Listener>(driver, path) }
}

#[test]
fn a_miniport_hears_of_its_units_and_of_its_own_removal() {
    use UnitControl::{Power, Remove, Start};
    let outcome = run(1, Execution::Seeded(0), 2, || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(listens)).unwrap();
        let adapter = storport_sim::Adapter::start(driver).unwrap();
        let disk = adapter.disks()[1];
        assert!(adapter.put_unit_to_sleep(disk));
        adapter.wake_unit(disk);
        adapter.surprise_remove();
        machine.unload_driver(driver);
    });
    assert_completed(&outcome, "told");
    let (units, removals) = std::mem::take(&mut *HEARD.lock());
    let (asleep, awake) = (Power { is_awake: false }, Power { is_awake: true });
    let expected =
        [(0, Start, 0), (1, Start, 0), (1, asleep, 2), (1, awake, 2), (0, Remove, 0), (1, Remove, 0)];
    assert_eq!(units, expected);
    assert_eq!(removals, 1);
}
