/*
 * storport_extras.h for storsim: what of storport.h is for power, dumps, telemetry and tracing; part of storport.h.
 *
 * Written from the public documentation (learn.microsoft.com/windows-hardware/drivers/ddi/storport and .../srb). The power
 * framework, dump mode and telemetry are not simulated: a call says so, and what only Windows reads of these structures
 * (sizes, the numbers of keywords and features) has no effect here. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_STORPORT_EXTRAS_H
#define STORSIM_STORPORT_EXTRAS_H

typedef CHAR *PZZSTR;
#define SRB_STATUS(Status) ((Status) & ~(SRB_STATUS_AUTOSENSE_VALID | SRB_STATUS_QUEUE_FROZEN))

/* Features: bits of HW_INITIALIZATION_DATA and of PORT_CONFIGURATION_INFORMATION. */
#define STOR_FEATURE_VIRTUAL_MINIPORT 0x00000001
#define STOR_FEATURE_ATA_PASS_THROUGH 0x00000002
#define STOR_FEATURE_FULL_PNP_DEVICE_CAPABILITIES 0x00000004
#define STOR_FEATURE_DUMP_POINTERS 0x00000008
#define STOR_FEATURE_DEVICE_NAME_NO_SUFFIX 0x00000010
#define STOR_FEATURE_DUMP_RESUME_CAPABLE 0x00000020
#define STOR_FEATURE_DEVICE_DESCRIPTOR_FROM_ATA_INFO_VPD 0x00000040
#define STOR_FEATURE_EXTRA_IO_INFORMATION 0x00000080
#define STOR_FEATURE_ADAPTER_CONTROL_PRE_FINDADAPTER 0x00000100
#define STOR_FEATURE_ADAPTER_NOT_REQUIRE_IO_PORT 0x00000200
#define STOR_FEATURE_DUMP_16_BYTE_ALIGNMENT 0x00000400
#define STOR_FEATURE_SET_ADAPTER_INTERFACE_TYPE 0x00000800
#define STOR_FEATURE_DUMP_INFO 0x00001000
#define STOR_ADAPTER_FEATURE_DEVICE_TELEMETRY 0x00000001
#define STOR_ADAPTER_FEATURE_STOP_UNIT_DURING_POWER_DOWN 0x00000002
#define STOR_ADAPTER_DMA_V3_PREFERRED 0x00000008
#define STOR_ADAPTER_FEATURE_RICH_TEMPERATURE_THRESHOLD 0x00000010
#define DUMP_MODE_CRASH 0x01
#define DUMP_MODE_HIBER 0x02
#define DUMP_MODE_MARK_MEMORY 0x03
#define DUMP_MODE_RESUME 0x04
#define STATE_CHANGE_LUN 0x01
#define STATE_CHANGE_TARGET 0x02
#define STATE_CHANGE_BUS 0x04
#define RAID_ASYNC_NOTIFY_FLAG_MEDIA_STATUS 0x01
#define RAID_ASYNC_NOTIFY_FLAG_DEVICE_STATUS 0x02
#define RAID_ASYNC_NOTIFY_FLAG_DEVICE_OPERATION 0x04
#define MM_ANY_NODE_OK 0x80000000

typedef struct _STOR_UNIT_ATTRIBUTES {
    ULONG DeviceAttentionSupported : 1, AsyncNotificationSupported : 1, D3ColdNotSupported : 1, Reserved : 29;
} STOR_UNIT_ATTRIBUTES, *PSTOR_UNIT_ATTRIBUTES;
STORPORT_API ULONG StorPortSetUnitAttributes(PVOID HwDeviceExtension, PVOID Address, STOR_UNIT_ATTRIBUTES Attributes);

