//! `cancel-race`: a request is completed on one processor while another cancels it.
//!
//! The author keeps one flag that says that the request is taken: the routine that ends it first sets the
//! flag, the other finds it set and leaves the request alone.
//!
//! **What is wrong.** Looking at the flag and setting it are two steps, with no lock held across
//! them. Both routines can look before either sets.
//!
//! **Why it is rare.** The application has to cancel in the instant in which the device is through.
//!
//! **Why it hangs.** It does worse: the request is completed twice, and the second time it may
//! already be another's.
//!
//! `cancel-race-locked` is the near miss: the same flag, looked at and set under one lock.

#![expect(unsafe_code, reason = "models call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Machine, Outcome};
use kernel_sim::shared::Shared;
use std::ptr::null_mut;

#[repr(C)]
struct DeviceExtension {
    Pending: PIRP,
    /// One of the two routines has claimed the request and will complete it. Read by ReadAcquire and
    /// written by WriteRelease, which is no data race, and not enough.
    Claimed: Shared<ULONG>,
    Lock: KSPIN_LOCK,
    /// Which of the two forms this is.
    Claim: unsafe fn(PDeviceExtension) -> bool,
    /// The completing thread has ended.
    Ended: KEVENT,
}
type PDeviceExtension = *mut DeviceExtension;

/// Takes the request, unless it is taken. Another may look before this one sets.
unsafe fn ClaimUnlocked(Extension: PDeviceExtension) -> bool {
    if (*Extension).Claimed.read_acquire() != 0 {
        return false;
    }
    (*Extension).Claimed.write_release(1);
    true
}

unsafe fn ClaimLocked(Extension: PDeviceExtension) -> bool {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    let Mine = ClaimUnlocked(Extension);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    Mine
}

unsafe fn Complete(Irp: PIRP, Status: NTSTATUS) {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(Status, 0);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
}

/// The device is through with the request.
unsafe fn RequestDone(Extension: PDeviceExtension) {
    let Irp = (*Extension).Pending;

    let Irql = KeRaiseIrqlToDpcLevel();
    if ((*Extension).Claim)(Extension) {
        IoSetCancelRoutine(Irp, None);
        Complete(Irp, STATUS_SUCCESS);
    }
    KeLowerIrql(Irql);
}

/// Entered with the cancel spin lock held.
unsafe extern "C-unwind" fn Cancel(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    let Extension: PDeviceExtension = (*DeviceObject).DeviceExtension.cast();

    IoReleaseCancelSpinLock((*Irp).CancelIrql);
    if ((*Extension).Claim)(Extension) {
        Complete(Irp, STATUS_CANCELLED);
    }
}

/// Keeps the request, cancelable.
unsafe extern "C-unwind" fn Read(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension: PDeviceExtension = (*DeviceObject).DeviceExtension.cast();

    IoMarkIrpPending(Irp);
    (*Extension).Pending = Irp;
    let Irql = KeRaiseIrqlToDpcLevel();
    IoSetCancelRoutine(Irp, Some(Cancel));
    KeLowerIrql(Irql);
    STATUS_PENDING
}

unsafe extern "C-unwind" fn DriverEntry(DriverObject: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    (*DriverObject).MajorFunction[IRP_MJ_READ] = Some(Read);
    STATUS_SUCCESS
}

/// Sends the driver one request, and cancels it while processor 1 completes it.
unsafe fn Exercise(Claim: unsafe fn(PDeviceExtension) -> bool) {
    let machine = Machine::current().expect("a model runs on a machine");
    let DriverObject = machine.load_driver(Some(DriverEntry)).expect("its entry point succeeds");
    let mut DeviceObject: PDEVICE_OBJECT = null_mut();

    let Bytes = size_of::<DeviceExtension>() as ULONG;
    let Status =
        IoCreateDevice(DriverObject, Bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut DeviceObject);
    assert_eq!(Status, STATUS_SUCCESS, "the device could not be created");
    let Extension: PDeviceExtension = (*DeviceObject).DeviceExtension.cast();
    (*Extension).Claim = Claim;
    KeInitializeSpinLock(&raw mut (*Extension).Lock);
    KeInitializeEvent(&raw mut (*Extension).Ended, NotificationEvent, FALSE);

    let Irp = IoAllocateIrp((*DeviceObject).StackSize, FALSE);
    (*IoGetNextIrpStackLocation(Irp)).MajorFunction = IRP_MJ_READ as UCHAR;
    IoCallDriver(DeviceObject, Irp);

    let at = Extension as usize;
    machine.start_thread(Some(1), move || {
        let Extension = at as PDeviceExtension;
        // SAFETY: the boot thread keeps the extension until this one has ended.
        unsafe {
            RequestDone(Extension);
            KeSetEvent(&raw mut (*Extension).Ended, 0, FALSE);
        }
    });
    IoCancelIrp(Irp);

    let Ended = (&raw mut (*Extension).Ended).cast();
    KeWaitForSingleObject(Ended, Executive, KernelMode, FALSE, null_mut());
    IoFreeIrp(Irp);
    IoDeleteDevice(DeviceObject);
    machine.unload_driver(DriverObject);
}

/// The flag alone.
pub fn race(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the routine's objects are its own.
    config.run(|| unsafe { Exercise(ClaimUnlocked) })
}

/// The flag under a lock.
pub fn locked(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the routine's memory is its own.
    config.run(|| unsafe { Exercise(ClaimLocked) })
}
