/* The way of a request: dispatch, StartIo, interrupt, DPC, completion; and cancellation. SPDX-License-Identifier: MIT */
#include "wdisk.h"

/* Cancels every queued request of a file, or (NULL) all. The one at the device runs to its end. They leave the queue
 * under the cancel spin lock, and are completed after it was given back. */
VOID CancelQueued(PDEVICE_EXTENSION Extension, PFILE_OBJECT FileObject)
{
    PKDEVICE_QUEUE Queue = &Extension->DeviceObject->DeviceQueue;
    PLIST_ENTRY Link;
    LIST_ENTRY Cancelled;
    KIRQL CancelIrql;

    InitializeListHead(&Cancelled);
    IoAcquireCancelSpinLock(&CancelIrql);
    for (Link = Queue->DeviceListHead.Flink; Link != &Queue->DeviceListHead;) {
        PKDEVICE_QUEUE_ENTRY Entry = CONTAINING_RECORD(Link, KDEVICE_QUEUE_ENTRY, DeviceListEntry);
        PIRP Irp = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.DeviceQueueEntry);
        Link = Link->Flink;
        if (IsOf(Irp, FileObject)) {
            KeRemoveEntryDeviceQueue(Queue, Entry);
            IoSetCancelRoutine(Irp, NULL);
            InsertTailList(&Cancelled, &Irp->Tail.Overlay.ListEntry);
        }
    }
    IoReleaseCancelSpinLock(CancelIrql);
    while (!IsListEmpty(&Cancelled)) {
        PLIST_ENTRY Entry = RemoveHeadList(&Cancelled);
        CompleteWithStatus(CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry), STATUS_CANCELLED, 0);
        EndRequest(Extension, TRUE);
    }
}

/* Ends the current request, which the device does not have, and goes on with the next one. */
VOID GiveUp(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status)
{
    IoStartNextPacket(DeviceObject, TRUE);
    CompleteWithStatus(Irp, Status, 0);
    EndRequest(ExtensionOf(DeviceObject), TRUE);
}

/* Writes the current request into the registers, with the interrupt kept out. FALSE: the device was pulled out. */
static BOOLEAN ProgramDevice(PVOID Context)
{
    PDEVICE_OBJECT DeviceObject = (PDEVICE_OBJECT)Context;
    PDEVICE_EXTENSION Extension = ExtensionOf(DeviceObject);
    PIRP Irp = DeviceObject->CurrentIrp;
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG Command = COMMAND_FLUSH;

    if (Extension->Work == DeviceGone)
        return FALSE;
    if (Stack->MajorFunction != IRP_MJ_FLUSH_BUFFERS) {
        PHYSICAL_ADDRESS Buffer = MmGetPhysicalAddress(MmGetMdlVirtualAddress(Irp->MdlAddress));
        ULONGLONG Sector = (ULONGLONG)Stack->Parameters.Read.ByteOffset.QuadPart / Extension->SectorBytes;

        Command = Stack->MajorFunction == IRP_MJ_READ ? COMMAND_READ : COMMAND_WRITE;
        WRITE_REGISTER_ULONG64((PULONG64)(Extension->Registers + REGISTER_LBA), Sector);
        WRITE_REGISTER_ULONG64((PULONG64)(Extension->Registers + REGISTER_DMA), (ULONGLONG)Buffer.QuadPart);
        WriteRegister(Extension, REGISTER_BLOCKS, Stack->Parameters.Read.Length / Extension->SectorBytes);
    }
    Extension->Work = DeviceBusy;
    WriteRegister(Extension, REGISTER_COMMAND, Command);
    return TRUE;
}

VOID StartIo(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN Cancelled;
    KIRQL CancelIrql;

    IoAcquireCancelSpinLock(&CancelIrql);
    Cancelled = Irp->Cancel;
    IoSetCancelRoutine(Irp, NULL);
    IoReleaseCancelSpinLock(CancelIrql);
    if (Cancelled)
        GiveUp(DeviceObject, Irp, STATUS_CANCELLED);
    else if (!KeSynchronizeExecution(ExtensionOf(DeviceObject)->Interrupt, ProgramDevice, DeviceObject))
        GiveUp(DeviceObject, Irp, STATUS_DEVICE_NOT_CONNECTED);
}

/* Called with the cancel spin lock held. A request that is not queued any more is StartIo's. */
VOID Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    BOOLEAN WasQueued = KeRemoveEntryDeviceQueue(&DeviceObject->DeviceQueue, &Irp->Tail.Overlay.DeviceQueueEntry);

    IoReleaseCancelSpinLock(Irp->CancelIrql);
    if (WasQueued) {
        CompleteWithStatus(Irp, STATUS_CANCELLED, 0);
        EndRequest(ExtensionOf(DeviceObject), TRUE);
    }
}

BOOLEAN InterruptService(PKINTERRUPT Interrupt, PVOID ServiceContext)
{
    PDEVICE_EXTENSION Extension = (PDEVICE_EXTENSION)ServiceContext;
    ULONG Reported, Status;

    UNREFERENCED_PARAMETER(Interrupt);
    if (Extension->Work == DeviceGone)
        return FALSE;
    Reported = ReadRegister(Extension, REGISTER_INTERRUPT_STATUS);
    if (!(Reported & INTERRUPT_DONE) || Reported == MAXULONG)
        return FALSE; /* Another device's, for the vector may be shared; or it is gone. */
    WriteRegister(Extension, REGISTER_INTERRUPT_STATUS, Reported);
    if (Extension->Work != DeviceBusy)
        return TRUE; /* Done with what it was never given. */
    /* Read after the acknowledgement: a command that ends now interrupts again. */
    Status = ReadRegister(Extension, REGISTER_STATUS);
    if (Status & STATUS_REGISTER_BUSY)
        return TRUE;
    Extension->DeviceError = Status & STATUS_REGISTER_ERROR ? ReadRegister(Extension, REGISTER_ERROR_CODE) : 0;
    Extension->Work = DeviceIdle;
    IoRequestDpc(Extension->DeviceObject, Extension->DeviceObject->CurrentIrp, NULL);
    return TRUE;
}

