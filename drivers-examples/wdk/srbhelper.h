/*
 * srbhelper.h for storsim: the documented accessors for both kinds of SRB
 * (learn.microsoft.com/windows-hardware/drivers/ddi/srbhelper). SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_SRBHELPER_H
#define STORSIM_SRBHELPER_H
#include "storport.h"

FORCEINLINE BOOLEAN StorsimIsExtended(PVOID Srb)
{
    return ((PSCSI_REQUEST_BLOCK)Srb)->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
}

/* A value that both kinds have, in members of their own. */
#define STORSIM_SRB_VALUE(type, get, set, extended, plain) \
    FORCEINLINE type get(PVOID Srb) \
    { \
        if (StorsimIsExtended(Srb)) \
            return (type)((PSTORAGE_REQUEST_BLOCK)Srb)->extended; \
        return (type)((PSCSI_REQUEST_BLOCK)Srb)->plain; \
    } \
    FORCEINLINE VOID set(PVOID Srb, type Value) \
    { \
        if (StorsimIsExtended(Srb)) \
            ((PSTORAGE_REQUEST_BLOCK)Srb)->extended = Value; \
        else \
            ((PSCSI_REQUEST_BLOCK)Srb)->plain = Value; \
    }
STORSIM_SRB_VALUE(ULONG, SrbGetSrbFlags, SrbAssignSrbFlags, SrbFlags, SrbFlags)
STORSIM_SRB_VALUE(PVOID, SrbGetDataBuffer, SrbSetDataBuffer, DataBuffer, DataBuffer)
STORSIM_SRB_VALUE(ULONG, SrbGetDataTransferLength, SrbSetDataTransferLength, DataTransferLength, DataTransferLength)
STORSIM_SRB_VALUE(ULONG, SrbGetTimeOutValue, SrbSetTimeOutValue, TimeOutValue, TimeOutValue)
STORSIM_SRB_VALUE(PVOID, SrbGetOriginalRequest, SrbSetOriginalRequest, OriginalRequest, OriginalRequest)
STORSIM_SRB_VALUE(PVOID, SrbGetMiniportContext, SrbSetMiniportContext, MiniportContext, SrbExtension)
STORSIM_SRB_VALUE(ULONG, SrbGetQueueTag, SrbSetQueueTag, RequestTag, QueueTag)
STORSIM_SRB_VALUE(ULONG, SrbGetRequestTag, SrbSetRequestTag, RequestTag, QueueTag)
STORSIM_SRB_VALUE(ULONG, SrbGetSystemStatus, SrbSetSystemStatus, SystemStatus, InternalStatus)

FORCEINLINE ULONG SrbGetSrbLength(PVOID Srb)
{
    return StorsimIsExtended(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbLength : ((PSCSI_REQUEST_BLOCK)Srb)->Length;
}
FORCEINLINE ULONG SrbGetSrbFunction(PVOID Srb)
{
    return StorsimIsExtended(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbFunction : ((PSCSI_REQUEST_BLOCK)Srb)->Function;
}
FORCEINLINE VOID SrbSetSrbFlags(PVOID Srb, ULONG Flags) { SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) | Flags); }
FORCEINLINE VOID SrbClearSrbFlags(PVOID Srb, ULONG Flags) { SrbAssignSrbFlags(Srb, SrbGetSrbFlags(Srb) & ~Flags); }
FORCEINLINE PVOID SrbGetNextSrb(PVOID Srb)
{
    return StorsimIsExtended(Srb) ? (PVOID)((PSTORAGE_REQUEST_BLOCK)Srb)->NextSrb : ((PSCSI_REQUEST_BLOCK)Srb)->NextSrb;
}

/* Both kinds have the status in one place. */
FORCEINLINE UCHAR SrbGetSrbStatus(PVOID Srb) { return ((PSCSI_REQUEST_BLOCK)Srb)->SrbStatus; }
FORCEINLINE VOID SrbSetSrbStatus(PVOID Srb, UCHAR Status) { ((PSCSI_REQUEST_BLOCK)Srb)->SrbStatus = Status; }

