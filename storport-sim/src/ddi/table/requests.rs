//! The StorPort routines, one row each, grouped as their documentation groups them.
//!
//! A row is the whole truth about a routine's interface; see the kernel's `ddis!` for how to read it.
//! Two thirds of the pages of storport.h state no IRQL; those rows say `undocumented`.

use super::structures::{
    PHW_INITIALIZATION_DATA, PHW_TIMER, PHW_TIMER_EX, PSCSI_REQUEST_BLOCK, PSTOR_LOCK_HANDLE, STOR_SPINLOCK,
};
use crate::port::{holds, initialize, locks, notify, query, timers};
use kernel_sim::ddi::{
    BOOLEAN, LONG, NTSTATUS, PDRIVER_OBJECT, PIRP, PLARGE_INTEGER, PMDL, PUNICODE_STRING, PVOID, UCHAR,
    ULONG, ULONGLONG,
};

kernel_sim::ddis! { base 512;
    // Life cycle
    /// Registers a miniport: what its DriverEntry ends with.
    StorPortInitialize(
        Argument1: PDRIVER_OBJECT, Argument2: PUNICODE_STRING, HwInitializationData: PHW_INITIALIZATION_DATA,
        HwContext: PVOID,
    ) -> NTSTATUS,
        header "storport.h", irql undocumented, Modelled, plain => initialize::storport_initialize;

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
        header "storport.h", irql undocumented, Modelled, plain => holds::set_queue_depth;
    /// Holds all requests of the adapter, for at most TimeOut seconds.
    StorPortPause(HwDeviceExtension: PVOID, TimeOut: ULONG) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::pause;
    /// Ends StorPortPause.
    StorPortResume(HwDeviceExtension: PVOID) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::resume;
    /// Holds all requests of one unit, for at most TimeOut seconds.
    StorPortPauseDevice(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, TimeOut: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::pause_device;
    /// Ends StorPortPauseDevice.
    StorPortResumeDevice(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::resume_device;
    /// Holds all requests of the adapter until some of the outstanding ones have completed.
    StorPortBusy(HwDeviceExtension: PVOID, RequestsToComplete: ULONG) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::busy;
    /// Ends StorPortBusy.
    StorPortReady(HwDeviceExtension: PVOID) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::ready;
    /// Holds all requests of one unit until some of its outstanding ones have completed.
    StorPortDeviceBusy(
        HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR, RequestsToComplete: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::device_busy;
    /// Ends StorPortDeviceBusy.
    StorPortDeviceReady(HwDeviceExtension: PVOID, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, point => holds::device_ready;

    // Locks
    /// Takes one of the port driver's locks: DpcLock, StartIoLock or InterruptLock.
    StorPortAcquireSpinLock(
        HwDeviceExtension: PVOID, SpinLock: STOR_SPINLOCK, LockContext: PVOID, LockHandle: PSTOR_LOCK_HANDLE,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, point => locks::acquire;
    /// Gives a lock back that StorPortAcquireSpinLock took.
    StorPortReleaseSpinLock(HwDeviceExtension: PVOID, LockHandle: PSTOR_LOCK_HANDLE) -> (),
        header "storport.h", irql undocumented, Modelled, point => locks::release;

    // Memory
    /// Allocates nonpaged memory, not zeroed.
    StorPortAllocatePool(HwDeviceExtension: PVOID, NumberOfBytes: ULONG, Tag: ULONG, BufferPointer: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, plain => query::allocate_pool;
    /// Frees memory from StorPortAllocatePool.
    StorPortFreePool(HwDeviceExtension: PVOID, BufferPointer: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, plain => query::free_pool;

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
}