/* The caller holds the lock. */
static VOID CountRequest(PDEVICE_EXTENSION Extension, PIRP Irp)
{
    if (NT_SUCCESS(Irp->IoStatus.Status)) {
        Extension->Completed++;
        Extension->BytesMoved += Irp->IoStatus.Information;
    } else {
        Extension->Failed++;
    }
}

/* Completes the request that the device is through with. */
VOID DpcForIsr(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    PDEVICE_EXTENSION Extension = ExtensionOf(DeviceObject);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Context);
    Irp->IoStatus.Information = 0;
    if (Extension->DeviceError == ERROR_WRITE_PROTECTED) {
        Irp->IoStatus.Status = STATUS_MEDIA_WRITE_PROTECTED;
    } else if (Extension->DeviceError != 0) {
        Irp->IoStatus.Status = STATUS_IO_DEVICE_ERROR;
    } else {
        Irp->IoStatus.Status = STATUS_SUCCESS;
        if (Stack->MajorFunction != IRP_MJ_FLUSH_BUFFERS)
            Irp->IoStatus.Information = Stack->Parameters.Read.Length;
    }
    /* The next request is started first, so that the device is busy while the drivers above run. */
#ifdef COMPLETE_UNDER_LOCK
    IoStartNextPacket(DeviceObject, TRUE);
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    CountRequest(Extension, Irp);
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
#else
    KeAcquireSpinLockAtDpcLevel(&Extension->Lock);
    CountRequest(Extension, Irp);
    KeReleaseSpinLockFromDpcLevel(&Extension->Lock);
    IoStartNextPacket(DeviceObject, TRUE);
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
#endif
    EndRequest(Extension, TRUE);
}

/* Dispatch routines. */
NTSTATUS CreateClose(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UNREFERENCED_PARAMETER(DeviceObject);
    return CompleteWithStatus(Irp, STATUS_SUCCESS, 0);
}

/* The last handle of a file is gone: no application waits for what is still queued or held of it. */
NTSTATUS Cleanup(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILE_OBJECT FileObject = IoGetCurrentIrpStackLocation(Irp)->FileObject;

    CancelQueued(ExtensionOf(DeviceObject), FileObject);
    EndHeld(ExtensionOf(DeviceObject), FileObject, STATUS_CANCELLED);
    return CompleteWithStatus(Irp, STATUS_SUCCESS, 0);
}

/* Whole sectors, inside the disk, no more than one command can move, and described by an MDL. */
static NTSTATUS CheckTransfer(PDEVICE_EXTENSION Extension, PIRP Irp)
{
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    LONGLONG Offset = Stack->Parameters.Read.ByteOffset.QuadPart;
    ULONG Length = Stack->Parameters.Read.Length;
    ULONGLONG First = (ULONGLONG)Offset / Extension->SectorBytes;
    ULONG Count = Length / Extension->SectorBytes;

    if (Offset < 0 || (ULONGLONG)Offset % Extension->SectorBytes != 0 || Length % Extension->SectorBytes != 0)
        return STATUS_INVALID_PARAMETER;
    if (First > Extension->Sectors || Count > Extension->Sectors - First || Count > Extension->SectorsMax)
        return STATUS_INVALID_PARAMETER;
    if (Count != 0 && (Irp->MdlAddress == NULL || MmGetMdlByteCount(Irp->MdlAddress) < Length))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/* Reads, writes, flushes: the requests that go to the device. */
NTSTATUS ReadWriteFlush(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_EXTENSION Extension = ExtensionOf(DeviceObject);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    NTSTATUS Status = BeginRequest(Extension, TRUE);
    BOOLEAN IsHeld = Status == STATUS_PENDING;

    if (!NT_SUCCESS(Status))
        return CompleteWithStatus(Irp, Status, 0);
    if (Stack->MajorFunction != IRP_MJ_FLUSH_BUFFERS) {
        ULONG Length = Stack->Parameters.Read.Length;

        Status = CheckTransfer(Extension, Irp);
        if (!NT_SUCCESS(Status) || Length == 0) {
            CompleteWithStatus(Irp, Status, 0);
            EndRequest(Extension, !IsHeld);
            return Status;
        }
    }
    IoMarkIrpPending(Irp);
    if (IsHeld)
        HoldOrStart(DeviceObject, Irp);
    else
        IoStartPacket(DeviceObject, Irp, NULL, Cancel);
    return STATUS_PENDING;
}

NTSTATUS DeviceControl(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_EXTENSION Extension = ExtensionOf(DeviceObject);
    PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
    PGET_LENGTH_INFORMATION Answer = (PGET_LENGTH_INFORMATION)Irp->AssociatedIrp.SystemBuffer;
    ULONG_PTR Information = 0;
    NTSTATUS Status = BeginRequest(Extension, FALSE);

    if (!NT_SUCCESS(Status))
        return CompleteWithStatus(Irp, Status, 0);
    if (Stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_DISK_GET_LENGTH_INFO) {
        Status = STATUS_INVALID_DEVICE_REQUEST;
    } else if (Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Answer)) {
        Status = STATUS_BUFFER_TOO_SMALL;
    } else {
        Answer->Length.QuadPart = (LONGLONG)(Extension->Sectors * Extension->SectorBytes);
        Information = sizeof(*Answer);
    }
    CompleteWithStatus(Irp, Status, Information);
    EndRequest(Extension, FALSE);
    return Status;
}
