//! The system around the adapter: processors and device objects; lists; events, telemetry and power, most of
//! which is accepted and ignored.

use crate::ddi::PWSTR;
use crate::ddi::hardware_structures::{PGROUP_AFFINITY, PPROCESSOR_NUMBER, PSTOR_KSPIN_LOCK};
use crate::ddi::structures::PSCSI_REQUEST_BLOCK;
use crate::port::{lists, system};
use kernel_sim::ddi::{
    BOOLEAN, LONG, PLIST_ENTRY, PSINGLE_LIST_ENTRY, PULONG, PVOID, ULONG, ULONGLONG, USHORT,
};

kernel_sim::ddis! {
    /// How many processor groups there are: one.
    StorPortGetActiveGroupCount = 760(HwDeviceExtension: PVOID, NumberGroups: *mut USHORT) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => system::group_count;
    /// How many nodes there are: one.
    StorPortGetActiveNodeCount = 761(HwDeviceExtension: PVOID, NumberNodes: PULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => system::node_count;
    /// The highest node number: 0.
    StorPortGetHighestNodeNumber = 762(HwDeviceExtension: PVOID, HighestNode: PULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => system::highest_node;
    /// The calling processor.
    StorPortGetCurrentProcessorNumber = 763(HwDeviceExtension: PVOID, ProcNumber: PPROCESSOR_NUMBER) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => system::current_processor;
    /// The processors of a group.
    StorPortGetGroupAffinity = 764(HwDeviceExtension: PVOID, GroupNumber: USHORT, GroupAffinityMask: *mut u64) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => system::group_affinity;
    /// The processors of a node.
    StorPortGetNodeAffinity = 765(HwDeviceExtension: PVOID, NodeNumber: ULONG, NodeAffinityMask: PGROUP_AFFINITY) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => system::node_affinity;
    /// The shortest interval of a timer, in microseconds.
    StorPortQueryTimerMinInterval = 766(HwDeviceExtension: PVOID, MinInterval: PULONG) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => system::timer_min_interval;
    /// The adapter's functional and physical device objects, and the one below the functional one.
    StorPortGetDeviceObjects = 767(
        HwDeviceExtension: PVOID, AdapterDeviceObject: *mut PVOID, PhysicalDeviceObject: *mut PVOID,
        LowerDeviceObject: *mut PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => system::device_objects;
    /// Whether Windows is being upgraded: it is not.
    StorPortIsCurrentOsInstallationUpgrade = 768(HwDeviceExtension: PVOID, IsUpgrade: *mut BOOLEAN) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), Modelled, Plain => system::is_upgrade;
    /// Accepted and ignored: says that a device has failed.
    StorPortMarkDeviceFailed = 769(
        HwDeviceExtension: PVOID, Address: PVOID, Flags: ULONG, FailureReason: PWSTR,
    ) -> ULONG,
        header "storport.h", irql undocumented, Ignored, Plain => system::device_failed;
    /// Accepted and ignored: says that a device has failed, and why.
    StorPortMarkDeviceFailedEx = 770(
        HwDeviceExtension: PVOID, Address: PVOID, Flags: ULONG, FailureReason: PWSTR, DiagnosticData: PVOID,
    ) -> ULONG,
        header "storport.h", irql undocumented, Ignored, Plain => system::device_failed_ex;
    /// Registers with the power framework, which this system does not have: STOR_STATUS_NOT_IMPLEMENTED.
    StorPortInitializePoFxPower = 771(
        HwDeviceExtension: PVOID, Address: PVOID, Device: PVOID, D3ColdEnabled: *mut BOOLEAN,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => system::no_power_framework;
    /// Calls a method of the firmware, of which there is none here: STOR_STATUS_UNSUCCESSFUL.
    StorPortInvokeAcpiMethod = 838(
        HwDeviceExtension: PVOID, Address: PVOID, MethodName: ULONG, InputBuffer: PVOID, InputBufferLength: ULONG,
        OutputBuffer: PVOID, OutputBufferLength: ULONG, BytesReturned: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), Modelled, Plain => system::no_firmware;
    /// Whether an operation on the device is allowed: none is, so what earlier starts kept is not used.
    StorPortIsDeviceOperationAllowed = 839(
        HwDeviceExtension: PVOID, Address: PVOID, Operation: PVOID, AllowedFlags: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), Modelled, Plain => system::operation_not_allowed;
    /// Reads a value under the adapter's own key, which has none here: STOR_STATUS_UNSUCCESSFUL.
    StorPortRegistryReadAdapterKey = 844(
        HwDeviceExtension: PVOID, SubKeyName: PVOID, ValueName: PVOID, ValueType: ULONG, ValueData: *mut PVOID,
        ValueLength: PULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), Modelled, Plain => system::no_value;
    /// Accepted and ignored: writes a value under the adapter's own key, for later starts of the system.
    StorPortRegistryWriteAdapterKey = 845(
        HwDeviceExtension: PVOID, SubKeyName: PVOID, ValueName: PVOID, ValueType: ULONG, ValueData: PVOID,
        ValueLength: ULONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, PASSIVE), Ignored, Plain => system::value_for_later;
    /// Whether the device may lose its power in D3: it may not.
    StorPortGetD3ColdSupport = 855(HwDeviceExtension: PVOID, Address: PVOID, Supported: *mut BOOLEAN) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => system::no_d3_cold;
    /// Accepted and ignored: writes telemetry.
    StorPortLogTelemetry = 772(HwDeviceExtension: PVOID, Address: PVOID, Event: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Ignored, Plain => system::telemetry;
    /// Accepted and ignored: writes telemetry with a version.
    StorPortLogTelemetryEx = 773(HwDeviceExtension: PVOID, Address: PVOID, Event: PVOID) -> ULONG,
        header "storport.h", irql undocumented, Ignored, Plain => system::telemetry;
    /// Accepted and ignored: writes an event with two values.
    StorPortEtwEvent2 = 774(
        HwDeviceExtension: PVOID, Address: PVOID, EventId: ULONG, EventDescription: PWSTR, EventKeywords: ULONGLONG,
        EventLevel: LONG, EventOpcode: LONG, Srb: PSCSI_REQUEST_BLOCK, Parameter1Name: PWSTR, Parameter1Value: ULONGLONG,
        Parameter2Name: PWSTR, Parameter2Value: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Ignored, Plain => system::event_2;
    /// Accepted and ignored: writes an event with four values.
    StorPortEtwEvent4 = 775(
        HwDeviceExtension: PVOID, Address: PVOID, EventId: ULONG, EventDescription: PWSTR, EventKeywords: ULONGLONG,
        EventLevel: LONG, EventOpcode: LONG, Srb: PSCSI_REQUEST_BLOCK, Parameter1Name: PWSTR, Parameter1Value: ULONGLONG,
        Parameter2Name: PWSTR, Parameter2Value: ULONGLONG,
        Parameter3Name: PWSTR, Parameter3Value: ULONGLONG,
        Parameter4Name: PWSTR, Parameter4Value: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Ignored, Plain => system::event_4;
    /// Accepted and ignored: writes an event with eight values.
    StorPortEtwEvent8 = 776(
        HwDeviceExtension: PVOID, Address: PVOID, EventId: ULONG, EventDescription: PWSTR, EventKeywords: ULONGLONG,
        EventLevel: LONG, EventOpcode: LONG, Srb: PSCSI_REQUEST_BLOCK, Parameter1Name: PWSTR, Parameter1Value: ULONGLONG,
        Parameter2Name: PWSTR, Parameter2Value: ULONGLONG,
        Parameter3Name: PWSTR, Parameter3Value: ULONGLONG,
        Parameter4Name: PWSTR, Parameter4Value: ULONGLONG,
        Parameter5Name: PWSTR, Parameter5Value: ULONGLONG,
        Parameter6Name: PWSTR, Parameter6Value: ULONGLONG,
        Parameter7Name: PWSTR, Parameter7Value: ULONGLONG,
        Parameter8Name: PWSTR, Parameter8Value: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Ignored, Plain => system::event_8;

    // Lists
    /// Makes a spin lock for the interlocked lists.
    StorPortInitializeSpinlock = 814(HwDeviceExtension: PVOID, Lock: PSTOR_KSPIN_LOCK) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => lists::initialize_lock;
    /// Makes a list head.
    StorPortInitializeListHead = 815(HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => lists::initialize;
    /// Prepends to a list under its lock; First is the former first entry or NULL.
    StorPortInterlockedInsertHeadList = 816(
        HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PSTOR_KSPIN_LOCK,
        First: *mut PLIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Point => lists::insert_head;
    /// Appends to a list under its lock; Last is the former last entry or NULL.
    StorPortInterlockedInsertTailList = 817(
        HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PSTOR_KSPIN_LOCK,
        Last: *mut PLIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Point => lists::insert_tail;
    /// Takes the first entry off a list under its lock.
    StorPortInterlockedRemoveHeadList = 818(
        HwDeviceExtension: PVOID, ListHead: PLIST_ENTRY, Lock: PSTOR_KSPIN_LOCK, Entry: *mut PLIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Point => lists::remove_head;
    /// Makes a sequenced list.
    StorPortInitializeSListHead = 819(HwDeviceExtension: PVOID, SListHead: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => lists::initialize_sequenced;
    /// Empties a sequenced list.
    StorPortInterlockedFlushSList = 820(
        HwDeviceExtension: PVOID, SListHead: PVOID, Result: *mut PSINGLE_LIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => lists::flush;
    /// Takes an entry off a sequenced list.
    StorPortInterlockedPopEntrySList = 821(
        HwDeviceExtension: PVOID, SListHead: PVOID, Result: *mut PSINGLE_LIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => lists::pop;
    /// Puts an entry on a sequenced list.
    StorPortInterlockedPushEntrySList = 822(
        HwDeviceExtension: PVOID, SListHead: PVOID, SListEntry: PSINGLE_LIST_ENTRY, Result: *mut PSINGLE_LIST_ENTRY,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => lists::push;
    /// How long a sequenced list is.
    StorPortQueryDepthSList = 823(HwDeviceExtension: PVOID, SListHead: PVOID, Depth: *mut USHORT) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Poll => lists::depth;
}
