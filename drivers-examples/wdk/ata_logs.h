/*
 * ata_logs.h for storsim: the general purpose logs of ATA devices, after ACS-3, ACS-4 and SATA 3.2, under the names that
 * Windows drivers use. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_ATA_LOGS_H
#define STORSIM_ATA_LOGS_H
#include "wdm.h"

#define IDE_GP_LOG_SECTOR_SIZE 0x200
#define IDE_GP_LOG_VERSION 0x0001
/* Addresses. */
#define IDE_GP_LOG_DIRECTORY_ADDRESS 0x00
#define IDE_GP_SUMMARY_SMART_ERROR 0x01
#define IDE_GP_COMPREHENSIVE_SMART_ERROR 0x02
#define IDE_GP_EXTENDED_COMPREHENSIVE_SMART_ERROR 0x03
#define IDE_GP_LOG_DEVICE_STATISTICS_ADDRESS 0x04
#define IDE_GP_SMART_SELF_TEST 0x06
#define IDE_GP_EXTENDED_SMART_SELF_TEST 0x07
#define IDE_GP_LOG_POWER_CONDITIONS 0x08
#define IDE_GP_SELECTIVE_SELF_TEST 0x09
#define IDE_GP_DEVICE_STATISTICS_NOTIFICATION 0x0A
#define IDE_GP_LPS_MISALIGNMENT 0x0D
#define IDE_GP_LOG_NCQ_COMMAND_ERROR_ADDRESS 0x10
#define IDE_GP_LOG_PHY_EVENT_COUNTER_ADDRESS 0x11
#define IDE_GP_LOG_NCQ_NON_DATA_ADDRESS 0x12
#define IDE_GP_LOG_NCQ_SEND_RECEIVE_ADDRESS 0x13
#define IDE_GP_LOG_HYBRID_INFO_ADDRESS 0x14
#define IDE_GP_LOG_WRITE_STREAM_ERROR 0x21
#define IDE_GP_LOG_READ_STREAM_ERROR 0x22
#define IDE_GP_LOG_CURRENT_DEVICE_INTERNAL_STATUS 0x24
#define IDE_GP_LOG_SAVED_DEVICE_INTERNAL_STATUS 0x25
#define IDE_GP_LOG_IDENTIFY_DEVICE_DATA_ADDRESS 0x30
#define IDE_GP_LOG_SCT_COMMAND_STATUS 0xE0
#define IDE_GP_LOG_SCT_DATA_TRANSFER 0xE1
/* Pages. */
#define IDE_GP_LOG_SUPPORTED_PAGES 0x00
#define IDE_GP_LOG_DEVICE_STATISTICS_GENERAL_PAGE 0x01
#define IDE_GP_LOG_DEVICE_STATISTICS_TEMPERATURE_PAGE 0x05
#define IDE_GP_LOG_IDENTIFY_DEVICE_DATA_SUPPORTED_CAPABILITIES_PAGE 0x03
#define IDE_GP_LOG_IDENTIFY_DEVICE_DATA_SATA_PAGE 0x08

