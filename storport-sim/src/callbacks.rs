//! The kinds of callbacks a miniport has, and the system's own code between drivers.
//!
//! Numbers are unique over all crates and go into the trace hash; the names are those of
//! Microsoft's callback pages.

kernel_sim::callbacks! {
    /// `HwStorFindAdapter`, PASSIVE_LEVEL.
    HW_STOR_FIND_ADAPTER = 32, "HwStorFindAdapter";
    /// `HwStorInitialize`; PASSIVE_LEVEL for a virtual adapter, which has no interrupt.
    HW_STOR_INITIALIZE = 33, "HwStorInitialize";
    /// `HwStorStartIo`, DISPATCH_LEVEL; no lock held for a virtual adapter.
    HW_STOR_START_IO = 34, "HwStorStartIo";
    /// `HwStorResetBus`, DISPATCH_LEVEL under the StartIo lock.
    HW_STOR_RESET_BUS = 35, "HwStorResetBus";
    /// `HwStorAdapterControl`, PASSIVE_LEVEL for a virtual adapter.
    HW_STOR_ADAPTER_CONTROL = 36, "HwStorAdapterControl";
    /// `HwStorProcessServiceRequest`, PASSIVE_LEVEL.
    HW_STOR_PROCESS_SERVICE_REQUEST = 37, "HwStorProcessServiceRequest";
    /// `HwStorCompleteServiceIrp`, PASSIVE_LEVEL.
    HW_STOR_COMPLETE_SERVICE_IRP = 38, "HwStorCompleteServiceIrp";
    /// `HwStorFreeAdapterResources`, PASSIVE_LEVEL: the last callback of an adapter.
    HW_STOR_FREE_ADAPTER_RESOURCES = 39, "HwStorFreeAdapterResources";
    /// `HwStorTimer`, DISPATCH_LEVEL under the StartIo lock; also the routine of `StorPortRequestTimer`,
    /// for which no lock is documented.
    HW_STOR_TIMER = 40, "HwStorTimer";
    /// Code of the port driver, which belongs to the system: no driver callback is active inside it.
    STORPORT = 48, "Storport";
    /// Code of the disk class driver, which belongs to the system too.
    DISK_CLASS = 49, "Disk";
}
