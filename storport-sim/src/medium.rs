//! `Medium`: the SCSI target behind an adapter, at which a miniport or a device model executes commands.
//!
//! A virtual miniport has a file, a socket or a partner process behind it, reached through system services
//! that this simulator does not have; a host adapter has a bus with devices on it. [`Medium`] stands for
//! both: a target that takes a command block and answers. A test rig makes one, keeps a handle, and gives it
//! to the machine, where a virtual miniport finds it, or to a device model. It is not
//! hardware: there is no register, no interrupt and no time in it, and a command is finished when
//! [`Medium::execute`] returns. What a fault plan says of a completion's delivery is for the caller to
//! arrange ([`Disposition`]).
//!
//! Besides commands two things happen to it from outside: units are plugged in and out, and the whole of it
//! is pulled out. Invariant: a change of units is reported once, in order.

use crate::disk::fault::Disposition;
use crate::disk::{Completion, DataPhase, Nexus, ScsiDisk, Target};
use crate::scsi::Lun;
use kernel_sim::machine::Machine;
use parking_lot::{Mutex, RwLock};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Acquire, Ordering::Release, Ordering::SeqCst};

/// A logical unit that has come or gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnitChange {
    /// Its number.
    pub lun: Lun,
    /// Whether it is there now.
    pub is_present: bool,
}

/// A target behind a lock of the host. Never held across anything that drivers run.
///
/// Commands that change nothing, which is what nearly every read is, share the lock: several processors copy
/// at once.
#[derive(Debug)]
pub struct Medium {
    target: RwLock<Target>,
    changes: Mutex<VecDeque<UnitChange>>,
    /// Length of `changes`, to be looked at without its lock.
    changed: AtomicUsize,
    is_gone: AtomicBool,
}

impl Medium {
    /// A medium that holds these disks. Give it to a machine with [`Machine::attach`].
    #[must_use]
    pub fn new(target: Target) -> Medium {
        crate::register_sources();
        Medium {
            target: RwLock::new(target),
            changes: Mutex::default(),
            changed: AtomicUsize::new(0),
            is_gone: AtomicBool::new(false),
        }
    }

    /// The medium of the machine this code runs on; `None` where the rig gave none.
    #[must_use]
    pub fn of(machine: &Machine) -> Option<Arc<Medium>> {
        machine.attached::<Medium>()
    }

    /// Executes one command at a logical unit; see [`ScsiDisk::execute`].
    pub fn execute(&self, lun: Lun, cdb: &[u8], data: DataPhase<'_>) -> Completion {
        self.execute_from(Nexus::DEFAULT, lun, cdb, data)
    }

    /// As [`execute`](Self::execute), for a command of this initiator.
    ///
    /// A command that meets a fault plan's removal pulls the medium out.
    pub fn execute_from(&self, nexus: Nexus, lun: Lun, cdb: &[u8], mut data: DataPhase<'_>) -> Completion {
        if let DataPhase::In(buffer) = &mut data
            && let Some(done) = self.target.read().execute_shared(nexus, lun, cdb, buffer)
        {
            return done;
        }
        let done = self.target.write().execute_from(nexus, lun, cdb, data);
        if done.disposition == Disposition::SurpriseRemoval {
            self.pull_out();
        }
        done
    }

    /// Looks at the target, or changes it: for the rig, between requests.
    pub fn with<R>(&self, look: impl FnOnce(&mut Target) -> R) -> R {
        look(&mut self.target.write())
    }

    /// Plugs a disk in while the machine runs; the one that was there is given back. The miniport or device
    /// in front of the medium learns of it by [`take_change`](Self::take_change); a device model needs a
    /// [`Machine::touch_device`] besides.
    pub fn plug_in(&self, lun: Lun, disk: ScsiDisk) -> Option<ScsiDisk> {
        let replaced = self.target.write().attach(lun, disk);
        self.note(UnitChange { lun, is_present: true });
        replaced
    }

    /// Pulls one disk out, as [`plug_in`](Self::plug_in) plugs one in; `None`, and nothing to learn, if there
    /// is none.
    pub fn unplug(&self, lun: Lun) -> Option<ScsiDisk> {
        let disk = self.target.write().detach(lun)?;
        self.note(UnitChange { lun, is_present: false });
        Some(disk)
    }

    fn note(&self, change: UnitChange) {
        let mut changes = self.changes.lock();
        changes.push_back(change);
        self.changed.store(changes.len(), Release);
    }

    /// How many changes of units have not been taken yet.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.changed.load(Acquire)
    }

    /// Takes the oldest change of units that was not taken yet.
    pub fn take_change(&self) -> Option<UnitChange> {
        let mut changes = self.changes.lock();
        let change = changes.pop_front();
        self.changed.store(changes.len(), Release);
        change
    }

    /// Pulls the medium out, with the adapter it belongs to: it never comes back. A command executed
    /// afterwards still gets its status; a device model that is gone executes none.
    pub fn pull_out(&self) {
        self.is_gone.store(true, SeqCst);
    }

    /// Whether it has been pulled out.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.is_gone.load(SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::fault::FaultInjector;
    use crate::disk::{Geometry, Identity, MemoryStore};

    fn disk() -> ScsiDisk {
        ScsiDisk::new(Box::new(MemoryStore::new(1 << 20)), Geometry::default(), Identity::default()).unwrap()
    }

    #[test]
    fn changes_of_units_are_learned_once_and_in_order() {
        let medium = Medium::new([disk()].into_iter().collect());
        let (one, two) = (Lun::new(1).unwrap(), Lun::new(2).unwrap());
        assert!(medium.plug_in(one, disk()).is_none());
        assert!(medium.unplug(two).is_none(), "there was none");
        assert!(medium.unplug(Lun::ZERO).is_some());
        assert_eq!(medium.changes(), 2);
        assert_eq!(medium.take_change(), Some(UnitChange { lun: one, is_present: true }));
        assert_eq!(medium.take_change(), Some(UnitChange { lun: Lun::ZERO, is_present: false }));
        assert_eq!((medium.take_change(), medium.changes()), (None, 0));
    }

    #[test]
    fn a_command_that_meets_a_removal_pulls_the_medium_out() {
        let medium = Medium::new([disk()].into_iter().collect());
        let plan = "removal:after=1".parse().unwrap();
        medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, 1))));
        let test_unit_ready = [0; 6];
        let _ = medium.execute(Lun::ZERO, &test_unit_ready, DataPhase::None);
        assert!(!medium.is_gone());
        let _ = medium.execute(Lun::ZERO, &test_unit_ready, DataPhase::None);
        assert!(medium.is_gone());
    }
}
