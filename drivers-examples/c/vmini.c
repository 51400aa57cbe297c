/*
 * vmini: a Storport virtual miniport in C, a disk in memory.
 *
 * It is compiled as it is by `storsim cc`, and runs under `storsim run --sys`. With COMPLETE_UNDER_LOCK it completes
 * service requests while it holds its spin lock, which SpinLockSafe finds; with READ_NULL it follows a pointer that
 * is NULL once thirty requests have come; with UNLOCKED_COUNT it counts requests under way without a lock.
 *
 * SPDX-License-Identifier: MIT
 */
#include <storport.h>
#include <srbhelper.h>

#define BLOCK_BYTES 512u
#define BLOCKS 32768u
#define POOL_TAG 'iniV'

typedef struct _EXTENSION {
    PUCHAR Disk;
    /* Guards the two counts. */
    KSPIN_LOCK Lock;
    ULONG ServiceRequests;
    ULONG UnderWay;
} EXTENSION, *PEXTENSION;

/* Globals are made as they were for every run: a load after a load starts from zero. */
static ULONG Loads;

DRIVER_INITIALIZE DriverEntry;
static VIRTUAL_HW_FIND_ADAPTER FindAdapter;
static HW_INITIALIZE Initialize;
static HW_STARTIO StartIo;
static HW_RESET_BUS ResetBus;
static HW_ADAPTER_CONTROL AdapterControl;
static HW_FREE_ADAPTER_RESOURCES FreeAdapterResources;
static HW_PROCESS_SERVICE_REQUEST ProcessServiceRequest;

static ULONGLONG BigEndian(const UCHAR *Bytes, ULONG Count)
{
    ULONGLONG Value = 0;
    while (Count--)
        Value = Value << 8 | *Bytes++;
    return Value;
}

static VOID PutBigEndian(PUCHAR Bytes, ULONG Count, ULONGLONG Value)
{
    while (Count--) {
        Bytes[Count] = (UCHAR)Value;
        Value >>= 8;
    }
}

/* Moves blocks between the disk and the request's buffer. */
static UCHAR Move(PEXTENSION Extension, PSCSI_REQUEST_BLOCK Srb, ULONGLONG First, ULONG Count, BOOLEAN ToDisk)
{
    PUCHAR Blocks = Extension->Disk + First * BLOCK_BYTES;
    SIZE_T Bytes = (SIZE_T)Count * BLOCK_BYTES;

    if (First > BLOCKS || Count > BLOCKS - First || Bytes > Srb->DataTransferLength)
        return SRB_STATUS_INVALID_REQUEST;
    if (ToDisk)
        RtlCopyMemory(Blocks, Srb->DataBuffer, Bytes);
    else
        RtlCopyMemory(Srb->DataBuffer, Blocks, Bytes);
    Srb->DataTransferLength = (ULONG)Bytes;
    return SRB_STATUS_SUCCESS;
}

/* Hands data to a request that may have asked for less. */
static UCHAR Give(PSCSI_REQUEST_BLOCK Srb, const VOID *Data, ULONG Bytes)
{
    Srb->DataTransferLength = min(Bytes, Srb->DataTransferLength);
    RtlCopyMemory(Srb->DataBuffer, Data, Srb->DataTransferLength);
    return SRB_STATUS_SUCCESS;
}

static UCHAR Inquiry(PSCSI_REQUEST_BLOCK Srb)
{
    INQUIRYDATA Data;

    if (Srb->Cdb[1] & 1)
        return SRB_STATUS_INVALID_REQUEST;
    RtlZeroMemory(&Data, sizeof(Data));
    Data.DeviceType = DIRECT_ACCESS_DEVICE;
    Data.Versions = 5;
    Data.ResponseDataFormat = 2;
    Data.AdditionalLength = 31;
    RtlCopyMemory(Data.VendorId, "STORSIM ", 8);
    RtlCopyMemory(Data.ProductId, "C RAM DISK      ", 16);
    RtlCopyMemory(Data.ProductRevisionLevel, "1.0 ", 4);
    return Give(Srb, &Data, 36);
}

static UCHAR Execute(PEXTENSION Extension, PSCSI_REQUEST_BLOCK Srb)
{
    const UCHAR *Cdb = Srb->Cdb;
    UCHAR Data[32];

    if (Srb->PathId != 0 || Srb->TargetId != 0 || Srb->Lun != 0)
        return SRB_STATUS_NO_DEVICE;
    RtlZeroMemory(Data, sizeof(Data));
    switch (Cdb[0]) {
    case SCSIOP_TEST_UNIT_READY:
    case SCSIOP_SYNCHRONIZE_CACHE:
    case SCSIOP_SYNCHRONIZE_CACHE16:
        return SRB_STATUS_SUCCESS;
    case SCSIOP_INQUIRY:
        return Inquiry(Srb);
    case SCSIOP_REPORT_LUNS:
        PutBigEndian(Data, 4, 8);
        return Give(Srb, Data, 16);
    case SCSIOP_READ_CAPACITY:
        PutBigEndian(Data, 4, BLOCKS - 1);
        PutBigEndian(Data + 4, 4, BLOCK_BYTES);
        return Give(Srb, Data, 8);
    case SCSIOP_READ_CAPACITY16:
        PutBigEndian(Data, 8, BLOCKS - 1);
        PutBigEndian(Data + 8, 4, BLOCK_BYTES);
        return Give(Srb, Data, 32);
    case SCSIOP_READ:
    case SCSIOP_WRITE:
        return Move(Extension, Srb, BigEndian(Cdb + 2, 4), (ULONG)BigEndian(Cdb + 7, 2), Cdb[0] == SCSIOP_WRITE);
    case SCSIOP_READ16:
    case SCSIOP_WRITE16:
        return Move(Extension, Srb, BigEndian(Cdb + 2, 8), (ULONG)BigEndian(Cdb + 10, 4), Cdb[0] == SCSIOP_WRITE16);
    default:
        return SRB_STATUS_INVALID_REQUEST;
    }
}

