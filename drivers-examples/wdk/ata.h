/*
 * ata.h for storsim: ATA commands, registers and data, after ACS-3 and SATA 3.x, under the names that Windows drivers
 * use (learn.microsoft.com/windows-hardware/drivers/ddi/ata). ata_logs.h has the pages of logs.
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_ATA_H
#define STORSIM_ATA_H
#include "wdm.h"

/* Commands. */
#define IDE_COMMAND_NOT_VALID 0x00
#define IDE_COMMAND_DATA_SET_MANAGEMENT 0x06
#define IDE_COMMAND_ATAPI_RESET 0x08
#define IDE_COMMAND_GET_PHYSICAL_ELEMENT_STATUS 0x12
#define IDE_COMMAND_READ 0x20
#define IDE_COMMAND_READ_EXT 0x24
#define IDE_COMMAND_READ_DMA_EXT 0x25
#define IDE_COMMAND_READ_DMA_QUEUED_EXT 0x26
#define IDE_COMMAND_READ_MULTIPLE_EXT 0x29
#define IDE_COMMAND_READ_LOG_EXT 0x2F
#define IDE_COMMAND_WRITE 0x30
#define IDE_COMMAND_WRITE_EXT 0x34
#define IDE_COMMAND_WRITE_DMA_EXT 0x35
#define IDE_COMMAND_WRITE_DMA_QUEUED_EXT 0x36
#define IDE_COMMAND_WRITE_MULTIPLE_EXT 0x39
#define IDE_COMMAND_WRITE_DMA_FUA_EXT 0x3D
#define IDE_COMMAND_WRITE_DMA_QUEUED_FUA_EXT 0x3E
#define IDE_COMMAND_WRITE_LOG_EXT 0x3F
#define IDE_COMMAND_VERIFY 0x40
#define IDE_COMMAND_VERIFY_EXT 0x42
#define IDE_COMMAND_TRUSTED_NON_DATA 0x5B
#define IDE_COMMAND_TRUSTED_RECEIVE 0x5C
#define IDE_COMMAND_TRUSTED_RECEIVE_DMA 0x5D
#define IDE_COMMAND_TRUSTED_SEND 0x5E
#define IDE_COMMAND_TRUSTED_SEND_DMA 0x5F
#define IDE_COMMAND_READ_FPDMA_QUEUED 0x60
#define IDE_COMMAND_WRITE_FPDMA_QUEUED 0x61
#define IDE_COMMAND_NCQ_NON_DATA 0x63
#define IDE_COMMAND_SEND_FPDMA_QUEUED 0x64
#define IDE_COMMAND_RECEIVE_FPDMA_QUEUED 0x65
#define IDE_COMMAND_SET_DATE_AND_TIME 0x77
#define IDE_COMMAND_REMOVE_ELEMENT_AND_TRUNCATE 0x7C
#define IDE_COMMAND_EXECUTE_DEVICE_DIAGNOSTIC 0x90
#define IDE_COMMAND_DOWNLOAD_MICROCODE 0x92
#define IDE_COMMAND_DOWNLOAD_MICROCODE_DMA 0x93
#define IDE_COMMAND_ATAPI_PACKET 0xA0
#define IDE_COMMAND_ATAPI_IDENTIFY 0xA1
#define IDE_COMMAND_SMART 0xB0
#define IDE_COMMAND_READ_MULTIPLE 0xC4
#define IDE_COMMAND_WRITE_MULTIPLE 0xC5
#define IDE_COMMAND_SET_MULTIPLE 0xC6
#define IDE_COMMAND_READ_DMA 0xC8
#define IDE_COMMAND_WRITE_DMA 0xCA
#define IDE_COMMAND_WRITE_DMA_QUEUED 0xCC
#define IDE_COMMAND_WRITE_MULTIPLE_FUA_EXT 0xCE
#define IDE_COMMAND_GET_MEDIA_STATUS 0xDA
#define IDE_COMMAND_DOOR_LOCK 0xDE
#define IDE_COMMAND_DOOR_UNLOCK 0xDF
#define IDE_COMMAND_STANDBY_IMMEDIATE 0xE0
#define IDE_COMMAND_IDLE_IMMEDIATE 0xE1
#define IDE_COMMAND_CHECK_POWER 0xE5
#define IDE_COMMAND_SLEEP 0xE6
#define IDE_COMMAND_FLUSH_CACHE 0xE7
#define IDE_COMMAND_FLUSH_CACHE_EXT 0xEA
#define IDE_COMMAND_IDENTIFY 0xEC
#define IDE_COMMAND_MEDIA_EJECT 0xED
#define IDE_COMMAND_SET_FEATURE 0xEF
#define IDE_COMMAND_SECURITY_FREEZE_LOCK 0xF5

