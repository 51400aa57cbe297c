//! A unit that comes and goes while others are in use.
//!
//! A disk is plugged in behind the adapter; the device model, or a virtual miniport by a service request,
//! reports it, Storport scans the bus, and a disk device appears. A load of its own runs on that disk,
//! verified like any other. During the load the unit is pulled out again: from then on its requests may fail,
//! but each must end. On Windows this is BusChangeDetected and the scan that follows. A miniport that never
//! reports a plugged unit breaks no rule: such units are only counted.

use super::events::{Draws, Stage};
use crate::workload::{
    self, Amount, Disk, Doorbell, IOCTL_MINIPORT_PROCESS_SERVICE_IRP, LOST_AFTER_S, Mode, Options,
    PermittedErrors, Sizes, device_control,
};
use kernel_sim::ddi::PDEVICE_OBJECT;
use kernel_sim::machine::Machine;
use std::sync::Arc;
use storport_sim::disk::{Geometry, Identity, MemoryStore, ScsiDisk};
use storport_sim::scsi::Lun;

/// Units that come and go: so many numbers after those of the disks that are there.
const UNITS: u16 = 3;
/// Bytes of such a disk.
const BYTES: u64 = 1 << 20;
/// Requests of the load on it.
const REQUESTS: u64 = 48;
/// Outstanding at once.
const DEPTH: u32 = 8;
/// How often the thread looks whether a disk has come or gone before it gives up.
const LOOKS: u32 = 50;
/// Bytes of a service request's buffer: as much as the load's own have.
const SERVICE_BYTES: usize = 4096;

/// One time.
pub(super) struct Hotplug<'a> {
    pub stage: &'a Stage,
    pub machine: &'static Machine,
    pub seed: u64,
}

impl Hotplug<'_> {
    pub(super) fn happen(&self) {
        let mut draws = Draws::new(self.seed);
        let Some(lun) = Lun::new(u16::from(self.stage.luns) + draws.below(UNITS.into()) as u16) else {
            return;
        };
        let before = self.stage.adapter.present_disks();
        self.stage.permitted.count_change_of_units();
        self.stage.medium.plug_in(lun, disk(lun));
        self.stage.counts.lock().plugged += 1;
        self.tell();
        let is_new = |disk: &&PDEVICE_OBJECT| !before.contains(disk);
        if let Some(device) = self.wait_until(|disks| disks.iter().find(is_new).copied()) {
            self.stage.counts.lock().found += 1;
            self.use_and_unplug(device, lun, 1 + draws.below(REQUESTS));
            self.wait_until(|disks| (!disks.contains(&device)).then_some(()));
            // Every handle is closed now; else the next scan that looks at the address removes it.
            if draws.below(2) == 0 {
                self.stage.adapter.remove_gone_disks();
            }
        } else {
            self.unplug(lun);
        }
    }

    fn unplug(&self, lun: Lun) {
        self.stage.permitted.count_change_of_units();
        self.stage.medium.unplug(lun);
        self.tell();
    }

    /// Makes the device model or the virtual miniport look for changes of the medium.
    fn tell(&self) {
        self.machine.touch_device(0);
        let adapter = &self.stage.adapter;
        if adapter.accepts_service_requests() {
            let buffer = self.machine.allocate_system(SERVICE_BYTES);
            if !buffer.is_null() {
                let code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
                device_control(self.machine, adapter.device(), code, buffer, (0, SERVICE_BYTES));
                self.machine.free_system(buffer);
            }
        }
    }

    /// Looks at the disks there are until `wanted` is satisfied with them.
    fn wait_until<R>(&self, wanted: impl Fn(&[PDEVICE_OBJECT]) -> Option<R>) -> Option<R> {
        (0..LOOKS).find_map(|_| {
            let found = wanted(&self.stage.adapter.present_disks());
            if found.is_none() {
                self.stage.let_the_load_go_on();
            }
            found
        })
    }

    /// Runs a load on the disk and pulls it out after `requests` of it.
    fn use_and_unplug(&self, device: PDEVICE_OBJECT, lun: Lun, requests: u64) {
        let (machine, bell) = (self.machine, Doorbell::new(self.machine, 0));
        let over = Doorbell::new(machine, 0);
        let medium = Some(Arc::clone(&self.stage.medium));
        let permitted = PermittedErrors::planned(medium, bell, LOST_AFTER_S).over(self.stage.protocol);
        let permitted = Arc::new(permitted);
        permitted.ring_after(requests);
        let results = Arc::new(parking_lot::Mutex::default());
        let options = options(self.seed);
        let disk =
            Disk { devices: vec![device], service: None, has_handles: false, bytes: BYTES, trims: None };
        let (their_permitted, their_results) = (Arc::clone(&permitted), Arc::clone(&results));
        machine.start_thread(None, move || {
            workload::run(machine, disk, &options, &their_permitted, &their_results, || {});
            bell.ring();
            over.ring();
        });
        bell.wait();
        permitted.device_is_gone();
        self.unplug(lun);
        over.wait();
        bell.free(machine);
        over.free(machine);
        self.stage.elsewhere.lock().add(&results.lock());
    }
}

fn options(seed: u64) -> Options {
    Options {
        mode: Mode::Mixed,
        amount: Amount::Ios(REQUESTS),
        block_bytes: Sizes { min: 512, max: 16 << 10 },
        depth: DEPTH,
        flush_every: 0,
        cancel_every: 0,
        service_every: 0,
        luns: 1,
        seed,
        zeroed: true,
    }
}

/// An empty disk with a name of its own.
fn disk(lun: Lun) -> ScsiDisk {
    let serial = format!("plugged {}", lun.number());
    let identity = Identity::new("STORSIM", "Plugged Disk", "1.0", &serial)
        .expect("printable names that fit their fields");
    ScsiDisk::new(Box::new(MemoryStore::new(BYTES)), Geometry::default(), identity)
        .expect("a whole number of blocks")
}