#pragma pack(push, 1)
typedef struct _IDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER {
    ULONGLONG RevisionNumber : 16, PageNumber : 8, Reserved : 39, Valid : 1;
} IDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER, *PIDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER;
typedef struct _DEVICE_STATISTICS_LOG_PAGE_HEADER {
    ULONGLONG RevisionNumber : 16, PageNumber : 8, Reserved : 40;
} DEVICE_STATISTICS_LOG_PAGE_HEADER, *PDEVICE_STATISTICS_LOG_PAGE_HEADER;
typedef struct _IDENTIFY_DEVICE_DATA_LOG_PAGE_SUPPORTED_CAPABILITIES {
    IDENTIFY_DEVICE_DATA_LOG_PAGE_HEADER Header;
    ULONGLONG SupportedCapabilities;
    struct {
        ULONGLONG DmMinTransferSize : 16, DmMaxTransferSize : 16, DmOffsetsImmediateSupported : 1, DmImmediateSupported : 1;
        ULONGLONG DmOffsetsDeferredSupported : 1, Reserved : 28, Valid : 1;
    } DownloadMicrocodeCapabilities;
    ULONGLONG NominalMediaRotationRate, FormFactor, WriteReadVerify[4];
    UCHAR Rest[440];
} IDENTIFY_DEVICE_DATA_LOG_PAGE_SUPPORTED_CAPABILITIES, *PIDENTIFY_DEVICE_DATA_LOG_PAGE_SUPPORTED_CAPABILITIES;
/* A value of statistics, with its flags. */
typedef struct _STORSIM_ATA_STATISTIC { ULONGLONG Value : 56, Flags : 5, Normalized : 1, ValidValue : 1, Supported : 1; } STORSIM_ATA_STATISTIC;
typedef struct _STORSIM_ATA_COUNTER {
    ULONGLONG Count : 32, Reserved : 24, ReservedFlags : 3, MonitoredConditionMet : 1, DsnSupported : 1, Normalized : 1;
    ULONGLONG ValidValue : 1, Supported : 1;
} STORSIM_ATA_COUNTER;
typedef struct _STORSIM_ATA_TEMPERATURE {
    ULONGLONG Value : 8, Reserved : 48, ReservedFlags : 5, Normalized : 1, ValidValue : 1, Supported : 1;
} STORSIM_ATA_TEMPERATURE;
typedef struct _GP_LOG_GENERAL_STATISTICS {
    DEVICE_STATISTICS_LOG_PAGE_HEADER Header;
    STORSIM_ATA_COUNTER LifetimePowerOnResets, PowerOnHours;
    STORSIM_ATA_STATISTIC LogicalSectorsWritten, WriteCommandCount, LogicalSectorsRead, ReadCommandCount, DateAndTime;
    UCHAR Rest[448];
} GP_LOG_GENERAL_STATISTICS, *PGP_LOG_GENERAL_STATISTICS;
typedef struct _GP_LOG_TEMPERATURE_STATISTICS {
    DEVICE_STATISTICS_LOG_PAGE_HEADER Header;
    STORSIM_ATA_TEMPERATURE CurrentTemperature, AverageShortTermTemperature, AverageLongTermTemperature;
    STORSIM_ATA_TEMPERATURE HighestTemperature, LowestTemperature, HighestAverageShortTermTemperature;
    STORSIM_ATA_TEMPERATURE LowestAverageShortTermTemperature, HighestAverageLongTermTemperature;
    STORSIM_ATA_TEMPERATURE LowestAverageLongTermTemperature;
    ULONGLONG TimeInOverTemperature;
    STORSIM_ATA_TEMPERATURE SpecifiedMaximumOperatingTemperature;
    ULONGLONG TimeInUnderTemperature;
    STORSIM_ATA_TEMPERATURE SpecifiedMinimumOperatingTemperature;
    UCHAR Rest[400];
} GP_LOG_TEMPERATURE_STATISTICS, *PGP_LOG_TEMPERATURE_STATISTICS;
typedef struct _GP_LOG_NCQ_COMMAND_ERROR {
    UCHAR NcqTag : 5, Reserved0 : 1, UNL : 1, NonQueuedCmd : 1;
    UCHAR Reserved1, Status, Error, LBA7_0, LBA15_8, LBA23_16, Device, LBA31_24, LBA39_32, LBA47_40, Reserved2;
    UCHAR Count7_0, Count15_8, SenseKey, ASC, ASCQ, Reserved3[239], Vendor[255], Checksum;
} GP_LOG_NCQ_COMMAND_ERROR, *PGP_LOG_NCQ_COMMAND_ERROR;
typedef struct _GP_LOG_NCQ_NON_DATA {
    struct { ULONG AbortNcq : 1, AbortAll : 1, AbortStreaming : 1, AbortNonStreaming : 1, AbortSelectedTag : 1, Reserved : 27; } SubCmd0;
    struct { ULONG DeadlineHandlingWriteNoContinue : 1, DeadlineHandlingReadNoContinue : 1, Reserved : 30; } SubCmd1;
    struct { ULONG HybridDemoteBySize : 1, Reserved : 31; } SubCmd2;
    struct { ULONG HybridChangeByLbaRange : 1, Reserved : 31; } SubCmd3;
    struct { ULONG HybridControl : 1, Reserved : 31; } SubCmd4;
    struct { ULONG SetFeatures : 1, Reserved : 31; } SubCmd5;
    struct { ULONG ZeroExt : 1, Reserved : 31; } SubCmd6;
    UCHAR Rest[484];
} GP_LOG_NCQ_NON_DATA, *PGP_LOG_NCQ_NON_DATA;
typedef struct _GP_LOG_NCQ_SEND_RECEIVE {
    struct { ULONG DataSetManagement : 1, HybridEvict : 1, Reserved : 30; } SubCmd;
    UCHAR Rest[508];
} GP_LOG_NCQ_SEND_RECEIVE, *PGP_LOG_NCQ_SEND_RECEIVE;