/* Subcommands. */
#define IDE_FEATURE_ENABLE_WRITE_CACHE 0x02
#define IDE_FEATURE_SET_TRANSFER_MODE 0x03
#define IDE_FEATURE_ENABLE_PUIS 0x06
#define IDE_FEATURE_PUIS_SPIN_UP 0x07
#define IDE_FEATURE_ENABLE_SATA_FEATURE 0x10
#define IDE_FEATURE_DISABLE_REVERT_TO_POWER_ON 0x66
#define IDE_FEATURE_DISABLE_WRITE_CACHE 0x82
#define IDE_FEATURE_DISABLE_PUIS 0x86
#define IDE_FEATURE_DISABLE_SATA_FEATURE 0x90
#define IDE_SATA_FEATURE_DEVICE_INITIATED_POWER_MANAGEMENT 0x03
#define IDE_SATA_FEATURE_ASYNCHRONOUS_NOTIFICATION 0x05
#define IDE_SATA_FEATURE_DEVICE_AUTO_PS_TRANSITIONS 0x07
#define IDE_SATA_FEATURE_HYBRID_INFORMATION 0x0A
#define IDE_DSM_FEATURE_TRIM 0x0001
#define IDE_SMART_READ_LOG 0xD5
#define IDE_NCQ_NON_DATA_HYBRID_DEMOTE_BY_SIZE 0x02
#define IDE_NCQ_NON_DATA_HYBRID_CHANGE_BY_LBA_RANGE 0x03
#define IDE_NCQ_NON_DATA_HYBRID_CONTROL 0x04
#define IDE_NCQ_SEND_HYBRID_EVICT 0x01

/* Registers. */
#define IDE_LBA_MODE 0x40
#define IDE_STATUS_ERROR 0x01
#define IDE_STATUS_INDEX 0x02
#define IDE_STATUS_DRQ 0x08
#define IDE_STATUS_DEVICE_FAULT 0x20
#define IDE_STATUS_DRDY 0x40
#define IDE_STATUS_BUSY 0x80
#define IDE_ERROR_ILLEGAL_LENGTH 0x01
#define IDE_ERROR_ADDRESS_NOT_FOUND 0x01
#define IDE_ERROR_END_OF_MEDIA 0x02
#define IDE_ERROR_COMMAND_ABORTED 0x04
#define IDE_ERROR_MEDIA_CHANGE_REQ 0x08
#define IDE_ERROR_ID_NOT_FOUND 0x10
#define IDE_ERROR_MEDIA_CHANGE 0x20
#define IDE_ERROR_DATA_ERROR 0x40
#define IDE_ERROR_CRC_ERROR 0x80

/* IDENTIFY DEVICE: 256 words, whose numbers stand at the beginning of lines. */
#pragma pack(push, 1)
#define STORSIM_ATA_COMMAND_SETS \
    /* 82, 85 */ USHORT SmartCommands : 1, SecurityMode : 1, RemovableMediaFeature : 1, PowerManagement : 1; \
    USHORT Packet : 1, WriteCache : 1, LookAhead : 1, ReleaseInterrupt : 1, ServiceInterrupt : 1, DeviceReset : 1; \
    USHORT HostProtectedArea : 1, Obsolete1 : 1, WriteBuffer : 1, ReadBuffer : 1, Nop : 1, Obsolete2 : 1; \
    /* 83, 86 */ USHORT DownloadMicrocode : 1, DmaQueued : 1, Cfa : 1, AdvancedPm : 1, Msn : 1, PowerUpInStandby : 1; \
    USHORT ManualPowerUp : 1, Reserved2 : 1, SetMax : 1, Acoustics : 1, BigLba : 1, DeviceConfigOverlay : 1; \
    USHORT FlushCache : 1, FlushCacheExt : 1, WordValid83 : 2; \
    /* 84, 87 */ USHORT SmartErrorLog : 1, SmartSelfTest : 1, MediaSerialNumber : 1, MediaCardPassThrough : 1; \
    USHORT StreamingFeature : 1, GpLogging : 1, WriteFua : 1, WriteQueuedFua : 1, WWN64Bit : 1, URGReadStream : 1; \
    USHORT URGWriteStream : 1, ReservedForTechReport : 2, IdleWithUnloadFeature : 1, WordValid : 2
