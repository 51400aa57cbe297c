//! Structures that drivers and the system share lie in memory as on x64 Windows.
//!
//! `wdk/layouts.tsv` has the numbers; every line of it is compared with the structure in Rust, and no member
//! listed here may be missing from it.

use std::collections::BTreeMap;
use std::mem::{offset_of, size_of};
use storport_sim::ddi::*;

/// Structure and member, "-" for the size, with a number.
type Layouts = BTreeMap<(String, String), usize>;

macro_rules! layouts {
    ($($structure:ident: $($member:ident)+;)+) => {
        [$(
            (stringify!($structure), "-", size_of::<$structure>()),
            $((stringify!($structure), stringify!($member), offset_of!($structure, $member)),)+
        )+]
    };
}

fn in_rust() -> Layouts {
    let all = layouts! {
        LARGE_INTEGER: QuadPart;
        LIST_ENTRY: Flink Blink;
        SINGLE_LIST_ENTRY: Next;
        UNICODE_STRING: Length MaximumLength Buffer;
        OBJECT_ATTRIBUTES:
            Length RootDirectory ObjectName Attributes SecurityDescriptor SecurityQualityOfService;
        KEY_BASIC_INFORMATION: LastWriteTime TitleIndex NameLength Name;
        KEY_FULL_INFORMATION:
            LastWriteTime TitleIndex ClassOffset ClassLength SubKeys MaxNameLen MaxClassLen Values
            MaxValueNameLen MaxValueDataLen Class;
        KEY_VALUE_BASIC_INFORMATION: TitleIndex Type NameLength Name;
        KEY_VALUE_FULL_INFORMATION: TitleIndex Type DataOffset DataLength NameLength Name;
        KEY_VALUE_PARTIAL_INFORMATION: TitleIndex Type DataLength Data;
        DISPATCHER_HEADER: Type Signalling Size Inserted SignalState WaitListHead;
        KEVENT: Header;
        KSEMAPHORE: Header Limit;
        KMUTANT: Header MutantListEntry OwnerThread Abandoned ApcDisable;
        FAST_MUTEX: Count Owner Contention Event OldIrql;
        KTIMER: Header DueTime TimerListEntry Dpc Processor Period;
        KDPC:
            Type Importance Number DpcListEntry ProcessorHistory DeferredRoutine DeferredContext
            SystemArgument1 SystemArgument2 DpcData;
        KSPIN_LOCK_QUEUE: Next Lock;
        KLOCK_QUEUE_HANDLE: LockQueue OldIrql;
        KDEVICE_QUEUE: Type Size DeviceListHead Lock Busy;
        KDEVICE_QUEUE_ENTRY: DeviceListEntry SortKey Inserted;
        IO_STATUS_BLOCK: Information;
        EX_RUNDOWN_REF: Count;
        IO_CSQ_IRP_CONTEXT: Type Irp Csq;
        MDL: Next Size MdlFlags MappedSystemVa StartVa ByteCount ByteOffset;
        IRP:
            Type Size MdlAddress Flags AssociatedIrp IoStatus RequestorMode PendingReturned
            StackCount CurrentLocation Cancel CancelIrql UserIosb UserEvent CancelRoutine
            UserBuffer Tail;
        IO_STACK_LOCATION:
            MajorFunction MinorFunction Flags Control Parameters DeviceObject FileObject
            CompletionRoutine Context;
        DEVICE_OBJECT:
            Type Size ReferenceCount DriverObject NextDevice AttachedDevice CurrentIrp Flags
            Characteristics DeviceExtension DeviceType StackSize AlignmentRequirement
            DeviceQueue Dpc SecurityDescriptor SectorSize;
        FILE_OBJECT:
            Type Size DeviceObject FsContext FsContext2 FinalStatus RelatedFileObject LockOperation ReadAccess
            Flags FileName CurrentByteOffset;
        DRIVER_OBJECT:
            Type Size DeviceObject Flags DriverExtension DriverName HardwareDatabase
            FastIoDispatch DriverInit DriverStartIo DriverUnload MajorFunction;
        DRIVER_EXTENSION: DriverObject AddDevice;
        IO_CSQ:
            Type CsqInsertIrp CsqRemoveIrp CsqPeekNextIrp CsqAcquireLock CsqReleaseLock CsqCompleteCanceledIrp
            ReservePointer;
        CM_PARTIAL_RESOURCE_DESCRIPTOR: Type ShareDisposition Flags u;
        CM_PARTIAL_RESOURCE_LIST: Version Revision Count PartialDescriptors;
        CM_FULL_RESOURCE_DESCRIPTOR: InterfaceType BusNumber PartialResourceList;
        CM_RESOURCE_LIST: Count List;
        GET_LENGTH_INFORMATION: Length;
        DEVICE_CAPABILITIES:
            Size Version Address UINumber DeviceState SystemWake DeviceWake D1Latency D2Latency
            D3Latency;
        SCSI_REQUEST_BLOCK:
            Length Function SrbStatus ScsiStatus PathId TargetId Lun QueueTag QueueAction
            CdbLength SenseInfoBufferLength SrbFlags DataTransferLength TimeOutValue DataBuffer
            SenseInfoBuffer NextSrb OriginalRequest SrbExtension Reserved Cdb;
        SCSI_PNP_REQUEST_BLOCK:
            Length Function SrbStatus PnPSubFunction PathId TargetId Lun PnPAction SrbFlags
            DataTransferLength TimeOutValue DataBuffer SenseInfoBuffer NextSrb OriginalRequest
            SrbExtension SrbPnPFlags Reserved Reserved4;
        SCSI_POWER_REQUEST_BLOCK:
            Length Function SrbStatus SrbPowerFlags PathId TargetId Lun DevicePowerState SrbFlags
            DataTransferLength TimeOutValue DataBuffer SenseInfoBuffer NextSrb OriginalRequest
            SrbExtension PowerAction Reserved Reserved5;
        STORAGE_REQUEST_BLOCK:
            Length Function SrbStatus ReservedUchar1 Signature Version SrbLength SrbFunction
            SrbFlags ReservedUlong1 RequestTag RequestPriority RequestAttribute TimeOutValue
            SystemStatus ZeroGuard1 AddressOffset NumSrbExData DataTransferLength DataBuffer
            ZeroGuard2 OriginalRequest ClassContext PortContext MiniportContext NextSrb
            SrbExDataOffset;
        STOR_ADDRESS: Type Port AddressLength AddressData;
        STOR_ADDR_BTL8: Type Port AddressLength Path Target Lun Reserved;
        SRBEX_DATA: Type Length Data;
        SRBEX_DATA_SCSI_CDB16:
            Type Length ScsiStatus SenseInfoBufferLength CdbLength Reserved Reserved1
            SenseInfoBuffer Cdb;
        SRBEX_DATA_PNP: Type Length PnPSubFunction Reserved PnPAction SrbPnPFlags Reserved1;
        SRBEX_DATA_POWER: Type Length SrbPowerFlags Reserved DevicePowerState PowerAction;
        PORT_CONFIGURATION_INFORMATION:
            Length SystemIoBusNumber AdapterInterfaceType BusInterruptLevel BusInterruptVector
            InterruptMode MaximumTransferLength NumberOfPhysicalBreaks DmaChannel DmaPort
            DmaWidth DmaSpeed AlignmentMask NumberOfAccessRanges AccessRanges Reserved
            NumberOfBuses InitiatorBusId ScatterGather Master CachesData AdapterScansDown
            AtdiskPrimaryClaimed AtdiskSecondaryClaimed Dma32BitAddresses DemandMode MapBuffers
            NeedPhysicalAddresses TaggedQueuing AutoRequestSense MultipleRequestPerLu
            ReceiveEvent RealModeInitialized BufferAccessScsiPortControlled
            MaximumNumberOfTargets SrbType AddressType SlotNumber BusInterruptLevel2
            BusInterruptVector2 InterruptMode2 DmaChannel2 DmaPort2 DmaWidth2 DmaSpeed2
            DeviceExtensionSize SpecificLuExtensionSize SrbExtensionSize Dma64BitAddresses
            ResetTargetSupported MaximumNumberOfLogicalUnits WmiDataProvider
            SynchronizationModel HwMSInterruptRoutine InterruptSynchronizationMode DumpRegion
            RequestedDumpBufferSize VirtualDevice DumpMode DmaAddressWidth ExtendedFlags1
            MaxNumberOfIO MaxIOsPerLun InitialLunQueueDepth BusResetHoldTime FeatureSupport;
        HW_INITIALIZATION_DATA:
            HwInitializationDataSize AdapterInterfaceType HwInitialize HwStartIo HwInterrupt
            HwFindAdapter HwResetBus HwDmaStarted HwAdapterState DeviceExtensionSize
            SpecificLuExtensionSize SrbExtensionSize NumberOfAccessRanges Reserved MapBuffers
            NeedPhysicalAddresses TaggedQueuing AutoRequestSense MultipleRequestPerLu
            ReceiveEvent VendorIdLength VendorId PortVersionFlags DeviceIdLength DeviceId
            HwAdapterControl HwBuildIo HwFreeAdapterResources HwProcessServiceRequest
            HwCompleteServiceIrp HwInitializeTracing HwCleanupTracing HwTracingEnabled
            FeatureSupport SrbTypeFlags AddressTypeFlags Reserved1 HwUnitControl;
        VIRTUAL_HW_INITIALIZATION_DATA:
            HwInitializationDataSize AdapterInterfaceType HwInitialize HwStartIo HwInterrupt
            HwFindAdapter HwResetBus HwDmaStarted HwAdapterState DeviceExtensionSize
            SpecificLuExtensionSize SrbExtensionSize NumberOfAccessRanges Reserved MapBuffers
            NeedPhysicalAddresses TaggedQueuing AutoRequestSense MultipleRequestPerLu
            ReceiveEvent VendorIdLength VendorId PortVersionFlags DeviceIdLength DeviceId
            HwAdapterControl HwBuildIo HwFreeAdapterResources HwProcessServiceRequest
            HwCompleteServiceIrp HwInitializeTracing HwCleanupTracing HwTracingEnabled
            FeatureSupport SrbTypeFlags AddressTypeFlags Reserved1 HwUnitControl;
        ACCESS_RANGE: RangeStart RangeLength RangeInMemory;
        MEMORY_REGION: VirtualBase PhysicalBase Length;
        STOR_REQUEST_INFO: Version Size PriorityHint Flags Key Length IsWriteRequest Reserved;
        STOR_DPC: Dpc Lock;
        STOR_LOCK_HANDLE: Lock Context;
        STOR_SCATTER_GATHER_ELEMENT: PhysicalAddress Length Reserved;
        MESSAGE_INTERRUPT_INFORMATION:
            MessageId MessageData MessageAddress InterruptVector InterruptLevel InterruptMode;
        PERF_CONFIGURATION_DATA:
            Version Size Flags ConcurrentChannels FirstRedirectionMessageNumber
            LastRedirectionMessageNumber DeviceNode Reserved MessageTargets;
        STARTIO_PERFORMANCE_PARAMETERS: Version Size MessageNumber ChannelNumber;
        STOR_POWER_CONTROL_HEADER: Version Size Address;
        STOR_ADAPTER_CONTROL_POWER: Header PowerAction PowerState;
        STOR_UNIT_CONTROL_POWER: Address PowerAction PowerState;
        SRB_IO_CONTROL: HeaderLength Signature Timeout ControlCode ReturnCode Length;
        PROCESSOR_NUMBER: Group Number Reserved;
        GROUP_AFFINITY: Mask Group Reserved;
    };
    // Members of unions, some of which have no name in C.
    let nested = [
        ("IRP", "AssociatedIrp.SystemBuffer", offset_of!(IRP, AssociatedIrp.SystemBuffer)),
        ("IRP", "Tail.Overlay.DriverContext", offset_of!(IRP, Tail.Overlay.__bindgen_anon_1.DriverContext)),
        ("IRP", "Tail.Overlay.Thread", offset_of!(IRP, Tail.Overlay.Thread)),
        ("IRP", "Tail.Overlay.ListEntry", offset_of!(IRP, Tail.Overlay.__bindgen_anon_2.ListEntry)),
        (
            "IRP",
            "Tail.Overlay.CurrentStackLocation",
            offset_of!(IRP, Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation),
        ),
        ("IRP", "Tail.Overlay.OriginalFileObject", offset_of!(IRP, Tail.Overlay.OriginalFileObject)),
        (
            "IO_STACK_LOCATION",
            "Parameters.Read.Length",
            offset_of!(IO_STACK_LOCATION, Parameters.Read.Length),
        ),
        ("IO_STACK_LOCATION", "Parameters.Read.Key", offset_of!(IO_STACK_LOCATION, Parameters.Read.Key)),
        (
            "IO_STACK_LOCATION",
            "Parameters.Read.ByteOffset",
            offset_of!(IO_STACK_LOCATION, Parameters.Read.ByteOffset),
        ),
        (
            "IO_STACK_LOCATION",
            "Parameters.DeviceIoControl.OutputBufferLength",
            offset_of!(IO_STACK_LOCATION, Parameters.DeviceIoControl.OutputBufferLength),
        ),
        (
            "IO_STACK_LOCATION",
            "Parameters.DeviceIoControl.InputBufferLength",
            offset_of!(IO_STACK_LOCATION, Parameters.DeviceIoControl.InputBufferLength),
        ),
        (
            "IO_STACK_LOCATION",
            "Parameters.DeviceIoControl.IoControlCode",
            offset_of!(IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode),
        ),
        (
            "IO_STACK_LOCATION",
            "Parameters.DeviceIoControl.Type3InputBuffer",
            offset_of!(IO_STACK_LOCATION, Parameters.DeviceIoControl.Type3InputBuffer),
        ),
        ("IO_STACK_LOCATION", "Parameters.Scsi.Srb", offset_of!(IO_STACK_LOCATION, Parameters.Scsi.Srb)),
        (
            "IO_STACK_LOCATION",
            "Parameters.StartDevice.AllocatedResourcesTranslated",
            offset_of!(IO_STACK_LOCATION, Parameters.StartDevice.AllocatedResourcesTranslated),
        ),
        (
            "CM_PARTIAL_RESOURCE_DESCRIPTOR",
            "u.Memory.Length",
            offset_of!(CM_PARTIAL_RESOURCE_DESCRIPTOR, u.Memory.Length),
        ),
        (
            "CM_PARTIAL_RESOURCE_DESCRIPTOR",
            "u.Interrupt.Vector",
            offset_of!(CM_PARTIAL_RESOURCE_DESCRIPTOR, u.Interrupt.Vector),
        ),
        (
            "CM_PARTIAL_RESOURCE_DESCRIPTOR",
            "u.Interrupt.Affinity",
            offset_of!(CM_PARTIAL_RESOURCE_DESCRIPTOR, u.Interrupt.Affinity),
        ),
        (
            "IO_STACK_LOCATION",
            "Parameters.Power.SystemContext",
            offset_of!(IO_STACK_LOCATION, Parameters.Power.SystemContext),
        ),
        ("IO_STACK_LOCATION", "Parameters.Power.Type", offset_of!(IO_STACK_LOCATION, Parameters.Power.Type)),
        (
            "IO_STACK_LOCATION",
            "Parameters.Power.State",
            offset_of!(IO_STACK_LOCATION, Parameters.Power.State),
        ),
        (
            "IO_STACK_LOCATION",
            "Parameters.Power.ShutdownType",
            offset_of!(IO_STACK_LOCATION, Parameters.Power.ShutdownType),
        ),
        (
            "IO_STACK_LOCATION",
            "Parameters.Others.Argument4",
            offset_of!(IO_STACK_LOCATION, Parameters.Others.Argument4),
        ),
    ];
    all.iter()
        .chain(&nested)
        .map(|(structure, member, n)| ((structure.to_string(), member.to_string()), *n))
        .collect()
}

fn in_the_table() -> Layouts {
    let lines = include_str!("../../wdk/layouts.tsv").lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_else(|| panic!("a line with too few fields: {line}"));
        ((next(), next()), next().parse().unwrap_or_else(|e| panic!("{line}: {e}")))
    };
    lines.map(row).collect()
}

#[test]
fn structures_lie_in_memory_as_on_windows() {
    let (ours, windows) = (in_rust(), in_the_table());
    let mut wrong = Vec::new();
    for name in ours.keys().chain(windows.keys()) {
        if ours.get(name) != windows.get(name) {
            wrong.push(format!(
                "{} {}: {:?} is {:?} on Windows",
                name.0,
                name.1,
                ours.get(name),
                windows.get(name)
            ));
        }
    }
    wrong.dedup();
    assert_eq!(wrong, [""; 0]);
}