/* Addresses. */
FORCEINLINE PSTOR_ADDRESS SrbGetAddress(PVOID Srb)
{
    return (PSTOR_ADDRESS)((PUCHAR)Srb + ((PSTORAGE_REQUEST_BLOCK)Srb)->AddressOffset);
}
#define STORSIM_SRB_ADDRESS(get, extended, plain) \
    FORCEINLINE UCHAR get(PVOID Srb) \
    { \
        if (StorsimIsExtended(Srb)) \
            return ((PSTOR_ADDR_BTL8)SrbGetAddress(Srb))->extended; \
        return ((PSCSI_REQUEST_BLOCK)Srb)->plain; \
    }
STORSIM_SRB_ADDRESS(SrbGetPathId, Path, PathId)
STORSIM_SRB_ADDRESS(SrbGetTargetId, Target, TargetId)
STORSIM_SRB_ADDRESS(SrbGetLun, Lun, Lun)

/* Extended data. */
FORCEINLINE PSRBEX_DATA SrbGetSrbExDataByType(PSTORAGE_REQUEST_BLOCK Srb, SRBEXDATATYPE Type)
{
    if (!StorsimIsExtended(Srb))
        return NULL;
    for (ULONG i = 0; i < Srb->NumSrbExData; i++) {
        ULONG Offset = Srb->SrbExDataOffset[i];
        PSRBEX_DATA Data = (PSRBEX_DATA)((PUCHAR)Srb + Offset);
        if (Offset >= sizeof(STORAGE_REQUEST_BLOCK) && Offset < Srb->SrbLength && Data->Type == Type)
            return Data;
    }
    return NULL;
}
FORCEINLINE PSRBEX_DATA StorsimScsiData(PVOID Srb)
{
    PSRBEX_DATA Data = SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypeScsiCdb16);
    if (Data == NULL)
        Data = SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypeScsiCdb32);
    if (Data == NULL)
        Data = SrbGetSrbExDataByType((PSTORAGE_REQUEST_BLOCK)Srb, SrbExDataTypeScsiCdbVar);
    return Data;
}

