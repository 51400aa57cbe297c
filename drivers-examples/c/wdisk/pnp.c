/* DriverEntry, plug and play, power. SPDX-License-Identifier: MIT */
#include "wdisk.h"

DRIVER_INITIALIZE DriverEntry;

static NTSTATUS ForwardedRequestDone(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    if (Irp->PendingReturned)
        KeSetEvent((PKEVENT)Context, IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Lets the drivers below handle the request first. It is the driver's again then. */
static NTSTATUS ForwardAndWait(PDEVICE_EXTENSION Extension, PIRP Irp)
{
    KEVENT Event;

    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, ForwardedRequestDone, &Event, TRUE, TRUE, TRUE);
    if (IoCallDriver(Extension->LowerDeviceObject, Irp) == STATUS_PENDING)
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
    return Irp->IoStatus.Status;
}

static NTSTATUS PassOn(PDEVICE_EXTENSION Extension, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IoCallDriver(Extension->LowerDeviceObject, Irp);
}

/* Passes a request down that the driver has handled. */
static NTSTATUS PassDown(PDEVICE_EXTENSION Extension, PIRP Irp)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    return PassOn(Extension, Irp);
}

static BOOLEAN DisableInterrupt(PVOID Context)
{
    WriteRegister((PDEVICE_EXTENSION)Context, REGISTER_INTERRUPT_ENABLE, 0);
    return TRUE;
}

static VOID StopDevice(PDEVICE_EXTENSION Extension)
{
    if (Extension->Interrupt != NULL) {
        KeSynchronizeExecution(Extension->Interrupt, DisableInterrupt, Extension);
        IoDisconnectInterrupt(Extension->Interrupt);
        Extension->Interrupt = NULL;
    }
    if (Extension->Registers != NULL) {
        MmUnmapIoSpace(Extension->Registers, REGISTERS_LENGTH);
        Extension->Registers = NULL;
    }
}

/* Finds the controller behind its registers. Requests that come while it is stopped look at what was found: so that
 * is written before the first of them only, and must be the same at every later start. */
static NTSTATUS IdentifyDevice(PDEVICE_EXTENSION Extension)
{
    ULONG SectorBytes, SectorsMax;
    ULONGLONG Sectors;

    if (ReadRegister(Extension, REGISTER_ID) != CONTROLLER_ID)
        return STATUS_DEVICE_DOES_NOT_EXIST;
    WriteRegister(Extension, REGISTER_RESET, 1);
    SectorBytes = ReadRegister(Extension, REGISTER_BLOCK_BYTES);
    SectorsMax = ReadRegister(Extension, REGISTER_BLOCKS_MAX);
    /* Requests are divided by the first, and their lengths are 32 bits. */
    if (SectorBytes < 512 || SectorBytes > 4096 || (SectorBytes & (SectorBytes - 1)) != 0 || SectorsMax == 0)
        return STATUS_DEVICE_DOES_NOT_EXIST;
    SectorsMax = min(SectorsMax, MAXULONG / SectorBytes);
    Sectors = READ_REGISTER_ULONG64((PULONG64)(Extension->Registers + REGISTER_CAPACITY));
    if (Extension->SectorBytes == 0) {
        Extension->SectorBytes = SectorBytes;
        Extension->SectorsMax = SectorsMax;
        Extension->Sectors = Sectors;
    }
    return Extension->SectorBytes == SectorBytes && Extension->SectorsMax == SectorsMax && Extension->Sectors == Sectors
               ? STATUS_SUCCESS
               : STATUS_DEVICE_DOES_NOT_EXIST;
}

