//! The handle by which a job sends its requests: opened, given up among them, and opened again.
//!
//! A process that ends gives its handles up while its requests are under way: IRP_MJ_CLEANUP comes among
//! them, and a driver has to complete or cancel those that name the file object. IRP_MJ_CLOSE follows the
//! last of them. A driver without a routine for IRP_MJ_CREATE fails it, and its requests name no file.
//! Invariant: no request is sent that names a file whose last handle was given up.

use kernel_sim::OpenFile;
use kernel_sim::ddi::PFILE_OBJECT;
use kernel_sim::ddi::types::PDEVICE_OBJECT;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// Requests of a job between two handles.
const REQUESTS: u32 = 24;

/// See the module page.
pub(super) struct Handle {
    device: Option<PDEVICE_OBJECT>,
    file: Option<OpenFile>,
    /// Requests sent by it.
    requests: u32,
}

impl Handle {
    /// A handle of the device, if the driver gives one; none where there is no device that has any.
    pub(super) fn open(machine: &Machine, device: Option<PDEVICE_OBJECT>) -> Handle {
        let file = device.and_then(|device| OpenFile::open(machine, device).ok());
        Handle { device, file, requests: 0 }
    }

    /// The file object for the next request; null for none.
    pub(super) fn for_request(&mut self) -> PFILE_OBJECT {
        self.requests += 1;
        self.file.as_ref().map_or(null_mut(), OpenFile::object)
    }

    /// Whether it has been used for long enough.
    pub(super) fn is_used_up(&self) -> bool {
        self.file.is_some() && self.requests >= REQUESTS
    }

    /// The last handle is gone: the driver is to end what is under way. Returns what is left to close.
    pub(super) fn give_up(&mut self, machine: &Machine) -> Option<OpenFile> {
        let file = self.file.take()?;
        file.clean_up(machine);
        Some(file)
    }

    /// Opens the device again.
    pub(super) fn open_again(&mut self, machine: &Machine) {
        *self = Handle::open(machine, self.device);
    }
}
