//! One disk: what the class driver knows of a unit and keeps for its requests.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::capacity::Capacity;
use super::counters::Counters;
use super::packet::PacketPool;
use super::provisioning::Provisioning;
use kernel_sim::ddi::PDEVICE_OBJECT;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};

/// See the module page. The extension of its device object points at it, so it does not move.
pub(super) struct Disk {
    /// Null until it is created.
    pub device: PDEVICE_OBJECT,
    /// The unit's device object.
    pub lower: PDEVICE_OBJECT,
    pub capacity: Capacity,
    /// Bytes one SRB may move: whole blocks.
    pub piece_max: u32,
    /// Whether SRBs are extended ones.
    pub is_extended: bool,
    pub counters: Counters,
    /// Pieces that wait to be sent again.
    pub delayed: AtomicU32,
    pub packets: PacketPool,
    /// Seconds a request may take: the class driver's, shared by its disks.
    pub timeout_s: Arc<AtomicU32>,
    /// UNMAP limits. Unset: not asked yet. `Some(None)`: no UNMAP.
    provisioning: OnceLock<Option<Provisioning>>,
}

// SAFETY: the device objects are the machine's, whose I/O manager synchronises their use; the rest is
// read only or Sync.
unsafe impl Sync for Disk {}
// SAFETY: no field belongs to a host thread: pointers are to objects of the machine.
unsafe impl Send for Disk {}

impl Disk {
    /// A disk without a device object on the unit `lower`.
    pub(super) fn new(
        machine: &Machine,
        lower: PDEVICE_OBJECT,
        capacity: Capacity,
        piece_max: u32,
        is_extended: bool,
        timeout_s: Arc<AtomicU32>,
    ) -> Disk {
        Disk {
            device: null_mut(),
            lower,
            capacity,
            piece_max,
            is_extended,
            counters: Counters::new(machine),
            delayed: AtomicU32::new(0),
            packets: PacketPool::new(machine),
            timeout_s,
            provisioning: OnceLock::new(),
        }
    }

    /// The unit's UNMAP limits, which it is asked for the first time. `None`: it takes no UNMAP, or does not
    /// say now. PASSIVE_LEVEL.
    pub(super) fn ask_provisioning(&self, machine: &Machine) -> Option<Provisioning> {
        if let Some(known) = self.provisioning.get() {
            return *known;
        }
        let said = Provisioning::ask(machine, self.lower, self.is_extended)?;
        // Two threads may have asked; the unit told both the same.
        let _ = self.provisioning.set(said);
        said
    }

    /// The unit's UNMAP limits as they were asked for; `None`: it takes no UNMAP, or was not asked yet.
    pub(super) fn provisioning(&self) -> Option<Provisioning> {
        self.provisioning.get().copied().flatten()
    }
}
