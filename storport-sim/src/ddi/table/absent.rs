//! The StorPort routines that are known by name only: a call stops the run, names itself and its caller.
//!
//! They are rows all the same, so that a driver that mentions one compiles, the coverage page is honest
//! about it, and a report says whose limit was reached: ours.

use crate::ddi::hardware_structures::{PGROUP_AFFINITY, PSTOR_SCATTER_GATHER_LIST};
use crate::ddi::structures::PSCSI_REQUEST_BLOCK;
use crate::port::absent::{five, four, one, seven, six, three, two};
use kernel_sim::ddi::{
    BOOLEAN, KPRIORITY, LONG, PLARGE_INTEGER, PMDL, PULONG, PVOID, SIZE_T, ULONG, ULONGLONG, USHORT,
};

kernel_sim::ddis! {
    // Memory
    /// Allocates memory of the host for the device.
    StorPortAllocateHostMemoryBuffer = 800(
        HwDeviceExtension: PVOID, MinimumBytes: SIZE_T, PreferredBytes: SIZE_T, UtilizationBytes: SIZE_T,
        AlignmentMask: PULONG, Buffer: PVOID, EntryCount: PULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => seven;
    /// Frees memory of the host for the device.
    StorPortFreeHostMemoryBuffer = 801(HwDeviceExtension: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => one;
    /// Allocates an MDL.
    StorPortAllocateMdl = 802(HwDeviceExtension: PVOID, BufferPointer: PVOID, NumberOfBytes: ULONG, Mdl: *mut PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => four;
    /// Frees an MDL.
    StorPortFreeMdl = 803(HwDeviceExtension: PVOID, Mdl: PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => two;
    /// Fills in an MDL for nonpaged memory.
    StorPortBuildMdlForNonPagedPool = 804(HwDeviceExtension: PVOID, Mdl: PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => two;
    /// The page frames of a request's data.
    StorPortGetPfns = 805(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, Mdl: PVOID, Pfns: *mut PVOID, PfnCount: PULONG,
        StartingOffset: PULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => six;
    /// Copies data a second time if the first copy went wrong.
    StorPortSecureCopyMemory = 806(HwDeviceExtension: PVOID, Destination: PVOID, Source: PVOID, Length: SIZE_T) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => four;

    // Requests
    /// The MDL of a request's second buffer.
    StorPortGetDataInBufferMdl = 807(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, Mdl: *mut PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, Plain => three;
    /// The scatter/gather list of a request's second buffer.
    StorPortGetDataInBufferScatterGatherList = 808(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, SgList: *mut PSTOR_SCATTER_GATHER_LIST,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, Plain => three;
    /// The system address of a request's second buffer.
    StorPortGetDataInBufferSystemAddress = 809(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, SystemAddress: *mut PVOID,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => three;
    /// The activity a request belongs to.
    StorPortGetActivityIdSrb = 810(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, ActivityId: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, Plain => three;
    /// The key of an encrypted request.
    StorPortGetRequestCryptoInfo = 812(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, CryptoInfo: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => three;
    /// Registers the adapter's inline encryption.
    StorPortInitializeCryptoEngine = 813(HwDeviceExtension: PVOID, Capabilities: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => two;

    // Threads and events
    /// Starts a thread of the miniport.
    StorPortCreateSystemThread = 824(
        HwDeviceExtension: PVOID, StartRoutine: PVOID, StartContext: PVOID, Unused: PULONG, Thread: *mut PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => five;
    /// Ends the calling thread of the miniport.
    StorPortTerminateSystemThread = 825(HwDeviceExtension: PVOID, Thread: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => two;
    /// Sets a thread's priority.
    StorPortSetPriorityThread = 826(HwDeviceExtension: PVOID, Thread: PVOID, Priority: KPRIORITY) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, Plain => three;
    /// Sets the processors of the calling thread.
    StorPortSetSystemGroupAffinityThread = 827(
        HwDeviceExtension: PVOID, Affinity: PGROUP_AFFINITY, Previous: PGROUP_AFFINITY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => three;
    /// Restores the processors of the calling thread.
    StorPortRevertToUserGroupAffinityThread = 828(HwDeviceExtension: PVOID, Previous: PGROUP_AFFINITY) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => two;
    /// Makes an event.
    StorPortInitializeEvent = 829(HwDeviceExtension: PVOID, Event: PVOID, Type: LONG, State: BOOLEAN) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => four;
    /// Signals an event.
    StorPortSetEvent = 830(
        HwDeviceExtension: PVOID, Event: PVOID, Increment: KPRIORITY, Wait: BOOLEAN, PreviousState: *mut LONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => five;
    /// Waits for an object.
    StorPortWaitForSingleObject = 831(
        HwDeviceExtension: PVOID, Object: PVOID, Alertable: BOOLEAN, Timeout: PLARGE_INTEGER,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => four;

    // Processors and nodes
    /// How processors relate to each other.
    StorPortGetLogicalProcessorRelationship = 832(
        HwDeviceExtension: PVOID, ProcessorNumber: PVOID, RelationshipType: LONG, Information: PVOID, Length: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => five;
    /// The message that interrupts a processor.
    StorPortGetMessageInterruptIDFromProcessorIndex = 833(
        HwDeviceExtension: PVOID, ProcessorIndex: ULONG, MessageId: PULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => three;
    /// The processors of a node, in all groups.
    StorPortGetNodeAffinity2 = 834(
        HwDeviceExtension: PVOID, NodeNumber: ULONG, Masks: PGROUP_AFFINITY, MaskCount: USHORT, Required: *mut USHORT,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => five;
    /// How long this DPC may still take.
    StorPortQueryDpcWatchdogInformation = 835(HwDeviceExtension: PVOID, Information: PVOID) -> ULONG,
        header "storport.h", irql (DISPATCH, DISPATCH), NotHereYet, Plain => two;

    // The adapter and its device
    /// The system's number of the adapter.
    StorPortGetSystemPortNumber = 836(HwDeviceExtension: PVOID, Address: PVOID, PortNumber: PULONG) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => three;
    /// Resets the function.
    StorPortHardwareReset = 837(HwDeviceExtension: PVOID, ResetType: ULONG, Address: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => three;
    /// Keeps a message from interrupting.
    StorPortMaskMsixInterrupt = 840(HwDeviceExtension: PVOID, MessageId: ULONG, Mask: BOOLEAN) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => three;
    /// What the system is configured to do with the adapter.
    StorPortQueryConfiguration = 841(HwDeviceExtension: PVOID, Type: ULONG, Buffer: PVOID, Length: PULONG) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => four;
    /// Takes a live dump.
    StorPortCaptureLiveDump = 842(HwDeviceExtension: PVOID, Address: PVOID, Code: ULONG, Parameters: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, Plain => four;

    // Registry keys of the adapter
    /// Asks to be told of changes of a key.
    StorPortEnableRegistryKeyNotification = 843(HwDeviceExtension: PVOID, KeyName: PVOID, Routine: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => three;
    // Runtime power management
    /// Says that a component is needed.
    StorPortPoFxActivateComponent = 846(
        HwDeviceExtension: PVOID, Address: PVOID, Srb: PSCSI_REQUEST_BLOCK, Component: ULONG, Flags: ULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => five;
    /// Says that a component is not needed.
    StorPortPoFxIdleComponent = 847(
        HwDeviceExtension: PVOID, Address: PVOID, Srb: PSCSI_REQUEST_BLOCK, Component: ULONG, Flags: ULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, Plain => five;
    /// Sends a power control request.
    StorPortPoFxPowerControl = 848(
        HwDeviceExtension: PVOID, PowerControlCode: PVOID, InputBuffer: PVOID, InputLength: SIZE_T,
        OutputBuffer: PVOID, OutputLength: SIZE_T, BytesReturned: *mut SIZE_T,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => seven;
    /// How long a component may take to wake up.
    StorPortPoFxSetComponentLatency = 849(
        HwDeviceExtension: PVOID, Address: PVOID, Component: ULONG, Latency: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => four;
    /// How long a component will be idle.
    StorPortPoFxSetComponentResidency = 850(
        HwDeviceExtension: PVOID, Address: PVOID, Component: ULONG, Residency: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, Plain => four;
    /// How long the adapter is idle before it loses power.
    StorPortPoFxSetIdleTimeout = 851(HwDeviceExtension: PVOID, Address: PVOID, IdleTimeout: ULONGLONG) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => three;
    /// Asks for a performance state.
    StorPortPoFxSetPerfState = 852(
        HwDeviceExtension: PVOID, Address: PVOID, Component: ULONG, Flags: ULONG, PerfStateCount: ULONG, Change: PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => six;

    // Events and telemetry
    /// Writes an event with bytes.
    StorPortEtwLogByteStream = 853(
        HwDeviceExtension: PVOID, Address: PVOID, EventId: ULONG, Description: PVOID, Length: ULONG, Buffer: PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => six;
    /// Writes an error event.
    StorPortEtwLogError = 854(
        HwDeviceExtension: PVOID, Address: PVOID, EventId: ULONG, Description: PVOID, Keywords: ULONGLONG, Level: LONG,
        Error: PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, Plain => seven;
}