/* Hybrid information: caching disks. */
#define HYBRID_INFORMATION_DISABLED 0x00
#define HYBRID_INFORMATION_DISABLE_IN_PROCESS 0x80
#define HYBRID_INFORMATION_ENABLED 0xFF
typedef struct _GP_LOG_HYBRID_INFORMATION_HEADER {
    UCHAR HybridInfoDescrCount : 4, Reserved0 : 4;
    UCHAR Reserved1, Enabled, HybridHealth, DirtyLowThreshold, DirtyHighThreshold, OptimalWriteGranularity;
    UCHAR MaximumHybridPriorityLevel : 4, Reserved2 : 4;
    UCHAR PowerCondition, CachingMediumEnabled;
    struct { UCHAR MaximumPriorityBehavior : 1, SupportCacheBehavior : 1, Reserved : 6; } SupportedOptions;
    UCHAR Reserved3;
    ULONG TimeSinceEnabled;
    ULONGLONG NVMSize, EnableCount;
    USHORT MaximumEvictionCommands : 5, Reserved4 : 11;
    USHORT MaximumEvictionDataBlocks;
    UCHAR Reserved5[28];
} GP_LOG_HYBRID_INFORMATION_HEADER, *PGP_LOG_HYBRID_INFORMATION_HEADER;
typedef struct _GP_LOG_HYBRID_INFORMATION_DESCRIPTOR {
    UCHAR HybridPriority, ConsumedNVMSizeFraction, ConsumedMappingResourcesFraction, ConsumedNVMSizeForDirtyDataFraction;
    UCHAR ConsumedMappingResourcesForDirtyDataFraction, Reserved[11];
} GP_LOG_HYBRID_INFORMATION_DESCRIPTOR, *PGP_LOG_HYBRID_INFORMATION_DESCRIPTOR;
typedef struct _GP_LOG_HYBRID_INFORMATION {
    GP_LOG_HYBRID_INFORMATION_HEADER Header;
    GP_LOG_HYBRID_INFORMATION_DESCRIPTOR Descriptor[ANYSIZE_ARRAY];
} GP_LOG_HYBRID_INFORMATION, *PGP_LOG_HYBRID_INFORMATION;
typedef union _ATA_HYBRID_INFO_FIELDS {
    struct { UCHAR HybridPriority : 4, Reserved : 1, InfoValid : 1, Reserved1 : 2; };
    UCHAR AsUchar;
} ATA_HYBRID_INFO_FIELDS, *PATA_HYBRID_INFO_FIELDS;

/* Internal status, and physical elements. */
typedef struct _CURRENT_DEVICE_INTERNAL_STATUS_LOG {
    UCHAR LogAddress, Reserved1[3];
    ULONG OrganizationID;
    USHORT Area1LastLogPage, Area2LastLogPage, Area3LastLogPage;
    UCHAR Reserved2[368], SavedDataAvailable, SavedDataGenerationNumber, ReasonIdentifier[128];
} CURRENT_DEVICE_INTERNAL_STATUS_LOG, *PCURRENT_DEVICE_INTERNAL_STATUS_LOG;
C_ASSERT(sizeof(CURRENT_DEVICE_INTERNAL_STATUS_LOG) == IDE_GP_LOG_SECTOR_SIZE);
typedef struct _ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR {
    UCHAR Reserved1[4];
    ULONG ElementIdentifier;
    UCHAR Reserved2[6], PhysicalElementType, PhysicalElementHealth;
    ULONGLONG AssociatedCapacity;
    UCHAR Reserved3[8];
} ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR, *PATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR;
typedef struct _ATA_GET_PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA {
    ULONG NumberOfDescriptors, NumberOfDescriptorsReturned, ElementIdentifierBeingDepoped;
    UCHAR Reserved[20];
    ATA_PHYSICAL_ELEMENT_STATUS_DESCRIPTOR Descriptors[ANYSIZE_ARRAY];
} ATA_GET_PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA, *PATA_GET_PHYSICAL_ELEMENT_STATUS_PARAMETER_DATA;
#pragma pack(pop)
#endif
