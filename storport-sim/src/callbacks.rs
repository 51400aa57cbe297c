//! The kinds of callbacks a miniport has, and the system's own code between drivers.
//!
//! Numbers are unique over all crates and go into the trace hash; the names are those of
//! Microsoft's callback pages.

kernel_sim::callbacks! {
    /// `HwStorFindAdapter`, PASSIVE_LEVEL.
    HW_STOR_FIND_ADAPTER = 32, "HwStorFindAdapter" (DeviceExtension, ConfigInfo);
    /// `HwStorInitialize`, DIRQL under the interrupt lock; PASSIVE_LEVEL for a virtual adapter, which has no
    /// interrupt.
    HW_STOR_INITIALIZE = 33, "HwStorInitialize" (DeviceExtension);
    /// `HwStorStartIo`, DISPATCH_LEVEL under the StartIo lock (DIRQL in half duplex); no lock held for a
    /// virtual adapter.
    HW_STOR_START_IO = 34, "HwStorStartIo" (DeviceExtension, Srb);
    /// `HwStorResetBus`, DISPATCH_LEVEL under the StartIo lock.
    HW_STOR_RESET_BUS = 35, "HwStorResetBus" (DeviceExtension, PathId);
    /// `HwStorAdapterControl`; the level depends on the type, PASSIVE_LEVEL for a virtual adapter.
    HW_STOR_ADAPTER_CONTROL = 36, "HwStorAdapterControl" (DeviceExtension, ControlType, Parameters);
    /// `HwStorProcessServiceRequest`, PASSIVE_LEVEL.
    HW_STOR_PROCESS_SERVICE_REQUEST = 37, "HwStorProcessServiceRequest" (DeviceExtension, Irp);
    /// `HwStorCompleteServiceIrp`, PASSIVE_LEVEL.
    HW_STOR_COMPLETE_SERVICE_IRP = 38, "HwStorCompleteServiceIrp" (DeviceExtension);
    /// `HwStorFreeAdapterResources`, PASSIVE_LEVEL: the last callback of an adapter.
    HW_STOR_FREE_ADAPTER_RESOURCES = 39, "HwStorFreeAdapterResources" (DeviceExtension);
    /// `HwStorTimer`, DISPATCH_LEVEL under the StartIo lock; also the routine of `StorPortRequestTimer`,
    /// for which no lock is documented.
    HW_STOR_TIMER = 40, "HwStorTimer" (DeviceExtension, Context);
    /// `HwStorBuildIo`, DISPATCH_LEVEL, no lock held.
    HW_STOR_BUILD_IO = 41, "HwStorBuildIo" (DeviceExtension, Srb);
    /// `HwStorInterrupt`, DIRQL under the interrupt lock.
    HW_STOR_INTERRUPT = 42, "HwStorInterrupt" (DeviceExtension);
    /// `HwMSInterruptRoutine`, DIRQL under the interrupt lock or the message's.
    HW_STOR_MS_INTERRUPT = 43, "HwMSInterruptRoutine" (DeviceExtension, MessageId);
    /// `HwStorDpcRoutine`, DISPATCH_LEVEL, no lock held.
    HW_STOR_DPC = 44, "HwStorDpcRoutine" (Dpc, DeviceExtension, SystemArgument1, SystemArgument2);
    /// `HwStorPassiveInitializeRoutine`, PASSIVE_LEVEL.
    HW_STOR_PASSIVE_INITIALIZE = 45, "HwStorPassiveInitializeRoutine" (DeviceExtension);
    /// `HwStorUnitControl`.
    HW_STOR_UNIT_CONTROL = 46, "HwStorUnitControl" (DeviceExtension, ControlType, Parameters);
    /// `HwStorStateChange`, under the StartIo lock.
    HW_STOR_STATE_CHANGE = 47, "HwStorStateChange" (DeviceExtension, Context);
    /// Code of the port driver, which belongs to the system: no driver callback is active inside it.
    STORPORT = 48, "Storport", system;
    /// Code of the disk class driver, which belongs to the system too.
    DISK_CLASS = 49, "Disk", system;
    /// `StorSynchronizedAccessRoutine`, with the interrupt kept out.
    HW_STOR_SYNCHRONIZED_ACCESS = 50, "StorSynchronizedAccessRoutine" (DeviceExtension, Context);
    /// `HwStorWorkItemRoutine`, PASSIVE_LEVEL.
    HW_STOR_WORK_ITEM = 51, "HwStorWorkItemRoutine" (DeviceExtension, Context);
    /// Code of a disk that its bus driver serves, which belongs to the system too.
    LOWER_DISK = 53, "LowerDisk", system;
    /// The routine of `StorPortBuildScatterGatherList`, DISPATCH_LEVEL.
    HW_STOR_SCATTER_GATHER = 52, "ScatterGatherExecutionRoutine" (Context);
}

/// Every kind of callback that a miniport has.
pub static MINIPORT: &[&kernel_sim::routine::Callback] = &[
    &HW_STOR_FIND_ADAPTER,
    &HW_STOR_INITIALIZE,
    &HW_STOR_START_IO,
    &HW_STOR_RESET_BUS,
    &HW_STOR_ADAPTER_CONTROL,
    &HW_STOR_PROCESS_SERVICE_REQUEST,
    &HW_STOR_COMPLETE_SERVICE_IRP,
    &HW_STOR_FREE_ADAPTER_RESOURCES,
    &HW_STOR_TIMER,
    &HW_STOR_BUILD_IO,
    &HW_STOR_INTERRUPT,
    &HW_STOR_MS_INTERRUPT,
    &HW_STOR_DPC,
    &HW_STOR_PASSIVE_INITIALIZE,
    &HW_STOR_UNIT_CONTROL,
    &HW_STOR_STATE_CHANGE,
    &HW_STOR_SYNCHRONIZED_ACCESS,
    &HW_STOR_WORK_ITEM,
    &HW_STOR_SCATTER_GATHER,
];

/// Names of the locks that Storport holds around callbacks, as frames carry them.
pub mod system_lock {
    /// The StartIo lock.
    pub const START_IO: &str = "StartIoLock";
    /// The interrupt lock (of a message: the message's).
    pub const INTERRUPT: &str = "InterruptLock";
    /// The lock of one concurrent channel, in place of the StartIo lock.
    pub const CHANNEL: &str = "ChannelLock";
}
