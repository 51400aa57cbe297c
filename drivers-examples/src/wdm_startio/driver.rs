//! DriverEntry, AddDevice, DriverUnload.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use super::held::InitializeHeldQueue;
use super::interrupt::DpcForIsr;
use super::{dispatch, pnp, power, start_io};
use std::ptr::null_mut;

/// `DriverEntry`.
pub unsafe extern "C-unwind" fn driver_entry(
    DriverObject: PDRIVER_OBJECT,
    _RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    (*DriverObject).DriverUnload = Some(DriverUnload);
    (*DriverObject).DriverStartIo = Some(start_io::StartIo);
    (*(*DriverObject).DriverExtension).AddDevice = Some(AddDevice);

    (*DriverObject).MajorFunction[IRP_MJ_CREATE] = Some(dispatch::CreateClose);
    (*DriverObject).MajorFunction[IRP_MJ_CLOSE] = Some(dispatch::CreateClose);
    (*DriverObject).MajorFunction[IRP_MJ_CLEANUP] = Some(dispatch::Cleanup);
    (*DriverObject).MajorFunction[IRP_MJ_READ] = Some(dispatch::ReadWrite);
    (*DriverObject).MajorFunction[IRP_MJ_WRITE] = Some(dispatch::ReadWrite);
    (*DriverObject).MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Some(dispatch::Flush);
    (*DriverObject).MajorFunction[IRP_MJ_DEVICE_CONTROL] = Some(dispatch::DeviceControl);
    (*DriverObject).MajorFunction[IRP_MJ_PNP] = Some(pnp::Pnp);
    (*DriverObject).MajorFunction[IRP_MJ_POWER] = Some(power::Power);
    STATUS_SUCCESS
}

pub unsafe extern "C-unwind" fn AddDevice(
    DriverObject: PDRIVER_OBJECT,
    PhysicalDeviceObject: PDEVICE_OBJECT,
) -> NTSTATUS {
    CreateDevice(DriverObject, PhysicalDeviceObject, size_of::<DEVICE_EXTENSION>() as ULONG, Some(DpcForIsr))
}

/// Creates the device object, with the DPC routine that will complete its requests.
pub unsafe fn CreateDevice(
    DriverObject: PDRIVER_OBJECT,
    PhysicalDeviceObject: PDEVICE_OBJECT,
    ExtensionBytes: ULONG,
    DpcRoutine: PIO_DPC_ROUTINE,
) -> NTSTATUS {
    let mut DeviceObject: PDEVICE_OBJECT = null_mut();

    let Status = IoCreateDevice(
        DriverObject,
        ExtensionBytes,
        null_mut(),
        FILE_DEVICE_DISK,
        0,
        FALSE,
        &raw mut DeviceObject,
    );
    if !NT_SUCCESS(Status) {
        return Status;
    }

    let Extension = Extension(DeviceObject);
    (*Extension).DeviceObject = DeviceObject;
    (*Extension).State.set(NOT_STARTED);
    (*Extension).Outstanding.set(1);
    KeInitializeSpinLock(&raw mut (*Extension).Lock);
    KeInitializeEvent(&raw mut (*Extension).RemoveEvent, NotificationEvent, FALSE);
    KeInitializeEvent(&raw mut (*Extension).IdleEvent, NotificationEvent, FALSE);
    InitializeHeldQueue(Extension);
    IoInitializeDpcRequest(DeviceObject, DpcRoutine);
    // StartIo asks for the next packet when it finds a request cancelled: that must not nest.
    IoSetStartIoAttributes(DeviceObject, TRUE, FALSE);

    (*Extension).LowerDeviceObject = IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDeviceObject);
    (*DeviceObject).Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    (*DeviceObject).Flags &= !DO_DEVICE_INITIALIZING;
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn DriverUnload(_DriverObject: PDRIVER_OBJECT) {
    // Every device was removed before, and with it everything the driver had.
}