/* Power. */
#define SRB_IOCTL_FLAGS_ADAPTER_REQUEST 0x1
#define SRB_FLAGS_D3_PROCESSING 0x00000800
typedef enum _RAID_SYSTEM_POWER {
    RaidSystemPowerUnknown, RaidSystemPowerLowest, RaidSystemPowerLow, RaidSystemPowerMedium, RaidSystemPowerHigh
} RAID_SYSTEM_POWER;
typedef struct _STOR_SYSTEM_POWER_HINTS {
    ULONG Version, Size;
    RAID_SYSTEM_POWER SystemPower;
    ULONG ResumeLatencyMSec;
} STOR_SYSTEM_POWER_HINTS, *PSTOR_SYSTEM_POWER_HINTS;
typedef struct _STOR_POWER_SETTING_INFO {
    GUID PowerSettingGuid;
    PVOID Value;
    ULONG ValueLength;
} STOR_POWER_SETTING_INFO, *PSTOR_POWER_SETTING_INFO;
typedef struct _SRBEX_DATA_POWER {
    SRBEXDATATYPE Type;
    ULONG Length;
    UCHAR SrbPowerFlags, Reserved[3];
    STOR_DEVICE_POWER_STATE DevicePowerState;
    STOR_POWER_ACTION PowerAction;
    UCHAR Reserved1[4];
} SRBEX_DATA_POWER, *PSRBEX_DATA_POWER;
typedef struct _SRBEX_DATA_IO_INFO {
    SRBEXDATATYPE Type;
    ULONG Length, Flags, Key, RWLength;
    BOOLEAN IsWriteRequest;
    UCHAR CachePriority, Reserved[2], Reserved1[4];
} SRBEX_DATA_IO_INFO, *PSRBEX_DATA_IO_INFO;
#define REQUEST_INFO_PAGING_IO_FLAG 0x00000008
#define REQUEST_INFO_HYBRID_WRITE_THROUGH_FLAG 0x00000100
#define REQUEST_INFO_VALID_CACHEPRIORITY_FLAG 0x80000000