#define STORSIM_ATA_COMMAND_SETS_EXT \
    USHORT ReservedForDrqTechnicalReport : 1, WriteReadVerify : 1, WriteUncorrectableExt : 1, ReadWriteLogDmaExt : 1; \
    USHORT DownloadMicrocodeMode3 : 1, FreefallControl : 1, SenseDataReporting : 1, ExtendedPowerConditions : 1; \
    USHORT Reserved0 : 6, WordValid : 2
typedef struct _IDENTIFY_DEVICE_DATA {
    /* 0 */ struct { USHORT Reserved1 : 1, Retired3 : 1, ResponseIncomplete : 1, Retired2 : 3, FixedDevice : 1, RemovableMedia : 1, Retired1 : 7, DeviceType : 1; } GeneralConfiguration;
    /* 1 */ USHORT NumCylinders, SpecificConfiguration, NumHeads, Retired1[2], NumSectorsPerTrack, VendorUnique1[3];
    /* 10 */ UCHAR SerialNumber[20];
    /* 20 */ USHORT Retired2[2], Obsolete1;
    /* 23 */ UCHAR FirmwareRevision[8], ModelNumber[40], MaximumBlockTransfer, VendorUnique2;
    /* 48 */ struct { USHORT FeatureSupported : 1, Reserved : 15; } TrustedComputing;
    /* 49 */ struct {
        UCHAR CurrentLongPhysicalSectorAlignment : 2, ReservedByte49 : 6;
        UCHAR DmaSupported : 1, LbaSupported : 1, IordyDisable : 1, IordySupported : 1, Reserved1 : 1, StandybyTimerSupport : 1, Reserved2 : 2;
        USHORT ReservedWord50;
    } Capabilities;
    /* 51 */ USHORT ObsoleteWords51[2];
    /* 53 */ USHORT TranslationFieldsValid : 3, Reserved3 : 5, FreeFallControlSensitivity : 8;
    /* 54 */ USHORT NumberOfCurrentCylinders, NumberOfCurrentHeads, CurrentSectorsPerTrack;
    /* 57 */ ULONG CurrentSectorCapacity;
    /* 59 */ UCHAR CurrentMultiSectorSetting;
    UCHAR MultiSectorSettingValid : 1, ReservedByte59 : 3, SanitizeFeatureSupported : 1, CryptoScrambleExtCommandSupported : 1, OverwriteExtCommandSupported : 1, BlockEraseExtCommandSupported : 1;
    /* 60 */ ULONG UserAddressableSectors;
    /* 62 */ USHORT ObsoleteWord62;
    /* 63 */ USHORT MultiWordDMASupport : 8, MultiWordDMAActive : 8;
    /* 64 */ USHORT AdvancedPIOModes : 8, ReservedByte64 : 8;
    /* 65 */ USHORT MinimumMWXferCycleTime, RecommendedMWXferCycleTime, MinimumPIOCycleTime, MinimumPIOCycleTimeIORDY;
    /* 69 */ struct {
        USHORT ZonedCapabilities : 2, NonVolatileWriteCache : 1, ExtendedUserAddressableSectorsSupported : 1;
        USHORT DeviceEncryptsAllUserData : 1, ReadZeroAfterTrimSupported : 1, Optional28BitCommandsSupported : 1;
        USHORT IEEE1667 : 1, DownloadMicrocodeDmaSupported : 1, SetMaxSetPasswordUnlockDmaSupported : 1;
        USHORT WriteBufferDmaSupported : 1, ReadBufferDmaSupported : 1, DeviceConfigIdentifySetDmaSupported : 1;
        USHORT LPSAERCSupported : 1, DeterministicReadAfterTrimSupported : 1, CFastSpecSupported : 1;
    } AdditionalSupported;
    /* 70 */ USHORT ReservedWords70[5];
    /* 75 */ USHORT QueueDepth : 5, ReservedWord75 : 11;
    /* 76 */ struct {
        USHORT Reserved0 : 1, SataGen1 : 1, SataGen2 : 1, SataGen3 : 1, Reserved1 : 4, NCQ : 1, HIPM : 1, PhyEvents : 1;
        USHORT NcqUnload : 1, NcqPriority : 1, HostAutoPS : 1, DeviceAutoPS : 1, ReadLogDMA : 1;
        USHORT Reserved2 : 1, CurrentSpeed : 3, NcqStreaming : 1, NcqQueueMgmt : 1, NcqReceiveSend : 1;
        USHORT DEVSLPtoReducedPwrState : 1, Reserved3 : 8;
    } SerialAtaCapabilities;
    /* 78 */ struct {
        USHORT Reserved0 : 1, NonZeroOffsets : 1, DmaSetupAutoActivate : 1, DIPM : 1, InOrderData : 1;
        USHORT HardwareFeatureControl : 1, SoftwareSettingsPreservation : 1, NCQAutosense : 1, DEVSLP : 1;
        USHORT HybridInformation : 1, Reserved1 : 6;
    } SerialAtaFeaturesSupported;
    /* 79 */ struct {
        USHORT Reserved0 : 1, NonZeroOffsets : 1, DmaSetupAutoActivate : 1, DIPM : 1, InOrderData : 1;
        USHORT HardwareFeatureControl : 1, SoftwareSettingsPreservation : 1, DeviceAutoPS : 1, DEVSLP : 1;
        USHORT HybridInformation : 1, Reserved1 : 6;
    } SerialAtaFeaturesEnabled;
    /* 80 */ USHORT MajorRevision, MinorRevision;
    /* 82 */ struct { STORSIM_ATA_COMMAND_SETS; } CommandSetSupport;
    /* 85 */ struct { STORSIM_ATA_COMMAND_SETS; } CommandSetActive;
    /* 88 */ USHORT UltraDMASupport : 8, UltraDMAActive : 8;
    /* 89 */ USHORT NormalSecurityEraseUnit, EnhancedSecurityEraseUnit, CurrentAPMLevel, MasterPasswordID, HardwareResetResult;
    /* 94 */ USHORT AcousticValues, StreamMinRequestSize, StreamingTransferTimeDMA, StreamingAccessLatencyDMAPIO;
    /* 98 */ ULONG StreamingPerfGranularity;
    /* 100 */ ULONG Max48BitLBA[2];
    /* 104 */ USHORT StreamingTransferTime, DsmCap;
    /* 106 */ struct { USHORT LogicalSectorsPerPhysicalSector : 4, Reserved0 : 8, LogicalSectorLongerThan256Words : 1, MultipleLogicalSectorsPerPhysicalSector : 1, Reserved1 : 2; } PhysicalLogicalSectorSize;
    /* 107 */ USHORT InterSeekDelay, WorldWideName[4], ReservedForWorldWideName128[4], ReservedForTlcTechnicalReport;
    /* 117 */ USHORT WordsPerLogicalSector[2];
    /* 119 */ struct { STORSIM_ATA_COMMAND_SETS_EXT; } CommandSetSupportExt;
    /* 120 */ struct { STORSIM_ATA_COMMAND_SETS_EXT; } CommandSetActiveExt;
    /* 121 */ USHORT ReservedForExpandedSupportandActive[6];
    /* 127 */ USHORT MsnSupport : 2, ReservedWord127 : 14;
    /* 128 */ USHORT SecurityStatus, ReservedWord129[31], CfaPowerMode1, ReservedForCfaWord161[7];
    /* 168 */ USHORT NominalFormFactor : 4, ReservedWord168 : 12;
    /* 169 */ struct { USHORT SupportsTrim : 1, Reserved0 : 15; } DataSetManagementFeature;
    /* 170 */ USHORT AdditionalProductID[4], ReservedForCfaWord174[2], CurrentMediaSerialNumber[30], SCTCommandTransport;
    /* 207 */ USHORT ReservedWord207[2];
    /* 209 */ struct { USHORT AlignmentOfLogicalWithinPhysical : 14, Word209Supported : 1, Reserved0 : 1; } BlockAlignment;
    /* 210 */ USHORT WriteReadVerifySectorCountMode3Only[2], WriteReadVerifySectorCountMode2Only[2];
    /* 214 */ struct { USHORT NVCachePowerModeEnabled : 1, Reserved0 : 3, NVCacheFeatureSetEnabled : 1, Reserved1 : 3, NVCachePowerModeVersion : 4, NVCacheFeatureSetVersion : 4; } NVCacheCapabilities;
    /* 215 */ USHORT NVCacheSizeLSW, NVCacheSizeMSW, NominalMediaRotationRate, ReservedWord218;
    /* 219 */ struct { UCHAR NVCacheEstimatedTimeToSpinUpInSeconds, Reserved; } NVCacheOptions;
    /* 220 */ USHORT WriteReadVerifySectorCountMode, ReservedWord221, TransportMajorVersion, TransportMinorVersion;
    /* 224 */ USHORT ReservedWord224[6];
    /* 230 */ ULONG ExtendedNumberOfUserAddressableSectors[2];
    /* 234 */ USHORT MinBlocksPerDownloadMicrocodeMode03, MaxBlocksPerDownloadMicrocodeMode03, ReservedWord236[19];
    /* 255 */ USHORT Signature : 8, CheckSum : 8;
} IDENTIFY_DEVICE_DATA, *PIDENTIFY_DEVICE_DATA;
C_ASSERT(sizeof(IDENTIFY_DEVICE_DATA) == 512);

