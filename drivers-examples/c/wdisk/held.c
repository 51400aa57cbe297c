/* Requests begin and end, and wait while the device is stopped or asleep. SPDX-License-Identifier: MIT */
#include "wdisk.h"

NTSTATUS CompleteWithStatus(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS BeginRequest(PDEVICE_EXTENSION Extension, BOOLEAN ForDevice)
{
    NTSTATUS Status = STATUS_DEVICE_NOT_READY;
    KIRQL Irql;

    KeAcquireSpinLock(&Extension->Lock, &Irql);
    if (Extension->Phase == Started) {
        Extension->Outstanding++;
        Status = STATUS_SUCCESS;
        if (ForDevice && Extension->Held != 0)
            Status = STATUS_PENDING;
        else if (ForDevice)
            Extension->Active++;
    }
    KeReleaseSpinLock(&Extension->Lock, Irql);
    return Status;
}

VOID EndRequest(PDEVICE_EXTENSION Extension, BOOLEAN WasActive)
{
    ULONG Left;
    KIRQL Irql;

    KeAcquireSpinLock(&Extension->Lock, &Irql);
    Left = --Extension->Outstanding;
    /* With the lock held: once it is released the device may be gone. */
    if (WasActive && --Extension->Active == 0 && Extension->Held != 0)
        KeSetEvent(&Extension->IdleEvent, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Extension->Lock, Irql);
    if (Left == 0)
        KeSetEvent(&Extension->RemoveEvent, IO_NO_INCREMENT, FALSE);
}

VOID SetPhase(PDEVICE_EXTENSION Extension, DEVICE_PHASE Phase)
{
    KIRQL Irql;

    KeAcquireSpinLock(&Extension->Lock, &Irql);
    Extension->Phase = Phase;
    KeReleaseSpinLock(&Extension->Lock, Irql);
}

/* The held queue. Its routines are called with the lock held that they name. */
static PDEVICE_EXTENSION OfQueue(PIO_CSQ Csq)
{
    return CONTAINING_RECORD(Csq, DEVICE_EXTENSION, HeldQueue);
}

BOOLEAN IsOf(PIRP Irp, PFILE_OBJECT FileObject)
{
    return FileObject == NULL || IoGetCurrentIrpStackLocation(Irp)->FileObject == FileObject;
}

static NTSTATUS CsqInsertIrp(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext)
{
    PDEVICE_EXTENSION Extension = OfQueue(Csq);

    UNREFERENCED_PARAMETER(InsertContext);
    if (Extension->Phase != Started)
        return STATUS_DEVICE_NOT_CONNECTED;
    if (Extension->Held == 0) {
        Extension->Active++;
        return STATUS_NOT_HELD;
    }
    InsertTailList(&Extension->HeldList, &Irp->Tail.Overlay.ListEntry);
    return STATUS_SUCCESS;
}

static VOID CsqRemoveIrp(PIO_CSQ Csq, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Csq);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
}

/* The next request of the file that the context is, or (NULL) of any. */
static PIRP CsqPeekNextIrp(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext)
{
    PLIST_ENTRY List = &OfQueue(Csq)->HeldList;
    PLIST_ENTRY Entry = Irp == NULL ? List->Flink : Irp->Tail.Overlay.ListEntry.Flink;

    for (; Entry != List; Entry = Entry->Flink) {
        PIRP Next = CONTAINING_RECORD(Entry, IRP, Tail.Overlay.ListEntry);
        if (IsOf(Next, (PFILE_OBJECT)PeekContext))
            return Next;
    }
    return NULL;
}

static VOID CsqAcquireLock(PIO_CSQ Csq, PKIRQL Irql)
{
    KeAcquireSpinLock(&OfQueue(Csq)->Lock, Irql);
}

static VOID CsqReleaseLock(PIO_CSQ Csq, KIRQL Irql)
{
    KeReleaseSpinLock(&OfQueue(Csq)->Lock, Irql);
}

static VOID CsqCompleteCanceledIrp(PIO_CSQ Csq, PIRP Irp)
{
    CompleteWithStatus(Irp, STATUS_CANCELLED, 0);
    EndRequest(OfQueue(Csq), FALSE);
}

/* Holds a request that is to be held, or gives it to the device if that has changed; TRUE if it is held. */
BOOLEAN HoldOrStart(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PDEVICE_EXTENSION Extension = ExtensionOf(DeviceObject);
    NTSTATUS Status = IoCsqInsertIrpEx(&Extension->HeldQueue, Irp, NULL, NULL);

    if (Status == STATUS_SUCCESS)
        return TRUE;
    if (Status == STATUS_NOT_HELD) {
        IoStartPacket(DeviceObject, Irp, NULL, Cancel);
    } else {
        CompleteWithStatus(Irp, Status, 0);
        EndRequest(Extension, FALSE);
    }
    return FALSE;
}

/* Holds requests from now on, and waits until none is at the device or queued for it. */
VOID Hold(PDEVICE_EXTENSION Extension, ULONG Reason)
{
    KIRQL Irql;

    KeAcquireSpinLock(&Extension->Lock, &Irql);
    Extension->Held |= Reason;
    if (Extension->Active == 0)
        KeSetEvent(&Extension->IdleEvent, IO_NO_INCREMENT, FALSE);
    else
        KeClearEvent(&Extension->IdleEvent);
    KeReleaseSpinLock(&Extension->Lock, Irql);
    KeWaitForSingleObject(&Extension->IdleEvent, Executive, KernelMode, FALSE, NULL);
}

/* A reason is gone. With the last, what was held goes to the device. */
VOID LetGo(PDEVICE_EXTENSION Extension, ULONG Reason)
{
    ULONG Held;
    KIRQL Irql;
    PIRP Irp;

    KeAcquireSpinLock(&Extension->Lock, &Irql);
    Held = Extension->Held &= ~Reason;
    KeReleaseSpinLock(&Extension->Lock, Irql);
    if (Held != 0)
        return;
    /* One that has to be held again ends this: who holds now will let it go. */
    do
        Irp = IoCsqRemoveNextIrp(&Extension->HeldQueue, NULL);
    while (Irp != NULL && !HoldOrStart(Extension->DeviceObject, Irp));
}

/* Ends what is held of a file, or (NULL) all. */
VOID EndHeld(PDEVICE_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status)
{
    PIRP Irp;

    while ((Irp = IoCsqRemoveNextIrp(&Extension->HeldQueue, FileObject)) != NULL) {
        CompleteWithStatus(Irp, Status, 0);
        EndRequest(Extension, FALSE);
    }
}

VOID InitializeHeldQueue(PDEVICE_EXTENSION Extension)
{
    InitializeListHead(&Extension->HeldList);
    IoCsqInitializeEx(&Extension->HeldQueue, CsqInsertIrp, CsqRemoveIrp, CsqPeekNextIrp, CsqAcquireLock,
                      CsqReleaseLock, CsqCompleteCanceledIrp);
}
