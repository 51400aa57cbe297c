//! `wdm-startio-complete-under-lock`: the DPC completes the request before it gives its lock back.
//!
//! **What is wrong.** `KeReleaseSpinLockFromDpcLevel` stands below `IoCompleteRequest` instead of above
//! it, so the completion routines of all drivers above run with this driver's spin lock held.
//!
//! **Why it hangs.** A completion routine may send the next request at once: its dispatch routine
//! takes the same lock (BeginRequest), on the same processor, and spins for ever at DISPATCH_LEVEL.
//! Or it takes a lock of its own, which another processor holds while it sends a request down here:
//! the two wait for each other. Nothing of this shows while the drivers above only set an event.
//!
//! Rule: SpinLockSafe, at IoCompleteRequest. WinDRBD had this bug (commit b2536927) and lost it again
//! three days later.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use super::driver::CreateDevice;
use super::interrupt::{CountRequest, SetOutcome};

/// `DriverEntry`: the clean one, with another AddDevice.
pub unsafe extern "C-unwind" fn driver_entry(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    let Status = super::driver_entry(DriverObject, RegistryPath);
    (*(*DriverObject).DriverExtension).AddDevice = Some(AddDevice);
    Status
}

unsafe extern "C-unwind" fn AddDevice(
    DriverObject: PDRIVER_OBJECT,
    PhysicalDeviceObject: PDEVICE_OBJECT,
) -> NTSTATUS {
    CreateDevice(DriverObject, PhysicalDeviceObject, size_of::<DEVICE_EXTENSION>() as ULONG, Some(DpcForIsr))
}

unsafe extern "C-unwind" fn DpcForIsr(_Dpc: PKDPC, DeviceObject: PDEVICE_OBJECT, Irp: PIRP, _Context: PVOID) {
    let Extension = Extension(DeviceObject);

    SetOutcome(Extension, Irp);
    IoStartNextPacket(DeviceObject, TRUE);

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Extension).Lock);
    CountRequest(Extension, Irp);
    IoCompleteRequest(Irp, IO_DISK_INCREMENT); // The lock is held.
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Extension).Lock);

    EndRequest(Extension);
}
