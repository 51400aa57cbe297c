//! IRPs: one read that is sent to a driver of two devices, and what the driver does with it.
//!
//! The upper device is attached to the lower one. An exhibit brings the dispatch routine of the upper device;
//! that of the lower one completes every read. Invariant: the reader makes no mistake: it sends the IRP,
//! cancels it if the exhibit says so, and frees it when it has come back.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

#[repr(C)]
struct DeviceExtension {
    /// What the upper device does with a read; none for the lower one.
    Read: PDRIVER_DISPATCH,
    LowerDevice: PDEVICE_OBJECT,
    Lock: KSPIN_LOCK,
}
type PDeviceExtension = *mut DeviceExtension;

unsafe fn ExtensionOf(DeviceObject: PDEVICE_OBJECT) -> PDeviceExtension {
    (*DeviceObject).DeviceExtension.cast()
}

/// How the request ended.
unsafe fn SetStatus(Irp: PIRP, Status: NTSTATUS) {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(Status, 0);
}

unsafe extern "C-unwind" fn Complete(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    SetStatus(Irp, STATUS_SUCCESS);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn Read(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Read = (*ExtensionOf(DeviceObject)).Read.unwrap_or(Complete);
    Read(DeviceObject, Irp)
}

unsafe extern "C-unwind" fn DriverEntry(DriverObject: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    (*DriverObject).MajorFunction[IRP_MJ_READ] = Some(Read);
    STATUS_SUCCESS
}

unsafe fn CreateDevice(DriverObject: PDRIVER_OBJECT) -> PDEVICE_OBJECT {
    let mut DeviceObject: PDEVICE_OBJECT = null_mut();
    let Bytes = size_of::<DeviceExtension>() as ULONG;
    let Status =
        IoCreateDevice(DriverObject, Bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut DeviceObject);
    assert_eq!(Status, STATUS_SUCCESS, "the device could not be created");
    DeviceObject
}

/// How the reader makes and treats its request.
struct Reader {
    /// Stack locations of the IRP.
    StackSize: CCHAR,
    /// How often it is sent, used again in between.
    Times: u32,
    /// Whether it is cancelled after it was sent.
    Cancels: bool,
}

const ONCE: Reader = Reader { StackSize: 2, Times: 1, Cancels: false };
const CANCELS: Reader = Reader { Cancels: true, ..ONCE };

/// Sends a read to the upper device, whose dispatch routine this is.
unsafe fn Exercise(Read: PDRIVER_DISPATCH, Reader: &Reader) {
    let machine = Machine::current().expect("an exhibit runs on a machine");
    let DriverObject = machine.load_driver(Some(DriverEntry)).expect("its entry point succeeds");
    let Lower = CreateDevice(DriverObject);
    let Upper = CreateDevice(DriverObject);
    let Extension = ExtensionOf(Upper);
    KeInitializeSpinLock(&raw mut (*Extension).Lock);
    (*Extension).Read = Read;
    (*Extension).LowerDevice = IoAttachDeviceToDeviceStack(Upper, Lower);

    let Irp = IoAllocateIrp(Reader.StackSize, FALSE);
    for _ in 0..Reader.Times {
        IoReuseIrp(Irp, STATUS_SUCCESS);
        (*IoGetNextIrpStackLocation(Irp)).MajorFunction = IRP_MJ_READ as UCHAR;
        IoCallDriver(Upper, Irp);
    }
    if Reader.Cancels {
        IoCancelIrp(Irp);
    }

    IoFreeIrp(Irp);
    IoDetachDevice(Lower);
    IoDeleteDevice(Upper);
    IoDeleteDevice(Lower);
    machine.unload_driver(DriverObject);
}

unsafe extern "C-unwind" fn CompleteUnderLock(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Lock = &raw mut (*ExtensionOf(DeviceObject)).Lock;
    let Irql = KeAcquireSpinLockRaiseToDpc(Lock);
    SetStatus(Irp, STATUS_SUCCESS);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    KeReleaseSpinLock(Lock, Irql);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn CompleteAfterLock(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Lock = &raw mut (*ExtensionOf(DeviceObject)).Lock;
    let Irql = KeRaiseIrqlToDpcLevel();
    KeAcquireSpinLockAtDpcLevel(Lock);
    SetStatus(Irp, STATUS_SUCCESS);
    KeReleaseSpinLockFromDpcLevel(Lock);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    KeLowerIrql(Irql);
    STATUS_SUCCESS
}

/// Completes a read while it holds a spin lock.
pub(super) unsafe fn complete_under_lock() {
    Exercise(Some(CompleteUnderLock), &ONCE);
}

/// Completes a read at DISPATCH_LEVEL, after the spin lock was released.
pub(super) unsafe fn complete_after_lock() {
    Exercise(Some(CompleteAfterLock), &ONCE);
}

unsafe extern "C-unwind" fn CompleteTwice(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    SetStatus(Irp, STATUS_SUCCESS);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    STATUS_SUCCESS
}

/// Completes a read twice.
pub(super) unsafe fn complete_twice() {
    Exercise(Some(CompleteTwice), &ONCE);
}

/// Completes an IRP twice that was sent twice.
pub(super) unsafe fn complete_as_often_as_sent() {
    Exercise(Some(Complete), &Reader { Times: 2, ..ONCE });
}

unsafe extern "C-unwind" fn PassOn(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    IoCallDriver((*ExtensionOf(DeviceObject)).LowerDevice, Irp)
}

unsafe extern "C-unwind" fn SkipAndPassOn(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    IoSkipCurrentIrpStackLocation(Irp);
    IoCallDriver((*ExtensionOf(DeviceObject)).LowerDevice, Irp)
}

unsafe extern "C-unwind" fn PassOnUnderLock(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = ExtensionOf(DeviceObject);
    IoSkipCurrentIrpStackLocation(Irp);
    let Irql = KeAcquireSpinLockRaiseToDpc(&raw mut (*Extension).Lock);
    let Status = IoCallDriver((*Extension).LowerDevice, Irp);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    Status
}

unsafe extern "C-unwind" fn PassOnAfterLock(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = ExtensionOf(DeviceObject);
    IoSkipCurrentIrpStackLocation(Irp);
    let Irql = KeAcquireSpinLockRaiseToDpc(&raw mut (*Extension).Lock);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    IoCallDriver((*Extension).LowerDevice, Irp)
}

/// Passes a read on while it holds a spin lock.
pub(super) unsafe fn pass_on_under_lock() {
    Exercise(Some(PassOnUnderLock), &ONCE);
}

/// Passes a read on after it has released the spin lock.
pub(super) unsafe fn pass_on_after_lock() {
    Exercise(Some(PassOnAfterLock), &ONCE);
}

/// Passes an IRP of one stack location on, with no location left for the lower device.
pub(super) unsafe fn pass_on_without_location() {
    Exercise(Some(PassOn), &Reader { StackSize: 1, ..ONCE });
}

/// Passes an IRP of one stack location on, in the location of the upper device.
pub(super) unsafe fn pass_on_in_own_location() {
    Exercise(Some(SkipAndPassOn), &Reader { StackSize: 1, ..ONCE });
}

unsafe extern "C-unwind" fn CompletePending(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    SetStatus(Irp, STATUS_PENDING);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    STATUS_PENDING
}

unsafe extern "C-unwind" fn CompleteAndReturnPending(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    IoMarkIrpPending(Irp);
    SetStatus(Irp, STATUS_SUCCESS);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    STATUS_PENDING
}

/// Completes a read with STATUS_PENDING.
pub(super) unsafe fn complete_pending() {
    Exercise(Some(CompletePending), &ONCE);
}

/// Marks a read pending, completes it at once, and returns STATUS_PENDING.
pub(super) unsafe fn complete_and_return_pending() {
    Exercise(Some(CompleteAndReturnPending), &ONCE);
}

unsafe extern "C-unwind" fn CancelUnderLock(_DeviceObject: PDEVICE_OBJECT, _Irp: PIRP) {}

unsafe extern "C-unwind" fn CancelAfterLock(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    IoReleaseCancelSpinLock((*Irp).CancelIrql);
    SetStatus(Irp, STATUS_CANCELLED);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

unsafe fn Keep(Irp: PIRP, Cancel: PDRIVER_CANCEL) -> NTSTATUS {
    IoMarkIrpPending(Irp);
    IoSetCancelRoutine(Irp, Cancel);
    STATUS_PENDING
}

unsafe extern "C-unwind" fn KeepForUnderLock(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    Keep(Irp, Some(CancelUnderLock))
}

unsafe extern "C-unwind" fn KeepForAfterLock(_DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    Keep(Irp, Some(CancelAfterLock))
}

/// Returns from its cancel routine without releasing the cancel spin lock.
pub(super) unsafe fn keep_cancel_lock() {
    Exercise(Some(KeepForUnderLock), &CANCELS);
}

/// Releases the cancel spin lock in its cancel routine, which it did not acquire itself.
pub(super) unsafe fn release_cancel_lock() {
    Exercise(Some(KeepForAfterLock), &CANCELS);
}
