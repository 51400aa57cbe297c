//! `wdm-startio-complete-under-cancel-lock`: the DPC makes sure that what it completes is not cancelled,
//! and completes it before it gives the cancel spin lock back.
//!
//! **What is wrong.** An IRP must not be completed with its cancel routine set, and the author, once
//! bitten, clears it "to be safe" at completion too: under the cancel spin lock, as documented, but
//! with `IoCompleteRequest` between the acquire and the release.
//!
//! **Why it hangs.** There is one cancel spin lock for the whole system. A completion routine that
//! sends the next request reaches IoStartPacket with a cancel routine, which takes the cancel spin
//! lock: the processor waits for itself at DISPATCH_LEVEL, and soon every other one for it. One that
//! cancels another request does the same.
//!
//! Rule: SpinLockSafe, at IoCompleteRequest.

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
    let mut CancelIrql: KIRQL = 0;

    SetOutcome(Extension, Irp);

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Extension).Lock);
    CountRequest(Extension, Irp);
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Extension).Lock);

    IoStartNextPacket(DeviceObject, TRUE);

    IoAcquireCancelSpinLock(&raw mut CancelIrql);
    IoSetCancelRoutine(Irp, None);
    IoCompleteRequest(Irp, IO_DISK_INCREMENT); // The cancel spin lock is held.
    IoReleaseCancelSpinLock(CancelIrql);

    EndRequest(Extension);
}
