//! PnP: the device is started with its resources, pulled out, and removed. It refuses to be stopped.
//!
//! Invariant: when the device is deleted no request is in the driver, and the worker has ended.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::device::*;
use super::*;
use crate::wdm_startio::device::{CONTROLLER_ID, INTERRUPT_DONE, register};

pub(super) unsafe extern "C-unwind" fn Pnp<F: Form>(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();
    let Stack = IoGetCurrentIrpStackLocation(Irp);

    let Status = IoAcquireRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    if !NT_SUCCESS(Status) {
        return CompleteWith(Irp, Status, 0);
    }
    let Status = match (*Stack).MinorFunction {
        IRP_MN_START_DEVICE => {
            let mut Status = ForwardAndWait(Extension, Irp);
            if NT_SUCCESS(Status) {
                Status =
                    StartDevice::<F>(Extension, (*Stack).Parameters.StartDevice.AllocatedResourcesTranslated);
            }
            CompleteWith(Irp, Status, 0)
        }
        IRP_MN_QUERY_STOP_DEVICE => CompleteWith(Irp, STATUS_UNSUCCESSFUL, 0),
        IRP_MN_SURPRISE_REMOVAL => {
            SurpriseRemoveDevice::<F>(Extension);
            PassDown(Extension, Irp)
        }
        IRP_MN_REMOVE_DEVICE => {
            SetRemoved(Extension);
            F::EndQueued(Extension);
            F::WaitForRequests(Extension, Irp);
            StopDevice(Extension);
            let Lower = (*Extension).LowerDeviceObject;
            let Status = PassDown(Extension, Irp);
            IoDetachDevice(Lower);
            IoDeleteDevice(DeviceObject);
            return Status;
        }
        IRP_MN_QUERY_REMOVE_DEVICE | IRP_MN_CANCEL_REMOVE_DEVICE | IRP_MN_CANCEL_STOP_DEVICE => {
            PassDown(Extension, Irp)
        }
        _ => {
            IoSkipCurrentIrpStackLocation(Irp);
            IoCallDriver((*Extension).LowerDeviceObject, Irp)
        }
    };
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
    Status
}

/// Passes a request down that the driver has handled.
unsafe fn PassDown(Extension: PDEVICE_EXTENSION, Irp: PIRP) -> NTSTATUS {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    IoSkipCurrentIrpStackLocation(Irp);
    IoCallDriver((*Extension).LowerDeviceObject, Irp)
}

unsafe fn ForwardAndWait(Extension: PDEVICE_EXTENSION, Irp: PIRP) -> NTSTATUS {
    let mut Event = std::mem::zeroed::<KEVENT>();

    KeInitializeEvent(&raw mut Event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, Some(ForwardedRequestDone), (&raw mut Event).cast(), true, true, true);
    if IoCallDriver((*Extension).LowerDeviceObject, Irp) == STATUS_PENDING {
        KeWaitForSingleObject((&raw mut Event).cast(), Executive, KernelMode, FALSE, null_mut());
    }
    (*Irp).IoStatus.Status()
}

unsafe extern "C-unwind" fn ForwardedRequestDone(
    _DeviceObject: PDEVICE_OBJECT,
    Irp: PIRP,
    Context: PVOID,
) -> NTSTATUS {
    if (*Irp).PendingReturned != FALSE {
        KeSetEvent(Context.cast(), 0, FALSE);
    }
    STATUS_MORE_PROCESSING_REQUIRED
}

