//! Device control requests of a disk: its length, a property, trims, and commands of a client's own.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::complete::complete_now;
use super::disk::Disk;
use super::request::send_trim;
use super::trim::{Trim, ranges_of};
use crate::ddi::{
    DEVICE_DATA_SET_RANGE, DEVICE_DSM_FLAG_ENTIRE_DATA_SET_RANGE, DEVICE_LB_PROVISIONING_DESCRIPTOR,
    DEVICE_MANAGE_DATA_SET_ATTRIBUTES, DeviceDsmAction_Trim, IOCTL_SCSI_PASS_THROUGH_DIRECT,
    IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES, IOCTL_STORAGE_QUERY_PROPERTY, PropertyStandardQuery,
    STORAGE_PROPERTY_QUERY, StorageDeviceLBProvisioningProperty,
};
use kernel_sim::ddi::{
    IO_STACK_LOCATION_Parameters_DeviceIoControl, IOCTL_DISK_GET_LENGTH_INFO, IoCallDriver,
    IoGetCurrentIrpStackLocation, IoSkipCurrentIrpStackLocation, NTSTATUS, PIRP, PVOID,
    STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_SUCCESS,
};
use kernel_sim::machine::Machine;
use kernel_sim::processor::Processor;

/// Bytes IOCTL_DISK_GET_LENGTH_INFO returns: GET_LENGTH_INFORMATION.
const LENGTH_INFO_BYTES: usize = 8;
/// Bytes of a descriptor's header, Version and Size: a client may ask for no more.
const DESCRIPTOR_HEADER_BYTES: usize = 8;

/// A device control request.
pub(super) unsafe fn device_control(cpu: &Processor, disk: &Disk, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager's live IRP; its buffer is as long as it says.
    unsafe {
        let parameters = (*IoGetCurrentIrpStackLocation(irp)).Parameters.DeviceIoControl;
        let buffer = (*irp).AssociatedIrp.SystemBuffer;
        match parameters.IoControlCode {
            IOCTL_DISK_GET_LENGTH_INFO => length_info(disk, irp, buffer, &parameters),
            IOCTL_STORAGE_QUERY_PROPERTY => query_property(disk, irp, buffer, &parameters),
            IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES => {
                manage_data_set(cpu, disk, irp, buffer, parameters.InputBufferLength as usize)
            }
            // The port driver deals with it, for this unit.
            IOCTL_SCSI_PASS_THROUGH_DIRECT => {
                IoSkipCurrentIrpStackLocation(irp);
                IoCallDriver(disk.lower, irp)
            }
            _ => complete_now(irp, STATUS_INVALID_DEVICE_REQUEST, 0),
        }
    }
}

unsafe fn length_info(
    disk: &Disk,
    irp: PIRP,
    buffer: PVOID,
    parameters: &IO_STACK_LOCATION_Parameters_DeviceIoControl,
) -> NTSTATUS {
    // SAFETY: the caller's live IRP; its system buffer is as long as the parameters say.
    unsafe {
        if (parameters.OutputBufferLength as usize) < LENGTH_INFO_BYTES || buffer.is_null() {
            return complete_now(irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        buffer.cast::<u64>().write_unaligned(disk.capacity.bytes());
        complete_now(irp, STATUS_SUCCESS, LENGTH_INFO_BYTES)
    }
}

/// One property is known: StorageDeviceLBProvisioningProperty. A unit that takes no UNMAP has it too, with
/// ThinProvisioningEnabled clear. PASSIVE_LEVEL.
unsafe fn query_property(
    disk: &Disk,
    irp: PIRP,
    buffer: PVOID,
    parameters: &IO_STACK_LOCATION_Parameters_DeviceIoControl,
) -> NTSTATUS {
    // SAFETY: the caller's live IRP; its system buffer is as long as the parameters say.
    unsafe {
        let room = parameters.OutputBufferLength as usize;
        if buffer.is_null() || (parameters.InputBufferLength as usize) < size_of::<STORAGE_PROPERTY_QUERY>() {
            return complete_now(irp, STATUS_INVALID_PARAMETER, 0);
        }
        let query = buffer.cast::<STORAGE_PROPERTY_QUERY>().read_unaligned();
        if query.PropertyId != StorageDeviceLBProvisioningProperty || query.QueryType != PropertyStandardQuery
        {
            return complete_now(irp, STATUS_NOT_SUPPORTED, 0);
        }
        if room < DESCRIPTOR_HEADER_BYTES {
            return complete_now(irp, STATUS_BUFFER_TOO_SMALL, 0);
        }
        let machine = Machine::current().expect("a request of a machine");
        let mut descriptor: DEVICE_LB_PROVISIONING_DESCRIPTOR = std::mem::zeroed();
        descriptor.Version = size_of::<DEVICE_LB_PROVISIONING_DESCRIPTOR>() as u32;
        descriptor.Size = descriptor.Version;
        if let Some(said) = disk.ask_provisioning(machine) {
            descriptor = said.descriptor(disk.capacity.block_bytes);
        }
        let bytes = room.min(size_of::<DEVICE_LB_PROVISIONING_DESCRIPTOR>());
        buffer.cast::<u8>().copy_from_nonoverlapping((&raw const descriptor).cast(), bytes);
        complete_now(irp, STATUS_SUCCESS, bytes)
    }
}

/// Data set management: trims, of ranges that are named. PASSIVE_LEVEL the first time.
unsafe fn manage_data_set(
    cpu: &Processor,
    disk: &Disk,
    irp: PIRP,
    buffer: PVOID,
    input_bytes: usize,
) -> NTSTATUS {
    // SAFETY: the caller's live IRP and its system buffer; the ranges lie in the client's system buffer,
    // which stays until the IRP is completed.
    unsafe {
        if buffer.is_null() || input_bytes < size_of::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>() {
            return complete_now(irp, STATUS_INVALID_PARAMETER, 0);
        }
        let header = buffer.cast::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>().read_unaligned();
        if header.Action != DeviceDsmAction_Trim || header.Flags & DEVICE_DSM_FLAG_ENTIRE_DATA_SET_RANGE != 0
        {
            return complete_now(irp, STATUS_NOT_SUPPORTED, 0);
        }
        let Some((at, count)) = ranges_of(&header, input_bytes) else {
            return complete_now(irp, STATUS_INVALID_PARAMETER, 0);
        };
        let machine = Machine::current().expect("a request of a machine");
        let Some(limits) = disk.ask_provisioning(machine) else {
            return complete_now(irp, STATUS_NOT_SUPPORTED, 0);
        };
        let ranges = buffer.wrapping_byte_add(at).cast::<DEVICE_DATA_SET_RANGE>();
        let trim = Trim::new(machine, ranges, count, irp);
        if trim.is_null() {
            return complete_now(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
        }
        if !(*trim).is_valid(disk.capacity) {
            Trim::free(trim, irp);
            return complete_now(irp, STATUS_INVALID_PARAMETER, 0);
        }
        if !(*trim).advance(disk.capacity, limits) {
            // Ranges of nothing.
            Trim::free(trim, irp);
            return complete_now(irp, STATUS_SUCCESS, 0);
        }
        send_trim(cpu, disk, irp, trim)
    }
}
