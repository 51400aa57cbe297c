//! Rows of the kernel proper and the I/O manager: IRQL, locks, interrupts, DPCs, time, waiting, pool, IRPs.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]

use crate::ddi::types::*;
use crate::io::{cancel, device, device_queue, irp, mdl, packet};
use crate::sync::{
    bug_check, dpc, interlocked, interrupt, level, lists, lock, processors, queued_lock, system_thread, time,
    timer, wait, work_item,
};
use crate::{pool, registers};

ddis! {
    // IRQL
    /// The current IRQL.
    KeGetCurrentIrql = 0() -> KIRQL,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => level::current;
    /// Raises the IRQL and stores the old one.
    KeRaiseIrql = 1(NewIrql: KIRQL, OldIrql: PKIRQL) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Local => level::raise;
    /// Raises the IRQL and returns the old one.
    KfRaiseIrql = 2(NewIrql: KIRQL) -> KIRQL,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Local => level::kf_raise;
    /// Raises the IRQL to DISPATCH_LEVEL and returns the old one.
    KeRaiseIrqlToDpcLevel = 3() -> KIRQL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Local => level::raise_to_dpc_level;
    /// Restores the IRQL that a raise returned.
    KeLowerIrql = 4(NewIrql: KIRQL) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Local => level::lower;

    // Spin locks
    /// Makes a spin lock free.
    KeInitializeSpinLock = 5(SpinLock: PKSPIN_LOCK) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => lock::initialize;
    /// Takes a spin lock, raising to DISPATCH_LEVEL.
    KeAcquireSpinLock = 6(SpinLock: PKSPIN_LOCK, OldIrql: PKIRQL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Acquire => lock::acquire;
    /// Takes a spin lock, raising to DISPATCH_LEVEL; returns the old IRQL.
    KeAcquireSpinLockRaiseToDpc = 7(SpinLock: PKSPIN_LOCK) -> KIRQL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Acquire => lock::acquire_raise;
    /// Takes a spin lock at DISPATCH_LEVEL (or above, the page says).
    KeAcquireSpinLockAtDpcLevel = 8(SpinLock: PKSPIN_LOCK) -> (),
        header "wdm.h", irql (DISPATCH, HIGH), Modelled, Acquire => lock::acquire_at_dpc_level;
    /// Takes a spin lock if it is free.
    KeTryToAcquireSpinLockAtDpcLevel = 9(SpinLock: PKSPIN_LOCK) -> BOOLEAN,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Cell, must_use => lock::try_acquire_at_dpc_level;
    /// Gives a spin lock back and restores the IRQL.
    KeReleaseSpinLock = 10(SpinLock: PKSPIN_LOCK, NewIrql: KIRQL) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Cell => lock::release;
    /// Gives a spin lock back without touching the IRQL.
    KeReleaseSpinLockFromDpcLevel = 11(SpinLock: PKSPIN_LOCK) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Cell => lock::release_from_dpc_level;
    /// Takes a spin lock in a DPC that may be threaded; returns the old IRQL.
    KeAcquireSpinLockForDpc = 12(SpinLock: PKSPIN_LOCK) -> KIRQL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Acquire => lock::acquire_for_dpc;
    /// Gives a spin lock back in a DPC that may be threaded.
    KeReleaseSpinLockForDpc = 13(SpinLock: PKSPIN_LOCK, OldIrql: KIRQL) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Cell => lock::release_for_dpc;
    /// Whether a spin lock is free.
    KeTestSpinLock = 14(SpinLock: PKSPIN_LOCK) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Look, must_use => lock::test;
    /// Takes a queued spin lock, raising to DISPATCH_LEVEL.
    KeAcquireInStackQueuedSpinLock = 15(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => queued_lock::acquire;
    /// Gives a queued spin lock back and restores the IRQL.
    KeReleaseInStackQueuedSpinLock = 16(LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => queued_lock::release;
    /// Takes a queued spin lock at DISPATCH_LEVEL or above.
    KeAcquireInStackQueuedSpinLockAtDpcLevel = 17(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, HIGH), Modelled, Point => queued_lock::acquire_at_dpc_level;
    /// Gives a queued spin lock back without touching the IRQL.
    KeReleaseInStackQueuedSpinLockFromDpcLevel = 18(LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, HIGH), Modelled, Point => queued_lock::release_from_dpc_level;
    /// Takes a queued spin lock in a DPC that may be threaded.
    KeAcquireInStackQueuedSpinLockForDpc = 19(SpinLock: PKSPIN_LOCK, LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => queued_lock::acquire;
    /// Gives a queued spin lock back in a DPC that may be threaded.
    KeReleaseInStackQueuedSpinLockForDpc = 20(LockHandle: PKLOCK_QUEUE_HANDLE) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => queued_lock::release;

    // Interrupts
    /// Connects a service routine to an interrupt vector.
    IoConnectInterrupt = 21(
        InterruptObject: *mut PKINTERRUPT, ServiceRoutine: PKSERVICE_ROUTINE, ServiceContext: PVOID, SpinLock: PKSPIN_LOCK,
        Vector: ULONG, Irql: KIRQL, SynchronizeIrql: KIRQL, InterruptMode: KINTERRUPT_MODE, ShareVector: BOOLEAN,
        ProcessorEnableMask: KAFFINITY, FloatingSave: BOOLEAN,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => interrupt::connect;
    /// Takes a service routine off its vector.
    IoDisconnectInterrupt = 22(InterruptObject: PKINTERRUPT) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => interrupt::disconnect;
    /// Takes an interrupt's spin lock, raising to its level; returns the old IRQL.
    KeAcquireInterruptSpinLock = 23(Interrupt: PKINTERRUPT) -> KIRQL,
        header "wdm.h", irql (PASSIVE, DEVICE_MAX), Modelled, Point => interrupt::acquire_lock;
    /// Gives an interrupt's spin lock back and restores the IRQL.
    KeReleaseInterruptSpinLock = 24(Interrupt: PKINTERRUPT, OldIrql: KIRQL) -> (),
        header "wdm.h", irql (DEVICE_MIN, DEVICE_MAX), Modelled, Point => interrupt::release_lock;
    /// Runs a routine with the interrupt's service routine excluded.
    KeSynchronizeExecution = 25(Interrupt: PKINTERRUPT, SynchronizeRoutine: PKSYNCHRONIZE_ROUTINE, SynchronizeContext: PVOID) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DEVICE_MAX), Modelled, Point => interrupt::synchronize;

    // DPCs
    /// Initializes a DPC object.
    KeInitializeDpc = 26(Dpc: PKDPC, DeferredRoutine: PKDEFERRED_ROUTINE, DeferredContext: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => dpc::initialize;
    /// Queues a DPC; FALSE if it is queued already.
    KeInsertQueueDpc = 27(Dpc: PKDPC, SystemArgument1: PVOID, SystemArgument2: PVOID) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => dpc::insert;
    /// Takes a DPC out of its queue; FALSE if it is in none.
    KeRemoveQueueDpc = 28(Dpc: PKDPC) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => dpc::remove;
    /// Waits until all queued DPCs have run.
    KeFlushQueuedDpcs = 29() -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => dpc::flush;
    /// Sets where in the queue a DPC goes and how soon it is asked for.
    KeSetImportanceDpc = 30(Dpc: PKDPC, Importance: KDPC_IMPORTANCE) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => dpc::set_importance;
    /// Sets the processor that a DPC runs on.
    KeSetTargetProcessorDpc = 31(Dpc: PKDPC, Number: CCHAR) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => dpc::set_target;

    // Timers and time
    /// Initializes a notification timer.
    KeInitializeTimer = 32(Timer: PKTIMER) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => timer::initialize;
    /// Initializes a timer of either kind.
    KeInitializeTimerEx = 33(Timer: PKTIMER, Type: TIMER_TYPE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => timer::initialize_ex;
    /// Arms a timer; TRUE if it was armed already.
    KeSetTimer = 34(Timer: PKTIMER, DueTime: LARGE_INTEGER, Dpc: PKDPC) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => timer::set;
    /// Arms a timer, periodic if Period (ms) is not 0; TRUE if it was armed already.
    KeSetTimerEx = 35(Timer: PKTIMER, DueTime: LARGE_INTEGER, Period: LONG, Dpc: PKDPC) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => timer::set_ex;
    /// Disarms a timer; TRUE if it was armed. A DPC already queued still runs.
    KeCancelTimer = 36(Timer: PKTIMER) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => timer::cancel;
    /// Whether a timer is signaled.
    KeReadStateTimer = 37(Timer: PKTIMER) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Look => timer::read_state;
    /// Busy-waits on this processor, in microseconds.
    KeStallExecutionProcessor = 38(Microseconds: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Register => time::stall;
    /// Sleeps, in 100 ns units: negative for relative.
    KeDelayExecutionThread = 39(WaitMode: KPROCESSOR_MODE, Alertable: BOOLEAN, Interval: PLARGE_INTEGER) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => wait::delay;
    /// The system time in 100 ns units since 1601.
    KeQuerySystemTime = 40(CurrentTime: PLARGE_INTEGER) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Clock => time::system_time;
    /// Time since power-on in 100 ns units.
    KeQueryInterruptTime = 41() -> ULONGLONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Clock => time::interrupt_time;
    /// The performance counter and, where asked, its frequency.
    KeQueryPerformanceCounter = 42(PerformanceFrequency: PLARGE_INTEGER) -> LARGE_INTEGER,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Clock => time::performance_counter;

    // Events, semaphores, waiting
    /// Initializes an event.
    KeInitializeEvent = 43(Event: PKEVENT, Type: EVENT_TYPE, State: BOOLEAN) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => wait::initialize_event;
    /// Signals an event; returns its former state.
    KeSetEvent = 44(Event: PKEVENT, Increment: KPRIORITY, Wait: BOOLEAN) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => wait::set_event;
    /// Takes an event's signal away; returns its former state.
    KeResetEvent = 45(Event: PKEVENT) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => wait::reset_event;
    /// Takes an event's signal away.
    KeClearEvent = 46(Event: PKEVENT) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => wait::clear_event;
    /// An event's state.
    KeReadStateEvent = 47(Event: PKEVENT) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Look => wait::read_state_event;
    /// Initializes a semaphore.
    KeInitializeSemaphore = 48(Semaphore: PKSEMAPHORE, Count: LONG, Limit: LONG) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Plain => wait::initialize_semaphore;
    /// Adds to a semaphore's count; returns the former count.
    KeReleaseSemaphore = 49(Semaphore: PKSEMAPHORE, Increment: KPRIORITY, Adjustment: LONG, Wait: BOOLEAN) -> LONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => wait::release_semaphore;
    /// Waits for an object, at most for a time.
    KeWaitForSingleObject = 50(
        Object: PVOID, WaitReason: KWAIT_REASON, WaitMode: KPROCESSOR_MODE, Alertable: BOOLEAN, Timeout: PLARGE_INTEGER,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Object => wait::wait_for_single_object;

    // Threads and work items
    /// Creates a system thread.
    PsCreateSystemThread = 51(
        ThreadHandle: PHANDLE, DesiredAccess: ULONG, ObjectAttributes: POBJECT_ATTRIBUTES, ProcessHandle: HANDLE,
        ClientId: PCLIENT_ID, StartRoutine: PKSTART_ROUTINE, StartContext: PVOID,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point, must_use => system_thread::create;
    /// Ends the calling system thread; does not return.
    PsTerminateSystemThread = 52(ExitStatus: NTSTATUS) -> NTSTATUS,
        header "ntddk.h", irql (PASSIVE, PASSIVE), Modelled, Point => system_thread::terminate;
    /// The calling thread's object; NULL for a thread of the simulator itself.
    KeGetCurrentThread = 53() -> PVOID,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => system_thread::current;
    /// The object behind a handle, with a reference. Thread handles only.
    ObReferenceObjectByHandle = 54(
        Handle: HANDLE, DesiredAccess: ACCESS_MASK, ObjectType: PVOID, AccessMode: KPROCESSOR_MODE, Object: *mut PVOID,
        HandleInformation: PVOID,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Plain => system_thread::reference_by_handle;
    /// Gives a reference back.
    ObDereferenceObject = 55(Object: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => system_thread::dereference;
    /// Closes a handle of a thread or of a registry key.
    ZwClose = 56(Handle: HANDLE) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => system_thread::close;
    /// Allocates a work item.
    IoAllocateWorkItem = 57(DeviceObject: PDEVICE_OBJECT) -> PIO_WORKITEM,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => work_item::allocate;
    /// Queues a work item to the system's worker threads.
    IoQueueWorkItem = 58(IoWorkItem: PIO_WORKITEM, WorkerRoutine: PIO_WORKITEM_ROUTINE, QueueType: WORK_QUEUE_TYPE, Context: PVOID) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => work_item::queue;
    /// Frees a work item.
    IoFreeWorkItem = 59(IoWorkItem: PIO_WORKITEM) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => work_item::free;

    // Processors
    /// Index of the calling processor.
    KeGetCurrentProcessorNumber = 60() -> ULONG,
        header "ntddk.h", irql (PASSIVE, HIGH), Modelled, Plain => processors::current_number;
    /// How many processors there are and, where asked, their mask.
    KeQueryActiveProcessorCount = 61(ActiveProcessors: *mut KAFFINITY) -> ULONG,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => processors::active_count;
    /// How many processors of a group there are.
    KeQueryActiveProcessorCountEx = 310(GroupNumber: USHORT) -> ULONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => processors::count_of_group;
    /// How many processors a group may come to have: no more than there are.
    KeQueryMaximumProcessorCountEx = 311(GroupNumber: USHORT) -> ULONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => processors::count_of_group;

    // The end
    /// Stops the system with a code of the driver's.
    KeBugCheck = 312(BugCheckCode: ULONG) -> (),
        header "ntddk.h", irql (PASSIVE, HIGH), Modelled, Point => bug_check::without_parameters;
    /// Stops the system with a code and parameters of the driver's.
    KeBugCheckEx = 313(BugCheckCode: ULONG, BugCheckParameter1: ULONG_PTR, BugCheckParameter2: ULONG_PTR, BugCheckParameter3: ULONG_PTR, BugCheckParameter4: ULONG_PTR) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Point => bug_check::with_parameters;

    // Pool
    /// Allocates pool, zeroed unless told otherwise.
    ExAllocatePool2 = 62(Flags: POOL_FLAGS, NumberOfBytes: SIZE_T, Tag: ULONG) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => pool::allocate2;
    /// Allocates pool, not zeroed.
    ExAllocatePoolWithTag = 63(PoolType: POOL_TYPE, NumberOfBytes: SIZE_T, Tag: ULONG) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain, must_use => pool::allocate_with_tag;
    /// Frees pool, whatever its tag.
    ExFreePool = 64(P: PVOID) -> (),
        header "ntddk.h", irql (PASSIVE, DISPATCH), Modelled, Point => pool::free;
    /// Frees pool that has this tag (0: any).
    ExFreePoolWithTag = 65(P: PVOID, Tag: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => pool::free_with_tag;

    // Interlocked operations and lists
    /// Adds one; returns the new value.
    InterlockedIncrement = 66(Addend: PLONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::increment;
    /// Subtracts one; returns the new value.
    InterlockedDecrement = 67(Addend: PLONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::decrement;
    /// Stores a value; returns the old one.
    InterlockedExchange = 68(Target: PLONG, Value: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::exchange;
    /// Adds a value; returns the old one.
    InterlockedExchangeAdd = 69(Addend: PLONG, Value: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::exchange_add;
    /// Stores a value if the old one is as expected; returns the old one.
    InterlockedCompareExchange = 70(Destination: PLONG, ExChange: LONG, Comperand: LONG) -> LONG,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::compare_exchange;
    /// Stores a pointer; returns the old one.
    InterlockedExchangePointer = 71(Target: *mut PVOID, Value: PVOID) -> PVOID,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Cell => interlocked::exchange_pointer;
    /// Appends to a list under a spin lock; returns the former last entry or NULL.
    ExInterlockedInsertTailList = 72(ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Point => lists::insert_tail;
    /// Prepends to a list under a spin lock; returns the former first entry or NULL.
    ExInterlockedInsertHeadList = 73(ListHead: PLIST_ENTRY, ListEntry: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Point => lists::insert_head;
    /// Takes the first entry off a list under a spin lock, or NULL.
    ExInterlockedRemoveHeadList = 74(ListHead: PLIST_ENTRY, Lock: PKSPIN_LOCK) -> PLIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Point => lists::remove_head;
    /// Pushes onto a single list under a spin lock; returns the former first entry.
    ExInterlockedPushEntryList = 75(ListHead: PSINGLE_LIST_ENTRY, ListEntry: PSINGLE_LIST_ENTRY, Lock: PKSPIN_LOCK) -> PSINGLE_LIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Point => lists::push;
    /// Pops off a single list under a spin lock, or NULL.
    ExInterlockedPopEntryList = 76(ListHead: PSINGLE_LIST_ENTRY, Lock: PKSPIN_LOCK) -> PSINGLE_LIST_ENTRY,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Point => lists::pop;

    // Device and driver objects
    /// Creates a device object with an extension.
    IoCreateDevice = 77(
        DriverObject: PDRIVER_OBJECT, DeviceExtensionSize: ULONG, DeviceName: PUNICODE_STRING, DeviceType: DEVICE_TYPE,
        DeviceCharacteristics: ULONG, Exclusive: BOOLEAN, DeviceObject: *mut PDEVICE_OBJECT,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain => device::create;
    /// Deletes a device object.
    IoDeleteDevice = 78(DeviceObject: PDEVICE_OBJECT) -> (),
        header "wdm.h", irql (PASSIVE, APC), Modelled, Point => device::delete;
    /// Puts a device on top of a stack; returns the device below.
    IoAttachDeviceToDeviceStack = 79(SourceDevice: PDEVICE_OBJECT, TargetDevice: PDEVICE_OBJECT) -> PDEVICE_OBJECT,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain, must_use => device::attach;
    /// Takes the device above off this one.
    IoDetachDevice = 80(TargetDevice: PDEVICE_OBJECT) -> (),
        header "wdm.h", irql (PASSIVE, PASSIVE), Modelled, Point => device::detach;
    /// The topmost device of a stack. References are not counted.
    IoGetAttachedDeviceReference = 81(DeviceObject: PDEVICE_OBJECT) -> PDEVICE_OBJECT,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => device::get_attached;

    // IRPs
    /// Allocates an IRP.
    IoAllocateIrp = 82(StackSize: CCHAR, ChargeQuota: BOOLEAN) -> PIRP,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain, must_use => irp::allocate;
    /// Frees an IRP that the caller allocated.
    IoFreeIrp = 83(Irp: PIRP) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => irp::free;
    /// Readies an IRP that the caller allocated for another trip.
    IoReuseIrp = 84(Irp: PIRP, Iostatus: NTSTATUS) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => irp::reuse;
    /// Builds a device control request that the I/O manager completes and frees.
    IoBuildDeviceIoControlRequest = 85(
        IoControlCode: ULONG, DeviceObject: PDEVICE_OBJECT, InputBuffer: PVOID, InputBufferLength: ULONG, OutputBuffer: PVOID,
        OutputBufferLength: ULONG, InternalDeviceIoControl: BOOLEAN, Event: PKEVENT, IoStatusBlock: PIO_STATUS_BLOCK,
    ) -> PIRP,
        header "wdm.h", irql (PASSIVE, APC), Modelled, Plain, must_use => irp::build_device_io_control;
    /// Sends an IRP to a device's driver.
    IoCallDriver = 86(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Holding => irp::call_driver;
    /// Sends a power IRP to a device's driver: IoCallDriver, since Windows Vista.
    PoCallDriver = 200(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Holding => irp::call_driver;
    /// Lets the next power IRP come: it comes by itself since Windows Vista.
    PoStartNextPowerIrp = 201(Irp: PIRP) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Ignored, Plain => irp::start_next_power;
    /// Completes an IRP: runs the completion routines of the drivers above, inside the call.
    IoCompleteRequest = 87(Irp: PIRP, PriorityBoost: CCHAR) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Holding => irp::complete;
    /// Sets the routine to be called when lower drivers have completed the request, and keeps the driver
    /// loaded until then: that takes memory, so it may fail. Here drivers are unloaded when their requests
    /// have ended, and nothing has to be kept.
    IoSetCompletionRoutineEx = 202(
        DeviceObject: PDEVICE_OBJECT, Irp: PIRP, CompletionRoutine: PIO_COMPLETION_ROUTINE, Context: PVOID,
        InvokeOnSuccess: BOOLEAN, InvokeOnError: BOOLEAN, InvokeOnCancel: BOOLEAN,
    ) -> NTSTATUS,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain, must_use => irp::set_completion_routine_ex;
    /// Exchanges an IRP's cancel routine.
    IoSetCancelRoutine = 88(Irp: PIRP, CancelRoutine: PDRIVER_CANCEL) -> PDRIVER_CANCEL,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => cancel::set_routine;
    /// Cancels an IRP; TRUE if it had a cancel routine, which was called.
    IoCancelIrp = 89(Irp: PIRP) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Holding => cancel::cancel_irp;
    /// Takes the system-wide cancel spin lock.
    IoAcquireCancelSpinLock = 90(Irql: PKIRQL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => cancel::acquire;
    /// Gives the cancel spin lock back.
    IoReleaseCancelSpinLock = 91(Irql: KIRQL) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => cancel::release;

    // Device queues and StartIo
    /// Initializes a device queue, idle and empty.
    KeInitializeDeviceQueue = 92(DeviceQueue: PKDEVICE_QUEUE) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => device_queue::initialize;
    /// Queues an entry at the tail; FALSE if the queue was idle and is busy now.
    KeInsertDeviceQueue = 93(DeviceQueue: PKDEVICE_QUEUE, DeviceQueueEntry: PKDEVICE_QUEUE_ENTRY) -> BOOLEAN,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => device_queue::insert;
    /// Queues an entry by key; FALSE if the queue was idle and is busy now.
    KeInsertByKeyDeviceQueue = 94(DeviceQueue: PKDEVICE_QUEUE, DeviceQueueEntry: PKDEVICE_QUEUE_ENTRY, SortKey: ULONG) -> BOOLEAN,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => device_queue::insert_by_key;
    /// Takes the first entry; NULL makes the queue idle.
    KeRemoveDeviceQueue = 95(DeviceQueue: PKDEVICE_QUEUE) -> PKDEVICE_QUEUE_ENTRY,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => device_queue::remove;
    /// Takes the first entry whose key is not below SortKey, else the first; NULL makes the queue idle.
    KeRemoveByKeyDeviceQueue = 96(DeviceQueue: PKDEVICE_QUEUE, SortKey: ULONG) -> PKDEVICE_QUEUE_ENTRY,
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Point => device_queue::remove_by_key;
    /// Takes one entry out; FALSE if it was not queued.
    KeRemoveEntryDeviceQueue = 97(DeviceQueue: PKDEVICE_QUEUE, DeviceQueueEntry: PKDEVICE_QUEUE_ENTRY) -> BOOLEAN,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => device_queue::remove_entry;
    /// Gives a request to StartIo, or queues it while another is current.
    IoStartPacket = 98(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Key: PULONG, CancelFunction: PDRIVER_CANCEL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Holding => packet::start;
    /// Gives the next queued request to StartIo, inside the call.
    IoStartNextPacket = 99(DeviceObject: PDEVICE_OBJECT, Cancelable: BOOLEAN) -> (),
        header "wdm.h", irql (DISPATCH, DISPATCH), Modelled, Holding => packet::start_next;
    /// As IoStartNextPacket, by key.
    IoStartNextPacketByKey = 100(DeviceObject: PDEVICE_OBJECT, Cancelable: BOOLEAN, Key: ULONG) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Holding => packet::start_next_by_key;
    /// Sets whether StartIo may nest and whether requests in it can be cancelled.
    IoSetStartIoAttributes = 101(DeviceObject: PDEVICE_OBJECT, DeferredStartIo: BOOLEAN, NonCancelable: BOOLEAN) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => packet::set_attributes;

    // Memory descriptor lists and addresses
    /// Allocates an MDL for a buffer, and hangs it on an IRP if one is given.
    IoAllocateMdl = 102(VirtualAddress: PVOID, Length: ULONG, SecondaryBuffer: BOOLEAN, ChargeQuota: BOOLEAN, Irp: PIRP) -> PMDL,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => mdl::allocate;
    /// Frees an MDL.
    IoFreeMdl = 103(Mdl: PMDL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Point => mdl::free;
    /// Fills in an MDL for a nonpaged buffer.
    MmBuildMdlForNonPagedPool = 104(MemoryDescriptorList: PMDL) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain => mdl::build_for_nonpaged_pool;
    /// The system address of an MDL's buffer; NULL if there is none.
    MmGetSystemAddressForMdlSafe = 105(Mdl: PMDL, Priority: ULONG) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain, must_use => mdl::system_address;
    /// The physical address of a nonpaged one.
    MmGetPhysicalAddress = 106(BaseAddress: PVOID) -> PHYSICAL_ADDRESS,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Plain => mdl::physical_address;
    /// Maps device registers.
    MmMapIoSpace = 107(PhysicalAddress: PHYSICAL_ADDRESS, NumberOfBytes: SIZE_T, CacheType: MEMORY_CACHING_TYPE) -> PVOID,
        header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Plain, must_use => mdl::map_io_space;
    /// Unmaps device registers. Windows of devices are always mapped here.
    MmUnmapIoSpace = 108(BaseAddress: PVOID, NumberOfBytes: SIZE_T) -> (),
        header "wdm.h", irql (PASSIVE, DISPATCH), Ignored, Plain => mdl::unmap_io_space;

    // Registers
    /// Reads an 8-bit register.
    READ_REGISTER_UCHAR = 109(Register: *mut u8) -> u8,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Register => registers::read_u8;
    /// Reads a 16-bit register.
    READ_REGISTER_USHORT = 110(Register: *mut u16) -> u16,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Register => registers::read_u16;
    /// Reads a 32-bit register.
    READ_REGISTER_ULONG = 111(Register: *mut u32) -> u32,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Register => registers::read_u32;
    /// Reads a 64-bit register.
    READ_REGISTER_ULONG64 = 112(Register: *mut u64) -> u64,
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Register => registers::read_u64;
    /// Writes an 8-bit register.
    WRITE_REGISTER_UCHAR = 113(Register: *mut u8, Value: u8) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => registers::write_u8;
    /// Writes a 16-bit register.
    WRITE_REGISTER_USHORT = 114(Register: *mut u16, Value: u16) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => registers::write_u16;
    /// Writes a 32-bit register.
    WRITE_REGISTER_ULONG = 115(Register: *mut u32, Value: u32) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => registers::write_u32;
    /// Writes a 64-bit register.
    WRITE_REGISTER_ULONG64 = 116(Register: *mut u64, Value: u64) -> (),
        header "wdm.h", irql (PASSIVE, HIGH), Modelled, Object => registers::write_u64;
}
