/*
 * scsi_data.h for storsim: parameter data of SCSI commands, after SPC-4, SBC-4 and SAT-4, under the names that Windows
 * drivers use; part of scsi.h. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_SCSI_DATA_H
#define STORSIM_SCSI_DATA_H
#pragma pack(push, 1)

#define READ_ONLY_DIRECT_ACCESS_DEVICE 0x05
#define VPD_EXTENDED_INQUIRY_DATA 0x86
#define VPD_ATA_INFORMATION 0x89
#define VPD_LOGICAL_BLOCK_PROVISIONING 0xB2
#define VER_DESCRIPTOR_1667_NOVERSION 0xFFC0
/* As the port of an AHCI adapter shows it after a reset (SATA 3.2, 11.2): sector count, then LBA. */
#define ATA_DEVICE_SIGNATURE_ATA 0x00000101
#define ATA_DEVICE_SIGNATURE_ATAPI 0xEB140101

#define STORSIM_VPD_HEAD UCHAR DeviceType : 5, DeviceTypeQualifier : 3; UCHAR PageCode
typedef struct _VPD_BLOCK_LIMITS_PAGE {
    STORSIM_VPD_HEAD;
    UCHAR PageLength[2];
    union {
        struct {
            UCHAR Reserved0, MaximumCompareAndWriteLength, OptimalTransferLengthGranularity[2], MaximumTransferLength[4];
            UCHAR OptimalTransferLength[4], MaxPrefetchXDReadXDWriteTransferLength[4], MaximumUnmapLBACount[4];
            UCHAR MaximumUnmapBlockDescriptorCount[4], OptimalUnmapGranularity[4];
            union { struct { UCHAR UnmapGranularityAlignmentByte3 : 7, UGAValid : 1, UnmapGranularityAlignmentByte2, UnmapGranularityAlignmentByte1, UnmapGranularityAlignmentByte0; }; UCHAR UnmapGranularityAlignment[4]; };
            UCHAR Reserved1[28];
        };
        UCHAR Descriptors[1];
    };
} VPD_BLOCK_LIMITS_PAGE, *PVPD_BLOCK_LIMITS_PAGE;
typedef struct _VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE {
    STORSIM_VPD_HEAD;
    UCHAR Reserved0, PageLength, MediumRotationRateMsb, MediumRotationRateLsb, MediumProductType;
    UCHAR NominalFormFactor : 4, WACEREQ : 2, WABEREQ : 2;
    UCHAR VBULS : 1, FUAB : 1, BOCS : 1, Reserved1 : 1, ZONED : 2, Reserved2 : 2;
    UCHAR Reserved3[3], DepopulationTime[4], Reserved4[48];
} VPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE, *PVPD_BLOCK_DEVICE_CHARACTERISTICS_PAGE;
typedef struct _VPD_LOGICAL_BLOCK_PROVISIONING_PAGE {
    STORSIM_VPD_HEAD;
    UCHAR PageLength[2], ThresholdExponent;
    UCHAR DP : 1, ANC_SUP : 1, LBPRZ : 1, Reserved0 : 2, LBPWS10 : 1, LBPWS : 1, LBPU : 1;
    UCHAR ProvisioningType : 3, Reserved1 : 5, Reserved2, ProvisioningGroupDescr[];
} VPD_LOGICAL_BLOCK_PROVISIONING_PAGE, *PVPD_LOGICAL_BLOCK_PROVISIONING_PAGE;
typedef struct _VPD_ATA_INFORMATION_PAGE {
    STORSIM_VPD_HEAD;
    UCHAR PageLength[2], Reserved0[4], VendorId[8], ProductId[16], ProductRevisionLevel[4], DeviceSignature[20];
    UCHAR CommandCode, Reserved1[3], IdentifyDeviceData[512];
} VPD_ATA_INFORMATION_PAGE, *PVPD_ATA_INFORMATION_PAGE;
typedef struct _VPD_EXTENDED_INQUIRY_DATA_PAGE {
    STORSIM_VPD_HEAD;
    UCHAR PageLength[2];
    UCHAR RefChk : 1, AppChk : 1, GrdChk : 1, Spt : 3, ActivateMicrocode : 2;
    UCHAR SimpSup : 1, OrdSup : 1, HeadSup : 1, PriorSup : 1, GroupSup : 1, UaskSup : 1, Reserved0 : 2;
    UCHAR VSup : 1, NvSup : 1, CrdSup : 1, WuSup : 1, Reserved1 : 4;
    UCHAR LuiClr : 1, Reserved2 : 3, PiiSup : 1, NoPiChk : 1, Reserved3 : 2;
    UCHAR Reserved4 : 1, HssRelef : 1, Reserved5 : 2, RtdSup : 1, RSup : 1, LuCollectionType : 2;
    UCHAR Reserved6, ExtendedSelfTestCompletionMinutes[2], Reserved7, MaxSupportedSenseDataLength, Reserved8[50];
} VPD_EXTENDED_INQUIRY_DATA_PAGE, *PVPD_EXTENDED_INQUIRY_DATA_PAGE;

