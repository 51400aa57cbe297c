//! A WDM driver without a device of its own: it completes every read with zeros, at once, and some of them
//! twice.
#![expect(non_snake_case, reason = "the documented WDK names")]

use kernel_sim::ddi::*;
use std::ptr::null_mut;
use storport_sim::controller::DiskController;
use verifier::driver::{Driver, Expects, Kind};

pub static ENDS_TWICE: Driver = Driver {
    name: "ends-twice",
    aliases: &[],
    summary: "completes some IRPs twice",
    expects: Expects::Clean,
    kind: Kind::Wdm {
        entry: Some(DriverEntry),
        device: Some(|store, _| Box::new(DiskController::new(store))),
    },
    cancels: false,
    reads_registry: false,
    image: None,
    sources: &[],
};

unsafe extern "C-unwind" fn DriverEntry(driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe {
        (*driver).MajorFunction = [Some(Answer); IRP_MJ_MAXIMUM_FUNCTION + 1];
        (*driver).MajorFunction[IRP_MJ_PNP] = Some(Pnp);
        (*(*driver).DriverExtension).AddDevice = Some(AddDevice);
    }
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn AddDevice(driver: PDRIVER_OBJECT, pdo: PDEVICE_OBJECT) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and a live device object.
    unsafe {
        let mut device = null_mut();
        let status = IoCreateDevice(
            driver,
            size_of::<PDEVICE_OBJECT>() as u32,
            null_mut(),
            FILE_DEVICE_DISK,
            0,
            FALSE,
            &raw mut device,
        );
        if !NT_SUCCESS(status) {
            return status;
        }
        (*device).DeviceExtension.cast::<PDEVICE_OBJECT>().write(IoAttachDeviceToDeviceStack(device, pdo));
        (*device).Flags &= !DO_DEVICE_INITIALIZING;
    }
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn Answer(_device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live IRP, which is ours until it is completed, and the second time it
    // is not, which is the mistake.
    unsafe {
        let location = &*IoGetCurrentIrpStackLocation(irp);
        let is_read = usize::from(location.MajorFunction) == IRP_MJ_READ;
        let bytes = if is_read { location.Parameters.Read.Length as usize } else { 0 };
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, bytes);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        if is_read {
            IoCompleteRequest(irp, IO_NO_INCREMENT);
        }
    }
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn Pnp(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live device of this driver and an IRP that is the driver's now.
    unsafe {
        let lower = *(*device).DeviceExtension.cast::<PDEVICE_OBJECT>();
        let is_removal = (*IoGetCurrentIrpStackLocation(irp)).MinorFunction == IRP_MN_REMOVE_DEVICE;
        IoSkipCurrentIrpStackLocation(irp);
        let status = IoCallDriver(lower, irp);
        if is_removal {
            IoDetachDevice(lower);
            IoDeleteDevice(device);
        }
        status
    }
}
