//! What is asked of a disk before the load: whether it takes trims (IOCTL_STORAGE_QUERY_PROPERTY with
//! StorageDeviceLBProvisioningProperty), and how long it is.
//!
//! A device that does not know the question takes none, as a client on Windows concludes.

#![expect(unsafe_code, reason = "the rig calls layer 1, as a client of the driver")]

use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use storport_sim::ddi::{
    DEVICE_LB_PROVISIONING_DESCRIPTOR, IOCTL_STORAGE_QUERY_PROPERTY, PropertyStandardQuery,
    STORAGE_PROPERTY_QUERY, StorageDeviceLBProvisioningProperty,
};

/// How a disk takes trims.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trims {
    /// Trimmed blocks read as zeros.
    pub reads_zeros: bool,
}

/// Input and output share a buffer.
union Buffer {
    query: STORAGE_PROPERTY_QUERY,
    answer: DEVICE_LB_PROVISIONING_DESCRIPTOR,
}

/// Sends a device control request and waits for it, at PASSIVE_LEVEL: its status.
pub(crate) fn device_control(
    machine: &Machine,
    device: PDEVICE_OBJECT,
    code: ULONG,
    buffer: PVOID,
    (input_bytes, output_bytes): (usize, usize),
) -> NTSTATUS {
    let event: PKEVENT = machine.allocate_system(size_of::<KEVENT>()).cast();
    if event.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    let mut answer = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    // SAFETY: a live device; event, buffer and status block outlive the wait.
    unsafe {
        KeInitializeEvent(event, NotificationEvent, FALSE);
        let irp = IoBuildDeviceIoControlRequest(
            code,
            device,
            buffer,
            input_bytes as ULONG,
            buffer,
            output_bytes as ULONG,
            FALSE,
            event,
            &raw mut answer,
        );
        if irp.is_null() {
            answer = IO_STATUS_BLOCK::new(STATUS_INSUFFICIENT_RESOURCES, 0);
        } else {
            IoCallDriver(device, irp);
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
        }
    }
    machine.free_system(event.cast());
    answer.Status()
}

/// Asks a disk; `None` if it takes no trims.
pub(crate) fn trims_of(machine: &Machine, device: PDEVICE_OBJECT) -> Option<Trims> {
    let buffer: *mut Buffer = machine.allocate_system(size_of::<Buffer>()).cast();
    if buffer.is_null() {
        return None;
    }
    // SAFETY: our own block, with room for both; plain numbers.
    let answer = unsafe {
        (*buffer).query = STORAGE_PROPERTY_QUERY {
            PropertyId: StorageDeviceLBProvisioningProperty,
            QueryType: PropertyStandardQuery,
            AdditionalParameters: [0],
        };
        let bytes = (size_of::<STORAGE_PROPERTY_QUERY>(), size_of::<DEVICE_LB_PROVISIONING_DESCRIPTOR>());
        let status = device_control(machine, device, IOCTL_STORAGE_QUERY_PROPERTY, buffer.cast(), bytes);
        NT_SUCCESS(status).then(|| (*buffer).answer._bitfield_1)
    };
    machine.free_system(buffer.cast());
    let has = |flag| answer.is_some_and(|flags| flags & flag != 0);
    has(DEVICE_LB_PROVISIONING_DESCRIPTOR::THIN_PROVISIONING_ENABLED)
        .then(|| Trims { reads_zeros: has(DEVICE_LB_PROVISIONING_DESCRIPTOR::THIN_PROVISIONING_READ_ZEROS) })
}

/// The length of a disk in bytes; `None` if it does not say.
pub(crate) fn length_of(machine: &Machine, device: PDEVICE_OBJECT) -> Option<u64> {
    let buffer: PGET_LENGTH_INFORMATION = machine.allocate_system(size_of::<GET_LENGTH_INFORMATION>()).cast();
    if buffer.is_null() {
        return None;
    }
    let bytes = (0, size_of::<GET_LENGTH_INFORMATION>());
    let status = device_control(machine, device, IOCTL_DISK_GET_LENGTH_INFO, buffer.cast(), bytes);
    // SAFETY: our own block, zeroed at first; plain numbers.
    let length = unsafe { (*buffer).Length.QuadPart() };
    machine.free_system(buffer.cast());
    NT_SUCCESS(status).then(|| u64::try_from(length).ok()).flatten()
}
