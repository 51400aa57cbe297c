//! Life cycle, requests, queues, locks, time: the StorPort routines that every miniport may call.

use crate::ddi::hardware_structures::{
    PHW_DPC_ROUTINE, PHW_PASSIVE_INITIALIZE_ROUTINE, PHW_STATE_CHANGE, PHW_WORKITEM,
    PPERF_CONFIGURATION_DATA, PSTARTIO_PERFORMANCE_PARAMETERS, PSTOR_DPC, PSTOR_SYNCHRONIZED_ACCESS,
};
use crate::ddi::structures::{
    PHW_INITIALIZATION_DATA, PHW_TIMER, PHW_TIMER_EX, PSCSI_REQUEST_BLOCK, PSTOR_LOCK_HANDLE,
    PSTOR_REQUEST_INFO, STOR_SPINLOCK,
};
use crate::port::{
    bus_change, complete, dpcs, gates, initialize, interrupt, locks, notify, performance, query, timers,
    workers,
};
use kernel_sim::ddi::{
    BOOLEAN, LONG, NTSTATUS, PDRIVER_OBJECT, PIRP, PKIRQL, PLARGE_INTEGER, PMDL, PULONG, PUNICODE_STRING,
    PVOID, UCHAR, ULONG, ULONGLONG,
};

