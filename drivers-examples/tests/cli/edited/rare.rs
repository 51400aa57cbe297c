//! `wdm-startio-rare` a week later: lines have moved, and reads and writes are counted by a new routine
//! with calls of its own. The fault is still there.

use super::ddi::*;
use super::device::*;
use super::driver::CreateDevice;
use super::interrupt::{CountRequest, SetOutcome};

// Lines that were not there when the schedule was recorded: everything below has moved.

const POOL_TAG: ULONG = u32::from_le_bytes(*b"Edit");

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
    (*DriverObject).MajorFunction[IRP_MJ_READ] = Some(CountedRead);
    (*DriverObject).MajorFunction[IRP_MJ_WRITE] = Some(CountedRead);
    (*(*DriverObject).DriverExtension).AddDevice = Some(AddDevice);
    Status
}

/// A routine that is new, with calls that are.
unsafe extern "C-unwind" fn CountedRead(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Extension(DeviceObject);
    let mut OldIrql: KIRQL = 0;

    KeRaiseIrql(DISPATCH_LEVEL, &raw mut OldIrql);
    KeLowerIrql(OldIrql);
    let Note = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, POOL_TAG);
    if !Note.is_null() {
        ExFreePoolWithTag(Note, POOL_TAG);
    }
    let _ = (*Extension).Completed.get();
    super::dispatch::ReadWrite(DeviceObject, Irp)
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
