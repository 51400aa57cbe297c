//! The handle by which a job sends its requests: opened, given up among them, and opened again.
//!
//! A process that ends gives its handles up while its requests are under way: IRP_MJ_CLEANUP comes among
//! them, reads and writes. A driver has to complete or cancel those that name the file object. IRP_MJ_CLOSE
//! follows the last of them. Writes that were cancelled so are sent once more by the next handle. A driver
//! without a routine for IRP_MJ_CREATE fails it, and its requests name no file.
//! Invariant: no request is sent that names a file whose last handle was given up.

use kernel_sim::OpenFile;
use kernel_sim::ddi::PFILE_OBJECT;
use kernel_sim::ddi::types::PDEVICE_OBJECT;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// Requests of a job before its first handle: they name no file, as a file system's need not, and a finding
/// that takes but a few requests needs no handle. The least of a handle, too.
const REQUESTS: u32 = 12;

/// Requests of a handle, as a multiple of those outstanding: the queue is full for as long as it is kept.
const QUEUES: u32 = 2;

/// See the module page.
pub(super) struct Handle {
    device: Option<PDEVICE_OBJECT>,
    file: Option<OpenFile>,
    /// Requests sent by it.
    requests: u32,
    /// Requests that a job has outstanding at most.
    depth: u32,
}

impl Handle {
    /// None yet of the device; none at all where there is no device that has any.
    pub(super) fn none(device: Option<PDEVICE_OBJECT>, depth: u32) -> Handle {
        Handle { device, file: None, requests: 0, depth }
    }

    /// The file object for the next request; null for none.
    pub(super) fn for_request(&mut self) -> PFILE_OBJECT {
        self.requests += 1;
        self.file.as_ref().map_or(null_mut(), OpenFile::object)
    }

    /// Whether requests name a file.
    pub(super) fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Whether it is time for another.
    pub(super) fn is_used_up(&self) -> bool {
        let kept = if self.is_open() { REQUESTS.max(self.depth.saturating_mul(QUEUES)) } else { REQUESTS };
        self.device.is_some() && self.requests >= kept
    }

    /// The last handle is gone: the driver is to end what is under way. Returns what is left to close.
    pub(super) fn give_up(&mut self, machine: &Machine) -> Option<OpenFile> {
        let file = self.file.take()?;
        file.clean_up(machine);
        Some(file)
    }

    /// Opens the device, if the driver lets it be.
    pub(super) fn open(&mut self, machine: &Machine) {
        self.file = self.device.and_then(|device| OpenFile::open(machine, device).ok());
        self.requests = 0;
    }
}
