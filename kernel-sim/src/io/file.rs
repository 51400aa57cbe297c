//! Handles: a file object for each, and the requests that the I/O manager sends for its life.
//!
//! A client opens a device (IRP_MJ_CREATE), names the file object in its requests, gives its last handle up
//! (IRP_MJ_CLEANUP) and, when no request is left that names it, the last reference (IRP_MJ_CLOSE), after
//! which the file object is gone. The driver keeps what it likes in FsContext and FsContext2. There are no
//! names, no sharing, and no security. Invariant: a driver is sent IRP_MJ_CLEANUP and IRP_MJ_CLOSE once for
//! each IRP_MJ_CREATE that it has completed with success, in this order, and for no other.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::types::*;
use crate::ddi::*;
use crate::machine::Machine;
use std::ptr::null_mut;

/// A device that was opened.
pub struct OpenFile {
    object: PFILE_OBJECT,
    device: PDEVICE_OBJECT,
}

// SAFETY: a file object is memory of the machine; requests that name it are sent from system threads only.
unsafe impl Send for OpenFile {}

impl OpenFile {
    /// Opens the device on top of a stack: IRP_MJ_CREATE. Call from a system thread at PASSIVE_LEVEL.
    ///
    /// # Errors
    /// With the driver's status: STATUS_INVALID_DEVICE_REQUEST of one that has no routine for it.
    pub fn open(machine: &Machine, device: PDEVICE_OBJECT) -> Result<OpenFile, NTSTATUS> {
        let object: PFILE_OBJECT = machine.allocate_system(size_of::<FILE_OBJECT>()).cast();
        if object.is_null() {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        // SAFETY: a fresh zeroed block of that size; zero is a valid value for every field.
        unsafe {
            (*object).Type = IO_TYPE_FILE;
            (*object).Size = size_of::<FILE_OBJECT>() as CSHORT;
            (*object).DeviceObject = device;
            (*object).ReadAccess = TRUE;
            (*object).WriteAccess = TRUE;
        }
        let file = OpenFile { object, device };
        let status = file.send(machine, IRP_MJ_CREATE);
        if NT_SUCCESS(status) {
            return Ok(file);
        }
        machine.free_system(object.cast());
        Err(status)
    }

    /// The file object, for the stack locations of requests.
    #[must_use]
    pub fn object(&self) -> PFILE_OBJECT {
        self.object
    }

    /// The last handle is gone: IRP_MJ_CLEANUP. Requests that name the file may be under way; no more are
    /// sent.
    pub fn clean_up(&self, machine: &Machine) {
        // What a driver makes of it, the I/O manager does not ask.
        let _ = self.send(machine, IRP_MJ_CLEANUP);
    }

    /// The last reference is gone, with the last request: IRP_MJ_CLOSE.
    pub fn close(self, machine: &Machine) {
        let _ = self.send(machine, IRP_MJ_CLOSE);
        machine.free_system(self.object.cast());
    }

    fn send(&self, machine: &Machine, major: usize) -> NTSTATUS {
        let event: PKEVENT = machine.allocate_system(size_of::<KEVENT>()).cast();
        // SAFETY: the device is live; event and IRP are ours until freed below, which is after the completion
        // routine has signaled the one for the other.
        unsafe {
            let irp = IoAllocateIrp((*self.device).StackSize, FALSE);
            if irp.is_null() || event.is_null() {
                return STATUS_INSUFFICIENT_RESOURCES;
            }
            KeInitializeEvent(event, NotificationEvent, FALSE);
            (*irp).Tail.Overlay.OriginalFileObject = self.object;
            let next = IoGetNextIrpStackLocation(irp);
            (*next).MajorFunction = major as UCHAR;
            (*next).FileObject = self.object;
            IoSetCompletionRoutine(irp, Some(came_back), event.cast(), true, true, true);
            IoCallDriver(self.device, irp);
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
            let status = (*irp).IoStatus.Status();
            IoFreeIrp(irp);
            machine.free_system(event.cast());
            status
        }
    }
}

unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: `send` gave us its event and waits for it.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}