static NTSTATUS StartDevice(PDEVICE_EXTENSION Extension, PCM_RESOURCE_LIST Resources)
{
    PCM_PARTIAL_RESOURCE_LIST List = &Resources->List[0].PartialResourceList;
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Memory = NULL, Interrupt = NULL;
    NTSTATUS Status;

    for (ULONG i = 0; i < List->Count; i++) {
        if (List->PartialDescriptors[i].Type == CmResourceTypeMemory)
            Memory = &List->PartialDescriptors[i];
        else if (List->PartialDescriptors[i].Type == CmResourceTypeInterrupt)
            Interrupt = &List->PartialDescriptors[i];
    }
    if (Memory == NULL || Interrupt == NULL)
        return STATUS_INVALID_PARAMETER;
    Extension->Registers = (PUCHAR)MmMapIoSpace(Memory->u.Memory.Start, REGISTERS_LENGTH, MmNonCached);
    if (Extension->Registers == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = IdentifyDevice(Extension);
    if (NT_SUCCESS(Status))
        Status = IoConnectInterrupt(
            &Extension->Interrupt, InterruptService, Extension, NULL, Interrupt->u.Interrupt.Vector,
            (KIRQL)Interrupt->u.Interrupt.Level, (KIRQL)Interrupt->u.Interrupt.Level,
            Interrupt->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive,
            Interrupt->ShareDisposition == CmResourceShareShared, Interrupt->u.Interrupt.Affinity, FALSE);
    if (!NT_SUCCESS(Status)) {
        StopDevice(Extension);
        return Status;
    }
    WriteRegister(Extension, REGISTER_INTERRUPT_ENABLE, INTERRUPT_DONE);
    SetPhase(Extension, Started);
    LetGo(Extension, HELD_STOPPED);
    return STATUS_SUCCESS;
}

/* Gives the device nothing more; TRUE if it had a request, which is the caller's from now on. */
static BOOLEAN GiveDeviceUp(PVOID Context)
{
    PDEVICE_EXTENSION Extension = (PDEVICE_EXTENSION)Context;
    BOOLEAN HadRequest = Extension->Work == DeviceBusy;

    Extension->Work = DeviceGone;
    return HadRequest;
}

/* The device is gone: ends the request it had, if no interrupt has reported that, and all that wait. */
static VOID SurpriseRemoveDevice(PDEVICE_EXTENSION Extension)
{
    PDEVICE_OBJECT DeviceObject = Extension->DeviceObject;
    KIRQL Irql;

    SetPhase(Extension, Removed);
    if (Extension->Interrupt != NULL && KeSynchronizeExecution(Extension->Interrupt, GiveDeviceUp, Extension)) {
        /* As in the DPC that would have completed it. */
        KeRaiseIrql(DISPATCH_LEVEL, &Irql);
        GiveUp(DeviceObject, DeviceObject->CurrentIrp, STATUS_DEVICE_NOT_CONNECTED);
        KeLowerIrql(Irql);
    }
    CancelQueued(Extension, NULL);
    EndHeld(Extension, NULL, STATUS_DEVICE_NOT_CONNECTED);
}

/* Refuses new requests, gets rid of the waiting ones, waits for the others, and stops the device. */
static VOID RemoveDevice(PDEVICE_EXTENSION Extension)
{
    SetPhase(Extension, Removed);
    CancelQueued(Extension, NULL);
    EndHeld(Extension, NULL, STATUS_DEVICE_NOT_CONNECTED);
    EndRequest(Extension, FALSE); /* The device's own. */
    KeWaitForSingleObject(&Extension->RemoveEvent, Executive, KernelMode, FALSE, NULL);
    StopDevice(Extension);
    /* A DPC that has ended its request may not have returned yet. */
    KeFlushQueuedDpcs();
}

NTSTATUS Pnp(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_EXTENSION Extension = ExtensionOf(DeviceObject);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PDEVICE_OBJECT Lower = Extension->LowerDeviceObject;
    NTSTATUS Status;

    switch (Stack->MinorFunction) {
    case IRP_MN_START_DEVICE:
        Status = ForwardAndWait(Extension, Irp);
        if (NT_SUCCESS(Status))
            Status = StartDevice(Extension, Stack->Parameters.StartDevice.AllocatedResourcesTranslated);
        return CompleteWithStatus(Irp, Status, 0);
    case IRP_MN_QUERY_STOP_DEVICE:
        Hold(Extension, HELD_STOPPED);
        return PassDown(Extension, Irp);
    case IRP_MN_CANCEL_STOP_DEVICE:
        Status = ForwardAndWait(Extension, Irp);
        LetGo(Extension, HELD_STOPPED);
        IoCompleteRequest(Irp, IO_NO_INCREMENT);
        return Status;
    case IRP_MN_STOP_DEVICE:
        StopDevice(Extension);
        return PassDown(Extension, Irp);
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
        return PassDown(Extension, Irp);
    case IRP_MN_SURPRISE_REMOVAL:
        SurpriseRemoveDevice(Extension);
        return PassDown(Extension, Irp);
    case IRP_MN_REMOVE_DEVICE:
        RemoveDevice(Extension);
        Status = PassDown(Extension, Irp);
        IoDetachDevice(Lower);
        IoDeleteDevice(DeviceObject);
        return Status;
    default:
        return PassOn(Extension, Irp);
    }
}

/* For D3 requests are held and the interrupt is off before those below take the power away; in D0 the device is set
 * up when they have given it back. */
NTSTATUS Power(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_EXTENSION Extension = ExtensionOf(DeviceObject);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status;

    if (Stack->MinorFunction != IRP_MN_SET_POWER || Stack->Parameters.Power.Type != DevicePowerState)
        return PassOn(Extension, Irp);
    if (Stack->Parameters.Power.State.DeviceState != PowerDeviceD0) {
        Hold(Extension, HELD_POWER);
        if (Extension->Interrupt != NULL)
            KeSynchronizeExecution(Extension->Interrupt, DisableInterrupt, Extension);
        return PassOn(Extension, Irp);
    }
    Status = ForwardAndWait(Extension, Irp);
    if (NT_SUCCESS(Status)) {
        /* It has forgotten everything. One that is stopped is set up when it starts. */
        if (Extension->Interrupt != NULL) {
            WriteRegister(Extension, REGISTER_RESET, 1);
            WriteRegister(Extension, REGISTER_INTERRUPT_ENABLE, INTERRUPT_DONE);
        }
        LetGo(Extension, HELD_POWER);
    }
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS AddDevice(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject)
{
    PDEVICE_OBJECT DeviceObject;
    PDEVICE_EXTENSION Extension;
    NTSTATUS Status =
        IoCreateDevice(DriverObject, sizeof(*Extension), NULL, FILE_DEVICE_DISK, 0, FALSE, &DeviceObject);

    if (!NT_SUCCESS(Status))
        return Status;
    Extension = ExtensionOf(DeviceObject);
    Extension->DeviceObject = DeviceObject;
    Extension->Outstanding = 1;
    KeInitializeSpinLock(&Extension->Lock);
    KeInitializeEvent(&Extension->RemoveEvent, NotificationEvent, FALSE);
    KeInitializeEvent(&Extension->IdleEvent, NotificationEvent, FALSE);
    InitializeHeldQueue(Extension);
    IoInitializeDpcRequest(DeviceObject, DpcForIsr);
    /* StartIo asks for the next packet when it finds a request cancelled: that must not nest. */
    IoSetStartIoAttributes(DeviceObject, TRUE, FALSE);
    Extension->LowerDeviceObject = IoAttachDeviceToDeviceStack(DeviceObject, PhysicalDeviceObject);
    DeviceObject->Flags |= DO_DIRECT_IO | DO_POWER_PAGABLE;
    DeviceObject->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

/* Every device was removed before, and with it everything the driver had. */
static VOID DriverUnload(PDRIVER_OBJECT DriverObject)
{
    UNREFERENCED_PARAMETER(DriverObject);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    DriverObject->DriverUnload = DriverUnload;
    DriverObject->DriverStartIo = StartIo;
    DriverObject->DriverExtension->AddDevice = AddDevice;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = CreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = CreateClose;
    DriverObject->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    DriverObject->MajorFunction[IRP_MJ_READ] = ReadWriteFlush;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = ReadWriteFlush;
    DriverObject->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = ReadWriteFlush;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    DriverObject->MajorFunction[IRP_MJ_PNP] = Pnp;
    DriverObject->MajorFunction[IRP_MJ_POWER] = Power;
    return STATUS_SUCCESS;
}
