//! Life cycle, requests, queues, locks, time: the StorPort routines that every miniport may call.

use crate::ddi::hardware_structures::{
    PHW_DPC_ROUTINE, PHW_PASSIVE_INITIALIZE_ROUTINE, PHW_STATE_CHANGE, PHW_WORKITEM,
    PPERF_CONFIGURATION_DATA, PSTARTIO_PERFORMANCE_PARAMETERS, PSTOR_DPC, PSTOR_SYNCHRONIZED_ACCESS,
};
use crate::ddi::structures::{
    PHW_INITIALIZATION_DATA, PHW_TIMER, PHW_TIMER_EX, PSCSI_REQUEST_BLOCK, PSTOR_LOCK_HANDLE, STOR_SPINLOCK,
};
use crate::port::{
    bus_change, complete, dpcs, gates, initialize, interrupt, locks, notify, performance, query, timers,
    workers,
};
use kernel_sim::ddi::{
    BOOLEAN, LONG, NTSTATUS, PDRIVER_OBJECT, PIRP, PKIRQL, PLARGE_INTEGER, PMDL, PULONG, PUNICODE_STRING,
    PVOID, UCHAR, ULONG, ULONGLONG,
};

kernel_sim::ddis! { base 512;
    // Life cycle
    /// Registers a miniport: what its DriverEntry ends with.
    StorPortInitialize(
        Argument1: PDRIVER_OBJECT, Argument2: PUNICODE_STRING, HwInitializationData: PHW_INITIALIZATION_DATA,
        HwContext: PVOID,
    ) -> NTSTATUS,
        header "storport.h", irql undocumented, Modelled, plain => initialize::storport_initialize;
    /// Asks for a routine to be called at PASSIVE_LEVEL after HwStorInitialize.
    StorPortEnablePassiveInitialization(
        DeviceExtension: PVOID, HwPassiveInitializeRoutine: PHW_PASSIVE_INITIALIZE_ROUTINE,
    ) -> BOOLEAN,
        header "storport.h", irql (DEVICE_MIN, DEVICE_MAX), Modelled, plain => initialize::enable_passive;
    /// Asks which performance options there are, or for some of them.
    StorPortInitializePerfOpts(
        HwDeviceExtension: PVOID, Query: BOOLEAN, PerfConfigData: PPERF_CONFIGURATION_DATA,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, plain => performance::initialize;
    /// The message and the channel for the SRB that HwStorStartIo was given.
    StorPortGetStartIoPerfParams(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, StartIoPerfParams: PSTARTIO_PERFORMANCE_PARAMETERS,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, plain => performance::start_io_parameters;

    // Requests
    /// Tells the port driver that something happened; see the function of this name in `ddi` for the
    /// arguments of each kind.
    StorPortNotification(
        NotificationType: LONG, HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, HwTimer: PHW_TIMER, Value: ULONG,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, point => notify::notification;
    /// Completes a service request that HwStorProcessServiceRequest was given.
    StorPortCompleteServiceIrp(HwDeviceExtension: PVOID, Irp: PIRP) -> (),
        header "storport.h", irql undocumented, Modelled, point => query::complete_service_irp;
    /// Completes every request of a unit, a target, a bus or the adapter with one status (SP_UNTAGGED: all).
    StorPortCompleteRequest(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, SrbStatus: UCHAR,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, point => complete::complete_requests;
    /// Reports that units have come, gone or changed.
    StorPortStateChangeDetected(
        HwDeviceExtension: PVOID, ChangedEntity: ULONG, Address: PVOID, Attributes: ULONG,
        HwStateChange: PHW_STATE_CHANGE, HwStateChangeContext: PVOID,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, point => bus_change::state_change_detected;
    /// Reports an asynchronous notification of the media, from any level. No power management listens here.
    StorPortAsyncNotificationDetected(HwDeviceExtension: PVOID, Address: PVOID, Flags: ULONGLONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Ignored, plain => query::accepted_notification;
    /// Says what a unit can do while its INQUIRY is completed. Nobody asks here.
    StorPortSetUnitAttributes(HwDeviceExtension: PVOID, Address: PVOID, Attributes: ULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Ignored, plain => query::accepted_attributes;
    /// The system address of an SRB's data.
    StorPortGetSystemAddress(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, SystemAddress: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, plain => query::system_address;
    /// The MDL of an SRB's data.
    StorPortGetOriginalMdl(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, Mdl: *mut PMDL) -> ULONG,
        header "storport.h", irql undocumented, Modelled, plain => query::original_mdl;

    // Logical units and queues
    /// The extension of a logical unit; NULL if there is none.
    StorPortGetLogicalUnit(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> PVOID,
        header "storport.h", irql undocumented, Modelled, plain => query::logical_unit;
    /// Sets how many requests of one unit the miniport gets at once.
    StorPortSetDeviceQueueDepth(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, Depth: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, plain => gates::set_queue_depth;
    /// Holds all requests of the adapter, for at most TimeOut seconds.
    StorPortPause(HwDeviceExtension: PVOID, TimeOut: ULONG) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::pause;
    /// Ends StorPortPause.
    StorPortResume(HwDeviceExtension: PVOID) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::resume;
    /// Holds all requests of one unit, for at most TimeOut seconds.
    StorPortPauseDevice(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, TimeOut: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::pause_device;
    /// Ends StorPortPauseDevice.
    StorPortResumeDevice(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::resume_device;
    /// Holds all requests of the adapter until some of the outstanding ones have completed.
    StorPortBusy(HwDeviceExtension: PVOID, RequestsToComplete: ULONG) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::busy;
    /// Ends StorPortBusy.
    StorPortReady(HwDeviceExtension: PVOID) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::ready;
    /// Holds all requests of one unit until some of its outstanding ones have completed.
    StorPortDeviceBusy(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, RequestsToComplete: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::device_busy;
    /// Ends StorPortDeviceBusy.
    StorPortDeviceReady(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => gates::device_ready;

    // Locks
    /// Takes one of the port driver's locks: DpcLock, StartIoLock or InterruptLock.
    StorPortAcquireSpinLock(
        HwDeviceExtension: PVOID, SpinLock: STOR_SPINLOCK, LockContext: PVOID, LockHandle: PSTOR_LOCK_HANDLE,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, point => locks::acquire;
    /// As StorPortAcquireSpinLock, with a status and two kinds more.
    StorPortAcquireSpinLockEx(
        HwDeviceExtension: PVOID, SpinLock: STOR_SPINLOCK, LockContext: PVOID, LockHandle: PSTOR_LOCK_HANDLE,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, point => locks::acquire_ex;
    /// Gives a lock back that StorPortAcquireSpinLock took.
    StorPortReleaseSpinLock(HwDeviceExtension: PVOID, LockHandle: PSTOR_LOCK_HANDLE) -> (),
        header "storport.h", irql undocumented, Modelled, point => locks::release;

    /// Takes the lock of one message, in per-message mode.
    StorPortAcquireMSISpinLock(HwDeviceExtension: PVOID, MessageId: ULONG, OldIrql: PULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, point => interrupt::acquire_msi;
    /// Gives the lock of a message back.
    StorPortReleaseMSISpinLock(HwDeviceExtension: PVOID, MessageId: ULONG, OldIrql: ULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, point => interrupt::release_msi;
    /// Runs a routine with the interrupt routine kept out.
    StorPortSynchronizeAccess(
        HwDeviceExtension: PVOID, SynchronizedAccessRoutine: PSTOR_SYNCHRONIZED_ACCESS, Context: PVOID,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => interrupt::synchronize_access;

    // Deferred work
    /// Makes a DPC, in HwStorPassiveInitializeRoutine.
    StorPortInitializeDpc(DeviceExtension: PVOID, Dpc: PSTOR_DPC, HwDpcRoutine: PHW_DPC_ROUTINE) -> (),
        header "storport.h", irql undocumented, Modelled, plain => dpcs::initialize;
    /// Queues a DPC; FALSE if it is queued already.
    StorPortIssueDpc(
        DeviceExtension: PVOID, Dpc: PSTOR_DPC, SystemArgument1: PVOID, SystemArgument2: PVOID,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => dpcs::issue;
    /// Takes a DPC out of its queue; TRUE if it was in it.
    StorPortCancelDpc(DeviceExtension: PVOID, Dpc: PSTOR_DPC) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => dpcs::cancel;
    /// Makes a worker for StorPortQueueWorkItem.
    StorPortInitializeWorker(HwDeviceExtension: PVOID, Worker: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, plain => workers::initialize;
    /// Has a worker call a routine at PASSIVE_LEVEL.
    StorPortQueueWorkItem(
        HwDeviceExtension: PVOID, WorkItemCallback: PHW_WORKITEM, Worker: PVOID, Context: PVOID,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, point => workers::queue;
    /// Frees a worker that is not queued.
    StorPortFreeWorker(HwDeviceExtension: PVOID, Worker: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, plain => workers::free;

    // Time
    /// The system time in 100 ns units since 1601.
    StorPortQuerySystemTime(CurrentTime: PLARGE_INTEGER) -> (),
        header "storport.h", irql (PASSIVE, HIGH), Modelled, poll => query::system_time;
    /// Busy-waits on this processor, in microseconds.
    StorPortStallExecution(Delay: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, poll => query::stall;
    /// Makes a timer besides the one of RequestTimerCall.
    StorPortInitializeTimer(HwDeviceExtension: PVOID, TimerHandle: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, plain => timers::initialize;
    /// Arms such a timer: microseconds, 0 disarms it. TolerableDelay is ignored here.
    StorPortRequestTimer(
        HwDeviceExtension: PVOID, TimerHandle: PVOID, TimerCallback: PHW_TIMER_EX, CallbackContext: PVOID,
        TimerValue: ULONGLONG, TolerableDelay: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, point => timers::request;
    /// Disarms and frees such a timer.
    StorPortFreeTimer(HwDeviceExtension: PVOID, TimerHandle: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, point => timers::free;
    /// The performance counter: nanoseconds of machine time, and how many a second has.
    StorPortQueryPerformanceCounter(
        HwDeviceExtension: PVOID, PerformanceFrequency: PLARGE_INTEGER, PerformanceCounter: PLARGE_INTEGER,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, poll => query::performance_counter;
    /// The current IRQL.
    StorPortGetCurrentIrql(HwDeviceExtension: PVOID, CurrentIrql: PKIRQL) -> ULONG,
        header "storport.h", irql undocumented, Modelled, plain => query::current_irql;
    /// Waits below DISPATCH_LEVEL, busy-waits above, in microseconds.
    StorPortDelayExecution(HwDeviceExtension: PVOID, DelayInMicroseconds: ULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, poll => query::delay;
}