typedef struct _READ_CAPACITY_DATA { ULONG LogicalBlockAddress, BytesPerBlock; } READ_CAPACITY_DATA, *PREAD_CAPACITY_DATA;
typedef struct _READ_CAPACITY_DATA_EX { LARGE_INTEGER LogicalBlockAddress; ULONG BytesPerBlock; } READ_CAPACITY_DATA_EX, *PREAD_CAPACITY_DATA_EX;
typedef struct _READ_CAPACITY16_DATA {
    LARGE_INTEGER LogicalBlockAddress;
    ULONG BytesPerBlock;
    UCHAR ProtectionEnable : 1, ProtectionType : 3, RcBasis : 2, Reserved : 2;
    UCHAR LogicalPerPhysicalExponent : 4, ProtectionInfoExponent : 4;
    UCHAR LowestAlignedBlock_MSB : 6, LBPRZ : 1, LBPME : 1, LowestAlignedBlock_LSB, Reserved3[16];
} READ_CAPACITY16_DATA, *PREAD_CAPACITY16_DATA;
#define SERVICE_ACTION_READ_CAPACITY16 0x10
#define SERVICE_ACTION_GET_PHYSICAL_ELEMENT_STATUS 0x17
#define SERVICE_ACTION_REMOVE_ELEMENT_AND_TRUNCATE 0x18
typedef struct _LUN_LIST { UCHAR LunListLength[4], Reserved[4], Lun[][8]; } LUN_LIST, *PLUN_LIST;
typedef struct _UNMAP_BLOCK_DESCRIPTOR { UCHAR StartingLba[8], LbaCount[4], Reserved[4]; } UNMAP_BLOCK_DESCRIPTOR, *PUNMAP_BLOCK_DESCRIPTOR;
typedef struct _UNMAP_LIST_HEADER {
    UCHAR DataLength[2], BlockDescrDataLength[2], Reserved[4];
    UNMAP_BLOCK_DESCRIPTOR Descriptors[];
} UNMAP_LIST_HEADER, *PUNMAP_LIST_HEADER;

/* Mode pages. */
#define MODE_PAGE_CACHING 0x08
#define MODE_SENSE_RETURN_ALL 0x3F
#define MODE_SENSE_CURRENT_VALUES 0
#define MODE_SENSE_CHANGEABLE_VALUES 1
#define MODE_SENSE_DEFAULT_VALUES 2
#define MODE_SENSE_SAVED_VALUES 3
#define MODE_DSP_FUA_SUPPORTED 0x10
#define MODE_DSP_WRITE_PROTECT 0x80
typedef struct _MODE_PARAMETER_HEADER { UCHAR ModeDataLength, MediumType, DeviceSpecificParameter, BlockDescriptorLength; } MODE_PARAMETER_HEADER, *PMODE_PARAMETER_HEADER;
typedef struct _MODE_PARAMETER_HEADER10 {
    UCHAR ModeDataLength[2], MediumType, DeviceSpecificParameter, Reserved[2], BlockDescriptorLength[2];
} MODE_PARAMETER_HEADER10, *PMODE_PARAMETER_HEADER10;
typedef struct _MODE_CACHING_PAGE {
    UCHAR PageCode : 6, Reserved : 1, PageSavable : 1, PageLength;
    UCHAR ReadDisableCache : 1, MultiplicationFactor : 1, WriteCacheEnable : 1, Reserved2 : 5;
    UCHAR WriteRetensionPriority : 4, ReadRetensionPriority : 4;
    UCHAR DisablePrefetchTransfer[2], MinimumPrefetch[2], MaximumPrefetch[2], MaximumPrefetchCeiling[2];
} MODE_CACHING_PAGE, *PMODE_CACHING_PAGE;

