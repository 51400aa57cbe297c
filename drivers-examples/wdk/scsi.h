/*
 * scsi.h for storsim: operation codes, statuses and formats of SCSI, after SPC-4 and SBC-3, under the names that
 * Windows drivers use. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_SCSI_H
#define STORSIM_SCSI_H
#include "ntddk.h"

#define SCSIOP_TEST_UNIT_READY 0x00
#define SCSIOP_REQUEST_SENSE 0x03
#define SCSIOP_FORMAT_UNIT 0x04
#define SCSIOP_READ6 0x08
#define SCSIOP_WRITE6 0x0A
#define SCSIOP_INQUIRY 0x12
#define SCSIOP_MODE_SELECT 0x15
#define SCSIOP_RESERVE_UNIT 0x16
#define SCSIOP_RELEASE_UNIT 0x17
#define SCSIOP_MODE_SENSE 0x1A
#define SCSIOP_START_STOP_UNIT 0x1B
#define SCSIOP_SEND_DIAGNOSTIC 0x1D
#define SCSIOP_MEDIUM_REMOVAL 0x1E
#define SCSIOP_READ_CAPACITY 0x25
#define SCSIOP_READ 0x28
#define SCSIOP_WRITE 0x2A
#define SCSIOP_SEEK 0x2B
#define SCSIOP_WRITE_VERIFY 0x2E
#define SCSIOP_VERIFY 0x2F
#define SCSIOP_SYNCHRONIZE_CACHE 0x35
#define SCSIOP_WRITE_DATA_BUFF 0x3B
#define SCSIOP_READ_DATA_BUFF 0x3C
#define SCSIOP_UNMAP 0x42
#define SCSIOP_LOG_SELECT 0x4C
#define SCSIOP_LOG_SENSE 0x4D
#define SCSIOP_MODE_SELECT10 0x55
#define SCSIOP_RESERVE_UNIT10 0x56
#define SCSIOP_RELEASE_UNIT10 0x57
#define SCSIOP_MODE_SENSE10 0x5A
#define SCSIOP_PERSISTENT_RESERVE_IN 0x5E
#define SCSIOP_PERSISTENT_RESERVE_OUT 0x5F
#define SCSIOP_ATA_PASSTHROUGH16 0x85
#define SCSIOP_READ16 0x88
#define SCSIOP_WRITE16 0x8A
#define SCSIOP_WRITE_VERIFY16 0x8E
#define SCSIOP_VERIFY16 0x8F
#define SCSIOP_SYNCHRONIZE_CACHE16 0x91
#define SCSIOP_SERVICE_ACTION_IN16 0x9E
#define SCSIOP_READ_CAPACITY16 0x9E
#define SCSIOP_REPORT_LUNS 0xA0
#define SCSIOP_ATA_PASSTHROUGH12 0xA1
#define SCSIOP_SECURITY_PROTOCOL_IN 0xA2
#define SCSIOP_MAINTENANCE_IN 0xA3
#define SCSIOP_READ12 0xA8
#define SCSIOP_WRITE12 0xAA
#define SCSIOP_WRITE_VERIFY12 0xAE
#define SCSIOP_VERIFY12 0xAF
#define SCSIOP_SECURITY_PROTOCOL_OUT 0xB5

#define SCSISTAT_RESERVATION_CONFLICT 0x18
#define SCSISTAT_QUEUE_FULL 0x28

#define SCSI_SENSE_NO_SENSE 0x00
#define SCSI_SENSE_RECOVERED_ERROR 0x01
#define SCSI_SENSE_NOT_READY 0x02
#define SCSI_SENSE_MEDIUM_ERROR 0x03
#define SCSI_SENSE_HARDWARE_ERROR 0x04
#define SCSI_SENSE_ILLEGAL_REQUEST 0x05
#define SCSI_SENSE_UNIT_ATTENTION 0x06
#define SCSI_SENSE_DATA_PROTECT 0x07
#define SCSI_SENSE_ABORTED_COMMAND 0x0B
#define SCSI_ADSENSE_ILLEGAL_COMMAND 0x20
#define SCSI_ADSENSE_ILLEGAL_BLOCK 0x21
#define SCSI_ADSENSE_INVALID_CDB 0x24
#define SCSI_ADSENSE_BUS_RESET 0x29
#define SCSI_ADSENSE_PARAMETERS_CHANGED 0x2A
#define SCSI_ADSENSE_NO_SENSE 0x00

#define VPD_SUPPORTED_PAGES 0x00
#define VPD_SERIAL_NUMBER 0x80
#define VPD_DEVICE_IDENTIFIERS 0x83
#define VPD_BLOCK_LIMITS 0xB0
#define VPD_BLOCK_DEVICE_CHARACTERISTICS 0xB1
#define VpdCodeSetBinary 1
#define VpdCodeSetAscii 2
#define VpdIdentifierTypeEUI64 2
#define VpdIdentifierTypeFCPHName 3

#pragma pack(push, 1)
typedef union _CDB {
    struct { UCHAR OperationCode, Bits, Immediate[3], Control; } CDB6GENERIC;
    struct { UCHAR OperationCode, EnableVitalProductData : 1, CommandSupportData : 1, Reserved1 : 6; UCHAR PageCode, ReservedIfNotOne, AllocationLength, Control; } CDB6INQUIRY3;
    struct {
        UCHAR OperationCode, Bits, LogicalBlockByte0, LogicalBlockByte1, LogicalBlockByte2, LogicalBlockByte3;
        UCHAR Reserved2, TransferBlocksMsb, TransferBlocksLsb, Control;
    } CDB10;
    struct { UCHAR OperationCode, Bits, LogicalBlock[4], TransferLength[4], Reserved2, Control; } CDB12;
    struct { UCHAR OperationCode, Bits, LogicalBlock[8], TransferLength[4], Reserved2, Control; } CDB16;
    UCHAR AsByte[16];
    ULONG AsUlong[4];
} CDB, *PCDB;
#pragma pack(pop)

typedef struct _SENSE_DATA {
    UCHAR ErrorCode : 7, Valid : 1;
    UCHAR SegmentNumber;
    UCHAR SenseKey : 4, Reserved : 1, IncorrectLength : 1, EndOfMedia : 1, FileMark : 1;
    UCHAR Information[4], AdditionalSenseLength, CommandSpecificInformation[4];
    UCHAR AdditionalSenseCode, AdditionalSenseCodeQualifier, FieldReplaceableUnitCode, SenseKeySpecific[3];
} SENSE_DATA, *PSENSE_DATA;
typedef struct _INQUIRYDATA {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR DeviceTypeModifier : 7, RemovableMedia : 1;
    UCHAR Versions, ResponseDataFormat, AdditionalLength, Flags[3];
    UCHAR VendorId[8], ProductId[16], ProductRevisionLevel[4], VendorSpecific[20], Reserved3[40];
} INQUIRYDATA, *PINQUIRYDATA;
typedef struct _VPD_SERIAL_NUMBER_PAGE {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR PageCode, Reserved, PageLength, SerialNumber[];
} VPD_SERIAL_NUMBER_PAGE, *PVPD_SERIAL_NUMBER_PAGE;
typedef struct _VPD_SUPPORTED_PAGES_PAGE {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR PageCode, Reserved, PageLength, SupportedPageList[];
} VPD_SUPPORTED_PAGES_PAGE, *PVPD_SUPPORTED_PAGES_PAGE;
typedef struct _VPD_IDENTIFICATION_DESCRIPTOR {
    UCHAR CodeSet : 4, Reserved : 4;
    UCHAR IdentifierType : 4, Association : 2, Reserved2 : 2;
    UCHAR Reserved3, IdentifierLength, Identifier[];
} VPD_IDENTIFICATION_DESCRIPTOR, *PVPD_IDENTIFICATION_DESCRIPTOR;
typedef struct _VPD_IDENTIFICATION_PAGE {
    UCHAR DeviceType : 5, DeviceTypeQualifier : 3;
    UCHAR PageCode, Reserved, PageLength, Descriptors[];
} VPD_IDENTIFICATION_PAGE, *PVPD_IDENTIFICATION_PAGE;
#define DIRECT_ACCESS_DEVICE 0x00
#define DEVICE_CONNECTED 0x00

typedef struct _EIGHT_BYTE { UCHAR Byte[8]; } EIGHT_BYTE, *PEIGHT_BYTE;
FORCEINLINE VOID StorsimReverse(PUCHAR To, const UCHAR *From, ULONG Bytes)
{
    for (ULONG i = 0; i < Bytes; i++)
        To[i] = From[Bytes - 1 - i];
}
#define REVERSE_BYTES_SHORT(To, From) StorsimReverse((PUCHAR)(To), (const UCHAR *)(From), 2)
#define REVERSE_BYTES(To, From) StorsimReverse((PUCHAR)(To), (const UCHAR *)(From), 4)
#define REVERSE_BYTES_QUAD(To, From) StorsimReverse((PUCHAR)(To), (const UCHAR *)(From), 8)
#endif
