/*
 * srb.h for storsim: both kinds of SRB, as on x64 Windows.
 *
 * Written from the public documentation (learn.microsoft.com/windows-hardware/drivers/ddi/srb and .../storport).
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_SRB_H
#define STORSIM_SRB_H
#include "ntddk.h"

#define _NTSRB_
#define _NTSTORPORT_
#define STORPORT_API DECLSPEC_IMPORT

typedef LONG SRBEXDATATYPE;
typedef PHYSICAL_ADDRESS STOR_PHYSICAL_ADDRESS, *PSTOR_PHYSICAL_ADDRESS;
typedef KSPIN_LOCK STOR_KSPIN_LOCK, *PSTOR_KSPIN_LOCK;

typedef struct _SCSI_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function, SrbStatus, ScsiStatus, PathId, TargetId, Lun, QueueTag, QueueAction;
    UCHAR CdbLength, SenseInfoBufferLength;
    ULONG SrbFlags, DataTransferLength, TimeOutValue;
    PVOID DataBuffer, SenseInfoBuffer;
    struct _SCSI_REQUEST_BLOCK *NextSrb;
    PVOID OriginalRequest, SrbExtension;
    union { ULONG InternalStatus, QueueSortKey, LinkTimeoutValue; };
    ULONG Reserved;
    UCHAR Cdb[16];
} SCSI_REQUEST_BLOCK, *PSCSI_REQUEST_BLOCK;

typedef struct _SCSI_PNP_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function, SrbStatus, PnPSubFunction, PathId, TargetId, Lun;
    ULONG PnPAction, SrbFlags, DataTransferLength, TimeOutValue;
    PVOID DataBuffer, SenseInfoBuffer;
    struct _SCSI_REQUEST_BLOCK *NextSrb;
    PVOID OriginalRequest, SrbExtension;
    ULONG SrbPnPFlags, Reserved;
    UCHAR Reserved4[16];
} SCSI_PNP_REQUEST_BLOCK, *PSCSI_PNP_REQUEST_BLOCK;

typedef struct _SCSI_WMI_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function, SrbStatus, WMISubFunction, PathId, TargetId, Lun, Reserved1, WMIFlags, Reserved2[2];
    ULONG SrbFlags, DataTransferLength, TimeOutValue;
    PVOID DataBuffer, DataPath, Reserved3, OriginalRequest, SrbExtension;
    ULONG Reserved4, Reserved6;
    UCHAR Reserved5[16];
} SCSI_WMI_REQUEST_BLOCK, *PSCSI_WMI_REQUEST_BLOCK;

typedef struct _STORAGE_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function, SrbStatus, ReservedUchar1[4];
    ULONG Signature, Version, SrbLength, SrbFunction, SrbFlags, ReservedUlong1, RequestTag;
    USHORT RequestPriority, RequestAttribute;
    ULONG TimeOutValue;
    union { ULONG SystemStatus, RequestTagHigh; };
    ULONG ZeroGuard1, AddressOffset, NumSrbExData, DataTransferLength;
    PVOID DataBuffer, ZeroGuard2, OriginalRequest, ClassContext, PortContext, MiniportContext;
    struct _STORAGE_REQUEST_BLOCK *NextSrb;
    ULONG SrbExDataOffset[ANYSIZE_ARRAY];
} STORAGE_REQUEST_BLOCK, *PSTORAGE_REQUEST_BLOCK;

typedef struct _STOR_ADDRESS {
    USHORT Type, Port;
    ULONG AddressLength;
    UCHAR AddressData[ANYSIZE_ARRAY];
} STOR_ADDRESS, *PSTOR_ADDRESS;
typedef struct _STOR_ADDR_BTL8 {
    USHORT Type, Port;
    ULONG AddressLength;
    UCHAR Path, Target, Lun, Reserved;
} STOR_ADDR_BTL8, *PSTOR_ADDR_BTL8;

typedef struct _SRBEX_DATA { SRBEXDATATYPE Type; ULONG Length; UCHAR Data[ANYSIZE_ARRAY]; } SRBEX_DATA, *PSRBEX_DATA;
typedef struct _SRBEX_DATA_SCSI_CDB16 {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR ScsiStatus, SenseInfoBufferLength, CdbLength, Reserved;
    ULONG Reserved1;
    PVOID SenseInfoBuffer;
    UCHAR Cdb[16];
} SRBEX_DATA_SCSI_CDB16, *PSRBEX_DATA_SCSI_CDB16;
typedef struct _SRBEX_DATA_SCSI_CDB32 {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR ScsiStatus, SenseInfoBufferLength, CdbLength, Reserved;
    ULONG Reserved1;
    PVOID SenseInfoBuffer;
    UCHAR Cdb[32];
} SRBEX_DATA_SCSI_CDB32, *PSRBEX_DATA_SCSI_CDB32;
typedef struct _SRBEX_DATA_SCSI_CDB_VAR {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR ScsiStatus, SenseInfoBufferLength, Reserved[2];
    ULONG CdbLength, Reserved1[2];
    PVOID SenseInfoBuffer;
    UCHAR Cdb[ANYSIZE_ARRAY];
} SRBEX_DATA_SCSI_CDB_VAR, *PSRBEX_DATA_SCSI_CDB_VAR;
typedef struct _SRBEX_DATA_WMI {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR WMISubFunction, WMIFlags, Reserved[2];
    ULONG Reserved1;
    PVOID DataPath;
} SRBEX_DATA_WMI, *PSRBEX_DATA_WMI;
typedef struct _SRBEX_DATA_PNP {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR PnPSubFunction, Reserved[3];
    ULONG PnPAction, SrbPnPFlags, Reserved1;
} SRBEX_DATA_PNP, *PSRBEX_DATA_PNP;
#define SrbExDataTypeWmi 0x60

typedef struct _SRB_IO_CONTROL {
    ULONG HeaderLength;
    UCHAR Signature[8];
    ULONG Timeout, ControlCode, ReturnCode, Length;
} SRB_IO_CONTROL, *PSRB_IO_CONTROL;
typedef struct _MEMORY_REGION { PUCHAR VirtualBase; PHYSICAL_ADDRESS PhysicalBase; ULONG Length; } MEMORY_REGION, *PMEMORY_REGION;
typedef struct _ACCESS_RANGE { STOR_PHYSICAL_ADDRESS RangeStart; ULONG RangeLength; BOOLEAN RangeInMemory; } ACCESS_RANGE, *PACCESS_RANGE;
#endif
