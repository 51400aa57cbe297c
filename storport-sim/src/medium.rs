//! What a virtual miniport keeps its data in.
//!
//! A real one has a file, a socket or a partner process behind it, reached through system services
//! that this simulator does not have. [`Medium`] stands for all of that: a SCSI target that takes a
//! command block and answers. A test rig makes one and gives it to the machine; the miniport finds it
//! there. It is not hardware: there is no register, no interrupt and no time in it, and a command is
//! finished when [`Medium::execute`] returns.

use crate::disk::{Completion, DataPhase, Nexus, Target};
use crate::scsi::Lun;
use kernel_sim::machine::Machine;
use parking_lot::RwLock;
use std::sync::Arc;

/// A target behind a lock of the host. Never held across anything that drivers run.
///
/// Commands that change nothing, which is what nearly every read is, share the lock: several processors copy at once.
#[derive(Debug)]
pub struct Medium(RwLock<Target>);

impl Medium {
    /// A medium that holds these disks. Give it to a machine with [`Machine::keep`].
    #[must_use]
    pub fn new(target: Target) -> Medium {
        Medium(RwLock::new(target))
    }

    /// The medium of the machine this code runs on; `None` where the rig gave none.
    #[must_use]
    pub fn of(machine: &Machine) -> Option<Arc<Medium>> {
        machine.kept::<Medium>()
    }

    /// Executes one command at a logical unit; see [`ScsiDisk::execute`](crate::disk::ScsiDisk::execute).
    pub fn execute(&self, lun: Lun, cdb: &[u8], data: DataPhase<'_>) -> Completion {
        self.execute_from(Nexus::DEFAULT, lun, cdb, data)
    }

    /// As [`execute`](Self::execute), for a command of this initiator.
    pub fn execute_from(&self, nexus: Nexus, lun: Lun, cdb: &[u8], mut data: DataPhase<'_>) -> Completion {
        if let DataPhase::In(buffer) = &mut data
            && let Some(done) = self.0.read().execute_shared(nexus, lun, cdb, buffer)
        {
            return done;
        }
        self.0.write().execute_from(nexus, lun, cdb, data)
    }

    /// Looks at the target, or changes it: for the rig, between requests.
    pub fn with<R>(&self, look: impl FnOnce(&mut Target) -> R) -> R {
        look(&mut self.0.write())
    }
}
