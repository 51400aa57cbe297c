//! Device objects: creation, stacking, deletion.

use crate::ddi::Cx;
use crate::ddi::types::*;
use crate::pool::{allocate_object, tag};
use std::ptr::null_mut;

/// The device object behind a driver's pointer.
pub(crate) fn object<'a>(cx: &Cx, device: PDEVICE_OBJECT) -> &'a mut DEVICE_OBJECT {
    let address = device as usize;
    if !cx.cpu.is_memory(address, size_of::<DEVICE_OBJECT>()) || !device.is_aligned() {
        cx.bad_pointer(address, "the DEVICE_OBJECT");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data.
    let object = unsafe { &mut *device };
    if object.Type != IO_TYPE_DEVICE {
        cx.bad_pointer(address, "the DEVICE_OBJECT");
    }
    object
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn create(
    cx: &Cx,
    driver: PDRIVER_OBJECT,
    extension_bytes: ULONG,
    _name: PUNICODE_STRING,
    kind: DEVICE_TYPE,
    characteristics: ULONG,
    _exclusive: BOOLEAN,
    out: *mut PDEVICE_OBJECT,
) -> NTSTATUS {
    cx.check_output(out);
    cx.check_output(driver);
    // Device object and extension are one block, as on Windows.
    let offset = size_of::<DEVICE_OBJECT>().next_multiple_of(16);
    let bytes = offset + extension_bytes as usize;
    let device: PDEVICE_OBJECT = allocate_object(cx, bytes, tag(b"Devi")).cast();
    if device.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a fresh zeroed block of that size, and pointers checked above; zero is a valid value
    // for every field.
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
        super::device_queue::initialize(cx, &raw mut d.DeviceQueue);
        (*driver).DeviceObject = device;
        *out = device;
    }
    STATUS_SUCCESS
}

pub(crate) unsafe fn delete(cx: &Cx, device: PDEVICE_OBJECT) {
    let d = object(cx, device);
    d.Type = 0;
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
    cx.cpu.machine().pool_free(cx, device.cast(), None);
}

/// The topmost device of the stack that `device` is in.
pub(crate) fn top(cx: &Cx, mut device: PDEVICE_OBJECT) -> PDEVICE_OBJECT {
    loop {
        let above = object(cx, device).AttachedDevice;
        if above.is_null() {
            return device;
        }
        device = above;
    }
}

pub(crate) unsafe fn attach(cx: &Cx, source: PDEVICE_OBJECT, target: PDEVICE_OBJECT) -> PDEVICE_OBJECT {
    let below = top(cx, target);
    let (s, b) = (object(cx, source), object(cx, below));
    s.StackSize = b.StackSize + 1;
    s.AlignmentRequirement = b.AlignmentRequirement;
    s.SectorSize = b.SectorSize;
    s.AttachedTo = below;
    b.AttachedDevice = source;
    below
}

pub(crate) unsafe fn detach(cx: &Cx, target: PDEVICE_OBJECT) {
    let t = object(cx, target);
    let above = std::mem::replace(&mut t.AttachedDevice, null_mut());
    if !above.is_null() {
        object(cx, above).AttachedTo = null_mut();
    }
}

pub(crate) unsafe fn get_attached(cx: &Cx, device: PDEVICE_OBJECT) -> PDEVICE_OBJECT {
    top(cx, device)
}
