//! StartIo gives a request to the device; Cancel takes one out of the queue.
//!
//! A request can be cancelled until StartIo has taken its cancel routine away. The cancel spin lock
//! decides between the two: a cancel routine that finds its request still queued completes it, and
//! leaves one that is not to StartIo, which sees the Cancel flag.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;

pub unsafe extern "C-unwind" fn StartIo(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    let Extension = Extension(DeviceObject);
    let mut CancelIrql: KIRQL = 0;

    IoAcquireCancelSpinLock(&raw mut CancelIrql);
    let Cancelled = (*Irp).Cancel;
    IoSetCancelRoutine(Irp, None);
    IoReleaseCancelSpinLock(CancelIrql);

    if Cancelled != FALSE {
        GiveUp(DeviceObject, Irp, STATUS_CANCELLED);
    } else if KeSynchronizeExecution((*Extension).Interrupt, Some(ProgramDevice), DeviceObject.cast())
        == FALSE
    {
        GiveUp(DeviceObject, Irp, STATUS_DEVICE_NOT_CONNECTED);
    }
}

/// Ends the current request, which the device does not have, and goes on with the next one.
pub unsafe fn GiveUp(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Status: NTSTATUS) {
    IoStartNextPacket(DeviceObject, TRUE);
    CompleteWithStatus(Irp, Status);
    EndRequest(Extension(DeviceObject));
}

/// Writes the current request into the registers; the interrupt service routine is kept out. FALSE: the
/// device was pulled out.
unsafe extern "C-unwind" fn ProgramDevice(Context: PVOID) -> BOOLEAN {
    let DeviceObject: PDEVICE_OBJECT = Context.cast();
    let Extension = Extension(DeviceObject);
    let Irp = (*DeviceObject).CurrentIrp;
    let Stack = IoGetCurrentIrpStackLocation(Irp);

    if (*Extension).Device.get() == DEVICE_GONE {
        return FALSE;
    }
    let Command = match usize::from((*Stack).MajorFunction) {
        IRP_MJ_READ => COMMAND_READ,
        IRP_MJ_WRITE => COMMAND_WRITE,
        _ => COMMAND_FLUSH,
    };
    if Command != COMMAND_FLUSH {
        let Transfer = (*Stack).Parameters.Read;
        let Buffer = MmGetPhysicalAddress(MmGetMdlVirtualAddress((*Irp).MdlAddress));
        let Sector = Transfer.ByteOffset.QuadPart as ULONGLONG / ULONGLONG::from((*Extension).SectorBytes);
        WriteRegister64(Extension, register::LBA, Sector);
        WriteRegister64(Extension, register::DMA, Buffer.QuadPart as ULONGLONG);
        WriteRegister(Extension, register::BLOCKS, Transfer.Length / (*Extension).SectorBytes);
    }
    (*Extension).Device.set(DEVICE_BUSY);
    WriteRegister(Extension, register::COMMAND, Command);
    TRUE
}

/// Entered with the cancel spin lock held.
pub unsafe extern "C-unwind" fn Cancel(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) {
    let Entry = &raw mut (*Irp).Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry;

    let WasQueued = KeRemoveEntryDeviceQueue(&raw mut (*DeviceObject).DeviceQueue, Entry);
    IoReleaseCancelSpinLock((*Irp).CancelIrql);

    if WasQueued != FALSE {
        CompleteWithStatus(Irp, STATUS_CANCELLED);
        EndRequest(Extension(DeviceObject));
    }
}
