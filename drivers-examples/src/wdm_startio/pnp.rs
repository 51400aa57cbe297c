//! PnP: the device is started with its resources, stopped and started again, pulled out, and removed.
//!
//! What is asked whether it may happen is agreed to. A query for a stop holds requests from then on, so that
//! the stop itself finds the device idle; they go on with the next start, or when the query is taken back.
//! Every request that the driver handles is passed down with STATUS_SUCCESS, and every other one as it came.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;
use super::device::*;
use super::dispatch::CancelQueued;
use super::held::*;
use super::interrupt::InterruptService;
use super::start_io::GiveUp;
use std::ptr::null_mut;

pub unsafe extern "C-unwind" fn Pnp(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS {
    let Extension = Extension(DeviceObject);
    let Stack = IoGetCurrentIrpStackLocation(Irp);

    match (*Stack).MinorFunction {
        IRP_MN_START_DEVICE => {
            let mut Status = ForwardAndWait(Extension, Irp);
            if NT_SUCCESS(Status) {
                Status = StartDevice(Extension, (*Stack).Parameters.StartDevice.AllocatedResourcesTranslated);
            }
            CompleteWithStatus(Irp, Status)
        }
        IRP_MN_QUERY_STOP_DEVICE => {
            Hold(Extension, HELD_STOPPED);
            PassDown(Extension, Irp)
        }
        IRP_MN_CANCEL_STOP_DEVICE => {
            let Status = ForwardAndWait(Extension, Irp);
            LetGo(Extension, HELD_STOPPED);
            IoCompleteRequest(Irp, IO_NO_INCREMENT);
            Status
        }
        IRP_MN_STOP_DEVICE => {
            StopDevice(Extension);
            PassDown(Extension, Irp)
        }
        IRP_MN_QUERY_REMOVE_DEVICE | IRP_MN_CANCEL_REMOVE_DEVICE => PassDown(Extension, Irp),
        IRP_MN_SURPRISE_REMOVAL => {
            SurpriseRemoveDevice(Extension);
            PassDown(Extension, Irp)
        }
        IRP_MN_REMOVE_DEVICE => {
            RemoveDevice(Extension);
            let Lower = (*Extension).LowerDeviceObject;
            let Status = PassDown(Extension, Irp);
            IoDetachDevice(Lower);
            IoDeleteDevice(DeviceObject);
            Status
        }
        _ => {
            IoSkipCurrentIrpStackLocation(Irp);
            IoCallDriver((*Extension).LowerDeviceObject, Irp)
        }
    }
}

/// Passes a request down that the driver has handled.
unsafe fn PassDown(Extension: PDEVICE_EXTENSION, Irp: PIRP) -> NTSTATUS {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    IoSkipCurrentIrpStackLocation(Irp);
    IoCallDriver((*Extension).LowerDeviceObject, Irp)
}

/// Lets the drivers below handle the request first; returns their status. The request is the driver's again.
pub unsafe fn ForwardAndWait(Extension: PDEVICE_EXTENSION, Irp: PIRP) -> NTSTATUS {
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

unsafe fn StartDevice(Extension: PDEVICE_EXTENSION, Resources: PCM_RESOURCE_LIST) -> NTSTATUS {
    let mut Memory: PCM_PARTIAL_RESOURCE_DESCRIPTOR = null_mut();
    let mut Interrupt: PCM_PARTIAL_RESOURCE_DESCRIPTOR = null_mut();

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
    let SectorBytes = ReadRegister(Extension, register::BLOCK_BYTES);
    let SectorsMax = ReadRegister(Extension, register::BLOCKS_MAX);
    let Sectors = READ_REGISTER_ULONG64((*Extension).Registers.add(register::CAPACITY).cast());
    // Requests are divided by the first, and their lengths are 32 bits.
    if !SectorBytes.is_power_of_two() || !(512..=4096).contains(&SectorBytes) || SectorsMax == 0 {
        StopDevice(Extension);
        return STATUS_DEVICE_DOES_NOT_EXIST;
    }
    // Requests that come while the device is stopped look at the numbers too: so they are written before the
    // first of them only, and must be the same at every later start.
    let Found = (SectorBytes, SectorsMax.min(ULONG::MAX / SectorBytes), Sectors);
    if (*Extension).SectorBytes == 0 {
        ((*Extension).SectorBytes, (*Extension).SectorsMax, (*Extension).Sectors) = Found;
    }
    if Found != ((*Extension).SectorBytes, (*Extension).SectorsMax, (*Extension).Sectors) {
        StopDevice(Extension);
        return STATUS_DEVICE_DOES_NOT_EXIST;
    }

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
    WriteRegister(Extension, register::INTERRUPT_ENABLE, INTERRUPT_DONE);
    SetState(Extension, STARTED);
    LetGo(Extension, HELD_STOPPED);
    STATUS_SUCCESS
}

unsafe fn SetState(Extension: PDEVICE_EXTENSION, State: ULONG) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    (*Extension).State.set(State);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
}

/// Refuses new requests, gets rid of the waiting ones, waits for the others, and stops the device.
unsafe fn RemoveDevice(Extension: PDEVICE_EXTENSION) {
    SetState(Extension, REMOVED);
    CancelQueued(Extension, null_mut());
    EndHeld(Extension, null_mut(), STATUS_DEVICE_NOT_CONNECTED);
    EndReference(Extension); // The device's own.
    KeWaitForSingleObject(
        (&raw mut (*Extension).RemoveEvent).cast(),
        Executive,
        KernelMode,
        FALSE,
        null_mut(),
    );
    StopDevice(Extension);
    // A DPC that has ended its request may not have returned yet.
    KeFlushQueuedDpcs();
}

/// The device is gone: ends the request it had, if no interrupt has reported that, and all that wait. Those
/// on their way to StartIo end there.
unsafe fn SurpriseRemoveDevice(Extension: PDEVICE_EXTENSION) {
    let DeviceObject = (*Extension).DeviceObject;

    SetState(Extension, REMOVED);
    let HadRequest = !(*Extension).Interrupt.is_null()
        && KeSynchronizeExecution((*Extension).Interrupt, Some(GiveDeviceUp), Extension.cast()) != FALSE;
    if HadRequest {
        let mut Irql: KIRQL = 0;

        // As in the DPC that would have completed it.
        KeRaiseIrql(DISPATCH_LEVEL, &raw mut Irql);
        GiveUp(DeviceObject, (*DeviceObject).CurrentIrp, STATUS_DEVICE_NOT_CONNECTED);
        KeLowerIrql(Irql);
    }
    CancelQueued(Extension, null_mut());
    EndHeld(Extension, null_mut(), STATUS_DEVICE_NOT_CONNECTED);
}

/// Gives the device nothing more; TRUE if it had a request, which is the caller's from now on.
unsafe extern "C-unwind" fn GiveDeviceUp(Context: PVOID) -> BOOLEAN {
    let Extension: PDEVICE_EXTENSION = Context.cast();

    let HadRequest = (*Extension).Device.get() == DEVICE_BUSY;
    (*Extension).Device.set(DEVICE_GONE);
    BOOLEAN::from(HadRequest)
}

unsafe fn StopDevice(Extension: PDEVICE_EXTENSION) {
    if !(*Extension).Interrupt.is_null() {
        KeSynchronizeExecution((*Extension).Interrupt, Some(DisableInterrupt), Extension.cast());
        IoDisconnectInterrupt((*Extension).Interrupt);
        (*Extension).Interrupt = null_mut();
    }
    if !(*Extension).Registers.is_null() {
        MmUnmapIoSpace((*Extension).Registers.cast(), register::LENGTH);
        (*Extension).Registers = null_mut();
    }
}

pub unsafe extern "C-unwind" fn DisableInterrupt(Context: PVOID) -> BOOLEAN {
    WriteRegister(Context.cast(), register::INTERRUPT_ENABLE, 0);
    TRUE
}
