//! What a driver from a file drives, where `--as` does not say: as far as the driver itself tells.
//!
//! One that imports no StorPortInitialize is a WDM driver. The others are asked: DriverEntry runs on a
//! machine of its own, and what it registers says whether it is a virtual miniport, or which device it is
//! for. Most miniports of adapters give no identifiers, since their installation file has them; then it is
//! not known, and nothing is guessed. Invariant: the same file has the same answer.

use super::args::DeviceName;
use kernel_sim::hook::{Event, Halt, Interest, Watcher};
use kernel_sim::machine::{Config, Execution, Machine, reserve_memory};
use parking_lot::Mutex;
use std::sync::Arc;
use storport_sim::PciSlot;
use storport_sim::ddi::row;
use storport_sim::hba::ahci::Ahci;
use storport_sim::hba::virtio_scsi;
use storport_sim::image::{self, Image};
use storport_sim::seen::{self, Registers};

/// What it drives, or why that is not known: completes "FILE: ".
pub(super) fn drives(image: &'static Image) -> Result<DeviceName, String> {
    if !image.imports().any(|name| name == "StorPortInitialize") {
        return Ok(DeviceName::Wdm);
    }
    let (vendor, device) = match registered(image) {
        Some(Registers::Virtual) => return Ok(DeviceName::Virtual),
        Some(Registers::Device { vendor, device }) => (vendor, device),
        None => return Err(unknown("its DriverEntry registers no miniport")),
    };
    if vendor.is_empty() {
        return Err(unknown("it registers an adapter without naming it"));
    }
    let adapters = [
        (DeviceName::VirtioScsi, virtio_scsi::slot(&virtio_scsi::Options::for_processors(1))),
        (DeviceName::Ahci, Ahci::slot()),
    ];
    let is_it = |slot: &PciSlot| {
        let (of_vendor, of_device) = slot.ids();
        vendor == format!("{of_vendor:04X}") && (device.is_empty() || device == format!("{of_device:04X}"))
    };
    let found = adapters.iter().find(|(_, slot)| is_it(slot));
    let named = format!("it registers adapter {vendor:?}, {device:?}, which is not here");
    found.map(|(name, _)| *name).ok_or_else(|| unknown(&named))
}

fn unknown(why: &str) -> String {
    format!("{why}, so --as must say what it drives: virtual, virtio-scsi, ahci or wdm")
}

/// What the entry point of an image registers, if it comes to that.
fn registered(image: &'static Image) -> Option<Registers> {
    let asked = Arc::new(Asked::default());
    let config = Config::new(1, Execution::Seeded(1)).ok()?.image(Some(image));
    let config = config.watch(Arc::clone(&asked) as Arc<dyn Watcher>);
    reserve_memory().ok()?;
    // How it ends is no finding here: the run that follows has it again.
    config.run(|| {
        let machine = Machine::current().expect("booting happens on a machine");
        let _ = machine.load_driver(Some(image::entry));
    });
    asked.0.lock().take()
}

/// Sees what is registered.
#[derive(Default)]
struct Asked(Mutex<Option<Registers>>);

impl Watcher for Asked {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortInitialize])
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        *self.0.lock() = seen::registers(event);
        None
    }
}
