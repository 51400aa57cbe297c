//! Loading and unloading drivers.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::callback;
use crate::ddi::types::*;
use crate::frame::Frame;
use crate::image::Routine as _;
use crate::leftovers;
use crate::machine::Machine;
use crate::processor::Processor;
use crate::registry;
use crate::routine::Arg;
use crate::routine::{DRIVER_ENTRY, DRIVER_UNLOAD};
use std::ptr::null_mut;

/// Leaks named in the bug check's text; the count covers all.
const LEAKS_NAMED: usize = 4;

/// The dispatch routine of functions a driver does not handle, as the I/O manager provides it.
pub(crate) unsafe extern "C-unwind" fn invalid_device_request(
    _device: PDEVICE_OBJECT,
    irp: PIRP,
) -> NTSTATUS {
    // SAFETY: the I/O manager calls dispatch routines with a live IRP.
    unsafe {
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_INVALID_DEVICE_REQUEST, 0);
        crate::ddi::IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    STATUS_INVALID_DEVICE_REQUEST
}

impl Machine {
    /// Loads a driver: makes its driver object and calls its entry point. Call from a system thread
    /// at PASSIVE_LEVEL.
    ///
    /// # Errors
    /// With the status of the entry point, if that failed; the driver object is gone then.
    pub fn load_driver(&self, entry: PDRIVER_INITIALIZE) -> Result<PDRIVER_OBJECT, NTSTATUS> {
        let Some(routine) = entry else { return Err(STATUS_INVALID_PARAMETER) };
        let driver: PDRIVER_OBJECT = self.allocate_system(size_of::<DRIVER_OBJECT>()).cast();
        let extension: PDRIVER_EXTENSION = self.allocate_system(size_of::<DRIVER_EXTENSION>()).cast();
        let key: Vec<u16> = registry::SERVICE.encode_utf16().collect();
        let path: PUNICODE_STRING =
            self.allocate_system(size_of::<UNICODE_STRING>() + size_of_val(&*key)).cast();
        if driver.is_null() || extension.is_null() || path.is_null() {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let bytes = size_of_val(&*key) as USHORT;
        // SAFETY: fresh zeroed blocks of those sizes; zero is a valid value for every field. The path's units
        // lie behind it, where there is room for them.
        unsafe {
            let units: *mut u16 = path.add(1).cast();
            units.copy_from_nonoverlapping(key.as_ptr(), key.len());
            *path = UNICODE_STRING { Length: bytes, MaximumLength: bytes, Buffer: units };
            (*extension).DriverObject = driver;
            (*driver).Type = IO_TYPE_DRIVER;
            (*driver).Size = size_of::<DRIVER_OBJECT>() as CSHORT;
            (*driver).DriverExtension = extension;
            (*driver).DriverInit = entry;
            (*driver).MajorFunction = [Some(invalid_device_request); IRP_MJ_MAXIMUM_FUNCTION + 1];
        }
        let cpu = Processor::current();
        // SAFETY: the routine is the driver's own, called as documented.
        let status = callback(
            cpu,
            &Frame::new(&DRIVER_ENTRY, &[Arg::Pointer(driver as usize), Arg::Pointer(path as usize)]),
            || unsafe { routine.go((driver, path)) },
        );
        if NT_SUCCESS(status) {
            return Ok(driver);
        }
        self.free_driver(driver);
        Err(status)
    }

    /// Calls a driver's unload routine and checks that it left nothing behind: a thread that runs or a timer
    /// that is armed is bug check 0xCE, memory it still holds 0xC4/0x62.
    #[expect(clippy::not_unsafe_ptr_arg_deref, reason = "a driver object comes from `load_driver`")]
    pub fn unload_driver(&self, driver: PDRIVER_OBJECT) {
        let cpu = Processor::current();
        // SAFETY: `load_driver` made the object.
        if let Some(unload) = unsafe { (*driver).DriverUnload } {
            // SAFETY: the routine is the driver's own, called as documented.
            callback(cpu, &Frame::new(&DRIVER_UNLOAD, &[Arg::Pointer(driver as usize)]), || unsafe {
                unload.go((driver,))
            });
        }
        self.free_driver(driver);
        leftovers::check_unloaded(self, cpu);
        let leaks = self.leaks();
        if leaks.is_empty() {
            return;
        }
        let named: Vec<_> = leaks
            .iter()
            .take(LEAKS_NAMED)
            .map(|l| format!("{} bytes tagged '{}' from {}", l.bytes, tag_text(l.tag), l.site))
            .collect();
        let what =
            format!("the driver unloads with {} pool blocks not freed: {}", leaks.len(), named.join("; "));
        // Parameter 2 is the driver's name on Windows, a pointer; we have none to give.
        cpu.bug_check(VERIFIER, [0x62, 0, 0, leaks.len() as u64], what);
    }

    fn free_driver(&self, driver: PDRIVER_OBJECT) {
        // SAFETY: `load_driver` made both blocks.
        unsafe {
            let extension = std::mem::replace(&mut (*driver).DriverExtension, null_mut());
            self.free_system(extension.cast());
        }
        self.free_system(driver.cast());
    }
}

/// A pool tag as its four characters.
fn tag_text(tag: u32) -> String {
    tag.to_le_bytes()
        .iter()
        .map(|b| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '.' })
        .collect()
}
