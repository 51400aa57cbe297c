//! The interrupt service routine, and the DPC that completes what it reported.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use std::ptr::null_mut;

pub unsafe extern "C-unwind" fn InterruptService(_Interrupt: PKINTERRUPT, ServiceContext: PVOID) -> BOOLEAN {
    let Extension: PDEVICE_EXTENSION = ServiceContext.cast();

    // Changed by this routine, and by others that keep it out.
    let Device = (*Extension).Device.get();
    if Device == DEVICE_GONE {
        return FALSE; // It was pulled out.
    }
    let InterruptStatus = ReadRegister(Extension, register::INTERRUPT_STATUS);
    if InterruptStatus & INTERRUPT_DONE == 0 || InterruptStatus == ULONG::MAX {
        return FALSE; // Another device's, for the vector may be shared; or it is gone.
    }
    // Whatever it is about: a line that stays asserted interrupts for ever.
    WriteRegister(Extension, register::INTERRUPT_STATUS, InterruptStatus);
    if Device != DEVICE_BUSY {
        return TRUE; // Done with what it was never given.
    }
    // Read after the acknowledgement: a command that ends now interrupts again.
    let Status = ReadRegister(Extension, register::STATUS);
    if Status & STATUS_BUSY != 0 {
        return TRUE; // Done with another than the one it has.
    }
    let Error = if Status & STATUS_ERROR == 0 { 0 } else { ReadRegister(Extension, register::ERROR_CODE) };
    (*Extension).Device.set(DEVICE_IDLE);
    (*Extension).DeviceError.set(Error);
    let DeviceObject = (*Extension).DeviceObject;
    IoRequestDpc(DeviceObject, (*DeviceObject).CurrentIrp, null_mut());
    TRUE
}

/// Completes the request that the device is through with.
///
/// The next request is started first, so that the device is busy while the drivers above run. After
/// EndRequest the device object may be gone.
pub unsafe extern "C-unwind" fn DpcForIsr(
    _Dpc: PKDPC,
    DeviceObject: PDEVICE_OBJECT,
    Irp: PIRP,
    _Context: PVOID,
) {
    let Extension = Extension(DeviceObject);

    SetOutcome(Extension, Irp);

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Extension).Lock);
    CountRequest(Extension, Irp);
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Extension).Lock);

    IoStartNextPacket(DeviceObject, TRUE);
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    EndRequest(Extension);
}

/// Translates what the device said of the request. To be called before the next one is started.
pub unsafe fn SetOutcome(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    let Stack = IoGetCurrentIrpStackLocation(Irp);

    (*Irp).IoStatus = match (*Extension).DeviceError.get() {
        0 if usize::from((*Stack).MajorFunction) == IRP_MJ_FLUSH_BUFFERS => {
            IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0)
        }
        0 => IO_STATUS_BLOCK::new(STATUS_SUCCESS, (*Stack).Parameters.Read.Length as ULONG_PTR),
        ERROR_WRITE_PROTECTED => IO_STATUS_BLOCK::new(STATUS_MEDIA_WRITE_PROTECTED, 0),
        _ => IO_STATUS_BLOCK::new(STATUS_IO_DEVICE_ERROR, 0),
    };
}

/// Keeps the figures. The caller holds the lock.
pub unsafe fn CountRequest(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    if NT_SUCCESS((*Irp).IoStatus.Status()) {
        (*Extension).Completed.set((*Extension).Completed.get().wrapping_add(1));
        (*Extension).BytesMoved.set((*Extension).BytesMoved.get() + (*Irp).IoStatus.Information as ULONGLONG);
    } else {
        (*Extension).Failed.set((*Extension).Failed.get().wrapping_add(1));
    }
}