/* IDENTIFY PACKET DEVICE. */
typedef struct _IDENTIFY_PACKET_DATA {
    /* 0 */ struct { USHORT PacketType : 2, IncompleteResponse : 1, Reserved1 : 2, DrqDelay : 2, RemovableMedia : 1, CommandPacketType : 5, Reserved2 : 1, DeviceType : 2; } GeneralConfiguration;
    /* 1 */ USHORT ResevedWord1, UniqueConfiguration, ReservedWords3[7];
    /* 10 */ UCHAR SerialNumber[20];
    /* 20 */ USHORT ReservedWords20[3];
    /* 23 */ UCHAR FirmwareRevision[8], ModelNumber[40];
    /* 47 */ USHORT ReservedWord47, ReservedWord48;
    /* 49 */ struct {
        USHORT VendorSpecific : 8, DmaSupported : 1, LbaSupported : 1, IordyDisabled : 1, IordySupported : 1, Obsolete : 1;
        USHORT OverlapSupported : 1, QueuedCommandsSupported : 1, InterleavedDmaSupported : 1;
        USHORT ReservedWord50;
    } Capabilities;
    /* 51 */ USHORT ObsoleteWords51[2];
    /* 53 */ USHORT TranslationFieldsValid : 3, Reserved3 : 13;
    /* 54 */ USHORT ReservedWords54[8];
    /* 62 */ struct { USHORT UDMA0Supported : 1, UDMA1Supported : 1, UDMA2Supported : 1, UDMA3Supported : 1, UDMA4Supported : 1, UDMA5Supported : 1, UDMA6Supported : 1, MDMA0Supported : 1, MDMA1Supported : 1, MDMA2Supported : 1, DMASupported : 1, Reserved : 4, DMADIRBitRequired : 1; } DMADIR;
    /* 63 */ USHORT MultiWordDMASupport : 8, MultiWordDMAActive : 8;
    /* 64 */ USHORT AdvancedPIOModes : 8, ReservedByte64 : 8;
    /* 65 */ USHORT MinimumMWXferCycleTime, RecommendedMWXferCycleTime, MinimumPIOCycleTime, MinimumPIOCycleTimeIORDY;
    /* 69 */ USHORT ReservedWords69[2], BusReleaseDelay, ServiceCommandDelay, ReservedWords73[2];
    /* 75 */ USHORT QueueDepth : 5, ReservedWord75 : 11;
    /* 76 */ struct {
        USHORT Reserved0 : 1, SataGen1 : 1, SataGen2 : 1, SataGen3 : 1, Reserved1 : 5, HIPM : 1, PhyEvents : 1, Reserved2 : 2;
        USHORT HostAutoPS : 1, DeviceAutoPS : 1, Reserved3 : 1;
        USHORT Reserved4 : 1, CurrentSpeed : 3, SlimlineDeviceAttention : 1, HostEnvironmentDetect : 1, Reserved5 : 10;
    } SerialAtaCapabilities;
    /* 78 */ struct {
        USHORT Reserved0 : 1, Reserved1 : 2, DIPM : 1, Reserved2 : 1, AsynchronousNotification : 1;
        USHORT SoftwareSettingsPreservation : 1, Reserved3 : 9;
    } SerialAtaFeaturesSupported;
    /* 79 */ struct {
        USHORT Reserved0 : 1, Reserved1 : 2, DIPM : 1, Reserved2 : 1, AsynchronousNotification : 1;
        USHORT SoftwareSettingsPreservation : 1, DeviceAutoPS : 1, Reserved3 : 8;
    } SerialAtaFeaturesEnabled;
    /* 80 */ USHORT MajorRevision, MinorRevision;
    /* 82 */ struct { STORSIM_ATA_COMMAND_SETS; } CommandSetSupport;
    /* 85 */ struct { STORSIM_ATA_COMMAND_SETS; } CommandSetActive;
    /* 88 */ USHORT UltraDMASupport : 8, UltraDMAActive : 8;
    /* 89 */ USHORT ReservedWord89[4], HardwareResetResult, ReservedWord94[162];
} IDENTIFY_PACKET_DATA, *PIDENTIFY_PACKET_DATA;
C_ASSERT(sizeof(IDENTIFY_PACKET_DATA) == 512);
#pragma pack(pop)
#include "ata_logs.h"
#endif
