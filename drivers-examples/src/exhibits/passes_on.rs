//! Filters above a disk that keep their remove lock until a read ends: by a completion routine that may be
//! refused.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use crate::filter::{self, Clean, FILTER, Fail, Filter};
use kernel_sim::ddi::*;

unsafe extern "C-unwind" fn ended(_device: PDEVICE_OBJECT, irp: PIRP, context: PVOID) -> NTSTATUS {
    if (*irp).PendingReturned != FALSE {
        IoMarkIrpPending(irp);
    }
    IoReleaseRemoveLock(&raw mut (*context.cast::<FILTER>()).RemoveLock, irp.cast());
    STATUS_SUCCESS
}

/// Passes a read on; `sees_end` makes sure that its end is seen.
unsafe fn pass_on(device: PDEVICE_OBJECT, irp: PIRP, sees_end: unsafe fn(PDEVICE_OBJECT, PIRP)) -> NTSTATUS {
    let extension = Filter(device);
    let status = IoAcquireRemoveLock(&raw mut (*extension).RemoveLock, irp.cast());
    if !NT_SUCCESS(status) {
        return Fail(irp, status);
    }
    IoCopyCurrentIrpStackLocationToNext(irp);
    sees_end(device, irp);
    IoCallDriver((*extension).Lower, irp)
}

unsafe fn set(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    IoSetCompletionRoutineEx(device, irp, Some(ended), Filter(device).cast(), TRUE, TRUE, TRUE)
}

unsafe extern "C-unwind" fn read_unlooked(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    pass_on(device, irp, |device, irp| {
        let _ = set(device, irp);
    })
}

unsafe extern "C-unwind" fn read_looked(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    pass_on(device, irp, |device, irp| {
        if !NT_SUCCESS(set(device, irp)) {
            IoSetCompletionRoutine(irp, Some(ended), Filter(device).cast(), true, true, true);
        }
    })
}

unsafe fn load(driver: PDRIVER_OBJECT, path: PUNICODE_STRING, read: PDRIVER_DISPATCH) -> NTSTATUS {
    let status = filter::DriverEntry::<Clean>(driver, path);
    (*driver).MajorFunction[IRP_MJ_READ] = read;
    status
}

/// Passes a read on although its completion routine could not be set.
pub(super) unsafe extern "C-unwind" fn unlooked(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    load(driver, path, Some(read_unlooked))
}

/// Sets the routine by IoSetCompletionRoutine, which cannot fail, if it could not be set.
pub(super) unsafe extern "C-unwind" fn looked(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    load(driver, path, Some(read_looked))
}
