//! `wdm-startio-next-under-lock`: the DPC asks for the next request before it gives its lock back.
//!
//! **What is wrong.** `KeReleaseSpinLockFromDpcLevel` stands below `IoStartNextPacket` instead of above
//! it. IoStartNextPacket takes the cancel spin lock and calls this driver's own StartIo, inside the
//! call.
//!
//! **Why it hangs.** StartIo that finds its request cancelled ends it, for which it takes the same
//! lock: the processor waits for itself. And a cancel routine, which runs under the cancel spin
//! lock, must never want this lock, or two processors take the two in opposite order. Both need a
//! cancel at the wrong moment, and so pass every test without one.
//!
//! Rule: SpinLockSafe, at IoStartNextPacket.

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

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Extension).Lock);
    CountRequest(Extension, Irp);
    IoStartNextPacket(DeviceObject, TRUE); // The lock is held.
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Extension).Lock);

    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    EndRequest(Extension);
}