unsafe fn StartDevice<F: Form>(Extension: PDEVICE_EXTENSION, Resources: PCM_RESOURCE_LIST) -> NTSTATUS {
    let mut Memory: PCM_PARTIAL_RESOURCE_DESCRIPTOR = null_mut();
    let mut Interrupt: PCM_PARTIAL_RESOURCE_DESCRIPTOR = null_mut();
    let mut Thread: HANDLE = null_mut();

    let List = &raw mut (*Resources).List[0].PartialResourceList;
    let mut Descriptor: PCM_PARTIAL_RESOURCE_DESCRIPTOR = (&raw mut (*List).PartialDescriptors).cast();
    for _ in 0..(*List).Count {
        match (*Descriptor).Type {
            CmResourceTypeMemory => Memory = Descriptor,
            CmResourceTypeInterrupt => Interrupt = Descriptor,
            _ => {}
        }
        Descriptor = Descriptor.add(1);
    }
    if Memory.is_null() || Interrupt.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    let Registers = MmMapIoSpace((*Memory).u.Memory.Start, register::LENGTH, MmNonCached);
    if Registers.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    (*Extension).Registers = Registers.cast();
    if ReadRegister(Extension, register::ID) != CONTROLLER_ID {
        StopDevice(Extension);
        return STATUS_DEVICE_DOES_NOT_EXIST;
    }
    WriteRegister(Extension, register::RESET, 1);
    (*Extension).SectorBytes = ReadRegister(Extension, register::BLOCK_BYTES);
    (*Extension).Sectors = READ_REGISTER_ULONG64((*Extension).Registers.add(register::CAPACITY).cast());

    let Irql = (*Interrupt).u.Interrupt.Level as KIRQL;
    let Status = IoConnectInterrupt(
        &raw mut (*Extension).Interrupt,
        Some(InterruptService),
        Extension.cast(),
        null_mut(),
        (*Interrupt).u.Interrupt.Vector,
        Irql,
        Irql,
        if (*Interrupt).Flags & CM_RESOURCE_INTERRUPT_LATCHED != 0 { Latched } else { LevelSensitive },
        BOOLEAN::from((*Interrupt).ShareDisposition == CmResourceShareShared),
        (*Interrupt).u.Interrupt.Affinity,
        FALSE,
    );
    if !NT_SUCCESS(Status) {
        StopDevice(Extension);
        return Status;
    }
    let Context = Extension.cast();
    let Status = PsCreateSystemThread(
        &raw mut Thread,
        0,
        null_mut(),
        null_mut(),
        null_mut(),
        Some(Work::<F>),
        Context,
    );
    if !NT_SUCCESS(Status) {
        StopDevice(Extension);
        return Status;
    }
    let Worker = &raw mut (*Extension).Worker;
    ObReferenceObjectByHandle(Thread, 0, null_mut(), KernelMode, Worker, null_mut());
    ZwClose(Thread);
    WriteRegister(Extension, register::INTERRUPT_ENABLE, INTERRUPT_DONE);
    (*Extension).State.write_release(STARTED);
    STATUS_SUCCESS
}

/// No request is queued from here on.
unsafe fn SetRemoved(Extension: PDEVICE_EXTENSION) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    (*Extension).State.write_release(REMOVED);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
}

/// The device is gone: wakes the worker, if an interrupt was to do that, and ends what waits for it.
unsafe fn SurpriseRemoveDevice<F: Form>(Extension: PDEVICE_EXTENSION) {
    SetRemoved(Extension);
    if !(*Extension).Interrupt.is_null()
        && KeSynchronizeExecution((*Extension).Interrupt, Some(GiveDeviceUp), Extension.cast()) != FALSE
    {
        KeSetEvent(&raw mut (*Extension).CommandDone, 0, FALSE);
    }
    F::EndQueued(Extension);
}

/// Ends the worker, which has no request, and gives the device's resources back.
unsafe fn StopDevice(Extension: PDEVICE_EXTENSION) {
    if !(*Extension).Worker.is_null() {
        (*Extension).Ending.write_release(1);
        KeReleaseSemaphore(&raw mut (*Extension).Bell, 0, 1, FALSE);
        KeWaitForSingleObject((*Extension).Worker, Executive, KernelMode, FALSE, null_mut());
        ObDereferenceObject((*Extension).Worker);
        (*Extension).Worker = null_mut();
    }
    if !(*Extension).Interrupt.is_null() {
        KeSynchronizeExecution((*Extension).Interrupt, Some(DisableInterrupt), Extension.cast());
        IoDisconnectInterrupt((*Extension).Interrupt);
        (*Extension).Interrupt = null_mut();
    }
    // The DPC that woke the worker last may not have returned yet.
    KeFlushQueuedDpcs();
    if !(*Extension).Registers.is_null() {
        MmUnmapIoSpace((*Extension).Registers.cast(), register::LENGTH);
        (*Extension).Registers = null_mut();
    }
}

unsafe extern "C-unwind" fn DisableInterrupt(Context: PVOID) -> BOOLEAN {
    WriteRegister(Context.cast(), register::INTERRUPT_ENABLE, 0);
    TRUE
}