kernel_sim::ddis! {
    // Life cycle
    /// Registers a miniport: what its DriverEntry ends with.
    StorPortInitialize = 512(
        Argument1: PDRIVER_OBJECT, Argument2: PUNICODE_STRING, HwInitializationData: PHW_INITIALIZATION_DATA,
        HwContext: PVOID,
    ) -> NTSTATUS,
        header "storport.h", irql undocumented, Modelled, Plain => initialize::storport_initialize;
    /// Asks for a routine to be called at PASSIVE_LEVEL after HwStorInitialize.
    StorPortEnablePassiveInitialization = 513(
        DeviceExtension: PVOID, HwPassiveInitializeRoutine: PHW_PASSIVE_INITIALIZE_ROUTINE,
    ) -> BOOLEAN,
        header "storport.h", irql (DEVICE_MIN, DEVICE_MAX), Modelled, Plain => initialize::enable_passive;
    /// Asks which performance options there are, or for some of them.
    StorPortInitializePerfOpts = 514(
        HwDeviceExtension: PVOID, Query: BOOLEAN, PerfConfigData: PPERF_CONFIGURATION_DATA,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => performance::initialize;
    /// The message and the channel for the SRB that HwStorStartIo was given.
    StorPortGetStartIoPerfParams = 515(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, StartIoPerfParams: PSTARTIO_PERFORMANCE_PARAMETERS,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => performance::start_io_parameters;

    // Requests
    /// Tells the port driver that something happened; see the function of this name in `ddi` for the
    /// arguments of each kind.
    StorPortNotification = 516(
        NotificationType: LONG, HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, HwTimer: PHW_TIMER, Value: ULONG,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, Holding => notify::notification;
    /// Completes a service request that HwStorProcessServiceRequest was given.
    StorPortCompleteServiceIrp = 517(HwDeviceExtension: PVOID, Irp: PIRP) -> (),
        header "storport.h", irql undocumented, Modelled, Holding => query::complete_service_irp;
    /// Completes every request of a unit, a target, a bus or the adapter with one status (SP_UNTAGGED: all).
    StorPortCompleteRequest = 518(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, SrbStatus: UCHAR,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, Point => complete::complete_requests;
    /// Reports that units have come, gone or changed.
    StorPortStateChangeDetected = 519(
        HwDeviceExtension: PVOID, ChangedEntity: ULONG, Address: PVOID, Attributes: ULONG,
        HwStateChange: PHW_STATE_CHANGE, HwStateChangeContext: PVOID,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Point => bus_change::state_change_detected;
    /// Reports an asynchronous notification of the media, from any level. No power management listens here.
    StorPortAsyncNotificationDetected = 520(HwDeviceExtension: PVOID, Address: PVOID, Flags: ULONGLONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Ignored, Plain => query::accepted_notification;
    /// Accepted and ignored: says what a unit can do while its INQUIRY is completed.
    StorPortSetUnitAttributes = 521(HwDeviceExtension: PVOID, Address: PVOID, Attributes: ULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Ignored, Plain => query::accepted_attributes;
    /// The system address of an SRB's data.
    StorPortGetSystemAddress = 522(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, SystemAddress: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => query::system_address;
    /// What an SRB's sender says of it besides: its length and direction, and a priority like any other's.
    StorPortGetRequestInfo = 811(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, RequestInfo: PSTOR_REQUEST_INFO) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Plain => query::request_info;
    /// The MDL of an SRB's data.
    StorPortGetOriginalMdl = 523(HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, Mdl: *mut PMDL) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => query::original_mdl;

    // Logical units and queues
    /// The extension of a logical unit; NULL if there is none.
    StorPortGetLogicalUnit = 524(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> PVOID,
        header "storport.h", irql undocumented, Modelled, Plain => query::logical_unit;
    /// Sets how many requests of one unit the miniport gets at once.
    StorPortSetDeviceQueueDepth = 525(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, Depth: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Plain => gates::set_queue_depth;
    /// Holds all requests of the adapter, for at most TimeOut seconds.
    StorPortPause = 526(HwDeviceExtension: PVOID, TimeOut: ULONG) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::pause;
    /// Ends StorPortPause.
    StorPortResume = 527(HwDeviceExtension: PVOID) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::resume;
    /// Holds all requests of one unit, for at most TimeOut seconds.
    StorPortPauseDevice = 528(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, TimeOut: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::pause_device;
    /// Ends StorPortPauseDevice.
    StorPortResumeDevice = 529(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::resume_device;
    /// Holds all requests of the adapter until some of the outstanding ones have completed.
    StorPortBusy = 530(HwDeviceExtension: PVOID, RequestsToComplete: ULONG) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::busy;
    /// Ends StorPortBusy.
    StorPortReady = 531(HwDeviceExtension: PVOID) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::ready;
    /// Holds all requests of one unit until some of its outstanding ones have completed.
    StorPortDeviceBusy = 532(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, RequestsToComplete: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::device_busy;
    /// Ends StorPortDeviceBusy.
    StorPortDeviceReady = 533(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => gates::device_ready;

    // Locks
    /// Takes one of the port driver's locks: DpcLock, StartIoLock or InterruptLock.
    StorPortAcquireSpinLock = 534(
        HwDeviceExtension: PVOID, SpinLock: STOR_SPINLOCK, LockContext: PVOID, LockHandle: PSTOR_LOCK_HANDLE,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, Point => locks::acquire;
    /// As StorPortAcquireSpinLock, with a status and two kinds more.
    StorPortAcquireSpinLockEx = 535(
        HwDeviceExtension: PVOID, SpinLock: STOR_SPINLOCK, LockContext: PVOID, LockHandle: PSTOR_LOCK_HANDLE,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Point => locks::acquire_ex;
    /// Gives a lock back that StorPortAcquireSpinLock took.
    StorPortReleaseSpinLock = 536(HwDeviceExtension: PVOID, LockHandle: PSTOR_LOCK_HANDLE) -> (),
        header "storport.h", irql undocumented, Modelled, Point => locks::release;

    /// Takes the lock of one message, in per-message mode.
    StorPortAcquireMSISpinLock = 537(HwDeviceExtension: PVOID, MessageId: ULONG, OldIrql: PULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Point => interrupt::acquire_msi;
    /// Gives the lock of a message back.
    StorPortReleaseMSISpinLock = 538(HwDeviceExtension: PVOID, MessageId: ULONG, OldIrql: ULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Point => interrupt::release_msi;
    /// Runs a routine with the interrupt routine kept out.
    StorPortSynchronizeAccess = 539(
        HwDeviceExtension: PVOID, SynchronizedAccessRoutine: PSTOR_SYNCHRONIZED_ACCESS, Context: PVOID,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => interrupt::synchronize_access;

    // Deferred work
    /// Makes a DPC, in HwStorPassiveInitializeRoutine.
    StorPortInitializeDpc = 540(DeviceExtension: PVOID, Dpc: PSTOR_DPC, HwDpcRoutine: PHW_DPC_ROUTINE) -> (),
        header "storport.h", irql undocumented, Modelled, Plain => dpcs::initialize;
    /// Queues a DPC; FALSE if it is queued already.
    StorPortIssueDpc = 541(
        DeviceExtension: PVOID, Dpc: PSTOR_DPC, SystemArgument1: PVOID, SystemArgument2: PVOID,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => dpcs::issue;
    /// Takes a DPC out of its queue; TRUE if it was in it.
    StorPortCancelDpc = 542(DeviceExtension: PVOID, Dpc: PSTOR_DPC) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Point => dpcs::cancel;
    /// Makes a worker for StorPortQueueWorkItem.
    StorPortInitializeWorker = 543(HwDeviceExtension: PVOID, Worker: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => workers::initialize;
    /// Has a worker call a routine at PASSIVE_LEVEL.
    StorPortQueueWorkItem = 544(
        HwDeviceExtension: PVOID, WorkItemCallback: PHW_WORKITEM, Worker: PVOID, Context: PVOID,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => workers::queue;
    /// Frees a worker that is not queued.
    StorPortFreeWorker = 545(HwDeviceExtension: PVOID, Worker: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => workers::free;

    // Time
    /// The system time in 100 ns units since 1601.
    StorPortQuerySystemTime = 546(CurrentTime: PLARGE_INTEGER) -> (),
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Poll => query::system_time;
    /// Busy-waits on this processor, in microseconds.
    StorPortStallExecution = 547(Delay: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Register => query::stall;
    /// Makes a timer besides the one of RequestTimerCall.
    StorPortInitializeTimer = 548(HwDeviceExtension: PVOID, TimerHandle: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => timers::initialize;
    /// Arms such a timer: microseconds, 0 disarms it. TolerableDelay is ignored here.
    StorPortRequestTimer = 549(
        HwDeviceExtension: PVOID, TimerHandle: PVOID, TimerCallback: PHW_TIMER_EX, CallbackContext: PVOID,
        TimerValue: ULONGLONG, TolerableDelay: ULONGLONG,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Point => timers::request;
    /// Disarms and frees such a timer.
    StorPortFreeTimer = 550(HwDeviceExtension: PVOID, TimerHandle: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => timers::free;
    /// The performance counter: nanoseconds of machine time, and how many a second has.
    StorPortQueryPerformanceCounter = 551(
        HwDeviceExtension: PVOID, PerformanceFrequency: PLARGE_INTEGER, PerformanceCounter: PLARGE_INTEGER,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Poll => query::performance_counter;
    /// The current IRQL.
    StorPortGetCurrentIrql = 552(HwDeviceExtension: PVOID, CurrentIrql: PKIRQL) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => query::current_irql;
    /// Waits below DISPATCH_LEVEL, busy-waits above, in microseconds.
    StorPortDelayExecution = 553(HwDeviceExtension: PVOID, DelayInMicroseconds: ULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Poll => query::delay;
}
