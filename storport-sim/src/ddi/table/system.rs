//! The system around the adapter: processors and device objects; events, telemetry and power, most of which
//! is accepted and ignored.

use crate::ddi::PWSTR;
use crate::ddi::hardware_structures::{PGROUP_AFFINITY, PPROCESSOR_NUMBER};
use crate::ddi::structures::PSCSI_REQUEST_BLOCK;
use crate::port::system;
use kernel_sim::ddi::{BOOLEAN, LONG, PULONG, PVOID, ULONG, ULONGLONG, USHORT};

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
}
