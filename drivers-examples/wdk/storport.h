/*
 * storport.h for storsim: structures and types of callbacks, as on x64 Windows.
 *
 * Written from the public documentation (learn.microsoft.com/windows-hardware/drivers/ddi/storport). Routines and
 * numbers are generated from the simulator's tables: `storsim headers DIR`. Inline functions of the WDK, which all end
 * in StorPortNotification or StorPortExtendedFunction there, are imported by their names here.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_STORPORT_H
#define STORSIM_STORPORT_H
#include "srb.h"
#include "scsi.h"

typedef LONG STOR_SPINLOCK, STOR_SYNCHRONIZATION_MODEL, INTERRUPT_SYNCHRONIZATION_MODE;
typedef LONG SCSI_ADAPTER_CONTROL_TYPE, SCSI_ADAPTER_CONTROL_STATUS, SCSI_UNIT_CONTROL_TYPE, SCSI_UNIT_CONTROL_STATUS;
typedef LONG STOR_DEVICE_POWER_STATE, STOR_POWER_ACTION, GETSGSTATUS;
typedef enum _SCSI_NOTIFICATION_TYPE {
    RequestComplete, NextRequest, NextLuRequest, ResetDetected, _obsolete1, _obsolete2, RequestTimerCall,
    BusChangeDetected, WMIEvent, WMIReregister, LinkUp, LinkDown, QueryTickCount, BufferOverrunDetected, TraceNotification, IoTargetRequestServiceTime
} SCSI_NOTIFICATION_TYPE;

typedef BOOLEAN HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE(PVOID HwDeviceExtension, ULONG MessageId);
typedef HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE *PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE;

typedef struct _PORT_CONFIGURATION_INFORMATION {
    ULONG Length, SystemIoBusNumber;
    INTERFACE_TYPE AdapterInterfaceType;
    ULONG BusInterruptLevel, BusInterruptVector;
    KINTERRUPT_MODE InterruptMode;
    ULONG MaximumTransferLength, NumberOfPhysicalBreaks, DmaChannel, DmaPort;
    DMA_WIDTH DmaWidth;
    DMA_SPEED DmaSpeed;
    ULONG AlignmentMask, NumberOfAccessRanges;
    ACCESS_RANGE (*AccessRanges)[];
    union { PVOID Reserved, MiniportDumpData; };
    UCHAR NumberOfBuses;
    CCHAR InitiatorBusId[8];
    BOOLEAN ScatterGather, Master, CachesData, AdapterScansDown, AtdiskPrimaryClaimed, AtdiskSecondaryClaimed;
    BOOLEAN Dma32BitAddresses, DemandMode;
    UCHAR MapBuffers;
    BOOLEAN NeedPhysicalAddresses, TaggedQueuing, AutoRequestSense, MultipleRequestPerLu, ReceiveEvent;
    BOOLEAN RealModeInitialized, BufferAccessScsiPortControlled;
    UCHAR MaximumNumberOfTargets, SrbType, AddressType;
    ULONG SlotNumber, BusInterruptLevel2, BusInterruptVector2;
    KINTERRUPT_MODE InterruptMode2;
    ULONG DmaChannel2, DmaPort2;
    DMA_WIDTH DmaWidth2;
    DMA_SPEED DmaSpeed2;
    ULONG DeviceExtensionSize, SpecificLuExtensionSize, SrbExtensionSize;
    UCHAR Dma64BitAddresses;
    BOOLEAN ResetTargetSupported;
    UCHAR MaximumNumberOfLogicalUnits;
    BOOLEAN WmiDataProvider;
    STOR_SYNCHRONIZATION_MODEL SynchronizationModel;
    PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE HwMSInterruptRoutine;
    INTERRUPT_SYNCHRONIZATION_MODE InterruptSynchronizationMode;
    MEMORY_REGION DumpRegion;
    ULONG RequestedDumpBufferSize;
    BOOLEAN VirtualDevice;
    UCHAR DumpMode, DmaAddressWidth;
    ULONG ExtendedFlags1, MaxNumberOfIO, MaxIOsPerLun, InitialLunQueueDepth, BusResetHoldTime, FeatureSupport;
} PORT_CONFIGURATION_INFORMATION, *PPORT_CONFIGURATION_INFORMATION;

typedef BOOLEAN HW_INITIALIZE(PVOID HwDeviceExtension);
typedef BOOLEAN HW_STARTIO(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb);
typedef HW_STARTIO HW_BUILDIO;
typedef BOOLEAN HW_INTERRUPT(PVOID HwDeviceExtension);
typedef VOID HW_TIMER(PVOID HwDeviceExtension);
typedef VOID HW_TIMER_EX(PVOID HwDeviceExtension, PVOID Context);
typedef BOOLEAN HW_RESET_BUS(PVOID HwDeviceExtension, ULONG PathId);
typedef SCSI_ADAPTER_CONTROL_STATUS HW_ADAPTER_CONTROL(
    PVOID HwDeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters);
typedef SCSI_UNIT_CONTROL_STATUS HW_UNIT_CONTROL(
    PVOID HwDeviceExtension, SCSI_UNIT_CONTROL_TYPE ControlType, PVOID Parameters);
typedef ULONG HW_FIND_ADAPTER(
    PVOID HwDeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
    PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again);
typedef ULONG VIRTUAL_HW_FIND_ADAPTER(
    PVOID HwDeviceExtension, PVOID HwContext, PVOID BusInformation, PVOID LowerDevice, PCHAR ArgumentString,
    PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again);
typedef VOID HW_FREE_ADAPTER_RESOURCES(PVOID HwDeviceExtension);
typedef VOID HW_PROCESS_SERVICE_REQUEST(PVOID HwDeviceExtension, PVOID Irp);
typedef VOID HW_COMPLETE_SERVICE_IRP(PVOID HwDeviceExtension);
typedef VOID HW_INITIALIZE_TRACING(PVOID DriverObject, PVOID RegistryPath);
typedef VOID HW_CLEANUP_TRACING(PVOID DriverObject);
typedef VOID HW_TRACING_ENABLED(PVOID HwDeviceExtension, BOOLEAN Enabled);
typedef BOOLEAN HW_PASSIVE_INITIALIZE_ROUTINE(PVOID HwDeviceExtension);
typedef BOOLEAN STOR_SYNCHRONIZED_ACCESS(PVOID HwDeviceExtension, PVOID Context);
typedef VOID HW_WORKITEM(PVOID HwDeviceExtension, PVOID Context, PVOID Worker);
typedef VOID HW_STATE_CHANGE(PVOID HwDeviceExtension, PVOID Context, SHORT AddressType, PVOID Address, ULONG Status);
typedef HW_INITIALIZE *PHW_INITIALIZE;
typedef HW_STARTIO *PHW_STARTIO;
typedef HW_BUILDIO *PHW_BUILDIO;
typedef HW_INTERRUPT *PHW_INTERRUPT;
typedef HW_TIMER *PHW_TIMER;
typedef HW_TIMER_EX *PHW_TIMER_EX;
typedef HW_RESET_BUS *PHW_RESET_BUS;
typedef HW_ADAPTER_CONTROL *PHW_ADAPTER_CONTROL;
typedef HW_UNIT_CONTROL *PHW_UNIT_CONTROL;
typedef HW_FIND_ADAPTER *PHW_FIND_ADAPTER;
typedef VIRTUAL_HW_FIND_ADAPTER *PVIRTUAL_HW_FIND_ADAPTER;
typedef HW_FREE_ADAPTER_RESOURCES *PHW_FREE_ADAPTER_RESOURCES;
typedef HW_PROCESS_SERVICE_REQUEST *PHW_PROCESS_SERVICE_REQUEST;
typedef HW_COMPLETE_SERVICE_IRP *PHW_COMPLETE_SERVICE_IRP;
typedef HW_INITIALIZE_TRACING *PHW_INITIALIZE_TRACING;
typedef HW_CLEANUP_TRACING *PHW_CLEANUP_TRACING;
typedef HW_TRACING_ENABLED *PHW_TRACING_ENABLED;
typedef HW_PASSIVE_INITIALIZE_ROUTINE *PHW_PASSIVE_INITIALIZE_ROUTINE;
typedef STOR_SYNCHRONIZED_ACCESS *PSTOR_SYNCHRONIZED_ACCESS;
typedef HW_WORKITEM *PHW_WORKITEM;
typedef HW_STATE_CHANGE *PHW_STATE_CHANGE;
typedef ULONG sp_DRIVER_INITIALIZE(PVOID DriverObject, PVOID RegistryPath);

#define STORSIM_INITIALIZATION_DATA(name, find) \
    typedef struct _##name { \
        ULONG HwInitializationDataSize; \
        INTERFACE_TYPE AdapterInterfaceType; \
        PHW_INITIALIZE HwInitialize; \
        PHW_STARTIO HwStartIo; \
        PHW_INTERRUPT HwInterrupt; \
        find HwFindAdapter; \
        PHW_RESET_BUS HwResetBus; \
        PVOID HwDmaStarted, HwAdapterState; \
        ULONG DeviceExtensionSize, SpecificLuExtensionSize, SrbExtensionSize, NumberOfAccessRanges; \
        PVOID Reserved; \
        UCHAR MapBuffers; \
        BOOLEAN NeedPhysicalAddresses, TaggedQueuing, AutoRequestSense, MultipleRequestPerLu, ReceiveEvent; \
        USHORT VendorIdLength; \
        PVOID VendorId; \
        union { USHORT ReservedUshort, PortVersionFlags; }; \
        USHORT DeviceIdLength; \
        PVOID DeviceId; \
        PHW_ADAPTER_CONTROL HwAdapterControl; \
        PHW_BUILDIO HwBuildIo; \
        PHW_FREE_ADAPTER_RESOURCES HwFreeAdapterResources; \
        PHW_PROCESS_SERVICE_REQUEST HwProcessServiceRequest; \
        PHW_COMPLETE_SERVICE_IRP HwCompleteServiceIrp; \
        PHW_INITIALIZE_TRACING HwInitializeTracing; \
        PHW_CLEANUP_TRACING HwCleanupTracing; \
        PHW_TRACING_ENABLED HwTracingEnabled; \
        ULONG FeatureSupport, SrbTypeFlags, AddressTypeFlags, Reserved1; \
        PHW_UNIT_CONTROL HwUnitControl; \
    } name, *P##name
STORSIM_INITIALIZATION_DATA(HW_INITIALIZATION_DATA, PHW_FIND_ADAPTER);
STORSIM_INITIALIZATION_DATA(VIRTUAL_HW_INITIALIZATION_DATA, PVIRTUAL_HW_FIND_ADAPTER);

typedef struct _STOR_DPC { KDPC Dpc; KSPIN_LOCK Lock; } STOR_DPC, *PSTOR_DPC;
typedef VOID HW_DPC_ROUTINE(PSTOR_DPC Dpc, PVOID HwDeviceExtension, PVOID SystemArgument1, PVOID SystemArgument2);
typedef HW_DPC_ROUTINE *PHW_DPC_ROUTINE;
typedef struct _STOR_LOCK_HANDLE {
    STOR_SPINLOCK Lock;
    struct { struct { PVOID Next, Lock; } LockQueue; KIRQL OldIrql; } Context;
} STOR_LOCK_HANDLE, *PSTOR_LOCK_HANDLE;
typedef struct _STOR_SCATTER_GATHER_ELEMENT {
    STOR_PHYSICAL_ADDRESS PhysicalAddress;
    ULONG Length;
    ULONG_PTR Reserved;
} STOR_SCATTER_GATHER_ELEMENT, *PSTOR_SCATTER_GATHER_ELEMENT;
typedef struct _STOR_SCATTER_GATHER_LIST {
    ULONG NumberOfElements;
    ULONG_PTR Reserved;
    STOR_SCATTER_GATHER_ELEMENT List[];
} STOR_SCATTER_GATHER_LIST, *PSTOR_SCATTER_GATHER_LIST;
typedef VOID POST_SCATER_GATHER_EXECUTE(
    PVOID *DeviceObject, PVOID *Irp, PSTOR_SCATTER_GATHER_LIST ScatterGather, PVOID Context);
typedef POST_SCATER_GATHER_EXECUTE *PPOST_SCATER_GATHER_EXECUTE;
typedef struct _MESSAGE_INTERRUPT_INFORMATION {
    ULONG MessageId, MessageData;
    STOR_PHYSICAL_ADDRESS MessageAddress;
    ULONG InterruptVector, InterruptLevel;
    KINTERRUPT_MODE InterruptMode;
} MESSAGE_INTERRUPT_INFORMATION, *PMESSAGE_INTERRUPT_INFORMATION;
typedef struct _PERF_CONFIGURATION_DATA {
    ULONG Version, Size, Flags, ConcurrentChannels, FirstRedirectionMessageNumber, LastRedirectionMessageNumber;
    ULONG DeviceNode, Reserved;
    PGROUP_AFFINITY MessageTargets;
} PERF_CONFIGURATION_DATA, *PPERF_CONFIGURATION_DATA;
typedef struct _STARTIO_PERFORMANCE_PARAMETERS {
    ULONG Version, Size, MessageNumber, ChannelNumber;
} STARTIO_PERFORMANCE_PARAMETERS, *PSTARTIO_PERFORMANCE_PARAMETERS;
typedef struct _SCSI_SUPPORTED_CONTROL_TYPE_LIST {
    ULONG MaxControlType;
    BOOLEAN SupportedTypeList[];
} SCSI_SUPPORTED_CONTROL_TYPE_LIST, *PSCSI_SUPPORTED_CONTROL_TYPE_LIST;
typedef struct _SCSI_POWER_REQUEST_BLOCK {
    USHORT Length;
    UCHAR Function, SrbStatus, SrbPowerFlags, PathId, TargetId, Lun;
    STOR_DEVICE_POWER_STATE DevicePowerState;
    ULONG SrbFlags, DataTransferLength, TimeOutValue;
    PVOID DataBuffer, SenseInfoBuffer;
    struct _SCSI_REQUEST_BLOCK *NextSrb;
    PVOID OriginalRequest, SrbExtension;
    STOR_POWER_ACTION PowerAction;
    ULONG Reserved;
    UCHAR Reserved5[16];
} SCSI_POWER_REQUEST_BLOCK, *PSCSI_POWER_REQUEST_BLOCK;
typedef struct _STOR_POWER_CONTROL_HEADER {
    ULONG Version, Size;
    PSTOR_ADDRESS Address;
} STOR_POWER_CONTROL_HEADER, *PSTOR_POWER_CONTROL_HEADER;
typedef struct _STOR_ADAPTER_CONTROL_POWER {
    STOR_POWER_CONTROL_HEADER Header;
    STOR_POWER_ACTION PowerAction;
    STOR_DEVICE_POWER_STATE PowerState;
} STOR_ADAPTER_CONTROL_POWER, *PSTOR_ADAPTER_CONTROL_POWER;
typedef struct _STOR_UNIT_CONTROL_POWER {
    PSTOR_ADDRESS Address;
    STOR_POWER_ACTION PowerAction;
    STOR_DEVICE_POWER_STATE PowerState;
} STOR_UNIT_CONTROL_POWER, *PSTOR_UNIT_CONTROL_POWER;
typedef struct _STOR_DEVICE_CAPABILITIES {
    USHORT Version;
    ULONG DeviceD1 : 1, DeviceD2 : 1, LockSupported : 1, EjectSupported : 1, Removable : 1, DockDevice : 1;
    ULONG UniqueID : 1, SilentInstall : 1, SurpriseRemovalOK : 1, NoDisplayInUI : 1;
} STOR_DEVICE_CAPABILITIES, *PSTOR_DEVICE_CAPABILITIES, STOR_DEVICE_CAPABILITIES_EX, *PSTOR_DEVICE_CAPABILITIES_EX;
typedef enum _STOR_EVENT_ASSOCIATION_ENUM {
    StorEventAdapterAssociation, StorEventLunAssociation, StorEventTargetAssociation
} STOR_EVENT_ASSOCIATION_ENUM;
#define STOR_CURRENT_LOG_INTERFACE_REVISION 0x10000000
typedef struct _STOR_LOG_EVENT_DETAILS {
    ULONG InterfaceRevision, Size, Flags;
    STOR_EVENT_ASSOCIATION_ENUM EventAssociation;
    ULONG PathId, TargetId, LunId;
    BOOLEAN StorportSpecificErrorCode;
    ULONG ErrorCode, UniqueId, DumpDataSize;
    PVOID DumpData;
    ULONG StringCount;
    PWSTR *StringList;
} STOR_LOG_EVENT_DETAILS, *PSTOR_LOG_EVENT_DETAILS;

typedef struct _STOR_REQUEST_INFO_V1 {
    USHORT Version, Size;
    ULONG PriorityHint, Flags, Key, Length;
    BOOLEAN IsWriteRequest;
    UCHAR Reserved[3];
} STOR_REQUEST_INFO, *PSTOR_REQUEST_INFO;

#define SCSI_MINIMUM_PHYSICAL_BREAKS 16
#define SCSI_MAXIMUM_PHYSICAL_BREAKS 255

/* Error codes of StorPortLogError. */
#define SP_BUS_PARITY_ERROR 0x0001
#define SP_UNEXPECTED_DISCONNECT 0x0002
#define SP_INVALID_RESELECTION 0x0003
#define SP_BUS_TIME_OUT 0x0004
#define SP_PROTOCOL_ERROR 0x0005
#define SP_INTERNAL_ADAPTER_ERROR 0x0006
#define SP_REQUEST_TIMEOUT 0x0007

#include "generated/storport_numbers.h"
#include "generated/storport_routines.h"
#include "storport_extras.h"
STORPORT_API VOID StorPortNotification(SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...);
STORPORT_API VOID StorPortDebugPrint(ULONG DebugPrintLevel, PCCHAR DebugMessage, ...);
#define StorPortCopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#endif
