//! The StorPort routines that are known by name only: a call stops the run, names itself and its caller.
//!
//! They are rows all the same, so that a driver that mentions one compiles, the coverage page is honest
//! about it, and a report says whose limit was reached: ours.

use crate::ddi::hardware_structures::{PGROUP_AFFINITY, PSTOR_KSPIN_LOCK, PSTOR_SCATTER_GATHER_LIST};
use crate::ddi::structures::PSCSI_REQUEST_BLOCK;
use crate::port::absent::{eight, five, four, one, seven, six, three, two};
use kernel_sim::ddi::{
    BOOLEAN, KPRIORITY, LONG, PLARGE_INTEGER, PLIST_ENTRY, PMDL, PSINGLE_LIST_ENTRY, PULONG, PVOID, SIZE_T,
    ULONG, ULONGLONG, USHORT,
};

kernel_sim::ddis! { base 800;
    // Memory
    /// Allocates memory of the host for the device.
    StorPortAllocateHostMemoryBuffer(
        HwDeviceExtension: PVOID, MinimumBytes: SIZE_T, PreferredBytes: SIZE_T, UtilizationBytes: SIZE_T,
        AlignmentMask: PULONG, Buffer: PVOID, EntryCount: PULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => seven;
    /// Frees memory of the host for the device.
    StorPortFreeHostMemoryBuffer(HwDeviceExtension: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => one;
    /// Allocates an MDL.
    StorPortAllocateMdl(HwDeviceExtension: PVOID, BufferPointer: PVOID, NumberOfBytes: ULONG, Mdl: *mut PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => four;
    /// Frees an MDL.
    StorPortFreeMdl(HwDeviceExtension: PVOID, Mdl: PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => two;
    /// Fills in an MDL for nonpaged memory.
    StorPortBuildMdlForNonPagedPool(HwDeviceExtension: PVOID, Mdl: PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => two;
    /// The page frames of a request's data.
    StorPortGetPfns(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, Mdl: PVOID, Pfns: *mut PVOID, PfnCount: PULONG,
        StartingOffset: PULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => six;
    /// Copies data a second time if the first copy went wrong.
    StorPortSecureCopyMemory(HwDeviceExtension: PVOID, Destination: PVOID, Source: PVOID, Length: SIZE_T) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => four;

    // Requests
    /// The MDL of a request's second buffer.
    StorPortGetDataInBufferMdl(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, Mdl: *mut PMDL) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, plain => three;
    /// The scatter/gather list of a request's second buffer.
    StorPortGetDataInBufferScatterGatherList(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, SgList: *mut PSTOR_SCATTER_GATHER_LIST,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, plain => three;
    /// The system address of a request's second buffer.
    StorPortGetDataInBufferSystemAddress(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, SystemAddress: *mut PVOID,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => three;
    /// The activity a request belongs to.
    StorPortGetActivityIdSrb(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, ActivityId: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, plain => three;
    /// How a request is to be treated.
    StorPortGetRequestInfo(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, RequestInfo: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, plain => three;
    /// The key of an encrypted request.
    StorPortGetRequestCryptoInfo(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, CryptoInfo: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => three;
    /// Registers the adapter's inline encryption.
    StorPortInitializeCryptoEngine(HwDeviceExtension: PVOID, Capabilities: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => two;

    // Lists
    /// Makes a spin lock for the interlocked lists.
    StorPortInitializeSpinlock(HwDeviceExtension: PVOID, Lock: PSTOR_KSPIN_LOCK) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => two;
    /// Makes a list head.
    StorPortInitializeListHead(HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => two;
    /// Prepends to a list under its lock.
    StorPortInterlockedInsertHeadList(
        HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PSTOR_KSPIN_LOCK,
        First: *mut PLIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => five;
    /// Appends to a list under its lock.
    StorPortInterlockedInsertTailList(
        HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PSTOR_KSPIN_LOCK,
        Last: *mut PLIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => five;
    /// Takes the first entry off a list under its lock.
    StorPortInterlockedRemoveHeadList(
        HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY, Lock: PSTOR_KSPIN_LOCK, Entry: *mut PLIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => four;
    /// Makes a sequenced list.
    StorPortInitializeSListHead(HwDeviceExtension: PVOID, SListHead: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => two;
    /// Empties a sequenced list.
    StorPortInterlockedFlushSList(
        HwDeviceExtension: PVOID, SListHead: PVOID, Result: *mut PSINGLE_LIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => three;
    /// Takes an entry off a sequenced list.
    StorPortInterlockedPopEntrySList(
        HwDeviceExtension: PVOID, SListHead: PVOID, Result: *mut PSINGLE_LIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => three;
    /// Puts an entry on a sequenced list.
    StorPortInterlockedPushEntrySList(
        HwDeviceExtension: PVOID, SListHead: PVOID, SListEntry: PSINGLE_LIST_ENTRY, Result: *mut PSINGLE_LIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => four;
    /// How long a sequenced list is.
    StorPortQueryDepthSList(HwDeviceExtension: PVOID, SListHead: PVOID, Depth: *mut USHORT) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => three;

    // Threads and events
    /// Starts a thread of the miniport.
    StorPortCreateSystemThread(
        HwDeviceExtension: PVOID, StartRoutine: PVOID, StartContext: PVOID, Unused: PULONG, Thread: *mut PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => five;
    /// Ends the calling thread of the miniport.
    StorPortTerminateSystemThread(HwDeviceExtension: PVOID, Thread: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => two;
    /// Sets a thread's priority.
    StorPortSetPriorityThread(HwDeviceExtension: PVOID, Thread: PVOID, Priority: KPRIORITY) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, plain => three;
    /// Sets the processors of the calling thread.
    StorPortSetSystemGroupAffinityThread(
        HwDeviceExtension: PVOID, Affinity: PGROUP_AFFINITY, Previous: PGROUP_AFFINITY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => three;
    /// Restores the processors of the calling thread.
    StorPortRevertToUserGroupAffinityThread(HwDeviceExtension: PVOID, Previous: PGROUP_AFFINITY) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => two;
    /// Makes an event.
    StorPortInitializeEvent(HwDeviceExtension: PVOID, Event: PVOID, Type: LONG, State: BOOLEAN) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => four;
    /// Signals an event.
    StorPortSetEvent(
        HwDeviceExtension: PVOID, Event: PVOID, Increment: KPRIORITY, Wait: BOOLEAN, PreviousState: *mut LONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => five;
    /// Waits for an object.
    StorPortWaitForSingleObject(
        HwDeviceExtension: PVOID, Object: PVOID, Alertable: BOOLEAN, Timeout: PLARGE_INTEGER,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => four;

    // Processors and nodes
    /// How processors relate to each other.
    StorPortGetLogicalProcessorRelationship(
        HwDeviceExtension: PVOID, ProcessorNumber: PVOID, RelationshipType: LONG, Information: PVOID, Length: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => five;
    /// The message that interrupts a processor.
    StorPortGetMessageInterruptIDFromProcessorIndex(
        HwDeviceExtension: PVOID, ProcessorIndex: ULONG, MessageId: PULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => three;
    /// The processors of a node, in all groups.
    StorPortGetNodeAffinity2(
        HwDeviceExtension: PVOID, NodeNumber: ULONG, Masks: PGROUP_AFFINITY, MaskCount: USHORT, Required: *mut USHORT,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => five;
    /// How long this DPC may still take.
    StorPortQueryDpcWatchdogInformation(HwDeviceExtension: PVOID, Information: PVOID) -> ULONG,
        header "storport.h", irql (DISPATCH, DISPATCH), NotHereYet, plain => two;

    // The adapter and its device
    /// The system's number of the adapter.
    StorPortGetSystemPortNumber(HwDeviceExtension: PVOID, Address: PVOID, PortNumber: PULONG) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => three;
    /// Resets the function.
    StorPortHardwareReset(HwDeviceExtension: PVOID, ResetType: ULONG, Address: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => three;
    /// Calls a method of the firmware.
    StorPortInvokeAcpiMethod(
        HwDeviceExtension: PVOID, Address: PVOID, MethodName: ULONG, InputBuffer: PVOID, InputBufferLength: ULONG,
        OutputBuffer: PVOID, OutputBufferLength: ULONG, BytesReturned: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, plain => eight;
    /// Whether an operation on the device is allowed.
    StorPortIsDeviceOperationAllowed(
        HwDeviceExtension: PVOID, Address: PVOID, Operation: PVOID, AllowedFlags: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, plain => four;
    /// Keeps a message from interrupting.
    StorPortMaskMsixInterrupt(HwDeviceExtension: PVOID, MessageId: ULONG, Mask: BOOLEAN) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => three;
    /// What the system is configured to do with the adapter.
    StorPortQueryConfiguration(HwDeviceExtension: PVOID, Type: ULONG, Buffer: PVOID, Length: PULONG) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => four;
    /// Takes a live dump.
    StorPortCaptureLiveDump(HwDeviceExtension: PVOID, Address: PVOID, Code: ULONG, Parameters: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, plain => four;

    // Registry keys of the adapter
    /// Asks to be told of changes of a key.
    StorPortEnableRegistryKeyNotification(HwDeviceExtension: PVOID, KeyName: PVOID, Routine: PVOID) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => three;
    /// Reads a value under the adapter's own key.
    StorPortRegistryReadAdapterKey(
        HwDeviceExtension: PVOID, SubKeyName: PVOID, ValueName: PVOID, ValueType: ULONG, ValueData: *mut PVOID,
        ValueLength: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, plain => six;
    /// Writes a value under the adapter's own key.
    StorPortRegistryWriteAdapterKey(
        HwDeviceExtension: PVOID, SubKeyName: PVOID, ValueName: PVOID, ValueType: ULONG, ValueData: PVOID,
        ValueLength: ULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), NotHereYet, plain => six;

    // Runtime power management
    /// Says that a component is needed.
    StorPortPoFxActivateComponent(
        HwDeviceExtension: PVOID, Address: PVOID, Srb: PSCSI_REQUEST_BLOCK, Component: ULONG, Flags: ULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => five;
    /// Says that a component is not needed.
    StorPortPoFxIdleComponent(
        HwDeviceExtension: PVOID, Address: PVOID, Srb: PSCSI_REQUEST_BLOCK, Component: ULONG, Flags: ULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), NotHereYet, plain => five;
    /// Sends a power control request.
    StorPortPoFxPowerControl(
        HwDeviceExtension: PVOID, PowerControlCode: PVOID, InputBuffer: PVOID, InputLength: SIZE_T,
        OutputBuffer: PVOID, OutputLength: SIZE_T, BytesReturned: *mut SIZE_T,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => seven;
    /// How long a component may take to wake up.
    StorPortPoFxSetComponentLatency(
        HwDeviceExtension: PVOID, Address: PVOID, Component: ULONG, Latency: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => four;
    /// How long a component will be idle.
    StorPortPoFxSetComponentResidency(
        HwDeviceExtension: PVOID, Address: PVOID, Component: ULONG, Residency: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), NotHereYet, plain => four;
    /// How long the adapter is idle before it loses power.
    StorPortPoFxSetIdleTimeout(HwDeviceExtension: PVOID, Address: PVOID, IdleTimeout: ULONGLONG) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => three;
    /// Asks for a performance state.
    StorPortPoFxSetPerfState(
        HwDeviceExtension: PVOID, Address: PVOID, Component: ULONG, Flags: ULONG, PerfStateCount: ULONG, Change: PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => six;

    // Events and telemetry
    /// Writes an event with bytes.
    StorPortEtwLogByteStream(
        HwDeviceExtension: PVOID, Address: PVOID, EventId: ULONG, Description: PVOID, Length: ULONG, Buffer: PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => six;
    /// Writes an error event.
    StorPortEtwLogError(
        HwDeviceExtension: PVOID, Address: PVOID, EventId: ULONG, Description: PVOID, Keywords: ULONGLONG, Level: LONG,
        Error: PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, NotHereYet, plain => seven;
}