/* What of an SRB is SCSI's; every pointer may be NULL. Returns the command, NULL if it is none. */
FORCEINLINE PCDB SrbGetScsiData(
    PVOID Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus, PVOID *SenseInfoBuffer,
    PUCHAR SenseInfoBufferLength)
{
    UCHAR Length8 = 0, Status = 0, SenseLength = 0;
    ULONG Length32 = 0;
    PVOID Sense = NULL;
    PCDB Cdb = NULL;
    if (!StorsimIsExtended(Srb)) {
        PSCSI_REQUEST_BLOCK Plain = (PSCSI_REQUEST_BLOCK)Srb;
        Length8 = Plain->CdbLength;
        Status = Plain->ScsiStatus;
        Sense = Plain->SenseInfoBuffer;
        SenseLength = Plain->SenseInfoBufferLength;
        Cdb = (PCDB)Plain->Cdb;
    } else {
        PSRBEX_DATA Data = StorsimScsiData(Srb);
        if (Data != NULL && Data->Type == SrbExDataTypeScsiCdbVar) {
            PSRBEX_DATA_SCSI_CDB_VAR Variable = (PSRBEX_DATA_SCSI_CDB_VAR)Data;
            Length32 = Variable->CdbLength;
            Status = Variable->ScsiStatus;
            Sense = Variable->SenseInfoBuffer;
            SenseLength = Variable->SenseInfoBufferLength;
            Cdb = (PCDB)Variable->Cdb;
        } else if (Data != NULL) {
            PSRBEX_DATA_SCSI_CDB16 Fixed = (PSRBEX_DATA_SCSI_CDB16)Data;
            Length8 = Fixed->CdbLength;
            Status = Fixed->ScsiStatus;
            Sense = Fixed->SenseInfoBuffer;
            SenseLength = Fixed->SenseInfoBufferLength;
            Cdb = (PCDB)Fixed->Cdb;
        }
    }
    if (CdbLength8 != NULL)
        *CdbLength8 = Length8;
    if (CdbLength32 != NULL)
        *CdbLength32 = Length32;
    if (ScsiStatus != NULL)
        *ScsiStatus = Status;
    if (SenseInfoBuffer != NULL)
        *SenseInfoBuffer = Sense;
    if (SenseInfoBufferLength != NULL)
        *SenseInfoBufferLength = SenseLength;
    return Cdb;
}
FORCEINLINE VOID SrbSetScsiData(
    PVOID Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus, PVOID *SenseInfoBuffer,
    PUCHAR SenseInfoBufferLength)
{
    UNREFERENCED_PARAMETER(CdbLength32);
#define STORSIM_SET(To) \
    do { \
        if (CdbLength8 != NULL) \
            (To)->CdbLength = *CdbLength8; \
        if (ScsiStatus != NULL) \
            (To)->ScsiStatus = *ScsiStatus; \
        if (SenseInfoBuffer != NULL) \
            (To)->SenseInfoBuffer = *SenseInfoBuffer; \
        if (SenseInfoBufferLength != NULL) \
            (To)->SenseInfoBufferLength = *SenseInfoBufferLength; \
    } while (0)
    if (!StorsimIsExtended(Srb)) {
        STORSIM_SET((PSCSI_REQUEST_BLOCK)Srb);
    } else {
        PSRBEX_DATA_SCSI_CDB16 Data = (PSRBEX_DATA_SCSI_CDB16)StorsimScsiData(Srb);
        if (Data != NULL)
            STORSIM_SET(Data);
    }
#undef STORSIM_SET
}
FORCEINLINE PCDB SrbGetCdb(PVOID Srb) { return SrbGetScsiData(Srb, NULL, NULL, NULL, NULL, NULL); }
FORCEINLINE UCHAR SrbGetCdbLength(PVOID Srb)
{
    UCHAR Length;
    SrbGetScsiData(Srb, &Length, NULL, NULL, NULL, NULL);
    return Length;
}
FORCEINLINE UCHAR SrbGetScsiStatus(PVOID Srb)
{
    UCHAR Status;
    SrbGetScsiData(Srb, NULL, NULL, &Status, NULL, NULL);
    return Status;
}
FORCEINLINE VOID SrbSetScsiStatus(PVOID Srb, UCHAR Status) { SrbSetScsiData(Srb, NULL, NULL, &Status, NULL, NULL); }
FORCEINLINE PVOID SrbGetSenseInfoBuffer(PVOID Srb)
{
    PVOID Sense;
    SrbGetScsiData(Srb, NULL, NULL, NULL, &Sense, NULL);
    return Sense;
}
FORCEINLINE UCHAR SrbGetSenseInfoBufferLength(PVOID Srb)
{
    UCHAR Length;
    SrbGetScsiData(Srb, NULL, NULL, NULL, NULL, &Length);
    return Length;
}
FORCEINLINE VOID SrbSetSenseInfoBufferLength(PVOID Srb, UCHAR Length)
{
    SrbSetScsiData(Srb, NULL, NULL, NULL, NULL, &Length);
}
FORCEINLINE VOID SrbGetPathTargetLun(PVOID Srb, PUCHAR PathId, PUCHAR TargetId, PUCHAR Lun)
{
    if (PathId != NULL)
        *PathId = SrbGetPathId(Srb);
    if (TargetId != NULL)
        *TargetId = SrbGetTargetId(Srb);
    if (Lun != NULL)
        *Lun = SrbGetLun(Srb);
}
FORCEINLINE VOID SrbSetNextSrb(PVOID Srb, PVOID Next)
{
    if (StorsimIsExtended(Srb))
        ((PSTORAGE_REQUEST_BLOCK)Srb)->NextSrb = (PSTORAGE_REQUEST_BLOCK)Next;
    else
        ((PSCSI_REQUEST_BLOCK)Srb)->NextSrb = (PSCSI_REQUEST_BLOCK)Next;
}
#endif
