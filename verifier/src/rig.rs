//! The test rig: what a run does on the machine's boot thread.
//!
//! It loads the driver, starts its device or adapter, sends the workload, removes and unloads. It is the
//! system around a driver and no part of it; a driver that refuses to start is no finding. Invariant:
//! whatever was started is taken down again, unless the run ended before.

use crate::driver::{Driver, Kind};
use crate::workload::{self, Disk, Options, Statistics};
use kernel_sim::ddi::types::{NTSTATUS, PDEVICE_OBJECT, PDRIVER_INITIALIZE, PDRIVER_OBJECT, status_name};
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::sync::Arc;
use storport_sim::{Adapter, Medium, StartError};

/// What the boot thread leaves for the caller.
#[derive(Default)]
pub(crate) struct Booted {
    pub statistics: Statistics,
    /// Why the driver could not be started.
    pub refused: Option<String>,
}

/// See the module page.
pub(crate) struct Rig {
    pub driver: &'static Driver,
    /// Size of the disk.
    pub bytes: u64,
    pub workload: Options,
    /// What a miniport serves.
    pub medium: Option<Arc<Medium>>,
    pub result: Arc<Mutex<Booted>>,
}

impl Rig {
    /// The whole of it; for the boot thread.
    pub(crate) fn boot(self) {
        let machine = Machine::current().expect("booting happens on a machine");
        if let Err(why) = self.exercise(machine) {
            self.result.lock().refused = Some(why);
        }
    }

    fn exercise(&self, machine: &'static Machine) -> Result<(), String> {
        match self.driver.kind {
            Kind::Wdm { entry, .. } => {
                let object = load(machine, entry)?;
                let device = machine.add_device(object, 0).map_err(|s| refused("starting its device", s))?;
                self.work(machine, device.top(), None);
                device.remove();
                machine.unload_driver(object);
                Ok(())
            }
            Kind::VirtualMiniport { entry } => {
                if let Some(medium) = &self.medium {
                    machine.keep(Arc::clone(medium));
                }
                self.exercise_miniport(machine, entry, Adapter::start)
            }
            Kind::Miniport { entry, slot, .. } => {
                self.exercise_miniport(machine, entry, |driver| Adapter::start_device(driver, slot()))
            }
            Kind::Model { .. } => unreachable!("a model has no rig"),
        }
    }

    fn exercise_miniport(
        &self,
        machine: &'static Machine,
        entry: PDRIVER_INITIALIZE,
        start: impl FnOnce(PDRIVER_OBJECT) -> Result<Adapter, StartError>,
    ) -> Result<(), String> {
        let object = load(machine, entry)?;
        let adapter = start(object).map_err(|e| e.to_string())?;
        let service = adapter.accepts_service_requests().then(|| adapter.device());
        let Some(disk) = adapter.disks().first().copied() else {
            return Err("the bus scan found no disk".into());
        };
        self.work(machine, disk, service);
        adapter.remove();
        machine.unload_driver(object);
        Ok(())
    }

    fn work(&self, machine: &Machine, device: PDEVICE_OBJECT, service: Option<PDEVICE_OBJECT>) {
        let disk = Disk { device, service, bytes: self.bytes };
        let statistics = workload::run(machine, disk, &self.workload);
        self.result.lock().statistics = statistics;
    }
}

fn load(machine: &'static Machine, entry: PDRIVER_INITIALIZE) -> Result<PDRIVER_OBJECT, String> {
    machine.load_driver(entry).map_err(|s| refused("DriverEntry", s))
}

/// Which step a driver refused, and how.
fn refused(step: &str, status: NTSTATUS) -> String {
    let status = status_name(status).map_or_else(|| format!("{status:#010x}"), str::to_owned);
    format!("{step} answered {status}")
}
