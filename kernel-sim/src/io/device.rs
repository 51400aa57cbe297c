//! Device objects: creation, stacking, deletion.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::types::*;
use crate::pool::{allocate_object, tag};
use std::ptr::null_mut;

/// The device object behind a driver's pointer.
pub(crate) fn object<'a>(call: &Call, device: PDEVICE_OBJECT) -> &'a mut DEVICE_OBJECT {
    let address = device as usize;
    if !call.cpu.is_memory(address, size_of::<DEVICE_OBJECT>()) || !device.is_aligned() {
        call.bad_pointer(address, "the DEVICE_OBJECT");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data.
    let object = unsafe { &mut *device };
    if object.Type != IO_TYPE_DEVICE {
        call.bad_pointer(address, "the DEVICE_OBJECT");
    }
    object
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn create(
    call: &Call,
    driver: PDRIVER_OBJECT,
    extension_bytes: ULONG,
    name: PUNICODE_STRING,
    kind: DEVICE_TYPE,
    characteristics: ULONG,
    _exclusive: BOOLEAN,
    out: *mut PDEVICE_OBJECT,
) -> NTSTATUS {
    call.check_output(out);
    call.check_output(driver);
    // Devices have no names here, but one that cannot be read stops Windows.
    // SAFETY: the caller's string, which is checked.
    let _ = unsafe { crate::string::units(call, name) };
    // Device object and extension are one block, as on Windows.
    let offset = size_of::<DEVICE_OBJECT>().next_multiple_of(16);
    let bytes = offset + extension_bytes as usize;
    let device: PDEVICE_OBJECT = allocate_object(call, bytes, tag(b"Devi")).cast();
    if device.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a fresh zeroed block of that size, in which zero is a valid value for every field;
    // `check_output` found the driver object, and room for the pointer, in mapped memory, aligned.
    unsafe {
        let d = &mut *device;
        d.Type = IO_TYPE_DEVICE;
        d.Size = u16::try_from(bytes).unwrap_or(u16::MAX);
        d.DriverObject = driver;
        d.NextDevice = (*driver).DeviceObject;
        d.Flags = DO_DEVICE_INITIALIZING;
        d.Characteristics = characteristics;
        d.DeviceExtension = if extension_bytes == 0 { null_mut() } else { device.byte_add(offset).cast() };
        d.DeviceType = kind;
        d.StackSize = 1;
        d.SectorSize = 512;
        super::device_queue::initialize(call, &raw mut d.DeviceQueue);
        (*driver).DeviceObject = device;
        *out = device;
    }
    STATUS_SUCCESS
}

pub(crate) unsafe fn delete(call: &Call, device: PDEVICE_OBJECT) {
    let d = object(call, device);
    // SAFETY: the driver object outlives its devices; its list links live device objects.
    unsafe {
        let mut link = &raw mut (*d.DriverObject).DeviceObject;
        while !(*link).is_null() {
            if std::ptr::eq(*link, device) {
                *link = d.NextDevice;
                break;
            }
            link = &raw mut (**link).NextDevice;
        }
    }
    // The driver above detaches when the removal has come back to it.
    if d.AttachedDevice.is_null() {
        free(call, device, d);
    } else {
        call.cpu.machine().io.queues.lock().of(device).is_delete_pending = true;
    }
}

fn free(call: &Call, device: PDEVICE_OBJECT, d: &mut DEVICE_OBJECT) {
    d.Type = 0;
    call.cpu.machine().io.queues.lock().forget(device);
    call.cpu.machine().pool_free(call, device.cast(), None);
}

/// The topmost device of the stack that `device` is in.
pub(crate) fn top(call: &Call, mut device: PDEVICE_OBJECT) -> PDEVICE_OBJECT {
    loop {
        let above = object(call, device).AttachedDevice;
        if above.is_null() {
            return device;
        }
        device = above;
    }
}

pub(crate) unsafe fn attach(call: &Call, source: PDEVICE_OBJECT, target: PDEVICE_OBJECT) -> PDEVICE_OBJECT {
    let below = top(call, target);
    let (s, b) = (object(call, source), object(call, below));
    s.StackSize = b.StackSize + 1;
    s.AlignmentRequirement = b.AlignmentRequirement;
    s.SectorSize = b.SectorSize;
    b.AttachedDevice = source;
    below
}

pub(crate) unsafe fn detach(call: &Call, target: PDEVICE_OBJECT) {
    let t = object(call, target);
    t.AttachedDevice = null_mut();
    let is_delete_pending = call.cpu.machine().io.queues.lock().is_delete_pending(target);
    if is_delete_pending {
        free(call, target, t);
    }
}

pub(crate) unsafe fn get_attached(call: &Call, device: PDEVICE_OBJECT) -> PDEVICE_OBJECT {
    top(call, device)
}
