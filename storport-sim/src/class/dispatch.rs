//! The dispatch routine of disk devices: which request goes where.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::complete::complete_now;
use super::device_control::device_control;
use super::disk::Disk;
use super::packet::Operation;
use super::request::{flush, transfer};
use crate::callbacks::DISK_CLASS;
use kernel_sim::ddi::{
    IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_FLUSH_BUFFERS, IRP_MJ_READ, IRP_MJ_WRITE,
    IoGetCurrentIrpStackLocation, NTSTATUS, PDEVICE_OBJECT, PIRP, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_SUCCESS, as_system,
};
use kernel_sim::processor::Processor;

/// See the module page.
pub(super) unsafe extern "C-unwind" fn dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let cpu = Processor::current();
    as_system(cpu, &DISK_CLASS, || {
        // SAFETY: the I/O manager calls with a live device object of ours, whose extension points at
        // its disk, and a live IRP.
        unsafe {
            let disk = &**(*device).DeviceExtension.cast::<*const Disk>();
            let location = &*IoGetCurrentIrpStackLocation(irp);
            match usize::from(location.MajorFunction) {
                IRP_MJ_READ => transfer(cpu, disk, irp, Operation::Read),
                IRP_MJ_WRITE => transfer(cpu, disk, irp, Operation::Write),
                IRP_MJ_FLUSH_BUFFERS => flush(cpu, disk, irp),
                IRP_MJ_DEVICE_CONTROL => device_control(cpu, disk, irp),
                IRP_MJ_CREATE | IRP_MJ_CLOSE => complete_now(irp, STATUS_SUCCESS, 0),
                _ => complete_now(irp, STATUS_INVALID_DEVICE_REQUEST, 0),
            }
        }
    })
}