/* Sense data. */
#define SCSI_SENSE_ERRORCODE_FIXED_CURRENT 0x70
#define SCSI_SENSE_ERRORCODE_FIXED_DEFERRED 0x71
#define SCSI_SENSE_ERRORCODE_DESCRIPTOR_CURRENT 0x72
#define SCSI_SENSE_DESCRIPTOR_TYPE_ATA_STATUS_RETURN 0x09
#define SCSI_ADSENSE_LUN_COMMUNICATION 0x08
#define SCSI_ADSENSE_MEDIUM_CHANGED 0x28
#define SCSI_ADSENSE_NO_MEDIA_IN_DEVICE 0x3A
#define SCSI_ADSENSE_INTERNAL_TARGET_FAILURE 0x44
#define SCSI_ADSENSE_OPERATOR_REQUEST 0x5A
#define SCSI_SESNEQ_COMM_CRC_ERROR 0x03
#define SCSI_SENSEQ_MEDIUM_REMOVAL 0x01
typedef struct _SCSI_SENSE_DESCRIPTOR_HEADER { UCHAR DescriptorType, AdditionalLength; } SCSI_SENSE_DESCRIPTOR_HEADER, *PSCSI_SENSE_DESCRIPTOR_HEADER;
typedef struct _DESCRIPTOR_SENSE_DATA {
    UCHAR ErrorCode : 7, Reserved1 : 1, SenseKey : 4, Reserved2 : 4;
    UCHAR AdditionalSenseCode, AdditionalSenseCodeQualifier, Reserved3[3], AdditionalSenseLength, DescriptorBuffer[];
} DESCRIPTOR_SENSE_DATA, *PDESCRIPTOR_SENSE_DATA;
typedef struct _SCSI_SENSE_DESCRIPTOR_ATA_STATUS_RETURN {
    SCSI_SENSE_DESCRIPTOR_HEADER Header;
    UCHAR Extend : 1, Reserved1 : 7, Error, SectorCount15_8, SectorCount7_0, LbaLow15_8, LbaLow7_0, LbaMid15_8, LbaMid7_0;
    UCHAR LbaHigh15_8, LbaHigh7_0, Device, Status;
} SCSI_SENSE_DESCRIPTOR_ATA_STATUS_RETURN, *PSCSI_SENSE_DESCRIPTOR_ATA_STATUS_RETURN;

/* READ BUFFER and WRITE BUFFER: error history, microcode. */
#define READ_BUFFER_MODE_ERROR_HISTORY 0x1C
#define SCSI_WRITE_BUFFER_MODE_0D_MODE_SPECIFIC_PO_ACT 0x01
#define SCSI_WRITE_BUFFER_MODE_0D_MODE_SPECIFIC_HR_ACT 0x02
#define BUFFER_ID_RETURN_ERROR_HISTORY_DIRECTORY 0x00
#define BUFFER_ID_RETURN_ERROR_HISTORY_MINIMUM_THRESHOLD 0x10
#define BUFFER_ID_RETURN_ERROR_HISTORY_MAXIMUM_THRESHOLD 0xEF
#define BUFFER_FORMAT_CURRENT_INTERNAL_STATUS_DATA 0x01
#define BUFFER_SOURCE_CREATED_DUE_TO_CURRENT_COMMAND 0x03
typedef struct _ERROR_HISTORY_DIRECTORY_ENTRY {
    UCHAR SupportedBufferId, BufferFormat, BufferSource : 4, Reserved0 : 4, Reserved1, MaxAvailableLength[4];
} ERROR_HISTORY_DIRECTORY_ENTRY, *PERROR_HISTORY_DIRECTORY_ENTRY;
typedef struct _ERROR_HISTORY_DIRECTORY {
    UCHAR T10VendorId[8], ErrorHistoryVersion, ClearSupport : 2, ErrorHistorySource : 2, ErrorHistoryRetrieved : 2, Reserved0 : 2;
    UCHAR Reserved1[20], DirectoryLength[2];
    ERROR_HISTORY_DIRECTORY_ENTRY ErrorHistoryDirectoryList[ANYSIZE_ARRAY];
} ERROR_HISTORY_DIRECTORY, *PERROR_HISTORY_DIRECTORY;
typedef struct _CURRENT_INTERNAL_STATUS_PARAMETER_DATA {
    UCHAR Reserved0[4], IEEECompanyId[4], CurrentInternalStatusDataSetOneLength[2], CurrentInternalStatusDataSetTwoLength[2];
    UCHAR CurrentInternalStatusDataSetThreeLength[2], CurrentInternalStatusDataSetFourLength[4], Reserved1[364];
    UCHAR NewSavedDataAvailable, SavedDataGenerationNumber, CurrentReasonIdentifier[128], CurrentInternalStatusData[ANYSIZE_ARRAY];
} CURRENT_INTERNAL_STATUS_PARAMETER_DATA, *PCURRENT_INTERNAL_STATUS_PARAMETER_DATA;
typedef struct _PHYSICAL_ELEMENT_STATUS_DATA_DESCRIPTOR {
    UCHAR Reserved1[4], ElementIdentifier[4], Reserved2[6], PhysicalElementType, PhysicalElementHealth, AssociatedCapacity[8], Reserved3[8];
} PHYSICAL_ELEMENT_STATUS_DATA_DESCRIPTOR, *PPHYSICAL_ELEMENT_STATUS_DATA_DESCRIPTOR;
typedef struct _PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA {
    UCHAR DescriptorCount[4], ReturnedDescriptorCount[4], ElementIdentifierBeingDepoped[4], Reserved[20];
    PHYSICAL_ELEMENT_STATUS_DATA_DESCRIPTOR Descriptors[ANYSIZE_ARRAY];
} PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA, *PPHYSICAL_ELEMENT_STATUS_PARAMETER_DATA;
#pragma pack(pop)
#endif
