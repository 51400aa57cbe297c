//! The I/O manager: driver and device objects, IRPs, the StartIo packet model, cancellation.
//!
//! Its structures are in driver memory, as on Windows; this module keeps what drivers cannot see.

pub(crate) mod cancel;
pub(crate) mod csq;
pub(crate) mod device;
mod device_notes;
pub(crate) mod device_queue;
pub(crate) mod driver;
pub(crate) mod file;
pub(crate) mod irp;
pub(crate) mod lower;
pub(crate) mod mdl;
pub(crate) mod packet;
pub(crate) mod pending;
pub(crate) mod pnp;
pub(crate) mod pnp_checks;
pub(crate) mod remove_lock;

use crate::marks::Marks;
use parking_lot::Mutex;
use std::sync::Arc;

/// The state of the I/O manager that drivers cannot see.
pub(crate) struct IoManager {
    /// Guards every KDEVICE_QUEUE and what is noted of its owner's StartIo calls, as the queue's built-in
    /// lock does on Windows. Nothing is called back while it is held.
    queues: Mutex<device_notes::DeviceNotes>,
    /// When IRPs were completed last (deterministic executor only).
    completions: Marks,
    /// Requests for plug and play and power that are under way.
    pnp_requests: pnp_checks::PnpRequests,
    /// Dispatch routines that have not returned, or whose requests are not complete.
    pending: pending::PendingChecks,
    /// What physical device objects do, by the numbers in their extensions.
    lower: Mutex<Vec<Arc<dyn lower::LowerDevice>>>,
}

impl IoManager {
    pub(crate) fn new() -> IoManager {
        IoManager {
            queues: Mutex::default(),
            completions: Marks::default(),
            pnp_requests: pnp_checks::PnpRequests::default(),
            pending: pending::PendingChecks::default(),
            lower: Mutex::new(Vec::new()),
        }
    }
}
