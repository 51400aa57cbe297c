/*
 * scsi.h for storsim: operation codes, statuses and formats of SCSI, after SPC-4 and SBC-3, under the names that
 * Windows drivers use. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_SCSI_H
#define STORSIM_SCSI_H
#include "ntddk.h"

#define SCSIOP_TEST_UNIT_READY 0x00
#define SCSIOP_REZERO_UNIT 0x01
#define SCSIOP_REWIND 0x01
#define SCSIOP_REQUEST_BLOCK_ADDR 0x02
#define SCSIOP_REQUEST_SENSE 0x03
#define SCSIOP_FORMAT_UNIT 0x04
#define SCSIOP_READ_BLOCK_LIMITS 0x05
#define SCSIOP_REASSIGN_BLOCKS 0x07
#define SCSIOP_INIT_ELEMENT_STATUS 0x07
#define SCSIOP_READ6 0x08
#define SCSIOP_RECEIVE 0x08
#define SCSIOP_WRITE6 0x0A
#define SCSIOP_PRINT 0x0A
#define SCSIOP_SEND 0x0A
#define SCSIOP_SEEK6 0x0B
#define SCSIOP_TRACK_SELECT 0x0B
#define SCSIOP_SLEW_PRINT 0x0B
#define SCSIOP_SET_CAPACITY 0x0B
#define SCSIOP_SEEK_BLOCK 0x0C
#define SCSIOP_PARTITION 0x0D
#define SCSIOP_READ_REVERSE 0x0F
#define SCSIOP_WRITE_FILEMARKS 0x10
#define SCSIOP_FLUSH_BUFFER 0x10
#define SCSIOP_SPACE 0x11
#define SCSIOP_INQUIRY 0x12
#define SCSIOP_VERIFY6 0x13
#define SCSIOP_RECOVER_BUF_DATA 0x14
#define SCSIOP_MODE_SELECT 0x15
#define SCSIOP_RESERVE_UNIT 0x16
#define SCSIOP_RELEASE_UNIT 0x17
#define SCSIOP_COPY 0x18
#define SCSIOP_ERASE 0x19
#define SCSIOP_MODE_SENSE 0x1A
#define SCSIOP_START_STOP_UNIT 0x1B
#define SCSIOP_STOP_PRINT 0x1B
#define SCSIOP_LOAD_UNLOAD 0x1B
#define SCSIOP_RECEIVE_DIAGNOSTIC 0x1C
#define SCSIOP_SEND_DIAGNOSTIC 0x1D
#define SCSIOP_MEDIUM_REMOVAL 0x1E
#define SCSIOP_READ_FORMATTED_CAPACITY 0x23
#define SCSIOP_READ_CAPACITY 0x25
#define SCSIOP_READ 0x28
#define SCSIOP_WRITE 0x2A
#define SCSIOP_SEEK 0x2B
#define SCSIOP_LOCATE 0x2B
#define SCSIOP_POSITION_TO_ELEMENT 0x2B
#define SCSIOP_WRITE_VERIFY 0x2E
#define SCSIOP_VERIFY 0x2F
#define SCSIOP_SEARCH_DATA_HIGH 0x30
#define SCSIOP_SEARCH_DATA_EQUAL 0x31
#define SCSIOP_SEARCH_DATA_LOW 0x32
#define SCSIOP_SET_LIMITS 0x33
#define SCSIOP_READ_POSITION 0x34
#define SCSIOP_SYNCHRONIZE_CACHE 0x35
#define SCSIOP_READ_DEFECT_DATA 0xB7
#define SCSIOP_INIT_ELEMENT_RANGE 0xE7
#define SCSIOP_COMPARE 0x39
#define SCSIOP_COPY_COMPARE 0x3A
#define SCSIOP_WRITE_DATA_BUFF 0x3B
#define SCSIOP_READ_DATA_BUFF 0x3C
#define SCSIOP_WRITE_LONG 0x3F
#define SCSIOP_CHANGE_DEFINITION 0x40
#define SCSIOP_WRITE_SAME 0x41
#define SCSIOP_READ_SUB_CHANNEL 0x42
#define SCSIOP_UNMAP 0x42
#define SCSIOP_READ_TOC 0x43
#define SCSIOP_READ_HEADER 0x44
#define SCSIOP_REPORT_DENSITY_SUPPORT 0x44
#define SCSIOP_PLAY_AUDIO 0x45
#define SCSIOP_GET_CONFIGURATION 0x46
#define SCSIOP_PLAY_AUDIO_MSF 0x47
#define SCSIOP_PLAY_TRACK_INDEX 0x48
#define SCSIOP_SANITIZE 0x48
#define SCSIOP_PLAY_TRACK_RELATIVE 0x49
#define SCSIOP_GET_EVENT_STATUS 0x4A
#define SCSIOP_PAUSE_RESUME 0x4B
#define SCSIOP_LOG_SELECT 0x4C
#define SCSIOP_LOG_SENSE 0x4D
#define SCSIOP_STOP_PLAY_SCAN 0x4E
#define SCSIOP_XDWRITE 0x50
#define SCSIOP_XPWRITE 0x51
#define SCSIOP_READ_DISC_INFORMATION 0x51
#define SCSIOP_READ_TRACK_INFORMATION 0x52
#define SCSIOP_XDWRITE_READ 0x53
#define SCSIOP_RESERVE_TRACK_RZONE 0x53
#define SCSIOP_SEND_OPC_INFORMATION 0x54
#define SCSIOP_MODE_SELECT10 0x55
#define SCSIOP_RESERVE_UNIT10 0x56
#define SCSIOP_RESERVE_ELEMENT 0x56
#define SCSIOP_RELEASE_UNIT10 0x57
#define SCSIOP_RELEASE_ELEMENT 0x57
#define SCSIOP_REPAIR_TRACK 0x58
#define SCSIOP_MODE_SENSE10 0x5A
#define SCSIOP_CLOSE_TRACK_SESSION 0x5B
#define SCSIOP_READ_BUFFER_CAPACITY 0x5C
#define SCSIOP_SEND_CUE_SHEET 0x5D
#define SCSIOP_PERSISTENT_RESERVE_IN 0x5E
#define SCSIOP_PERSISTENT_RESERVE_OUT 0x5F
#define SCSIOP_OPERATION32 0x7F
#define SCSIOP_WRITE_FILEMARKS16 0x80
#define SCSIOP_XDWRITE_EXTENDED16 0x80
#define SCSIOP_READ_REVERSE16 0x81
#define SCSIOP_REBUILD16 0x81
#define SCSIOP_REGENERATE16 0x82
#define SCSIOP_EXTENDED_COPY 0x83
#define SCSIOP_POPULATE_TOKEN 0x83
#define SCSIOP_WRITE_USING_TOKEN 0x83
#define SCSIOP_RECEIVE_COPY_RESULTS 0x84
#define SCSIOP_RECEIVE_ROD_TOKEN_INFORMATION 0x84
#define SCSIOP_ATA_PASSTHROUGH16 0x85
#define SCSIOP_ACCESS_CONTROL_IN 0x86
#define SCSIOP_ACCESS_CONTROL_OUT 0x87
#define SCSIOP_READ16 0x88
#define SCSIOP_COMPARE_AND_WRITE 0x89
#define SCSIOP_WRITE16 0x8A
#define SCSIOP_READ_ATTRIBUTES 0x8C
#define SCSIOP_WRITE_ATTRIBUTES 0x8D
#define SCSIOP_WRITE_VERIFY16 0x8E
#define SCSIOP_VERIFY16 0x8F
#define SCSIOP_PREFETCH16 0x90
#define SCSIOP_SYNCHRONIZE_CACHE16 0x91
#define SCSIOP_SPACE16 0x91
#define SCSIOP_LOCK_UNLOCK_CACHE16 0x92
#define SCSIOP_LOCATE16 0x92
#define SCSIOP_WRITE_SAME16 0x93
#define SCSIOP_ERASE16 0x93
#define SCSIOP_ZBC_OUT 0x94
#define SCSIOP_ZBC_IN 0x95
#define SCSIOP_READ_DATA_BUFF16 0x9B
#define SCSIOP_READ_CAPACITY16 0x9E
#define SCSIOP_GET_LBA_STATUS 0x9E
#define SCSIOP_GET_PHYSICAL_ELEMENT_STATUS 0x9E
#define SCSIOP_REMOVE_ELEMENT_AND_TRUNCATE 0x9E
#define SCSIOP_SERVICE_ACTION_IN16 0x9E
#define SCSIOP_SERVICE_ACTION_OUT16 0x9F
#define SCSIOP_REPORT_LUNS 0xA0
#define SCSIOP_BLANK 0xA1
#define SCSIOP_ATA_PASSTHROUGH12 0xA1
#define SCSIOP_SEND_EVENT 0xA2
#define SCSIOP_SECURITY_PROTOCOL_IN 0xA2
#define SCSIOP_SEND_KEY 0xA3
#define SCSIOP_MAINTENANCE_IN 0xA3
#define SCSIOP_REPORT_KEY 0xA4
#define SCSIOP_MAINTENANCE_OUT 0xA4
#define SCSIOP_MOVE_MEDIUM 0xA5
#define SCSIOP_LOAD_UNLOAD_SLOT 0xA6
#define SCSIOP_SET_READ_AHEAD 0xA7
#define SCSIOP_READ12 0xA8
#define SCSIOP_SERVICE_ACTION_OUT12 0xA9
#define SCSIOP_WRITE12 0xAA
#define SCSIOP_SEND_MESSAGE 0xAB
#define SCSIOP_GET_PERFORMANCE 0xAC
#define SCSIOP_READ_DVD_STRUCTURE 0xAD
#define SCSIOP_WRITE_VERIFY12 0xAE
#define SCSIOP_VERIFY12 0xAF
#define SCSIOP_SEARCH_DATA_HIGH12 0xB0
#define SCSIOP_SEARCH_DATA_EQUAL12 0xB1
#define SCSIOP_SEARCH_DATA_LOW12 0xB2
#define SCSIOP_SET_LIMITS12 0xB3
#define SCSIOP_READ_ELEMENT_STATUS_ATTACHED 0xB4
#define SCSIOP_REQUEST_VOL_ELEMENT 0xB5
#define SCSIOP_SECURITY_PROTOCOL_OUT 0xB5
#define SCSIOP_SEND_VOLUME_TAG 0xB6
#define SCSIOP_READ_ELEMENT_STATUS 0xB8
#define SCSIOP_READ_CD_MSF 0xB9
#define SCSIOP_SCAN_CD 0xBA
#define SCSIOP_REDUNDANCY_GROUP_IN 0xBA
#define SCSIOP_SET_CD_SPEED 0xBB
#define SCSIOP_REDUNDANCY_GROUP_OUT 0xBB
#define SCSIOP_PLAY_CD 0xBC
#define SCSIOP_SPARE_IN 0xBC
#define SCSIOP_MECHANISM_STATUS 0xBD
#define SCSIOP_SPARE_OUT 0xBD
#define SCSIOP_READ_CD 0xBE
#define SCSIOP_VOLUME_SET_IN 0xBE
#define SCSIOP_SEND_DVD_STRUCTURE 0xBF
#define SCSIOP_VOLUME_SET_OUT 0xBF

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
    struct { UCHAR OperationCode, Reserved1 : 5, LogicalUnitNumber : 3, PageCode, IReserved, AllocationLength, Control; } CDB6INQUIRY;
    struct { UCHAR OperationCode, EnableVitalProductData : 1, CommandSupportData : 1, Reserved1 : 6; UCHAR PageCode, ReservedIfNotOne, AllocationLength, Control; } CDB6INQUIRY3;
    struct {
        UCHAR OperationCode;
        union { UCHAR Bits; struct { UCHAR RelativeAddress : 1, Reserved1 : 2, ForceUnitAccess : 1, DisablePageOut : 1, LogicalUnitNumber : 3; }; };
        UCHAR LogicalBlockByte0, LogicalBlockByte1, LogicalBlockByte2, LogicalBlockByte3;
        UCHAR Reserved2, TransferBlocksMsb, TransferBlocksLsb, Control;
    } CDB10;
    struct { UCHAR OperationCode, Reserved1 : 3, Dbd : 1, Reserved2 : 1, LogicalUnitNumber : 3, PageCode : 6, Pc : 2, Reserved3, AllocationLength, Control; } MODE_SENSE;
    struct { UCHAR OperationCode, Reserved1 : 3, Dbd : 1, Reserved2 : 1, LogicalUnitNumber : 3, PageCode : 6, Pc : 2, Reserved3[4], AllocationLength[2], Control; } MODE_SENSE10;
    struct { UCHAR OperationCode, SPBit : 1, Reserved1 : 3, PFBit : 1, LogicalUnitNumber : 3, Reserved2[2], ParameterListLength, Control; } MODE_SELECT;
    struct { UCHAR OperationCode, SPBit : 1, Reserved1 : 3, PFBit : 1, LogicalUnitNumber : 3, Reserved2[5], ParameterListLength[2], Control; } MODE_SELECT10;
    struct { UCHAR OperationCode, Immediate : 1, Reserved1 : 4, LogicalUnitNumber : 3, Reserved2[2], Start : 1, LoadEject : 1, Reserved3 : 6, Control; } START_STOP;
    struct { UCHAR OperationCode, Reserved1 : 5, LogicalUnitNumber : 3, Reserved2[2], Prevent : 1, Persistant : 1, Reserved3 : 6, Control; } MEDIA_REMOVAL;
    struct { UCHAR OperationCode, ServiceAction : 5, Reserved1 : 3, LogicalBlock[8], AllocationLength[4], PMI : 1, Reserved2 : 7, Control; } READ_CAPACITY16;
    struct { UCHAR OperationCode, Mode : 5, ModeSpecific : 3, BufferID, BufferOffset[3], ParameterListLength[3], Control; } WRITE_BUFFER;
    struct { UCHAR OperationCode, Mode : 5, ModeSpecific : 3, BufferOffset[8], AllocationLength[4], BufferId, Control; } READ_BUFFER_16;
    struct { UCHAR OperationCode, SecurityProtocol, SecurityProtocolSpecific[2], Reserved1 : 7, INC_512 : 1, Reserved2, AllocationLength[4], Reserved3, Control; } SECURITY_PROTOCOL_IN;
    struct { UCHAR OperationCode, ServiceAction : 5, Reserved1 : 3, Reserved2[4], StartingElement[4], AllocationLength[4], ReportType : 4, Reserved3 : 2, Filter : 2, Control; } GET_PHYSICAL_ELEMENT_STATUS;
    struct { UCHAR OperationCode, ServiceAction : 5, Reserved1 : 3, RequestedCapacity[8], ElementIdentifier[4], Reserved2, Control; } REMOVE_ELEMENT_AND_TRUNCATE;
    struct {
        UCHAR OperationCode, Extend : 1, Protocol : 4, MultipleCount : 3;
        UCHAR TLength : 2, ByteBlock : 1, TDir : 1, Reserved1 : 1, CkCond : 1, Offline : 2;
        UCHAR Features15_8, Features7_0, SectorCount15_8, SectorCount7_0, LbaLow15_8, LbaLow7_0, LbaMid15_8, LbaMid7_0;
        UCHAR LbaHigh15_8, LbaHigh7_0, Device, Command, Control;
    } ATA_PASSTHROUGH16;
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
    union { UCHAR Versions; struct { UCHAR ANSIVersion : 3, ECMAVersion : 3, ISOVersion : 2; }; };
    UCHAR ResponseDataFormat : 4, HiSupport : 1, NormACA : 1, TerminateTask : 1, AERC : 1;
    UCHAR AdditionalLength;
    union { UCHAR Flags[3]; struct { UCHAR Reserved, Addr16 : 1, FlagBits6 : 7, SoftReset : 1, CommandQueue : 1, FlagBits7 : 6; }; };
    UCHAR VendorId[8], ProductId[16], ProductRevisionLevel[4], VendorSpecific[20], Reserved3[2];
    USHORT VersionDescriptors[8];
    UCHAR Reserved4[22];
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
#define REVERSE_SHORT(Value) (*(Value) = (USHORT)(*(Value) << 8 | *(Value) >> 8))
#define REVERSE_LONG(Value) (*(Value) = *(Value) << 24 | (*(Value) & 0xFF00) << 8 | (*(Value) >> 8 & 0xFF00) | *(Value) >> 24)
#include "scsi_data.h"
#define REVERSE_BYTES_QUAD(To, From) StorsimReverse((PUCHAR)(To), (const UCHAR *)(From), 8)
#endif