/* The power framework. */
typedef struct _STOR_POFX_COMPONENT_IDLE_STATE {
    ULONG Version, Size;
    ULONGLONG TransitionLatency, ResidencyRequirement;
    ULONG NominalPower;
} STOR_POFX_COMPONENT_IDLE_STATE, *PSTOR_POFX_COMPONENT_IDLE_STATE;
typedef struct _STOR_POFX_COMPONENT {
    ULONG Version, Size, FStateCount, DeepestWakeableFState;
    GUID Id;
    STOR_POFX_COMPONENT_IDLE_STATE FStates[ANYSIZE_ARRAY];
} STOR_POFX_COMPONENT, *PSTOR_POFX_COMPONENT;
typedef struct _STOR_POFX_COMPONENT_V2 {
    ULONG Version, Size, FStateCount, DeepestWakeableFState;
    GUID Id;
    ULONG DeepestAdapterPowerRequiredFState, DeepestCrashDumpReadyFState;
    STOR_POFX_COMPONENT_IDLE_STATE FStates[ANYSIZE_ARRAY];
} STOR_POFX_COMPONENT_V2, *PSTOR_POFX_COMPONENT_V2;
typedef struct _STOR_POFX_DEVICE {
    ULONG Version, Size, ComponentCount, Flags;
    STOR_POFX_COMPONENT Components[ANYSIZE_ARRAY];
} STOR_POFX_DEVICE, *PSTOR_POFX_DEVICE;
typedef struct _STOR_POFX_DEVICE_V2 {
    ULONG Version, Size, ComponentCount, Flags;
    STOR_POFX_COMPONENT Components[ANYSIZE_ARRAY];
} STOR_POFX_DEVICE_V2, *PSTOR_POFX_DEVICE_V2;
typedef struct _STOR_POFX_DEVICE_V3 {
    ULONG Version, Size, ComponentCount, Flags, AdapterIdleTimeoutInMS, Reserved;
    STOR_POFX_COMPONENT_V2 Components[ANYSIZE_ARRAY];
} STOR_POFX_DEVICE_V3, *PSTOR_POFX_DEVICE_V3;
#define STOR_POFX_DEVICE_VERSION_V2 0x2
#define STOR_POFX_DEVICE_VERSION_V3 0x3
#define STOR_POFX_COMPONENT_VERSION_V1 0x1
#define STOR_POFX_COMPONENT_VERSION_V2 0x2
#define STOR_POFX_COMPONENT_IDLE_STATE_VERSION_V1 0x1
#define STOR_POFX_DEVICE_V2_SIZE sizeof(STOR_POFX_DEVICE_V2)
#define STOR_POFX_DEVICE_V3_SIZE sizeof(STOR_POFX_DEVICE_V3)
#define STOR_POFX_COMPONENT_SIZE sizeof(STOR_POFX_COMPONENT)
#define STOR_POFX_COMPONENT_V2_SIZE sizeof(STOR_POFX_COMPONENT_V2)
#define STOR_POFX_COMPONENT_IDLE_STATE_SIZE sizeof(STOR_POFX_COMPONENT_IDLE_STATE)
#define STOR_POFX_UNKNOWN_POWER 0xFFFFFFFF
#define STOR_POFX_DEVICE_FLAG_NO_D0 0x00000001
#define STOR_POFX_DEVICE_FLAG_NO_D3 0x00000002
#define STOR_POFX_DEVICE_FLAG_ENABLE_D3_COLD 0x00000004
#define STOR_POFX_DEVICE_FLAG_NO_DUMP_ACTIVE 0x00000008
#define STOR_POFX_DEVICE_FLAG_IDLE_TIMEOUT 0x00000010
#define STOR_POFX_DEVICE_FLAG_ADAPTIVE_D3_IDLE_TIMEOUT 0x00000020
#define STOR_POFX_DEVICE_FLAG_NO_IDLE_DEBOUNCE 0x00000040
#define STOR_POFX_DEVICE_FLAG_ADAPTER_D3_WAKE 0x00000080
typedef struct _STOR_POFX_CONTEXT_HEADER { ULONG Version, Size; PSTOR_ADDRESS Address; } STOR_POFX_CONTEXT_HEADER;
typedef struct _STOR_POFX_UNIT_POWER_INFO { STOR_POFX_CONTEXT_HEADER Header; BOOLEAN IdlePowerEnabled; } STOR_POFX_UNIT_POWER_INFO, *PSTOR_POFX_UNIT_POWER_INFO;
typedef struct _STOR_POFX_ACTIVE_CONTEXT { STOR_POFX_CONTEXT_HEADER Header; ULONG ComponentIndex; BOOLEAN Active; } STOR_POFX_ACTIVE_CONTEXT, *PSTOR_POFX_ACTIVE_CONTEXT;
typedef struct _STOR_POFX_FSTATE_CONTEXT { STOR_POFX_CONTEXT_HEADER Header; ULONG ComponentIndex, FState; } STOR_POFX_FSTATE_CONTEXT, *PSTOR_POFX_FSTATE_CONTEXT;
/* Identifiers that only Windows compares; these are of our own making. */
static const GUID STORPORT_POFX_ADAPTER_GUID = { 0x53544F52, 1, 1, { 0 } };
static const GUID STORPORT_POFX_LUN_GUID = { 0x53544F52, 1, 2, { 0 } };
static const GUID STORPORT_DEVICEOPERATION_CACHED_SETTINGS_INIT_GUID = { 0x53544F52, 1, 3, { 0 } };

/* Dumps. */
#define DUMP_MINIPORT_VERSION_1 0x0100
typedef struct _MINIPORT_DUMP_POINTERS {
    USHORT Version, Size;
    CHAR DriverName[30];
    PVOID AdapterObject, MappedRegisterBase;
    ULONG CommonBufferSize;
    PVOID MiniportPrivateDumpData;
    ULONG SystemIoBusNumber;
    INTERFACE_TYPE AdapterInterfaceType;
    ULONG MaximumTransferLength, NumberOfPhysicalBreaks, AlignmentMask, NumberOfAccessRanges;
    ACCESS_RANGE (*AccessRanges)[];
} MINIPORT_DUMP_POINTERS, *PMINIPORT_DUMP_POINTERS;

