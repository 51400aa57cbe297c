//! `wdm-startio-rare`: completions are kept in order, and the last of them is made under the lock.
//!
//! The author wants requests to complete in the order in which the device finished them, although
//! DPCs run on several processors. So one DPC at a time completes; another that finds it at work
//! leaves its request in a list for it. Before the first one stops being responsible it looks, under
//! the lock, whether another DPC came meanwhile.
//!
//! **What is wrong.** That last look completes what it finds on the spot, with the lock held.
//!
//! **Why it is rare.** The list is empty unless the device finished the next request, its interrupt
//! was taken by another processor, and that processor's DPC came as far as the list, all between two
//! neighbouring statements of this one. One processor alone never gets there.
//!
//! **Why it hangs.** As any completion under a lock: a completion routine that sends the next request
//! makes this processor wait for itself.
//!
//! Rule: SpinLockSafe, at IoCompleteRequest, under some schedules.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use super::driver::CreateDevice;
use super::interrupt::{CountRequest, SetOutcome};

/// The clean driver's extension, and what keeps completions in order.
#[repr(C)]
struct ORDERED_EXTENSION {
    Device: DEVICE_EXTENSION,
    /// Guards what follows.
    OrderLock: KSPIN_LOCK,
    /// A DPC is completing requests.
    Completing: Shared<ULONG>,
    /// Requests that came while it was.
    Late: LIST_ENTRY,
}
type PORDERED_EXTENSION = *mut ORDERED_EXTENSION;

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
    let Bytes = size_of::<ORDERED_EXTENSION>() as ULONG;
    let Status = CreateDevice(DriverObject, PhysicalDeviceObject, Bytes, Some(DpcForIsr));
    if NT_SUCCESS(Status) {
        let Ordered: PORDERED_EXTENSION = (*(*DriverObject).DeviceObject).DeviceExtension.cast();
        KeInitializeSpinLock(&raw mut (*Ordered).OrderLock);
        InitializeListHead(&raw mut (*Ordered).Late);
    }
    Status
}

unsafe extern "C-unwind" fn DpcForIsr(_Dpc: PKDPC, DeviceObject: PDEVICE_OBJECT, Irp: PIRP, _Context: PVOID) {
    let Extension = Extension(DeviceObject);
    let Ordered: PORDERED_EXTENSION = Extension.cast();
    let mut Ended = 1;

    SetOutcome(Extension, Irp);

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Extension).Lock);
    CountRequest(Extension, Irp);
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Extension).Lock);

    IoStartNextPacket(DeviceObject, TRUE);

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Ordered).OrderLock);
    if (*Ordered).Completing.get() != 0 {
        InsertTailList(&raw mut (*Ordered).Late, &raw mut (*Irp).Tail.Overlay.__bindgen_anon_2.ListEntry);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*Ordered).OrderLock);
        return;
    }
    (*Ordered).Completing.set(1);
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Ordered).OrderLock);

    IoCompleteRequest(Irp, IO_DISK_INCREMENT);

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Ordered).OrderLock);
    while !IsListEmpty(&raw const (*Ordered).Late) {
        let Entry = RemoveHeadList(&raw mut (*Ordered).Late);
        let Next = CONTAINING_RECORD!(Entry, IRP, Tail.Overlay.__bindgen_anon_2.ListEntry);
        IoCompleteRequest(Next, IO_DISK_INCREMENT); // The lock is held.
        Ended += 1;
    }
    (*Ordered).Completing.set(0);
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Ordered).OrderLock);

    for _ in 0..Ended {
        EndRequest(Extension);
    }
}