static VOID Count(PEXTENSION Extension, LONG By)
{
#ifdef UNLOCKED_COUNT
    Extension->UnderWay += By;
#else
    KIRQL OldIrql;

    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    Extension->UnderWay += By;
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
#endif
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PEXTENSION Extension = (PEXTENSION)DeviceExtension;

#ifdef READ_NULL
    static ULONG Requests;
    if (++Requests > 30)
        Extension = NULL;
#endif
    if (Extension->Disk == NULL) {
        Srb->SrbStatus = SRB_STATUS_NO_DEVICE;
        StorPortNotification(RequestComplete, DeviceExtension, Srb);
        return TRUE;
    }
    Count(Extension, 1);
    Srb->SrbStatus = SRB_STATUS_SUCCESS;
    if (Srb->Function == SRB_FUNCTION_EXECUTE_SCSI)
        Srb->SrbStatus = Execute(Extension, Srb);
    Count(Extension, -1);
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
    return TRUE;
}

/* A request from a program, as an IRP that is completed here. */
static VOID ProcessServiceRequest(PVOID DeviceExtension, PVOID Context)
{
    PEXTENSION Extension = (PEXTENSION)DeviceExtension;
    PIRP Irp = (PIRP)Context;
    KIRQL OldIrql;

    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    KeAcquireSpinLock(&Extension->Lock, &OldIrql);
    Extension->ServiceRequests++;
#ifdef COMPLETE_UNDER_LOCK
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
#else
    KeReleaseSpinLock(&Extension->Lock, OldIrql);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
#endif
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PVOID LowerDevice,
                         PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    PEXTENSION Extension = (PEXTENSION)DeviceExtension;
    PVOID Disk = NULL;

    UNREFERENCED_PARAMETER(HwContext);
    UNREFERENCED_PARAMETER(BusInformation);
    UNREFERENCED_PARAMETER(LowerDevice);
    UNREFERENCED_PARAMETER(ArgumentString);
    if (StorPortAllocatePool(Extension, BLOCKS * BLOCK_BYTES, POOL_TAG, &Disk) != STOR_STATUS_SUCCESS)
        return SP_RETURN_ERROR;
    RtlZeroMemory(Disk, BLOCKS * BLOCK_BYTES);
    Extension->Disk = Disk;
    KeInitializeSpinLock(&Extension->Lock);
    ConfigInfo->VirtualDevice = TRUE;
    ConfigInfo->MaximumTransferLength = 256 * 1024;
    ConfigInfo->NumberOfPhysicalBreaks = 64;
    ConfigInfo->NumberOfBuses = 1;
    ConfigInfo->MaximumNumberOfTargets = 1;
    ConfigInfo->MaximumNumberOfLogicalUnits = 1;
    ConfigInfo->ScatterGather = TRUE;
    ConfigInfo->SynchronizationModel = StorSynchronizeFullDuplex;
    *Again = FALSE;
    return SP_RETURN_FOUND;
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    return TRUE;
}

/* No request outlives StartIo, so there is none to complete. */
static BOOLEAN ResetBus(PVOID DeviceExtension, ULONG PathId)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(PathId);
    return TRUE;
}

static SCSI_ADAPTER_CONTROL_STATUS AdapterControl(
    PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    if (ControlType == ScsiQuerySupportedControlTypes) {
        PSCSI_SUPPORTED_CONTROL_TYPE_LIST List = (PSCSI_SUPPORTED_CONTROL_TYPE_LIST)Parameters;
        for (ULONG i = 0; i < List->MaxControlType; i++)
            List->SupportedTypeList[i] =
                i == ScsiQuerySupportedControlTypes || i == ScsiStopAdapter || i == ScsiRestartAdapter;
    }
    return ScsiAdapterControlSuccess;
}

static VOID FreeAdapterResources(PVOID DeviceExtension)
{
    PEXTENSION Extension = (PEXTENSION)DeviceExtension;

    if (Extension->UnderWay != 0)
        StorPortLogError(Extension, NULL, 0, 0, 0, 0, Extension->UnderWay);
    StorPortFreePool(Extension, Extension->Disk);
    Extension->Disk = NULL;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    VIRTUAL_HW_INITIALIZATION_DATA Data;

    if (Loads++ != 0)
        return STATUS_UNSUCCESSFUL;
    RtlZeroMemory(&Data, sizeof(Data));
    Data.HwInitializationDataSize = sizeof(Data);
    Data.AdapterInterfaceType = Internal;
    Data.HwInitialize = Initialize;
    Data.HwStartIo = StartIo;
    Data.HwFindAdapter = FindAdapter;
    Data.HwResetBus = ResetBus;
    Data.HwAdapterControl = AdapterControl;
    Data.HwFreeAdapterResources = FreeAdapterResources;
    Data.HwProcessServiceRequest = ProcessServiceRequest;
    Data.DeviceExtensionSize = sizeof(EXTENSION);
    Data.MapBuffers = STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE;
    Data.TaggedQueuing = TRUE;
    Data.AutoRequestSense = TRUE;
    Data.MultipleRequestPerLu = TRUE;
    return StorPortInitialize(DriverObject, RegistryPath, (PHW_INITIALIZATION_DATA)&Data, NULL);
}