/* Telemetry and tracing. */
#define EVENT_NAME_MAX_LENGTH 32
#define EVENT_MAX_PARAM_NAME_LEN 32
#define EVENT_BUFFER_MAX_LENGTH 4096
#define STORSIM_TELEMETRY_PARAMETER(n) CHAR ParameterName##n[EVENT_MAX_PARAM_NAME_LEN]; ULONGLONG ParameterValue##n
typedef struct _STORPORT_TELEMETRY_EVENT {
    ULONG DriverVersion, EventId;
    UCHAR EventName[EVENT_NAME_MAX_LENGTH];
    ULONG EventVersion, Flags, EventBufferLength;
    PUCHAR EventBuffer;
    STORSIM_TELEMETRY_PARAMETER(0);
    STORSIM_TELEMETRY_PARAMETER(1);
    STORSIM_TELEMETRY_PARAMETER(2);
    STORSIM_TELEMETRY_PARAMETER(3);
    STORSIM_TELEMETRY_PARAMETER(4);
    STORSIM_TELEMETRY_PARAMETER(5);
    STORSIM_TELEMETRY_PARAMETER(6);
    STORSIM_TELEMETRY_PARAMETER(7);
} STORPORT_TELEMETRY_EVENT, *PSTORPORT_TELEMETRY_EVENT;
#define SrbExDataTypeIoInfo 0x80
#define STORPORT_ETW_EVENT_KEYWORD_IO 0x1
#define STORPORT_ETW_EVENT_KEYWORD_PERFORMANCE 0x2
#define STORPORT_ETW_EVENT_KEYWORD_POWER 0x4
#define STORPORT_ETW_EVENT_KEYWORD_ENUMERATION 0x8
#define STORPORT_ETW_EVENT_KEYWORD_COMMAND_TRACE 0x10
enum { StorportEtwEventDiagnostic, StorportEtwEventOperational, StorportEtwEventHealth };
enum { StorportEtwLevelLogAlways, StorportEtwLevelCritical, StorportEtwLevelError, StorportEtwLevelWarning, StorportEtwLevelInformational, StorportEtwLevelVerbose };
enum { StorportEtwEventOpcodeInfo };
STORPORT_API ULONG StorPortEtwChannelEvent2(PVOID HwDeviceExtension, PVOID Address, LONG EventChannel, ULONG EventId,
    PCWSTR EventDescription, ULONGLONG EventKeywords, LONG EventLevel, LONG EventOpcode, PVOID Srb, PCWSTR
    Parameter1Name, ULONGLONG Parameter1Value, PCWSTR Parameter2Name, ULONGLONG Parameter2Value);
STORPORT_API ULONG StorPortEtwChannelEvent4(PVOID HwDeviceExtension, PVOID Address, LONG EventChannel, ULONG EventId,
    PCWSTR EventDescription, ULONGLONG EventKeywords, LONG EventLevel, LONG EventOpcode, PVOID Srb, PCWSTR
    Parameter1Name, ULONGLONG Parameter1Value, PCWSTR Parameter2Name, ULONGLONG Parameter2Value, PCWSTR
    Parameter3Name, ULONGLONG Parameter3Value, PCWSTR Parameter4Name, ULONGLONG Parameter4Value);
STORPORT_API ULONG StorPortEtwChannelEvent8(PVOID HwDeviceExtension, PVOID Address, LONG EventChannel, ULONG EventId,
    PCWSTR EventDescription, ULONGLONG EventKeywords, LONG EventLevel, LONG EventOpcode, PVOID Srb, PCWSTR
    Parameter1Name, ULONGLONG Parameter1Value, PCWSTR Parameter2Name, ULONGLONG Parameter2Value, PCWSTR
    Parameter3Name, ULONGLONG Parameter3Value, PCWSTR Parameter4Name, ULONGLONG Parameter4Value, PCWSTR
    Parameter5Name, ULONGLONG Parameter5Value, PCWSTR Parameter6Name, ULONGLONG Parameter6Value, PCWSTR
    Parameter7Name, ULONGLONG Parameter7Value, PCWSTR Parameter8Name, ULONGLONG Parameter8Value);
#endif
